//! Files behind one another, what stands behind files, damaged pages, and wrong names: what must
//! come out.

use super::boxes::m4a;
use super::cases::{Case, Comes, Group, aac_at, case, mp3_at_44100};
use super::flac::flac;
use super::frames::{adts, id3v1, id3v2, mp3, opus_tone};
use super::recordings::{self, SECS, in_a_wave};
use Comes::{Part, Whole};

/// Seconds in the pages that are damaged: the first of sound, and the last of three seconds.
const PAGE_SECS: f64 = 0.48;
const LAST_PAGE_SECS: f64 = 0.46;

/// Where the pages of an ogg file begin.
fn pages(ogg: &[u8]) -> Vec<usize> {
    (0..ogg.len()).filter(|at| ogg[*at..].starts_with(b"OggS")).collect()
}

/// Three seconds of Opus with a bit changed in a page, counted from the end where negative.
fn damaged(page: isize) -> Vec<u8> {
    let mut ogg = opus_tone(3.0);
    let pages = pages(&ogg);
    let page = page.rem_euclid(pages.len() as isize) as usize;
    let end = pages.get(page + 1).copied().unwrap_or(ogg.len());
    // In the first, the rate; in the second, the encoder's name.
    ogg[end - 6] ^= 1;
    ogg
}

fn wave_of_two_channels() -> Vec<u8> {
    let samples = recordings::samples();
    let data = recordings::chunk(b"data", samples.len() as u32, &samples);
    let format = recordings::chunk(b"fmt ", 16, &recordings::format(1, 2));
    recordings::wave(samples.len() as u32 + 36, &[format, data])
}

/// The table.
pub const BEHIND: [Case; 34] = [
    case(
        Group::Chained,
        "WAVE behind WAVE behind WAVE",
        "wav",
        || recordings::right().repeat(3),
        Whole(3.0 * SECS),
    ),
    case(
        Group::Chained,
        "WAVE, a chunk, then WAVE of two channels",
        "wav",
        || [recordings::trailing_chunk(), wave_of_two_channels()].concat(),
        Whole(1.5 * SECS),
    ),
    case(
        Group::Chained,
        "WAVE, a block of zeros, then WAVE",
        "wav",
        || [recordings::right(), vec![0; 10_000], recordings::right()].concat(),
        Whole(2.0 * SECS),
    ),
    case(
        Group::Chained,
        "WAVE, RF64, Wave64, AIFF, FLAC and FLAC behind one another",
        "wav",
        || {
            let plain = [recordings::right(), recordings::rf64(), recordings::wave64()].concat();
            let other = [recordings::aiff(), flac(true)].concat();
            // FLAC is followed by FLAC alone, so it comes last but for that.
            [plain, other, flac(true)].concat()
        },
        Whole(6.0 * SECS),
    ),
    case(
        Group::Chained,
        "WAVE whose sizes were left open, twice",
        "wav",
        || recordings::streamed().repeat(2),
        Whole(2.0 * SECS),
    ),
    case(
        Group::Chained,
        "AIFF behind AIFF",
        "aiff",
        || recordings::aiff().repeat(2),
        Whole(2.0 * SECS),
    ),
    case(Group::Chained, "FLAC", "flac", || flac(true), Whole(SECS)),
    case(Group::Chained, "FLAC behind FLAC", "flac", || flac(true).repeat(2), Whole(2.0 * SECS)),
    case(
        Group::Chained,
        "FLAC whose length was left open, twice",
        "flac",
        || flac(false).repeat(2),
        Whole(2.0 * SECS),
    ),
    case(
        Group::Chained,
        "FLAC, tags, FLAC between tags",
        "flac",
        || [id3v2(5000), flac(true), id3v2(300_000), flac(true), id3v1()].concat(),
        Whole(2.0 * SECS),
    ),
    case(
        Group::Missing,
        "FLAC behind FLAC that was cut off",
        "flac",
        || [flac(true)[..40_000].to_vec(), flac(true)].concat(),
        Part { secs: 5.0, missing_secs: Some(1.0) },
    ),
    case(
        Group::Missing,
        "WAVE behind WAVE that was cut off",
        "wav",
        || [recordings::cut_off(), recordings::right()].concat(),
        Part { secs: SECS + 2.0, missing_secs: Some(1.0) },
    ),
    case(
        Group::Chained,
        "WAVE behind WAVE with sizes of 0",
        "wav",
        || [recordings::crashed(), recordings::right()].concat(),
        Whole(2.0 * SECS),
    ),
    case(
        Group::Missing,
        "WAVE, then GSM in WAVE",
        "wav",
        || [recordings::right(), in_a_wave(0x31, &[7; 65])].concat(),
        Part { secs: SECS, missing_secs: None },
    ),
    case(
        Group::Header,
        "WAVE with text behind it",
        "wav",
        || [recordings::right(), b"this is no music\r\n".repeat(200)].concat(),
        Whole(SECS),
    ),
    case(
        Group::Header,
        "WAVE padded with ones",
        "wav",
        || [recordings::right(), vec![0xff; 4000]].concat(),
        Whole(SECS),
    ),
    case(
        Group::Header,
        "WAVE between tags",
        "wav",
        || [id3v2(5000), recordings::right(), id3v2(5000), id3v1()].concat(),
        Whole(SECS),
    ),
    case(
        Group::Header,
        "Wave64 with a chunk behind its samples",
        "w64",
        recordings::wave64_with_levels,
        Whole(SECS),
    ),
    case(
        Group::Header,
        "FLAC with zeros behind it",
        "flac",
        || [flac(true), vec![0; 10_000]].concat(),
        Whole(SECS),
    ),
    case(Group::Missing, "ogg: a bit of the comments", "opus", || damaged(1), Whole(3.0)),
    case(Group::Missing, "ogg: a bit of the first page", "opus", || damaged(0), Whole(3.0)),
    case(
        Group::Missing,
        "ogg: a bit of the first page of sound",
        "opus",
        || damaged(2),
        Part { secs: 3.0, missing_secs: Some(PAGE_SECS) },
    ),
    case(
        Group::Missing,
        "ogg: a bit of the last page",
        "opus",
        || damaged(-1),
        Part { secs: 3.0 - LAST_PAGE_SECS, missing_secs: Some(LAST_PAGE_SECS) },
    ),
    case(
        Group::Missing,
        "ogg: a bit of the last page of a link",
        "opus",
        || [damaged(-1), opus_tone(1.0)].concat(),
        Part { secs: 4.0, missing_secs: Some(LAST_PAGE_SECS) },
    ),
    case(
        Group::Missing,
        "ogg: a bit of the first page of sound of the second link",
        "opus",
        || [opus_tone(1.0), damaged(2)].concat(),
        Part { secs: 4.0, missing_secs: Some(PAGE_SECS) },
    ),
    case(
        Group::Missing,
        "ogg: zeros instead of a link's last page",
        "opus",
        || {
            let mut first = opus_tone(3.0);
            let last = pages(&first)[pages(&first).len() - 1];
            first[last..].fill(0);
            [first, opus_tone(1.0)].concat()
        },
        Part { secs: 4.0 - LAST_PAGE_SECS, missing_secs: None },
    ),
    case(
        Group::Header,
        "ogg with junk before it and between its pages",
        "opus",
        || {
            let ogg = opus_tone(3.0);
            let third = pages(&ogg)[2];
            [&ogg[..third], b"OggS and other junk".as_slice(), &ogg[third..]].concat()
        },
        Whole(3.0),
    ),
    case(Group::Header, "mp3 named wav", "wav", || mp3(44_100, 2, 100), Whole(mp3_at_44100(100))),
    case(Group::Header, "ogg named mp3", "mp3", || opus_tone(3.0), Whole(3.0)),
    case(
        Group::Header,
        "m4a named aac",
        "aac",
        || m4a(44_100, &[0x12, 0x10], 44_100, 100),
        Whole(aac_at(44_100.0, 100.0)),
    ),
    case(Group::Header, "aac named m4a", "m4a", || adts(4, 2, 100), Whole(aac_at(44_100.0, 100.0))),
    case(Group::Header, "WAVE named flac", "flac", recordings::right, Whole(SECS)),
    case(Group::Header, "FLAC named ogg", "ogg", || flac(true), Whole(SECS)),
    case(Group::Header, "AIFF without an ending", "", recordings::aiff, Whole(SECS)),
];
