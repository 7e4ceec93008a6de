//! Looks at all that a command is to read and write before any of it is opened: an input is never
//! written, nothing is written twice, and what somebody else wrote is only replaced if the user
//! says so.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use moodring::files::whole::folder_of;

use super::kind::Kind;
use super::sink::{is_standard, replaced_file};

/// A file by what it is and not by what it is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Identity {
    /// Device and number of a file that is there.
    #[cfg(unix)]
    Node(u64, u64),
    /// Where it is, or would be, links followed.
    Place(PathBuf),
}

/// An output.
struct Output {
    path: PathBuf,
    /// The option that named it.
    option: &'static str,
    kind: Kind,
}

/// What a command reads and writes.
#[derive(Default)]
pub struct Plan {
    /// With what each is to the user.
    inputs: Vec<(&'static str, PathBuf)>,
    outputs: Vec<Output>,
    writes_to_stdout: bool,
    /// Replace what somebody else wrote.
    force: bool,
}

impl Plan {
    /// Nothing yet; `force` replaces what somebody else wrote.
    pub fn new(force: bool) -> Self {
        Self { force, ..Self::default() }
    }

    /// Adds an input: "the input", "the labels".
    pub fn reads(&mut self, what: &'static str, path: impl Into<PathBuf>) {
        self.inputs.push((what, path.into()));
    }

    /// Adds a model and its card.
    pub fn reads_model(&mut self, path: Option<&Path>) {
        if let Some(path) = path {
            self.reads("the model", path);
            self.reads("the model's card", path.with_extension("json"));
        }
    }

    /// Adds an output that `option` names.
    pub fn writes(&mut self, option: &'static str, path: impl Into<PathBuf>, kind: Kind) {
        self.outputs.push(Output { path: path.into(), option, kind });
    }

    /// Something goes to standard output.
    pub fn writes_to_stdout(&mut self) {
        self.writes_to_stdout = true;
    }

    /// Whether all of it can go ahead. Opens nothing but what is to be replaced, to see whose it
    /// is.
    ///
    /// # Errors
    /// With both names where two are one file, and with what to do.
    pub fn check(&self) -> anyhow::Result<()> {
        let inputs: HashMap<Identity, &(&str, PathBuf)> = self
            .inputs
            .iter()
            .filter_map(|input| Some((Identity::of_file(as_file(&input.1))?, input)))
            .collect();
        let clash = |identity: &Identity, output: &str| -> anyhow::Result<()> {
            if let Some((what, input)) = inputs.get(identity) {
                let input = input.display();
                bail!("{output} is {what} {input}, which it would destroy; choose another name");
            }
            Ok(())
        };
        let missing = self.inputs.iter().map(|(_, path)| path.as_path()).find(|path| {
            let found = fs::metadata(as_file(path));
            found.is_err_and(|why| why.kind() == io::ErrorKind::NotFound)
        });
        let mut seen: HashMap<Identity, &Output> = HashMap::new();
        let mut to_stdout = self.writes_to_stdout;
        for output in &self.outputs {
            to_stdout |= is_standard(&output.path);
            let Some(file) = replaced_file(&output.path) else { continue };
            if let Some(identity) = Identity::of_output(&file) {
                clash(&identity, &output.words())?;
                if let Some(other) = seen.insert(identity, output) {
                    let (one, another) = (other.words(), output.words());
                    bail!("{one} and {another} are one file; choose different names");
                }
            }
            self.may_replace(output, &file, missing)?;
        }
        if to_stdout && let Some(identity) = Identity::of_stdout() {
            clash(&identity, "standard output")?;
        }
        Ok(())
    }

    /// Whether what is at `file` may be replaced by the output that leads there.
    fn may_replace(
        &self,
        output: &Output,
        file: &Path,
        missing: Option<&Path>,
    ) -> anyhow::Result<()> {
        let words = output.words();
        let Ok(there) = fs::metadata(file) else {
            let folder = folder_of(file);
            let there = fs::metadata(folder);
            let there = there.with_context(|| format!("{words}: its folder cannot be found"))?;
            ensure!(there.is_dir(), "{words}: {} is no folder", folder.display());
            return Ok(());
        };
        ensure!(!there.is_dir(), "{words} is a folder; name a file in it");
        if there.len() > 0 && !self.force {
            ensure!(
                output.kind.wrote(file),
                "{words} holds something other than {}, and is left as it is; choose another name, or replace it with --force",
                output.kind.words()
            );
        }
        // What a whole run wrote is not replaced by what a part of it would.
        if let Some(missing) = missing {
            let (missing, output) = (missing.display(), output.path.display());
            bail!("{missing}: there is no such file; {output} is left as it was");
        }
        Ok(())
    }
}

impl Output {
    fn words(&self) -> String {
        format!("{} {}", self.option, self.path.display())
    }
}

impl Identity {
    /// Of a file that is there.
    fn of_file(path: &Path) -> Option<Self> {
        #[cfg(unix)]
        return fs::metadata(path).ok().as_ref().and_then(Self::of_metadata);
        #[cfg(not(unix))]
        return fs::canonicalize(path).ok().map(Self::Place);
    }

    /// Of a file that may yet have to be made.
    fn of_output(path: &Path) -> Option<Self> {
        let new =
            || Some(Self::Place(folder_of(path).canonicalize().ok()?.join(path.file_name()?)));
        Self::of_file(path).or_else(new)
    }

    /// Of the file that standard output was sent to; `None` where it is not a file.
    fn of_stdout() -> Option<Self> {
        #[cfg(unix)]
        {
            use std::os::fd::AsFd;
            let stdout = io::stdout().as_fd().try_clone_to_owned().ok()?;
            fs::File::from(stdout).metadata().ok().as_ref().and_then(Self::of_metadata)
        }
        #[cfg(not(unix))]
        None
    }

    /// `None` for pipes and devices, which nothing destroys.
    #[cfg(unix)]
    fn of_metadata(there: &fs::Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        there.is_file().then(|| Self::Node(there.dev(), there.ino()))
    }
}

/// Where an input lies: `-` is whatever standard input was taken from.
fn as_file(path: &Path) -> &Path {
    if path == Path::new("-") { Path::new("/dev/stdin") } else { path }
}
