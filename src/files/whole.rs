//! Files that are there whole or not at all.
//!
//! A [`WholeFile`] grows beside the one it is to become, as `.NAME-….part`, and takes its place
//! only at the end, in one step: until then, and whatever goes wrong, what was there stays as it
//! was. Where a path is a link, the file that it leads to is replaced and the link stays.

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

/// Links that are followed one after the other before a path counts as a circle, as Linux does.
const MOST_LINKS: usize = 40;

/// Letters of the file's name that stand in the name of the one that grows; the longest name that a
/// folder takes has room for no more.
const NAME_LETTERS: usize = 40;

/// A file that takes its place once it is whole; gone if it never is.
pub struct WholeFile {
    target: PathBuf,
    /// Removed when it is dropped.
    growing: TempPath,
    writer: BufWriter<File>,
}

impl WholeFile {
    /// Begins a file that is to stand at `path`; nothing is there before [`WholeFile::finish`].
    ///
    /// # Errors
    /// Where nothing can be made in the folder of `path`, or what is there is a folder, a device,
    /// or must not be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let target = followed(path)?;
        let name = target.file_name().ok_or_else(|| error("it names no file"))?.to_string_lossy();
        let replaced = fs::metadata(&target).ok();
        if let Some(replaced) = &replaced {
            may_be_replaced(replaced)?;
        }
        let prefix = format!(".{}-", name.chars().take(NAME_LETTERS).collect::<String>());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".part");
        // For everybody, less what the user's umask takes away: as any program makes its files.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let made = builder.tempfile_in(folder_of(&target));
        // In the system's words alone: the crate adds the name of a file that nobody has asked for.
        let (file, growing) = made.map_err(|error| io::Error::from(error.kind()))?.into_parts();
        if let Some(replaced) = &replaced {
            take_over(&file, replaced)?;
        }
        Ok(Self { target, growing, writer: BufWriter::new(file) })
    }

    /// Where it grows.
    #[must_use]
    pub fn growing_at(&self) -> &Path {
        &self.growing
    }

    /// Takes its place.
    ///
    /// # Errors
    /// Where the last of it cannot be written, or not take that place; then it is gone and what was
    /// there stays.
    pub fn finish(self) -> io::Result<()> {
        let file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        // A file that took another's place before its content reached the disk would be lost with
        // the power.
        file.sync_all()?;
        Ok(self.growing.persist(&self.target)?)
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Seek for WholeFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.writer.seek(to)
    }
}

/// Where a path leads: the end of its links, though nothing may be there.
///
/// # Errors
/// Where links lead in a circle.
pub fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(next) = fs::read_link(&path) else { return Ok(path) };
        path = folder_of(&path).join(next);
    }
    Err(error("its links lead in a circle"))
}

/// The folder that a path lies in.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Only a file that its owner may write is replaced: taking its place would pass over that it is
/// protected.
fn may_be_replaced(there: &Metadata) -> io::Result<()> {
    if there.is_dir() {
        return Err(error("it is a folder"));
    }
    if !there.is_file() {
        return Err(error("it is a device or a pipe"));
    }
    if there.permissions().readonly() {
        return Err(error("it is write-protected"));
    }
    Ok(())
}

/// Gives `file` the owner and the permissions of the one that it replaces.
fn take_over(file: &File, replaced: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // Only the superuser may give a file away; everybody else owns what they make.
        let _given = std::os::unix::fs::fchown(file, Some(replaced.uid()), Some(replaced.gid()));
    }
    file.set_permissions(replaced.permissions())
}

fn error(words: &str) -> io::Error {
    io::Error::other(words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in a folder, sorted.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn write(path: &Path, text: &str) -> io::Result<()> {
        let mut file = WholeFile::create(path)?;
        file.write_all(text.as_bytes())?;
        file.finish()
    }

    #[test]
    fn a_file_is_there_only_once_it_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mood.csv");
        fs::write(&path, "before").unwrap();
        let mut file = WholeFile::create(&path).unwrap();
        file.write_all(b"after").unwrap();
        file.flush().unwrap();
        assert!(file.growing_at().exists());
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        drop(WholeFile::create(&path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        assert_eq!(names(folder.path()), ["mood.csv"]);
    }

    #[test]
    fn folders_and_protected_files_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("protected.csv");
        fs::write(&path, "before").unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        assert!(write(&path, "after").unwrap_err().to_string().contains("write-protected"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        assert!(write(folder.path(), "after").unwrap_err().to_string().contains("a folder"));
        assert!(write(&folder.path().join("none/mood.csv"), "").is_err());
        assert_eq!(names(folder.path()), ["protected.csv"]);
    }

    #[test]
    fn a_name_as_long_as_the_system_takes_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let name = "n".repeat(255);
        write(&folder.path().join(&name), "long").unwrap();
        assert_eq!(names(folder.path()), [name]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_the_file_behind_it_is_replaced() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("real.csv"), folder.path().join("link.csv"));
        symlink("real.csv", &link).unwrap();
        write(&link, "made through a link to nothing").unwrap();
        write(&link, "after").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        symlink(&a, &b).unwrap();
        symlink(&b, &a).unwrap();
        assert!(write(&a, "").unwrap_err().to_string().contains("circle"));
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_that_any_program_leaves() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (plain, path) = (folder.path().join("plain"), folder.path().join("mood.csv"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        fs::write(&plain, "").unwrap();
        write(&path, "new").unwrap();
        assert_eq!(mode(&path), mode(&plain));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write(&path, "again").unwrap();
        assert_eq!(mode(&path), 0o640);
    }
}
