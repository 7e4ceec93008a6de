//! Which files a command reads: those that were named, and the audio in folders that were.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use moodring::decode::EXTENSIONS;
use walkdir::{DirEntry, WalkDir};

use crate::labels::Labels;
use crate::out::tell;

/// The place of a file's ending among those of audio; `None` where it is none of them. Of one song
/// in several files the one whose ending comes first is read: what is as it was recorded before
/// what was made smaller.
pub fn ending(path: &Path) -> Option<usize> {
    let ending = path.extension()?.to_str()?;
    EXTENSIONS.iter().position(|audio| ending.eq_ignore_ascii_case(audio))
}

/// `text` without an ending that audio files have.
pub fn without_ending(text: &str) -> &str {
    match text.rsplit_once('.') {
        Some((stem, _)) if ending(Path::new(text)).is_some() => stem,
        _ => text,
    }
}

/// The files to read.
pub struct Gathered {
    /// Each once, in the order named; those of a folder sorted.
    pub files: Vec<PathBuf>,
    /// Whether something in a folder could not be looked at, and that was told.
    pub has_gaps: bool,
}

/// The files of `named`, and the audio files in and under the folders among them. Hidden files and
/// folders are passed over, and so are the `._` files that macOS leaves beside others; of several
/// names for one file in a folder the first is taken.
///
/// # Errors
/// Where a folder has no audio in it.
pub fn gather(named: &[PathBuf]) -> anyhow::Result<Gathered> {
    let mut gathered = Gathered { files: Vec::new(), has_gaps: false };
    let (mut spelled, mut real) = (HashSet::new(), HashSet::new());
    for path in named {
        if path.is_dir() {
            let found = audio_in(path, &mut gathered.has_gaps);
            ensure!(
                !found.is_empty(),
                "{}: no audio files in this folder or under it ({})",
                path.display(),
                EXTENSIONS.join(", ")
            );
            for file in found {
                if real.insert(file.canonicalize().unwrap_or(file.clone())) {
                    spelled.insert(std::path::absolute(&file).unwrap_or(file.clone()));
                    gathered.files.push(file);
                }
            }
        } else if spelled.insert(std::path::absolute(path).unwrap_or(path.clone())) {
            // Who names two links to one file wants to see both.
            real.insert(path.canonicalize().unwrap_or(path.clone()));
            gathered.files.push(path.clone());
        }
    }
    Ok(gathered)
}

/// The audio files in and under `folder`, sorted. Links are followed, though not round in circles.
fn audio_in(folder: &Path, has_gaps: &mut bool) -> Vec<PathBuf> {
    let is_shown = |entry: &DirEntry| {
        entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    let mut found = Vec::new();
    for entry in WalkDir::new(folder).follow_links(true).into_iter().filter_entry(is_shown) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && ending(entry.path()).is_some() => {
                found.push(entry.into_path());
            }
            Ok(_) => {}
            Err(circle) if circle.loop_ancestor().is_some() => {}
            // A link to nothing is of no importance, unless it stands for audio.
            Err(why)
                if why.path().is_some_and(|path| path.is_symlink() && ending(path).is_none()) => {}
            Err(why) => {
                *has_gaps = true;
                let path = why.path().unwrap_or(folder).display().to_string();
                let why = why.into_io_error().map_or_else(String::new, |why| why.to_string());
                tell(format_args!("error: {path}: cannot be looked at: {why}"));
            }
        }
    }
    found.sort();
    found
}

/// A song of a labelled collection.
pub struct Song {
    /// As the labels call it.
    pub name: String,
    /// The file that is read.
    pub file: PathBuf,
}

/// The songs in and under a folder, in the order of their files; and all files that are there.
///
/// A song is a file name without its ending, or, where the labels call it so, the path to it from
/// `folder`, with `/` between. Files of one folder that differ in their ending alone are one song,
/// of which the best copy is read.
///
/// # Errors
/// Where there is no audio, or one name stands for files in several folders, so that nobody knows
/// which of them is meant.
pub fn songs(folder: &Path, labels: &Labels) -> anyhow::Result<(Vec<Song>, Gathered)> {
    ensure!(folder.is_dir(), "{}: there is no such folder of audio", folder.display());
    let gathered = gather(&[folder.to_owned()])?;
    // By the path without an ending: files that differ in it alone.
    let mut copies: BTreeMap<PathBuf, Vec<&PathBuf>> = BTreeMap::new();
    for file in &gathered.files {
        copies.entry(file.with_extension("")).or_default().push(file);
    }
    let mut songs: BTreeMap<String, &PathBuf> = BTreeMap::new();
    for (stem, mut files) in copies {
        files.sort_by_key(|file| ending(file));
        let name = name_of(folder, &stem, labels);
        if files.len() > 1 {
            let (n, used) = (files.len(), files[0].display());
            tell(format_args!("note: {name}: {n} files of one song, of which {used} is read"));
        }
        if let Some(other) = songs.insert(name.clone(), files[0]) {
            bail!(
                "{} and {} are both called {name} in the labels; call them by their folders too: {}",
                other.display(),
                files[0].display(),
                below(folder, &stem)
            );
        }
    }
    let songs = songs.into_iter().map(|(name, file)| Song { name, file: file.clone() });
    let mut songs: Vec<Song> = songs.collect();
    songs.sort_by(|a, b| a.file.cmp(&b.file));
    Ok((songs, gathered))
}

/// What the labels call the file at `stem`, a path without ending: its path or its name. One that
/// they do not know has its path.
fn name_of(folder: &Path, stem: &Path, labels: &Labels) -> String {
    let path = below(folder, stem);
    let name = stem.file_name().unwrap_or_default().to_string_lossy();
    if !labels.has(&path) && labels.has(&name) { name.into_owned() } else { path }
}

/// The path from `folder` to `path`, with `/` between.
fn below(folder: &Path, path: &Path) -> String {
    let inner = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = inner.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
