//! A file dialog inside the window: hosts disagree about windows of a plugin's own, and on a stage
//! nothing may lie behind another.
//!
//! Folders are read when they are entered, never while painting, and by somebody else: a drive that
//! is gone answers no call, and the window must go on.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use egui::accesskit::Role;
use egui::{
    Align, Key, Layout, Rect, RichText, ScrollArea, TextEdit, Ui, UiBuilder, WidgetInfo, vec2,
};

use crate::editor::command::Command;
use crate::editor::strings;
use crate::editor::theme::Theme;
use crate::editor::widgets::hint::hinted;
use crate::errand::Errand;
use crate::export::Format;
use crate::outputs::settings::FileKind;

/// Most entries of a folder that are listed.
const MAX_ENTRIES: usize = 2000;

/// How long a folder may take to be read, and the window stand still for it.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// What a file is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Model,
    Output(&'static FileKind),
    Export(Format),
}

impl Purpose {
    fn extension(self) -> &'static str {
        match self {
            Self::Model => "onnx",
            Self::Output(kind) => kind.word,
            Self::Export(format) => format.extension(),
        }
    }
}

/// A folder or a file of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    is_file: bool,
    name: String,
}

/// An open file dialog.
#[derive(Clone, Debug, PartialEq)]
pub struct Picker {
    purpose: Purpose,
    folder: PathBuf,
    /// The folder as it is typed.
    typed: String,
    /// The file's name.
    name: String,
    entries: Vec<Entry>,
    problem: Option<String>,
}

/// How a file dialog is getting on.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// Still open.
    Open,
    /// Closed without a choice.
    Cancelled,
    /// Closed with one.
    Chosen(Command),
}

impl Picker {
    /// Asks for a model, beside the present one if there is one.
    #[must_use]
    pub fn for_model(present: Option<&Path>) -> Self {
        let folder = present.and_then(Path::parent).map_or_else(home, Path::to_owned);
        Self::new(Purpose::Model, folder, String::new())
    }

    /// Asks which file an output of this kind is to write, beside the present one if there is one.
    #[must_use]
    pub fn for_output(kind: &'static FileKind, present: Option<&Path>) -> Self {
        let folder = present.and_then(Path::parent).map_or_else(home, Path::to_owned);
        let name =
            present.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_else(|| format!("readings.{}", kind.word));
        Self::new(Purpose::Output(kind), folder, name)
    }

    /// Asks where to write a file of `format`.
    #[must_use]
    pub fn for_export(format: Format) -> Self {
        Self::new(Purpose::Export(format), home(), format!("moodring.{}", format.extension()))
    }

    fn new(purpose: Purpose, folder: PathBuf, name: String) -> Self {
        let (typed, entries) = (String::new(), Vec::new());
        let mut picker =
            Self { purpose, folder: PathBuf::new(), typed, name, entries, problem: None };
        picker.enter(folder);
        picker
    }

    /// Goes to `folder`; stays, with a word why, where it cannot be read.
    fn enter(&mut self, folder: PathBuf) {
        self.enter_with(entries, folder);
    }

    /// As [`enter`](Self::enter), with `read` to read a folder.
    fn enter_with(&mut self, read: ReadFolder, folder: PathBuf) {
        match answered(read, &folder, self.purpose.extension()) {
            Ok(entries) => {
                self.typed = folder.display().to_string();
                (self.folder, self.entries, self.problem) = (folder, entries, None);
            }
            Err(why) => self.problem = Some(strings::unreadable(&folder, &why)),
        }
    }

    /// What choosing the named file amounts to; `None` while none is named.
    fn choice(&self) -> Option<Command> {
        let name = self.name.trim();
        if name.is_empty() {
            return None;
        }
        let mut path = self.folder.join(name);
        Some(match self.purpose {
            Purpose::Model => Command::UseModel(Some(path)),
            Purpose::Output(kind) => {
                if path.extension().is_none() {
                    path.set_extension(Format::Csv.extension());
                }
                Command::Write(kind, Some(path))
            }
            Purpose::Export(format) => {
                if path.extension().is_none() {
                    path.set_extension(format.extension());
                }
                Command::Export(format, path)
            }
        })
    }

    /// Shows the dialog in `rect`.
    pub fn picker_ui(&mut self, ui: &mut Ui, rect: Rect, theme: Theme) -> Outcome {
        theme.outline(ui.painter(), rect);
        let inside = rect.shrink2(vec2(theme.points(18.0), theme.points(12.0)));
        let mut outcome = Outcome::Open;
        ui.scope_builder(UiBuilder::new().max_rect(inside), |ui| {
            let title = match self.purpose {
                Purpose::Model => strings::PICK_MODEL,
                Purpose::Output(_) => strings::PICK_READINGS,
                Purpose::Export(_) => strings::PICK_EXPORT,
            };
            ui.label(RichText::new(title).color(theme.palette.muted));
            self.folder_ui(ui);
            if let Some(problem) = &self.problem {
                ui.label(RichText::new(problem).color(theme.palette.bad));
            }
            let foot = theme.points(34.0).max(24.0);
            let list = ui.available_height() - foot;
            let chosen = self.list_ui(ui, list);
            outcome = self.foot_ui(ui, chosen);
        });
        if ui.input(|input| input.key_pressed(Key::Escape)) { Outcome::Cancelled } else { outcome }
    }

    fn folder_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let up = ui.button("..");
            up.widget_info(|| WidgetInfo::labeled(Role::Button, true, strings::UP));
            let up = hinted(up, strings::UP_HINT);
            if up.clicked()
                && let Some(above) = self.folder.parent().map(Path::to_owned)
            {
                self.enter(above);
            }
            let field = TextEdit::singleline(&mut self.typed).desired_width(f32::INFINITY);
            let response = hinted(ui.add(field), strings::FOLDER_HINT);
            if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
                self.enter(PathBuf::from(self.typed.trim()));
            }
        });
    }

    /// The folder's entries; whether a file was chosen at once, by a double click.
    fn list_ui(&mut self, ui: &mut Ui, height: f32) -> bool {
        let mut entered = None;
        let mut chosen = false;
        ScrollArea::vertical().auto_shrink(false).max_height(height.max(20.0)).show(ui, |ui| {
            ui.with_layout(Layout::top_down_justified(Align::LEFT), |ui| {
                for entry in &self.entries {
                    let text =
                        if entry.is_file { entry.name.clone() } else { format!("{}/", entry.name) };
                    let is_chosen = entry.is_file && entry.name == self.name;
                    let response =
                        hinted(ui.selectable_label(is_chosen, text), strings::ENTRY_HINT);
                    if response.clicked() {
                        if entry.is_file {
                            self.name.clone_from(&entry.name);
                        } else {
                            entered = Some(self.folder.join(&entry.name));
                        }
                    }
                    chosen |= entry.is_file && response.double_clicked();
                }
            });
        });
        if let Some(folder) = entered {
            self.enter(folder);
        }
        chosen
    }

    fn foot_ui(&mut self, ui: &mut Ui, chosen: bool) -> Outcome {
        let mut outcome = Outcome::Open;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let word = match self.purpose {
                Purpose::Model => strings::OPEN,
                Purpose::Output(_) | Purpose::Export(_) => strings::SAVE,
            };
            let choice = self.choice();
            let take = ui.add_enabled(choice.is_some(), egui::Button::new(word));
            let mut is_done = hinted(take, strings::CHOOSE_HINT).clicked() || chosen;
            if hinted(ui.button(strings::CANCEL), strings::CANCEL_PICK_HINT).clicked() {
                outcome = Outcome::Cancelled;
            }
            let field = TextEdit::singleline(&mut self.name).desired_width(f32::INFINITY);
            let response = hinted(ui.add(field), strings::FILE_NAME_HINT);
            is_done |= response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if let (true, Some(choice)) = (is_done, choice) {
                outcome = Outcome::Chosen(choice);
            }
        });
        outcome
    }
}

/// Where most people keep their files.
fn home() -> PathBuf {
    std::env::home_dir().filter(|home| home.is_dir()).unwrap_or_else(|| PathBuf::from("/"))
}

/// Reads a folder, of whose files those with an extension are wanted.
type ReadFolder = fn(&Path, &str) -> io::Result<Vec<Entry>>;

/// What `read` makes of a folder; an error where it takes longer than [`ANSWER_LIMIT`].
fn answered(read: ReadFolder, folder: &Path, extension: &'static str) -> io::Result<Vec<Entry>> {
    let path = folder.to_owned();
    let errand = Errand::start(move || read(&path, extension))?;
    match errand.wait(ANSWER_LIMIT) {
        Some(Ok(entries)) => entries,
        Some(Err(_)) => Err(io::Error::other("it cannot be understood")),
        None => Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer")),
    }
}

/// Folders, then files with `extension`, by name; hidden ones are left out.
fn entries(folder: &Path, extension: &str) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in folder.read_dir()?.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_file = path.is_file();
        let is_wanted =
            !is_file || path.extension().is_some_and(|own| own.eq_ignore_ascii_case(extension));
        if is_wanted && !name.starts_with('.') {
            entries.push(Entry { is_file, name });
        }
        if entries.len() == MAX_ENTRIES {
            break;
        }
    }
    entries.sort();
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("moodring-{name}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("b folder")).unwrap();
        for file in ["z.onnx", "a.ONNX", "notes.txt", ".hidden.onnx"] {
            std::fs::write(folder.join(file), "").unwrap();
        }
        folder
    }

    #[test]
    fn folders_come_first_and_only_files_of_the_kind_are_listed() {
        let folder = folder("picker");
        let names: Vec<String> =
            entries(&folder, "onnx").unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["b folder", "a.ONNX", "z.onnx"]);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_told_and_not_entered() {
        let folder = folder("unreadable");
        let mut picker = Picker::new(Purpose::Model, folder.clone(), String::new());
        picker.enter(folder.join("none"));
        assert_eq!(picker.folder, folder);
        assert!(picker.problem.as_ref().unwrap().contains("Choose another folder"));
        picker.enter(folder.join("b folder"));
        assert_eq!(picker.problem, None);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_does_not_answer_is_told_and_the_window_goes_on() {
        let folder = folder("unanswered");
        let mut picker = Picker::new(Purpose::Model, folder.clone(), String::new());
        let gone: ReadFolder = |_, _| {
            std::thread::sleep(4 * ANSWER_LIMIT);
            Ok(Vec::new())
        };
        let began = std::time::Instant::now();
        picker.enter_with(gone, PathBuf::from("/gone"));
        assert!(began.elapsed() < 3 * ANSWER_LIMIT, "{:?}", began.elapsed());
        assert_eq!(picker.folder, folder);
        assert!(picker.problem.as_ref().unwrap().contains("it does not answer"));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_name_without_an_ending_gets_that_of_the_format() {
        let mut picker = Picker::for_export(Format::Csv);
        picker.name = "mix".to_owned();
        let Some(Command::Export(Format::Csv, path)) = picker.choice() else { panic!() };
        assert_eq!(path.file_name().unwrap(), "mix.csv");
        picker.name = "  ".to_owned();
        assert_eq!(picker.choice(), None);
    }
}
