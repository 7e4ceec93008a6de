//! `eval`: how well a model reads a labelled collection.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use moodring::model::Model;
use moodring::model::space::LabelSpace;
use serde_json::json;

use crate::jobs::{self, FileMood, Wanted};
use crate::labels::Labels;
use crate::report::{Case, Report};

/// Compare a model's readings with what listeners said, song by song.
///
/// Prints, per label space, the confusion matrix with a row per true pole, balanced accuracy with its 95 % interval by song, the
/// majority baseline, Matthews' correlation, the calibration error with its bins, the accuracy of the most decided songs, and the
/// distance from the share of votes. Songs rated exactly
/// in the middle are ties and left out. The labels file has the file name without ending first, then either valence_mean and
/// arousal_mean (and _std) on scales of 1 to 9, or a column per label space named after its first pole, 0 to 1.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  moodring-cli eval --audio deam/audio --labels deam/labels.csv")]
pub struct Args {
    /// Folder of audio files.
    #[arg(long, value_name = "DIR")]
    audio: PathBuf,
    /// Labels, comma-separated.
    #[arg(long, value_name = "CSV")]
    labels: PathBuf,
    /// A model of your own (.onnx, its card .json beside it) instead of the shipped one.
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// Print the figures as JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// The readings that a song's share is the mean of: windows overlap by half.
const WANTED: Wanted = Wanted { every_secs: 5.0, why: false };

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let model = jobs::model(args.model.as_deref())?;
    let labels = Labels::read(&args.labels)?;
    let files = jobs::audio_files(&args.audio)?;
    let labelled: Vec<PathBuf> = files
        .iter()
        .filter(|path| model.card().spaces.iter().any(|s| labels.label(&song(path), s).is_some()))
        .cloned()
        .collect();
    anyhow::ensure!(
        !labelled.is_empty(),
        "none of the {} files in {} has a label in {}: does its first column name them?",
        files.len(),
        args.audio.display(),
        args.labels.display()
    );
    let bar = jobs::progress(labelled.len() as u64, "songs");
    let mut moods: Vec<(String, FileMood)> = Vec::new();
    let mut unread = 0;
    let read = |path: &PathBuf| {
        let mood = jobs::read_file(path, &model, WANTED, |_, _| (), |_, _| ());
        bar.inc(1);
        mood
    };
    jobs::each(&labelled, read, |path, mood| match mood {
        Ok(mood) => {
            bar.suspend(|| jobs::warn(path, &mood.outcome));
            moods.push((song(path), mood));
        }
        Err(why) => {
            unread += 1;
            bar.suspend(|| eprintln!("error: {}: {why:#}", path.display()));
        }
    });
    bar.finish_and_clear();
    let reports: Vec<(LabelSpace, Option<Report>, usize)> = (0..model.card().spaces.len())
        .map(|s| space_report(s, &model.card().spaces[s], &moods, &labels))
        .collect();
    if args.json {
        print_json(&model, &moods, &reports);
    } else {
        print_text(&model, files.len(), &labels, &moods, &reports);
    }
    Ok(if unread == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn song(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The report of space `s`, and how many songs were ties.
fn space_report(
    s: usize,
    space: &LabelSpace,
    moods: &[(String, FileMood)],
    labels: &Labels,
) -> (LabelSpace, Option<Report>, usize) {
    let mut ties = 0;
    let cases: Vec<Case> = moods
        .iter()
        .filter_map(|(song, mood)| {
            let label = labels.label(song, space)?;
            let (shares, _) = mood.shares()?;
            if label.first.is_none() {
                ties += 1;
            }
            Some(Case { share: shares[s], first: label.first?, votes: label.share })
        })
        .collect();
    (space.clone(), Report::of(&cases), ties)
}

fn print_json(
    model: &Model,
    moods: &[(String, FileMood)],
    reports: &[(LabelSpace, Option<Report>, usize)],
) {
    let spaces: Vec<_> = reports
        .iter()
        .map(|(space, report, ties)| json!({ "space": space, "report": report, "ties": ties }))
        .collect();
    let card = model.card();
    println!(
        "{:#}",
        json!({ "model": card.name, "trained_on": card.trained_on, "songs": moods.len(), "spaces": spaces })
    );
}

fn print_text(
    model: &Model,
    n_files: usize,
    labels: &Labels,
    moods: &[(String, FileMood)],
    reports: &[(LabelSpace, Option<Report>, usize)],
) {
    let card = model.card();
    println!("Model {}, trained on: {}", card.name, card.trained_on);
    println!("Songs in the training data are read better than new ones: these figures are");
    println!("honest only for songs that the model has never heard.");
    println!("{} songs read ({n_files} files, {} labels).", moods.len(), labels.len());
    for (space, report, ties) in reports {
        println!("\n{} / {}", space.first, space.second);
        let Some(report) = report else {
            println!("  no report: songs of both poles are needed");
            continue;
        };
        let width = space.first.len().max(space.second.len());
        println!("  {} songs, {ties} ties left out", report.songs);
        println!("  {:width$}  read {:>6}  {:>6}", "true", space.first, space.second);
        for (pole, row) in [&space.first, &space.second].into_iter().zip(report.confusion) {
            println!("  {pole:width$}       {:>6.3}  {:>6.3}", row[0], row[1]);
        }
        let [low, high] = report.balanced_accuracy_95;
        println!(
            "  balanced accuracy  {:.3}  (95 % by song: {low:.3} to {high:.3}; majority .500)",
            report.balanced_accuracy
        );
        println!(
            "  accuracy           {:.3}  (majority {:.3})",
            report.accuracy, report.majority_accuracy
        );
        println!("  Matthews' corr.    {:.3}  (majority .000)", report.mcc);
        println!("  worst recall       {:.3}", report.worst_recall);
        println!("  calibration error  {:.3}", report.calibration_error);
        if let Some(error) = report.votes_mean_absolute_error {
            println!("  off the votes by   {error:.3}  (mean absolute)");
        }
        println!(
            "  read    won   songs   (calibration: share read, how often the first pole had won)"
        );
        for bin in &report.reliability {
            println!("  {:.2}   {:.2}   {:>5}", bin.share, bin.first_won, bin.songs);
        }
        println!("  judged  right         (the most decided songs alone)");
        for at in &report.coverage {
            println!("  {:>4.0} %  {:.3}", 100.0 * at.coverage, at.accuracy);
        }
    }
}
