//! Files whose path comes from a project or a stranger: regular ones only, and no more of them than
//! was asked for.
//!
//! A pipe without a writer never opens, a device never ends, and a folder is not a file. Nothing
//! here waits for any of them. What can still take for ever is a network drive that is gone: who
//! must not wait has it done by a thread that can be left behind.

#[cfg(feature = "plot")]
pub mod whole;

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Opens a regular file as `options` say, or makes one where they do.
///
/// # Errors
/// Those of the system, and one in words for whatever is not a regular file.
pub fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // To open a device may do something, so it is looked at before; and again after, for it may
    // have been replaced between.
    match path.metadata() {
        Ok(metadata) => expect_file(&metadata)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    expect_file(&file.metadata()?)?;
    Ok(file)
}

/// The content of a regular file of up to `most_bytes`.
///
/// # Errors
/// As [`open`]; [`FileTooLarge`](io::ErrorKind::FileTooLarge) where there is more.
pub fn read(path: &Path, most_bytes: u64) -> io::Result<Vec<u8>> {
    let file = open(path, OpenOptions::new().read(true))?;
    let mut bytes = Vec::new();
    // It may grow while it is read, and some that are not devices have no length either.
    if file.metadata()?.len() <= most_bytes {
        file.take(most_bytes + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= most_bytes {
            return Ok(bytes);
        }
    }
    let words = format!("it has more than {most_bytes} bytes");
    Err(io::Error::new(io::ErrorKind::FileTooLarge, words))
}

fn expect_file(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let words = format!("it is {}, not a file", kind(metadata));
    Err(io::Error::new(io::ErrorKind::InvalidInput, words))
}

/// What something is that is not a file, in words.
fn kind(metadata: &Metadata) -> &'static str {
    if metadata.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
        if kind.is_socket() {
            return "a socket";
        }
    }
    "something else"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("moodring-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_file_is_read_up_to_what_was_asked_for() {
        let folder = folder("files");
        let path = folder.join("file");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read(&folder.join("none"), 4).unwrap_err().kind(), io::ErrorKind::NotFound);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn pipes_devices_and_folders_are_named_at_once_and_not_opened() {
        let folder = folder("no-files");
        let pipe = folder.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let kinds = [
            (pipe.as_path(), "a pipe"),
            (Path::new("/dev/zero"), "a device"),
            (Path::new("/dev/full"), "a device"),
            (folder.as_path(), "a folder"),
        ];
        for (path, kind) in kinds {
            for options in
                [OpenOptions::new().read(true), OpenOptions::new().append(true).create(true)]
            {
                let error = open(path, options).unwrap_err();
                assert!(error.to_string().contains(kind), "{}: {error}", path.display());
            }
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_without_a_length_is_read_no_further_than_asked_for() {
        // Regular by its kind, of length 0 by its word, and megabytes long.
        let error = read(Path::new("/proc/kallsyms"), 1000).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge, "{error}");
    }
}
