//! Files behind one another in one, each with a header of its own, and whatever they are: read to
//! the last.

use std::io;

use super::demux::{Demux, Step};
use super::error::DecodeError;
use super::following::next_file;
use super::input::Input;
use super::opening::{self, Length, Opened};

/// The files in one.
pub(super) struct Chain {
    /// The one that is being read.
    file: Opened,
    /// Seconds handed out of it, gaps included.
    handed_secs: f64,
    /// Seconds that those before it promised, or held.
    before_secs: f64,
    /// Seconds lost at the ends of those before it.
    lost_secs: f64,
    /// Why the first of them that did so broke off.
    broke_off: Option<String>,
    /// Whether those before it keep their word.
    keeps_its_word: bool,
}

impl Chain {
    /// Opens the first file in `input`.
    ///
    /// # Errors
    /// As [`opening::open`].
    pub(super) fn open(input: Input, extension: &str) -> Result<Self, DecodeError> {
        Ok(Self {
            file: opening::open(input, extension)?,
            handed_secs: 0.0,
            before_secs: 0.0,
            lost_secs: 0.0,
            broke_off: None,
            keeps_its_word: true,
        })
    }

    /// Goes on with the file behind this one; whether there is one that can be read.
    fn go_on(&mut self) -> bool {
        match self.next_input().map(|next| next.map(|next| opening::open(next, ""))) {
            Ok(Some(Ok(file))) => {
                self.before_secs += self.file_secs().unwrap_or(self.handed_secs);
                self.lost_secs += self.file.demux.lost_at_end_secs();
                self.keeps_its_word &= self.file.demux.keeps_its_word();
                self.handed_secs = 0.0;
                self.file = file;
                true
            }
            Ok(Some(Err(why))) => self.say(format!("the file that follows in it {why:#}")),
            Err(why) => self.say(why.to_string()),
            Ok(None) => false,
        }
    }

    fn say(&mut self, why: String) -> bool {
        self.broke_off.get_or_insert(why);
        self.keeps_its_word = false;
        false
    }

    /// The bytes of the file behind this one.
    fn next_input(&mut self) -> io::Result<Option<Input>> {
        let Some((input, end, order)) = &mut self.file.rest else { return Ok(None) };
        let Some(end) = end.at() else { return Ok(None) };
        let next = next_file(input, end, *order)?;
        Ok(next.map(|at| input.from(at)))
    }

    /// Seconds that this file promises.
    fn file_secs(&self) -> Option<f64> {
        match self.file.length {
            Length::ByHeader(secs) => secs,
            Length::ByPackets => self.file.demux.promised_secs(),
        }
    }
}

impl Demux for Chain {
    fn next(&mut self) -> Step {
        loop {
            let step = self.file.demux.next();
            match step {
                Step::Packet { gap_secs, dur_secs, .. } => {
                    self.handed_secs += gap_secs + dur_secs;
                    return step;
                }
                Step::End { broke_off } => {
                    if let Some(why) = broke_off {
                        self.broke_off.get_or_insert(why);
                    }
                    if !self.go_on() {
                        return Step::End { broke_off: self.broke_off.take() };
                    }
                }
                Step::NewStream(_) => return step,
            }
        }
    }

    fn promised_secs(&self) -> Option<f64> {
        self.file_secs().map(|secs| self.before_secs + secs)
    }

    fn keeps_its_word(&self) -> bool {
        self.keeps_its_word && self.file.demux.keeps_its_word()
    }

    fn lost_at_end_secs(&self) -> f64 {
        self.lost_secs + self.file.demux.lost_at_end_secs()
    }

    fn length_secs(&self) -> Option<f64> {
        match self.file.length {
            Length::ByHeader(secs) => secs.map(|secs| self.before_secs + secs),
            Length::ByPackets => self.file.demux.length_secs().map(|secs| self.before_secs + secs),
        }
    }
}
