//! Where the pictures of several files go: each to a name of its own.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A picture's path for each of `files`, beside `picture` and named after it: PNG-NAME.png.
///
/// NAME is the file's without its ending; for those that would share it, the ending too; for those
/// that still would, as many of their folders as it takes. Upper and lower case make no difference,
/// since some systems know none.
pub fn beside(picture: &Path, files: &[PathBuf]) -> Vec<PathBuf> {
    let base = picture.file_stem().unwrap_or_default().to_string_lossy();
    let path = |name: String| picture.with_file_name(format!("{base}-{name}.png"));
    names(files).into_iter().map(path).collect()
}

/// The file's name, with its ending and then its folders as it takes more and more of them to tell
/// it from others.
fn name(file: &Path, level: usize) -> String {
    let text = |part: &OsStr| part.to_string_lossy().into_owned();
    let Some(n_folders) = level.checked_sub(1) else {
        return text(file.file_stem().unwrap_or_default());
    };
    let folders = file.parent().into_iter().flat_map(Path::components);
    let folders: Vec<String> = folders
        .filter(|part| matches!(part, std::path::Component::Normal(_)))
        .map(|part| text(part.as_os_str()))
        .collect();
    let own = folders.len().saturating_sub(n_folders);
    let parts = folders[own..].iter().cloned();
    parts.chain([text(file.file_name().unwrap_or_default())]).collect::<Vec<_>>().join("-")
}

fn names(files: &[PathBuf]) -> Vec<String> {
    let whole: Vec<PathBuf> =
        files.iter().map(|file| std::path::absolute(file).unwrap_or(file.clone())).collect();
    let mut levels = vec![0; files.len()];
    let most: Vec<usize> = whole.iter().map(|file| file.components().count()).collect();
    loop {
        let names: Vec<String> =
            whole.iter().zip(&levels).map(|(file, &n)| name(file, n)).collect();
        let mut same: HashMap<String, Vec<usize>> = HashMap::new();
        for (i, name) in names.iter().enumerate() {
            same.entry(name.to_lowercase()).or_default().push(i);
        }
        let alike = same.into_values().filter(|alike| alike.len() > 1).flatten();
        let raised: Vec<usize> = alike.filter(|&i| levels[i] < most[i]).collect();
        if raised.is_empty() {
            return numbered(names);
        }
        raised.into_iter().for_each(|i| levels[i] += 1);
    }
}

/// Names that are still alike, as those of `a-b/c` and `a/b-c` are, get a number each.
fn numbered(names: Vec<String>) -> Vec<String> {
    let mut taken: HashSet<String> = HashSet::new();
    let all: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let mut own = |name: String| {
        if taken.insert(name.to_lowercase()) {
            return name;
        }
        let numbers = (2..).map(|n| format!("{name}-{n}"));
        let free = |name: &String| {
            let lower = name.to_lowercase();
            !all.contains(&lower) && taken.insert(lower)
        };
        // There are more numbers than names.
        numbers.into_iter().find(free).unwrap_or(name)
    };
    names.into_iter().map(&mut own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(files: &[&str]) -> Vec<String> {
        let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
        let pictures = beside(Path::new("out/m.png"), &files);
        pictures.iter().map(|path| path.to_str().unwrap().replace('\\', "/")).collect()
    }

    #[test]
    fn a_picture_is_named_after_its_file() {
        assert_eq!(named(&["x/a.wav", "y/b.c.mp3"]), ["out/m-a.png", "out/m-b.c.png"]);
    }

    #[test]
    fn files_of_one_name_get_as_much_of_their_path_as_tells_them_apart() {
        assert_eq!(
            named(&["a.wav", "a.mp3", "b.wav"]),
            ["out/m-a.wav.png", "out/m-a.mp3.png", "out/m-b.png"]
        );
        assert_eq!(
            named(&["/x/1/a.wav", "/x/2/A.WAV", "/x/2/a.mp3"]),
            ["out/m-1-a.wav.png", "out/m-2-A.WAV.png", "out/m-a.mp3.png"]
        );
        assert_eq!(
            named(&["/x/1/cd/a.wav", "/x/2/cd/a.wav"]),
            ["out/m-1-cd-a.wav.png", "out/m-2-cd-a.wav.png"]
        );
    }

    #[test]
    fn no_two_files_share_a_picture_whatever_they_are_called() {
        let files = ["/a-b/c.wav", "/a/b-c.wav", "/b-c.wav", "/c.wav", "/a/c.wav", "/a/b/c.wav"];
        let names: HashSet<String> = named(&files).into_iter().collect();
        assert_eq!(names.len(), files.len(), "{names:?}");
    }

    #[test]
    fn the_order_of_the_files_does_not_matter() {
        let (there, back) =
            (["/1/a.wav", "/2/a.wav", "/b.wav"], ["/b.wav", "/2/a.wav", "/1/a.wav"]);
        let mut reversed = named(&back);
        reversed.reverse();
        assert_eq!(named(&there), reversed);
    }
}
