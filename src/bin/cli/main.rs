//! `moodring-cli`: the mood of files, their features, and how well a model reads a labelled
//! collection.

// Whatever is printed may meet a closed pipe or a full disk: it goes through `out`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod analyse;
mod bench;
mod dataset;
mod eval;
mod features;
mod files;
mod heap;
mod jobs;
mod labels;
mod npz;
mod out;
mod pictures;
mod report;

/// How excited or calm, joyful or sad music is.
///
/// Every command takes wav (also rf64, bw64, w64), aiff, flac, mp3, ogg (Vorbis, Opus, FLAC), m4a
/// and mp4 (AAC, ALAC), aac, caf, mkv, webm and MPEG-TS, also from a pipe; `-` is standard input.
/// Exit codes: 0 all well, 1 some file or the model failed, 2 the command line was not understood.
#[derive(Parser)]
#[command(name = "moodring-cli", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(visible_alias = "analyze")]
    Analyse(analyse::Args),
    Features(features::Args),
    Eval(eval::Args),
    Dataset(dataset::Args),
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Analyse(args) => analyse::run(&args),
        Command::Features(args) => features::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Dataset(args) => dataset::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    match outcome {
        Ok(code) => code,
        Err(why) => {
            out::tell(format_args!("error: {why:#}"));
            ExitCode::FAILURE
        }
    }
}
