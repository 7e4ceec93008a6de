//! Which reader takes a file apart: its content decides, not its name.

use super::beginnings;
use super::boxes;
use super::container::{Container, Refusal};
use super::demux::Demux;
use super::elementary::{self, Elementary, TAG_HEADER_BYTES, tag_bytes};
use super::error::DecodeError;
use super::following::{self, Watch};
use super::guard::guarded;
use super::input::{Input, Spliced};
use super::kinds;
use super::ogg::{self, Pages};
use super::plain::Plain;
use super::plain::chunks::Order;
use super::transport::Transport;

/// A file that is ready to be taken apart.
pub(super) struct Opened {
    pub(super) demux: Box<dyn Demux>,
    pub(super) length: Length,
    /// Its bytes, where it ends in them, and the order of the numbers in what follows; none where
    /// its own reader sees to all that follows.
    pub(super) rest: Option<(Input, End, Order)>,
}

impl Opened {
    fn alone(demux: impl Demux + 'static) -> Self {
        Self { demux: Box::new(demux), length: Length::ByPackets, rest: None }
    }
}

/// Who says how long a file is.
#[derive(Clone, Copy)]
pub(super) enum Length {
    /// What takes it apart.
    ByPackets,
    /// The header of a recording of samples, seconds; none where it leaves that open.
    ByHeader(Option<f64>),
}

/// Where a file ends.
pub(super) struct End {
    /// By its header, byte; none where that leaves it open.
    known: Option<u64>,
    /// Where another begins.
    watched: following::End,
}

impl End {
    /// Where to look for the next file, once this one has been read, byte.
    pub(super) fn at(&self) -> Option<u64> {
        self.watched.found().or(self.known)
    }
}

/// Opens what `input` begins with. The ending of its name helps to tell what it is.
///
/// # Errors
/// Where it is not audio that can be read; the words say why, and what to do.
pub(super) fn open(input: Input, extension: &str) -> Result<Opened, DecodeError> {
    guarded(|| find(input, extension)).unwrap_or_else(|words| Err(DecodeError::Reader(words)))
}

fn find(input: Input, extension: &str) -> Result<Opened, DecodeError> {
    let mut input = behind_tags(input)?;
    let start = input.look(0, kinds::MAGIC_BYTES)?;
    let start = start.as_slice();
    if let Some(why) = kinds::refused(start) {
        return Err(DecodeError::not_audio(why));
    }
    if let Some(plain) = Plain::find(&mut input)? {
        return recording(input, plain);
    }
    if let Some(places) = Transport::find(&mut input)? {
        let found = Elementary::find(Box::new(Transport::new(input, places)));
        let found = found?.ok_or_else(|| DecodeError::unsupported(
            "is an MPEG transport stream without MPEG audio or AAC, the sounds that are read from one; convert it, for example with ffmpeg -i IN OUT.flac",
        ))?;
        return Ok(Opened::alone(found));
    }
    if start.starts_with(b"fLaC") {
        let (watch, watched) = Watch::for_flac(&mut input)?;
        let rest = Some((input.clone(), End { known: None, watched }, Order::Big));
        // Its length is known from its start, and nothing is sought at its end.
        let source = Spliced::whole(input).watched(Some(watch)).into_pipe();
        let container = container(Container::open(Box::new(source), "flac"), start, "flac")?;
        return Ok(Opened { demux: Box::new(container), length: Length::ByPackets, rest });
    }
    if start.starts_with(ogg::CAPTURE) {
        let end = ogg::end_granule(&mut input)?;
        let (pages, losses) = Pages::new(input);
        let container = container(Container::open(Box::new(pages), "ogg"), start, extension)?;
        return Ok(Opened::alone(container.in_pages(losses, end)));
    }
    let has_frames = !kinds::is_container(start) && elementary::begins(&mut input)?;
    let mended = boxes::mended_length(&mut input)?;
    let (is_cut_off, is_mp4) = (mended.is_some(), start.get(4..8) == Some(b"ftyp"));
    let mut source = Spliced::whole(input).patched(mended);
    if has_frames {
        let found = Elementary::find(Box::new(source))?;
        return Ok(Opened::alone(
            found.ok_or_else(|| DecodeError::damaged("holds no frame of sound"))?,
        ));
    }
    let is_pipe = source.len().is_none();
    if is_cut_off && start.starts_with(&boxes::EBML_ID) {
        // Its table of contents points behind its end.
        source = source.into_pipe();
    }
    match Container::open(Box::new(source), extension) {
        Err(_) if is_cut_off && is_mp4 => Err(DecodeError::damaged(kinds::UNFINISHED_MP4)),
        Err(Refusal::Unreadable(why)) if is_pipe && kinds::is_container(start) => {
            Err(DecodeError::Unsupported(format!(
                "is of a kind that cannot be read from a pipe ({why}): what tells where its sound is may stand at its end; name the file itself"
            )))
        }
        opened => Ok(Opened::alone(container(opened, start, extension)?.cut_off(is_cut_off))),
    }
}

/// A recording whose header is put right.
fn recording(input: Input, mut plain: Plain) -> Result<Opened, DecodeError> {
    let (secs, is_elementary) = (plain.promised_secs, plain.is_elementary);
    let (watch, watched) = Watch::for_samples(plain.start());
    let end = End { known: plain.end(), watched };
    let rest = Some((input.clone(), end, plain.order));
    let source = plain.source(input).watched(Some(watch));
    if is_elementary {
        let found = Elementary::find(Box::new(source))?;
        let missing = "is a WAVE file without the frames that it promises";
        let found = found.ok_or_else(|| DecodeError::damaged(missing))?;
        return Ok(Opened { demux: Box::new(found), length: Length::ByPackets, rest });
    }
    let container = Container::open_recording(Box::new(source));
    let container =
        container.map_err(|why| DecodeError::Damaged(format!("cannot be read: {why}")))?;
    Ok(Opened { demux: Box::new(container), length: Length::ByHeader(secs), rest })
}

/// A container, or in words why it is none.
fn container(
    opened: Result<Container, Refusal>,
    start: &[u8],
    extension: &str,
) -> Result<Container, DecodeError> {
    match opened {
        Ok(container) => Ok(container),
        Err(Refusal::Panicked(words)) => Err(DecodeError::Reader(words)),
        Err(Refusal::NoAudio) => Err(DecodeError::not_audio("has no audio track")),
        Err(why) => Err(DecodeError::NotAudio(kinds::unknown(start, extension, &why.to_string()))),
    }
}

/// A file without the tags before it that do not belong to its kind.
fn behind_tags(mut input: Input) -> std::io::Result<Input> {
    let mut at = 0;
    loop {
        let header = input.look(at, TAG_HEADER_BYTES)?;
        if at > 0 && (beginnings::begins(&header) || kinds::is_container(&header)) {
            return Ok(input.from(at));
        }
        match tag_bytes(&header) {
            Some(bytes) => at += bytes as u64,
            None => return Ok(input),
        }
    }
}
