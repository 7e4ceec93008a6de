//! What kinds of files there are: those that are read, and the names of those that are not, with
//! what to do.

use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_AC3, CODEC_ID_AC4, CODEC_ID_ATRAC3, CODEC_ID_ATRAC3PLUS, CODEC_ID_COOK,
    CODEC_ID_DCA, CODEC_ID_EAC3, CODEC_ID_MONKEYS_AUDIO, CODEC_ID_MUSEPACK, CODEC_ID_SPEEX,
    CODEC_ID_TRUEHD, CODEC_ID_TTA, CODEC_ID_WAVPACK, CODEC_ID_WMA,
};
use symphonia::core::codecs::audio::{AudioCodecParameters, CODEC_ID_NULL_AUDIO};

/// What is read, for people.
pub const READABLE: &str = "wav (also rf64, bw64, w64), aiff, flac, mp3 (mp2, mp1), ogg (Vorbis, Opus, FLAC), \
     m4a and mp4 (AAC, ALAC), aac, caf, mkv and webm, MPEG-TS";

/// Endings of files that may be read.
pub const EXTENSIONS: [&str; 32] = [
    "wav", "wave", "rf64", "bw64", "bwf", "w64", "aiff", "aif", "aifc", "flac", "mp3", "mp2",
    "mp1", "mpga", "ogg", "oga", "ogv", "ogx", "opus", "m4a", "m4b", "mp4", "m4v", "mov", "aac",
    "adts", "caf", "mka", "mkv", "webm", "ts", "m2ts",
];

/// What to say of an mp4 whose end is missing, and with it what tells where its sound is.
pub(super) const UNFINISHED_MP4: &str =
    "is an mp4 without its index (moov): its end is missing, or its recording was never finished";

/// What to do with a file that is not read.
const CONVERT: &str = "convert it, for example with ffmpeg -i IN OUT.flac";

/// Kinds that are not read, by the bytes that they have at a place.
const REFUSED: [(usize, &[u8], &str); 29] = [
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media (WMA)"),
    (0, b"\x0b\x77", "AC-3"),
    (0, b"\x7f\xfe\x80\x01", "DTS"),
    (0, b"\xfe\x7f\x01\x80", "DTS"),
    (0, b"DTSHDHDR", "DTS-HD"),
    (4, b"\xf8\x72\x6f\xba", "TrueHD"),
    (0, b"DSD ", "DSD (dsf)"),
    (0, b"FRM8", "DSD (dff)"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"MPCK", "Musepack"),
    (0, b"MP+", "Musepack"),
    (0, b"TTA1", "True Audio"),
    (0, b"TTA2", "True Audio"),
    (0, b"OFR ", "OptimFROG"),
    (0, b"tBaK", "TAK"),
    (0, b"ajkg", "Shorten"),
    (0, b".RMF", "RealMedia"),
    (0, b".ra\xfd", "RealAudio"),
    (0, b"#!AMR", "AMR, a speech codec"),
    (0, b".snd", "Sun audio (au)"),
    (0, b"Creative Voice File", "Creative Voice"),
    (0, b"\x00\x00\x01\xba", "an MPEG program stream"),
    (0, b"FLV\x01", "Flash video"),
    (8, b"AVI ", "AVI"),
    (0, b"2BIT", "a sample of the kind avr"),
    (0, b"NIST_1A", "NIST SPHERE"),
    (0, b"\x64\xa3", "IRCAM sound"),
    (8, b"8SVX", "8SVX"),
];

/// Files that are not recordings at all.
const NO_SOUND: [(usize, &[u8], &str); 14] = [
    (0, b"MThd", "MIDI: notes without a sound; render it first"),
    (8, b"RMID", "MIDI: notes without a sound; render it first"),
    (0, b"Extended Module: ", "a tracker module; render it first"),
    (0, b"IMPM", "a tracker module; render it first"),
    (1080, b"M.K.", "a tracker module; render it first"),
    (0, b"#EXTM3U", "a playlist; name the files in it"),
    (0, b"[playlist]", "a playlist; name the files in it"),
    (0, b"%PDF", "a document"),
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
    (0, b"GIF8", "a picture"),
    (0, b"PK\x03\x04", "a zip archive; unpack it and name the files in it"),
    (0, b"\x1f\x8b", "a compressed archive; unpack it and name the files in it"),
    (0, b"\x00\x05\x16\x07", "what macOS keeps beside a file (AppleDouble), not the file"),
];

/// Bytes of a file's beginning that its kind is told from.
pub(super) const MAGIC_BYTES: usize = 2048;

/// Why a file that begins like this is not read; `None` where nothing speaks against it.
pub(super) fn refused(start: &[u8]) -> Option<String> {
    let has = |at: usize, magic: &[u8]| start.get(at..).is_some_and(|rest| rest.starts_with(magic));
    if let Some((.., name)) = NO_SOUND.iter().find(|(at, magic, _)| has(*at, magic)) {
        return Some(format!("is {name}"));
    }
    let refused = REFUSED.iter().find(|(at, magic, _)| has(*at, magic));
    refused.map(|(.., name)| format!("is {name}, which is not read; {CONVERT}"))
}

/// Containers, by the bytes that they have at a place.
const CONTAINERS: [(usize, &[u8], &str); 8] = [
    (0, b"OggS", "ogg"),
    (0, b"fLaC", "FLAC"),
    (0, b"caff", "CAF"),
    (4, b"ftyp", "mp4"),
    (4, b"moov", "mp4"),
    (4, b"mdat", "mp4"),
    (4, b"wide", "QuickTime"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska"),
];

/// Whether a file that begins like this is in a container, so that no frames are looked for in it.
pub(super) fn is_container(start: &[u8]) -> bool {
    container(start).is_some()
}

fn container(start: &[u8]) -> Option<&'static str> {
    let has = |at: usize, magic: &[u8]| start.get(at..).is_some_and(|rest| rest.starts_with(magic));
    CONTAINERS.iter().find(|(at, magic, _)| has(*at, magic)).map(|(.., name)| *name)
}

/// Why a stream in a container cannot be decoded; `why` are the decoder's words.
pub(super) fn undecodable(parameters: &AudioCodecParameters, why: &str) -> String {
    let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
    let name = match parameters.codec {
        CODEC_ID_AAC if channels > 2 => &format!("AAC of {channels} channels"),
        CODEC_ID_AAC => "AAC of a kind beyond AAC-LC and HE-AAC",
        CODEC_ID_AC3 => "AC-3",
        CODEC_ID_EAC3 => "E-AC-3",
        CODEC_ID_AC4 => "AC-4",
        CODEC_ID_DCA => "DTS",
        CODEC_ID_TRUEHD => "TrueHD",
        CODEC_ID_WMA => "Windows Media Audio",
        CODEC_ID_SPEEX => "Speex, a speech codec",
        CODEC_ID_MUSEPACK => "Musepack",
        CODEC_ID_WAVPACK => "WavPack",
        CODEC_ID_MONKEYS_AUDIO => "Monkey's Audio",
        CODEC_ID_TTA => "True Audio",
        CODEC_ID_ATRAC3 | CODEC_ID_ATRAC3PLUS => "ATRAC",
        CODEC_ID_COOK => "RealAudio",
        CODEC_ID_NULL_AUDIO => "sound of an unknown kind",
        _ => &format!("sound that the decoder refuses ({why})"),
    };
    format!("holds {name}, which is not read; {CONVERT}")
}

/// What to say of a file that no reader knows, which begins with `start`; `why` are the last
/// reader's words.
pub(super) fn unknown(start: &[u8], extension: &str, why: &str) -> String {
    if let Some(refused) = refused(start) {
        return refused;
    }
    if why.contains("missing moov") {
        return UNFINISHED_MP4.to_owned();
    }
    let is_ogg = start.starts_with(b"OggS");
    let in_ogg = |magic: &[u8]| is_ogg && start.windows(magic.len()).any(|window| window == magic);
    for (magic, name) in [
        (b"Speex   ".as_slice(), "Speex, a speech codec,"),
        (b"\x80theora", "video without a sound that is known"),
        (b"fishead", "streams of unknown kinds"),
    ] {
        if in_ogg(magic) {
            return format!("holds {name} in ogg, which is not read; {CONVERT}");
        }
    }
    if let Some(name) = container(start) {
        return format!(
            "is a damaged {name} file, or one of a kind that is not read ({why}); if other programs play it, {CONVERT}"
        );
    }
    if EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str()) {
        return format!("not a readable audio file ({why}); if other programs play it, {CONVERT}");
    }
    format!("not a readable audio file (readable: {READABLE})")
}
