//! The plugin: hands the host's audio to the engine and leaves it untouched. No arithmetic here.
//!
//! | host calls | here |
//! |---|---|
//! | `activate` | starts the engine (allocates, spawns the threads) |
//! | `reset` | marks a new start in the stream; real-time safe |
//! | a state with another model | asks the running engine for it |
//! | `process` | copies the block to the ring; the audio itself is not written to, so it passes bit for bit with no latency |
//! | `deactivate`, drop | stops the engine and its threads |

mod entry;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use nice_plug::prelude::*;

use crate::analysis::downmix::Layout;
use crate::editor::MoodEditor;
use crate::engine::Engine;
use crate::engine::publish::Monitor;
use crate::engine::ring::AudioEnd;
use crate::engine::timeline;
use crate::model;
use crate::params::MoodringParams;

/// The plugin's state between calls from the host.
pub struct Moodring {
    params: Arc<MoodringParams>,
    monitor: Arc<Monitor>,
    running: Option<Running>,
    /// The reset button in the last block.
    reset_was_on: bool,
}

impl Default for Moodring {
    fn default() -> Self {
        let params = Arc::new(MoodringParams::default());
        let monitor = Arc::new(Monitor::new(params.history.shared()));
        let asked = Arc::clone(&monitor);
        params.on_model_restored(move |path| asked.ask_model(path));
        Self { params, monitor, running: None, reset_was_on: false }
    }
}

/// What exists from `activate` to `deactivate`.
struct Running {
    settings: Settings,
    audio: AudioEnd,
    /// Held for its drop, which ends the threads.
    _engine: Engine,
}

/// What an engine is started with for good: where none of it changed, it need not be restarted.
#[derive(Clone, PartialEq)]
struct Settings {
    host_rate_hz: f64,
    layout: Layout,
    /// Whether the host renders offline, so that we may, and must, wait for the analysis.
    ///
    /// Offline the host calls `process` as fast as it can. Were audio dropped there as in live playback, a bounce would read
    /// differently from what was heard; so it waits for the analysis thread instead. Live, and in VST3's prefetch mode, which
    /// has a deadline as well, nothing ever waits.
    waits: bool,
    csv_path: Option<PathBuf>,
}

/// `n` channels in, the same `n` out.
const fn layout(n_channels: u32, name: &'static str) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: NonZeroU32::new(n_channels),
        main_output_channels: NonZeroU32::new(n_channels),
        names: PortNames { layout: Some(name), ..PortNames::const_default() },
        ..AudioIOLayout::const_default()
    }
}

/// The channels of a layout, of which those that hosts call 5.1 and 7.1 have low-frequency effects in the fourth.
fn channels_of(layout: &AudioIOLayout) -> Layout {
    match layout.main_input_channels.map_or(1, NonZeroU32::get) {
        n @ (6 | 8) => Layout::of(n as usize).with_lfe(3),
        n => Layout::of(n as usize),
    }
}

impl Plugin for Moodring {
    const NAME: &'static str = "Moodring";
    const VENDOR: &'static str = "Moodring contributors";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[
        layout(2, "Stereo"),
        layout(1, "Mono"),
        layout(3, "3 channels"),
        layout(4, "4 channels"),
        layout(5, "5 channels"),
        layout(6, "6 channels (5.1)"),
        layout(7, "7 channels"),
        layout(8, "8 channels (7.1)"),
    ];

    type Editor = MoodEditor;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        Arc::clone(&self.params) as Arc<dyn Params>
    }

    fn editor(&mut self, _executor: AsyncExecutor<Self>) -> Option<Self::Editor> {
        // Until an engine has loaded a model the meters stand empty under the shipped one's names.
        self.monitor.set_model(model::shipped_facts());
        Some(MoodEditor::new(Arc::clone(&self.params), Arc::clone(&self.monitor)))
    }

    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        buffer_config: &BufferConfig,
        _context: &mut impl ActivateContext<Self>,
    ) -> bool {
        let settings = Settings {
            host_rate_hz: f64::from(buffer_config.sample_rate),
            layout: channels_of(layout),
            waits: buffer_config.process_mode == ProcessMode::Offline,
            csv_path: self.params.csv_path(),
        };
        self.monitor.set_gate_db(self.params.gate_db.value());
        // Hosts activate several times in a row while they restore a project.
        let is_current = |now: &Running| now.settings == settings && now.audio.is_heard();
        if self.running.as_ref().is_some_and(is_current) {
            return true;
        }
        // The old threads end before the new ones start: both would write to the same file.
        self.running = None;
        self.running = Some(start(settings, self.params.model_path(), &self.monitor));
        true
    }

    fn reset(&mut self) {
        if let Some(running) = &mut self.running {
            if running.settings.waits {
                running.audio.settle();
            }
            running.audio.reset();
        }
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        self.monitor.set_gate_db(self.params.gate_db.value());
        let reset_was_on = std::mem::replace(&mut self.reset_was_on, self.params.reset.value());
        if self.reset_was_on && !reset_was_on {
            self.monitor.ask_reset();
        }
        if let Some(running) = &mut self.running
            && !self.params.bypass.value()
        {
            let channels = buffer.as_slice_immutable();
            let transport = transport(context.transport());
            running.audio.set_auto_reset(self.params.auto_reset.value());
            if running.settings.waits {
                running.audio.process_waiting(channels, &transport);
            } else {
                running.audio.process(channels, &transport);
            }
        }
        ProcessStatus::Normal
    }

    fn deactivate(&mut self) {
        self.running = None;
    }
}

/// What the analysis wants to know of the host's transport.
fn transport(host: &Transport) -> timeline::Transport {
    timeline::Transport {
        playing: host.playing,
        song_secs: host.pos_seconds(),
        loop_secs: host.loop_range_seconds(),
    }
}

fn start(settings: Settings, model_path: Option<PathBuf>, monitor: &Arc<Monitor>) -> Running {
    let (engine, audio) = Engine::start(
        settings.host_rate_hz,
        settings.layout,
        model_path,
        settings.csv_path.clone(),
        Arc::clone(monitor),
    );
    Running { settings, audio, _engine: engine }
}

impl ClapPlugin for Moodring {
    const CLAP_ID: &'static str = "org.moodring.moodring";
    const CLAP_DESCRIPTION: Option<&'static str> =
        Some("A live mood meter: how excited or calm, joyful or sad the music sounds");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = &[
        ClapFeature::AudioEffect,
        ClapFeature::Analyzer,
        ClapFeature::Utility,
        ClapFeature::Stereo,
        ClapFeature::Mono,
        ClapFeature::Surround,
    ];

    fn remote_controls(&self, context: &mut impl RemoteControlsContext) {
        let params = &self.params;
        context.add_section("Moodring", |section| {
            section.add_page("Meter", |page| {
                page.add_param(&params.hold);
                page.add_param(&params.reset);
                page.add_param(&params.auto_reset);
                page.add_param(&params.response);
                page.add_param(&params.gate_db);
            });
        });
    }
}

impl Vst3Plugin for Moodring {
    const VST3_CLASS_ID: [u8; 16] = *b"MoodringMeterOne";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Fx, Vst3SubCategory::Analyzer, Vst3SubCategory::Tools];
}

nice_export_vst3!(Moodring);
