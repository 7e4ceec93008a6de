//! What the window asks of whoever runs it.

use std::path::PathBuf;

use crate::export::Format;
use crate::live::settings::{OscSettings, PageSettings};
use crate::outputs::settings::FileKind;
use crate::params::Response;

/// What the window asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Keep the reading on show, or no longer.
    SetHold(bool),
    /// Begin anew when the transport starts or jumps, or not.
    SetAutoReset(bool),
    /// Let needles follow like this.
    SetResponse(Response),
    /// Take music under this mean power for silence, dB re full scale.
    SetGate(f32),
    /// Forget the last ten seconds and the peaks.
    Reset,
    /// Read by the model in this file, or by the shipped one.
    UseModel(Option<PathBuf>),
    /// Write every reading from here on to this file in the manner of this kind, or no longer.
    Write(&'static FileKind, Option<PathBuf>),
    /// Send by OSC as these settings say.
    SetOsc(OscSettings),
    /// Show a page to browsers as these settings say.
    SetPage(PageSettings),
    /// Keep the last minute: 0 as A, 1 as B.
    Keep(usize),
    /// Forget the history.
    ClearHistory,
    /// Write the history to this file.
    Export(Format, PathBuf),
    /// Write no further.
    CancelExport,
    /// Open the stage in a window of its own, or close it.
    Screen,
    /// Put the reading on the clipboard.
    Copy,
}
