//! Paths as text that a project can keep: whatever the system takes for a path survives.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Begins the text of a path that is not Unicode, followed by its units in hexadecimal digits. No
/// path has it: systems end theirs with it.
const RAW: char = '\0';

/// Hexadecimal digits of a unit: of a byte, or of half a code point on Windows.
const DIGITS: usize = 2 * size_of::<OsUnit>();

#[cfg(not(windows))]
type OsUnit = u8;
#[cfg(windows)]
type OsUnit = u16;

/// The path as text; empty for none.
#[must_use]
pub fn to_text(path: Option<&Path>) -> String {
    let Some(path) = path else { return String::new() };
    match path.to_str() {
        Some(text) => text.to_owned(),
        None => {
            let digits = units(path).into_iter().map(|unit| format!("{unit:0DIGITS$x}"));
            std::iter::once(RAW.to_string()).chain(digits).collect()
        }
    }
}

/// The path of which [`to_text`] made this text, or which somebody wrote by hand, blanks at its
/// ends left out; `None` where there is nothing else.
#[must_use]
pub fn from_text(text: &str) -> Option<PathBuf> {
    if let Some(digits) = text.strip_prefix(RAW) {
        let unit = |digits: &[u8]| {
            let digits = std::str::from_utf8(digits).ok()?;
            OsUnit::from_str_radix(digits, 16).ok()
        };
        let units: Option<Vec<OsUnit>> = digits.as_bytes().chunks(DIGITS).map(unit).collect();
        return units.filter(|units| !units.is_empty()).map(|units| of_units(units).into());
    }
    let text = text.trim();
    (!text.is_empty()).then(|| PathBuf::from(text))
}

#[cfg(unix)]
fn units(path: &Path) -> Vec<OsUnit> {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec()
}

#[cfg(unix)]
fn of_units(units: Vec<OsUnit>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(units)
}

#[cfg(windows)]
fn units(path: &Path) -> Vec<OsUnit> {
    std::os::windows::ffi::OsStrExt::encode_wide(path.as_os_str()).collect()
}

#[cfg(windows)]
fn of_units(units: Vec<OsUnit>) -> OsString {
    std::os::windows::ffi::OsStringExt::from_wide(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_survives() {
        let mut paths =
            vec![PathBuf::from("/tmp/söng \"1\".csv"), PathBuf::from("C:\\a b\\c.onnx")];
        #[cfg(unix)]
        paths.push(of_units(b"/tmp/caf\xe9/\xff.csv".to_vec()).into());
        #[cfg(windows)]
        paths.push(of_units(vec![u16::from(b'a'), 0xd800]).into());
        for path in &paths {
            let text = to_text(Some(path));
            assert_eq!(from_text(&text).as_ref(), Some(path), "{text:?}");
        }
        assert_eq!(from_text(&to_text(None)), None);
    }

    #[test]
    fn what_is_no_path_is_none() {
        for text in ["", "  ", "\n", "\0", "\0zz", "\0é"] {
            assert_eq!(from_text(text), None, "{text:?}");
        }
        assert_eq!(from_text(" /a b/c.onnx\n"), Some("/a b/c.onnx".into()));
    }
}
