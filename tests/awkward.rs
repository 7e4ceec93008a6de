//! Files as they come: wrong headers, chains, holes, missing ends, pipes; made here, each with what
//! must come out.

mod behind;
mod boxes;
mod cases;
mod commands;
mod flac;
mod frames;
mod mutated;
mod recordings;

use moodring::decode::AudioFile;

use behind::BEHIND;
use cases::{CASES, Case, Comes, Group};

/// Tolerance for lengths: an encoder's frame.
const LENGTH_SLACK_SECS: f64 = 0.03;

/// What comes of a file, in words that the table has: its seconds, with those missing; or why it is
/// refused.
fn comes(bytes: Vec<u8>, ending: &str, once: bool) -> Result<(f64, Option<f64>), String> {
    let mut file = AudioFile::of_bytes(bytes, ending, once)
        .map_err(|why| format!("{:#}", anyhow::Error::from(why)))?;
    let mut secs = 0.0;
    while let Some(block) = file.next_block() {
        assert!(block.samples.len().is_multiple_of(block.layout.n_channels()));
        secs += (block.samples.len() / block.layout.n_channels()) as f64 / block.rate_hz;
    }
    Ok((secs, file.outcome().missing_secs()))
}

fn check(case: &Case) {
    for once in [false, true].into_iter().filter(|once| !once || case.group != Group::OnDisk) {
        let found = comes((case.make)(), case.ending, once);
        match (&case.comes, found) {
            (Comes::Whole(secs), Ok((read, missing))) => {
                assert!((read - secs).abs() < LENGTH_SLACK_SECS, "{}: {read} s", case.name);
                assert_eq!(missing, Some(0.0), "{}", case.name);
            }
            (Comes::Part { secs, missing_secs }, Ok((read, missing))) => {
                assert!((read - secs).abs() < LENGTH_SLACK_SECS, "{}: {read} s", case.name);
                let near = missing.zip(*missing_secs).is_none_or(|(a, b)| (a - b).abs() < 0.06);
                // What a pipe leaves out cannot be known before it has been read.
                let right = missing.is_some() == missing_secs.is_some() && near;
                assert!(right, "{}: {missing:?} s missing", case.name);
            }
            (Comes::Refused(words), Err(why)) => {
                assert!(why.contains(words), "{}: {why}", case.name);
            }
            (_, found) => panic!("{} (once: {once}): {found:?}", case.name),
        }
    }
}

fn check_group(group: Group) {
    let cases: Vec<&Case> =
        CASES.iter().chain(&BEHIND).filter(|case| case.group == group).collect();
    assert!(!cases.is_empty());
    cases.into_iter().for_each(check);
}

#[test]
fn chains_and_changed_streams_are_read_to_their_last_link() {
    check_group(Group::Chained);
}

#[test]
fn what_is_missing_of_a_file_is_told_and_later_times_are_true() {
    check_group(Group::Missing);
}

#[test]
fn recordings_with_wrong_headers_are_read_as_far_as_their_samples_go() {
    check_group(Group::Header);
    check_group(Group::OnDisk);
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    check_group(Group::Refused);
}

#[test]
fn headers_that_promise_the_absurd_cost_no_memory_and_no_time() {
    check_group(Group::Hostile);
}

/// Writes the table of what was tried: `cargo test --test tests the_table -- --ignored
/// --nocapture`.
#[test]
#[ignore = "prints, and checks nothing"]
fn the_table_of_awkward_files() {
    println!("| file | comes out as |\n|---|---|");
    for case in CASES.iter().chain(&BEHIND) {
        let found = match comes((case.make)(), case.ending, false) {
            Ok((secs, Some(0.0))) => format!("{secs:.2} s, complete"),
            Ok((secs, Some(missing))) => format!("{secs:.2} s, {missing:.2} s missing"),
            Ok((secs, None)) => format!("{secs:.2} s, the end missing"),
            Err(why) => format!("refused: {why}"),
        };
        println!("| {} | {found} |", case.name);
    }
}

#[test]
fn a_change_on_the_way_is_told_with_the_block_that_it_begins_with() {
    let bytes = [frames::mp3(44_100, 1, 40), frames::mp3(48_000, 2, 40)].concat();
    let mut file = AudioFile::of_bytes(bytes, "mp3", false).unwrap();
    let mut inputs = vec![];
    while let Some(block) = file.next_block() {
        inputs.push((block.rate_hz, block.layout.n_channels()));
    }
    inputs.dedup();
    assert_eq!(inputs, [(44_100.0, 1), (48_000.0, 2)]);
}

#[test]
fn the_low_frequency_channel_is_known_where_the_file_says() {
    let file = AudioFile::of_bytes(recordings::surround(), "wav", false).unwrap();
    let (_, layout) = file.input();
    let lfe: Vec<usize> = (0..6).filter(|c| layout.is_lfe(*c)).collect();
    assert_eq!((layout.n_channels(), lfe), (6, vec![3]));
}

#[test]
fn silence_stands_where_packets_were_lost_and_the_sound_behind_it_comes_on_time() {
    // A tone for two seconds, two seconds lost, a tone for two seconds.
    let holed = frames::ogg_with_hole(6.0, 2.0..4.0);
    let mut file = AudioFile::of_bytes(holed, "opus", false).unwrap();
    let mut samples = vec![];
    while let Some(block) = file.next_block() {
        samples.extend_from_slice(block.samples);
    }
    let secs = samples.len() as f64 / 48_000.0;
    assert!((secs - 6.0).abs() < 0.1, "{secs} s");
    let loud = |from: f64, to: f64| {
        let part = &samples[(from * 48_000.0) as usize..(to * 48_000.0) as usize];
        (part.iter().map(|x| x * x).sum::<f32>() / part.len() as f32).sqrt()
    };
    assert!(loud(0.5, 1.5) > 0.1 && loud(4.8, 5.8) > 0.1, "{} {}", loud(0.5, 1.5), loud(4.8, 5.8));
    assert!(loud(2.6, 3.4) < 0.001, "{}", loud(2.6, 3.4));
    let missing = file.outcome().missing_secs().unwrap();
    assert!((missing - 2.0).abs() < 0.5, "{missing} s");
}
