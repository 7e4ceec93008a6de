//! `eval`: how well a model reads a labelled collection.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use moodring::model::Model;
use moodring::model::space::LabelSpace;
use moodring::scan::{self, Summary, Wanted};
use serde_json::json;

use crate::files::{self, Song};
use crate::jobs;
use crate::labels::{LabelArgs, Labels};
use crate::out::check::Plan;
use crate::out::{Sink, tell};
use crate::report::{Case, Report};

/// Compare a model's readings with what listeners said, song by song.
///
/// Prints, per label space, the confusion matrix with a row per true pole, balanced accuracy with
/// its 95 % interval by song, the majority baseline, Matthews' correlation, the calibration error
/// with its bins, the accuracy of the most decided songs, and the distance from the share of votes.
/// Songs rated exactly in the middle are ties and left out. The labels file has the file name
/// without ending first, then either valence_mean and arousal_mean (and _std) on scales of 1 to 9,
/// or a column per label space named after its first pole, 0 to 1, or valence and arousal, 1 to 9,
/// in a row per rater. A label off its scale is refused with its row and column; NA stands where
/// nobody knows.
///
/// Files of one folder that differ in their ending alone are one song, of which the best copy is
/// read. Where folders hold files of one name, the labels name them by folder too: disc1/01.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  moodring-cli eval --audio deam/audio --labels deam/labels.csv")]
pub struct Args {
    /// Folder of audio files; those in folders under it count too.
    #[arg(long, value_name = "DIR")]
    audio: PathBuf,
    #[command(flatten)]
    labels: LabelArgs,
    /// A model of your own (.onnx, its card .json beside it) instead of the shipped one.
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// Print the figures as JSON instead of text.
    #[arg(long)]
    json: bool,
}

const CANNOT_WRITE: &str = "cannot write the report";

/// The readings that a song's share is the mean of: windows overlap by half.
const WANTED: Wanted = Wanted { every_secs: 5.0, why: false };

/// Runs the command: how often the model is right on labelled songs.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let model = jobs::model(args.model.as_deref())?;
    let spaces = &model.card().spaces;
    let poles: Vec<&str> = spaces.iter().map(|space| space.first.as_str()).collect();
    let labels = Labels::read(&args.labels, &poles)?;
    let (songs, gathered) = files::songs(&args.audio, &labels)?;
    check(args, &gathered.files)?;
    let n_files = gathered.files.len();
    let is_labelled = |song: &Song| spaces.iter().any(|s| labels.label(&song.name, s).is_some());
    let labelled: Vec<Song> = songs.into_iter().filter(is_labelled).collect();
    anyhow::ensure!(
        !labelled.is_empty(),
        "none of the {n_files} files in {} has a label in {}: does its first column name them?",
        args.audio.display(),
        args.labels.labels.display()
    );
    let bar = jobs::progress(labelled.len() as u64, "songs");
    let mut moods: Vec<(String, Summary)> = Vec::new();
    let mut is_whole = !gathered.has_gaps;
    let read = |song: &Song| {
        let mood = scan::read_file(&song.file, &model, WANTED, |_, _| (), |_, _| ());
        bar.inc(1);
        Ok(mood?)
    };
    jobs::each(&labelled, read, |song, mood| match mood {
        Ok(mood) => {
            bar.suspend(|| jobs::warn(&song.file, &mood.outcome));
            moods.push((song.name.clone(), mood));
        }
        Err(why) => {
            is_whole = false;
            bar.suspend(|| tell(format_args!("error: {}: {why:#}", song.file.display())));
        }
    });
    bar.finish_and_clear();
    let reports: Vec<(LabelSpace, Option<Report>, usize)> = (0..model.card().spaces.len())
        .map(|s| space_report(s, &model.card().spaces[s], &moods, &labels))
        .collect();
    let mut out = Sink::standard();
    let written = if args.json {
        write_json(&mut out, &model, &moods, &reports)
    } else {
        write_text(&mut out, &model, n_files, &labels, &moods, &reports)
    };
    written.map_err(anyhow::Error::from).and_then(|()| out.finish()).context(CANNOT_WRITE)?;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(args: &Args, files: &[PathBuf]) -> anyhow::Result<()> {
    let mut plan = Plan::default();
    files.iter().for_each(|file| plan.reads("the input", file));
    plan.reads("the labels file", &args.labels.labels);
    plan.reads_model(args.model.as_deref());
    plan.writes_to_stdout();
    plan.check()
}

/// The report of space `s`, and how many songs were ties.
fn space_report(
    s: usize,
    space: &LabelSpace,
    moods: &[(String, Summary)],
    labels: &Labels,
) -> (LabelSpace, Option<Report>, usize) {
    let mut ties = 0;
    let cases: Vec<Case> = moods
        .iter()
        .filter_map(|(song, mood)| {
            let label = labels.label(song, space)?;
            let shares = mood.whole()?.shares;
            if label.first.is_none() {
                ties += 1;
            }
            Some(Case { share: shares[s], first: label.first?, votes: label.share })
        })
        .collect();
    (space.clone(), Report::of(&cases), ties)
}

fn write_json(
    out: &mut impl Write,
    model: &Model,
    moods: &[(String, Summary)],
    reports: &[(LabelSpace, Option<Report>, usize)],
) -> io::Result<()> {
    let spaces: Vec<_> = reports
        .iter()
        .map(|(space, report, ties)| json!({ "space": space, "report": report, "ties": ties }))
        .collect();
    let card = model.card();
    writeln!(
        out,
        "{:#}",
        json!({ "model": card.name, "trained_on": card.trained_on, "songs": moods.len(), "spaces": spaces })
    )
}

fn write_text(
    out: &mut impl Write,
    model: &Model,
    n_files: usize,
    labels: &Labels,
    moods: &[(String, Summary)],
    reports: &[(LabelSpace, Option<Report>, usize)],
) -> io::Result<()> {
    let card = model.card();
    writeln!(out, "Model {}, trained on: {}", card.name, card.trained_on)?;
    writeln!(out, "Songs in the training data are read better than new ones: these figures are")?;
    writeln!(out, "honest only for songs that the model has never heard.")?;
    writeln!(out, "{} songs read ({n_files} files, {} labels).", moods.len(), labels.len())?;
    for (space, report, ties) in reports {
        writeln!(out, "\n{} / {}", space.first, space.second)?;
        let Some(report) = report else {
            writeln!(out, "  no report: songs of both poles are needed")?;
            continue;
        };
        let width = space.first.len().max(space.second.len());
        writeln!(out, "  {} songs, {ties} ties left out", report.songs)?;
        writeln!(out, "  {:width$}  read {:>6}  {:>6}", "true", space.first, space.second)?;
        for (pole, row) in [&space.first, &space.second].into_iter().zip(report.confusion) {
            writeln!(out, "  {pole:width$}       {:>6.3}  {:>6.3}", row[0], row[1])?;
        }
        let [low, high] = report.balanced_accuracy_95;
        writeln!(
            out,
            "  balanced accuracy  {:.3}  (95 % by song: {low:.3} to {high:.3}; majority .500)",
            report.balanced_accuracy
        )?;
        writeln!(
            out,
            "  accuracy           {:.3}  (majority {:.3})",
            report.accuracy, report.majority_accuracy
        )?;
        writeln!(out, "  Matthews' corr.    {:.3}  (majority .000)", report.mcc)?;
        writeln!(out, "  worst recall       {:.3}", report.worst_recall)?;
        writeln!(out, "  calibration error  {:.3}", report.calibration_error)?;
        if let Some(error) = report.votes_mean_absolute_error {
            writeln!(out, "  off the votes by   {error:.3}  (mean absolute)")?;
        }
        writeln!(
            out,
            "  read    won   songs   (calibration: share read, how often the first pole had won)"
        )?;
        for bin in &report.reliability {
            writeln!(out, "  {:.2}   {:.2}   {:>5}", bin.share, bin.first_won, bin.songs)?;
        }
        writeln!(out, "  judged  right         (the most decided songs alone)")?;
        for at in &report.coverage {
            writeln!(out, "  {:>4.0} %  {:.3}", 100.0 * at.coverage, at.accuracy)?;
        }
    }
    Ok(())
}
