//! What was tried, and what must come out.

use crate::awkward::boxes::m4a;
use crate::awkward::frames::{adts, id3v1, id3v2, mp3, ogg_with_hole, opus_tone, transport, xing};
use crate::awkward::recordings::{self, SECS, in_a_wave};

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Several streams in one file, or one that changes.
    Chained,
    /// Less than was promised.
    Missing,
    /// A header that is wrong, or of a rare kind.
    Header,
    /// A header that is wrong, as only a file's length tells: a pipe has none.
    OnDisk,
    /// What is not read.
    Refused,
    /// What promises the absurd.
    Hostile,
}

/// What must come out.
#[derive(Clone, Copy, Debug)]
pub enum Comes {
    /// All of it, so many seconds.
    Whole(f64),
    /// So many seconds, silence in holes included; `None` where nobody knows how much is missing.
    Part { secs: f64, missing_secs: Option<f64> },
    /// An error with these words.
    Refused(&'static str),
}

/// A file.
pub struct Case {
    pub group: Group,
    pub name: &'static str,
    pub ending: &'static str,
    pub make: fn() -> Vec<u8>,
    pub comes: Comes,
}

pub const fn case(
    group: Group,
    name: &'static str,
    ending: &'static str,
    make: fn() -> Vec<u8>,
    comes: Comes,
) -> Case {
    Case { group, name, ending, make, comes }
}

use Comes::{Part, Refused, Whole};

/// Seconds of frames at 44.1 kHz.
pub const fn mp3_at_44100(frames: u32) -> f64 {
    frames as f64 * 1152.0 / 44_100.0
}
pub const fn aac_at(rate_hz: f64, frames: f64) -> f64 {
    frames * 1024.0 / rate_hz
}

/// The table.
pub const CASES: [Case; 51] = [
    case(
        Group::Chained,
        "ogg: two links, Opus",
        "opus",
        || [opus_tone(2.0), opus_tone(1.0)].concat(),
        Whole(3.0),
    ),
    case(
        Group::Chained,
        "mp3: a song behind a song, tags between them",
        "mp3",
        || {
            let first = [id3v2(3000), xing(100), mp3(44_100, 2, 100), id3v1()].concat();
            [first, id3v2(70_000), xing(50), mp3(44_100, 2, 50)].concat()
        },
        Whole(mp3_at_44100(150)),
    ),
    case(
        Group::Chained,
        "mp3: mono, then stereo",
        "mp3",
        || [mp3(44_100, 1, 100), mp3(44_100, 2, 60)].concat(),
        Whole(mp3_at_44100(160)),
    ),
    case(
        Group::Chained,
        "mp3: 44.1 kHz, then 48 kHz",
        "mp3",
        || [mp3(44_100, 2, 100), mp3(48_000, 2, 100)].concat(),
        Whole(mp3_at_44100(100) + 100.0 * 1152.0 / 48_000.0),
    ),
    case(
        Group::Chained,
        "aac: 44.1 kHz stereo, then 24 kHz mono",
        "aac",
        || [adts(4, 2, 100), adts(6, 1, 100)].concat(),
        Whole(aac_at(44_100.0, 100.0) + aac_at(24_000.0, 100.0)),
    ),
    case(
        Group::Chained,
        "mp3 in WAVE",
        "wav",
        || in_a_wave(0x55, &mp3(44_100, 2, 100)),
        Whole(mp3_at_44100(100)),
    ),
    case(
        Group::Chained,
        "MPEG-TS with AAC",
        "ts",
        || transport(200, 0..0),
        Whole(aac_at(44_100.0, 200.0)),
    ),
    case(
        Group::Chained,
        "m4a: HE-AAC, the entry says the doubled rate",
        "m4a",
        || m4a(44_100, &[0x13, 0x90], 22_050, 100),
        Whole(aac_at(22_050.0, 100.0)),
    ),
    case(
        Group::Chained,
        "m4a: HE-AAC, the extension named",
        "m4a",
        || m4a(48_000, &[0x2b, 0x11, 0x88, 0], 24_000, 100),
        Whole(aac_at(24_000.0, 100.0)),
    ),
    case(
        Group::Missing,
        "mp3: half of the promised frames",
        "mp3",
        || [xing(200), mp3(44_100, 2, 100)].concat(),
        Part { secs: mp3_at_44100(100), missing_secs: Some(mp3_at_44100(100)) },
    ),
    case(
        Group::Missing,
        "mp3: a hole of zeros in the middle",
        "mp3",
        || [mp3(44_100, 2, 100), vec![0; 417 * 80], mp3(44_100, 2, 100)].concat(),
        Part { secs: mp3_at_44100(280), missing_secs: Some(mp3_at_44100(80)) },
    ),
    case(
        Group::Missing,
        "mp3: a hole of junk, and more frames promised than came",
        "mp3",
        || [xing(300), mp3(44_100, 2, 100), vec![0x5a; 417 * 80], mp3(44_100, 2, 70)].concat(),
        Part { secs: mp3_at_44100(250), missing_secs: Some(mp3_at_44100(130)) },
    ),
    case(
        Group::Missing,
        "aac: a frame that says it is as long as thirty",
        "aac",
        || {
            let mut aac = adts(4, 2, 100);
            aac[16 * 60 + 4] = 0x42;
            aac
        },
        // One frame is lost, less than is worth a word.
        Whole(aac_at(44_100.0, 100.0)),
    ),
    case(
        Group::Missing,
        "mp3: zeros where the end should be",
        "mp3",
        || [mp3(44_100, 2, 100), vec![0; 417 * 80]].concat(),
        Part { secs: mp3_at_44100(100), missing_secs: Some(mp3_at_44100(80)) },
    ),
    case(
        Group::Missing,
        "MPEG-TS: packets lost",
        "ts",
        || transport(300, 100..180),
        Part { secs: aac_at(44_100.0, 300.0), missing_secs: Some(aac_at(44_100.0, 80.0)) },
    ),
    case(
        Group::Missing,
        "m4a cut off",
        "m4a",
        || {
            let mut whole = m4a(44_100, &[0x12, 0x10], 44_100, 200);
            whole.truncate(whole.len() - 9 * 100);
            whole
        },
        Part { secs: aac_at(44_100.0, 100.0), missing_secs: Some(aac_at(44_100.0, 100.0)) },
    ),
    case(
        Group::Missing,
        "m4a: frames of junk in the middle",
        "m4a",
        || {
            let mut whole = m4a(44_100, &[0x12, 0x10], 44_100, 200);
            let end = whole.len();
            whole[end - 9 * 120..end - 9 * 60].fill(0xa7);
            whole
        },
        Part { secs: aac_at(44_100.0, 200.0), missing_secs: Some(aac_at(44_100.0, 60.0)) },
    ),
    case(
        Group::Missing,
        "ogg cut off",
        "opus",
        || {
            let mut ogg = opus_tone(4.0);
            let pages: Vec<usize> =
                (0..ogg.len()).filter(|at| ogg[*at..].starts_with(b"OggS")).collect();
            ogg.truncate(pages[pages.len() / 2]);
            ogg
        },
        Part { secs: OGG_CUT_SECS, missing_secs: None },
    ),
    case(
        Group::Missing,
        "WAVE cut off",
        "wav",
        recordings::cut_off,
        Part { secs: 2.0, missing_secs: Some(1.0) },
    ),
    case(
        Group::Missing,
        "RF64 cut off",
        "wav",
        recordings::rf64_cut_off,
        Part { secs: SECS, missing_secs: Some(2.0) },
    ),
    case(
        Group::Missing,
        "AIFF cut off",
        "aiff",
        recordings::aiff_cut_off,
        Part { secs: SECS - 1.0, missing_secs: Some(1.0) },
    ),
    case(
        Group::Missing,
        "WAVE that promises ten seconds and has three",
        "wav",
        recordings::much_too_long,
        Part { secs: SECS, missing_secs: Some(7.0) },
    ),
    case(Group::Header, "WAVE as it should be", "wav", recordings::right, Whole(SECS)),
    case(Group::Header, "WAVE: RIFF and data of size 0", "wav", recordings::crashed, Whole(SECS)),
    case(
        Group::OnDisk,
        "WAVE: the size of data left behind by a recorder that went on",
        "wav",
        recordings::updated_now_and_then,
        Whole(SECS),
    ),
    case(Group::Header, "WAVE: sizes left open", "wav", recordings::streamed, Whole(SECS)),
    case(
        Group::Header,
        "WAVE: data 100 bytes too long",
        "wav",
        recordings::a_little_long,
        Whole(SECS),
    ),
    case(
        Group::Header,
        "WAVE: a chunk behind the data, RIFF of size 0",
        "wav",
        recordings::trailing_chunk,
        Whole(SECS),
    ),
    case(
        Group::Header,
        "WAVE: LIST beyond the end",
        "wav",
        recordings::overrunning_list,
        Whole(SECS),
    ),
    case(Group::Header, "WAVE: LIST into the data", "wav", recordings::list_into_data, Whole(SECS)),
    case(Group::Header, "WAVE: fmt of 20 bytes", "wav", recordings::format_of_20, Whole(SECS)),
    case(Group::Header, "WAVE: fmt of 17 bytes", "wav", recordings::format_of_17, Whole(SECS)),
    case(
        Group::Header,
        "WAVE: fmt of 50 bytes",
        "wav",
        recordings::format_in_the_old_way,
        Whole(SECS),
    ),
    case(Group::Header, "RF64", "wav", recordings::rf64, Whole(SECS)),
    case(Group::Header, "BW64", "wav", recordings::bw64, Whole(SECS)),
    case(Group::Header, "Wave64", "w64", recordings::wave64, Whole(SECS)),
    case(Group::Header, "AIFF: FORM too long", "aiff", recordings::aiff_too_long, Whole(SECS)),
    case(Group::Header, "AIFF: sizes of 0", "aiff", recordings::aiff_crashed, Whole(SECS)),
    case(
        Group::Header,
        "mp3 behind a picture of 600 kB",
        "mp3",
        || [id3v2(600_000), mp3(44_100, 2, 100)].concat(),
        Whole(mp3_at_44100(100)),
    ),
    case(Group::Refused, "text", "txt", || b"this is no music".to_vec(), Refused("readable: wav")),
    case(
        Group::Refused,
        "an mp4 without moov",
        "m4a",
        || b"\0\0\0\x14ftypM4A \0\0\0\0M4A \0\0\0\x10mdat12345678".to_vec(),
        Refused("moov"),
    ),
    case(
        Group::Refused,
        "Windows Media",
        "wma",
        || [b"\x30\x26\xb2\x75\x8e\x66\xcf\x11".as_slice(), &[0; 99]].concat(),
        Refused("is Windows Media (WMA)"),
    ),
    case(
        Group::Refused,
        "AC-3",
        "ac3",
        || [vec![0x0b, 0x77], vec![1; 999]].concat(),
        Refused("is AC-3"),
    ),
    case(Group::Refused, "DSD", "dsf", || b"DSD \x1c\0\0\0\0\0\0\0".to_vec(), Refused("is DSD")),
    case(Group::Refused, "MIDI", "mid", || b"MThd\0\0\0\x06\0\x01".to_vec(), Refused("is MIDI")),
    case(
        Group::Refused,
        "GSM in WAVE",
        "wav",
        || in_a_wave(0x31, &[7; 65]),
        Refused("holds GSM 6.10 in a WAVE file"),
    ),
    case(
        Group::Hostile,
        "WAVE of 65 535 channels",
        "wav",
        recordings::very_many_channels,
        Refused("65535 channels"),
    ),
    case(
        Group::Hostile,
        "AIFF of 65 535 bits in 26 channels",
        "aiff",
        recordings::aiff_of_absurd_width,
        Refused("cannot be read: "),
    ),
    case(
        Group::Hostile,
        "WAVE without a rate",
        "wav",
        recordings::no_rate,
        Refused("without a sample rate"),
    ),
    case(
        Group::Hostile,
        "RF64 that promises a petabyte",
        "wav",
        recordings::terabytes,
        Part { secs: SECS, missing_secs: Some(70_368_744_174.664) },
    ),
    case(
        Group::Hostile,
        "ogg with a page of zeros",
        "opus",
        || ogg_with_hole(4.0, 1.0..2.0),
        Part { secs: 4.0, missing_secs: Some(OGG_PAGE_SECS) },
    ),
];

/// Seconds in the first half of the pages.
const OGG_CUT_SECS: f64 = 1.5135;
/// Seconds in a page.
const OGG_PAGE_SECS: f64 = 0.52;
