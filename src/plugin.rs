//! The plugin: hands the host's audio to the engine and leaves it untouched. No arithmetic here.
//!
//! | host calls | here |
//! |---|---|
//! | `activate` | starts the engine (allocates, spawns the threads) |
//! | `reset` | marks a new start in the stream; real-time safe |
//! | a state with another model, or another file for readings | asks the running engine for it |
//! | `process` | copies the block to the ring; the audio itself is not written to, so it passes bit for bit with no latency |
//! | `deactivate`, drop | stops the engine, then the outputs and what is sent live, and their threads |
//!
//! Whether the host plays live or renders is not taken from what it announces, which comes late, or
//! never, or outlasts the render: see [`crate::engine::lead`].

mod desk;
mod front;
mod state;

use std::num::NonZeroU32;
use std::sync::Arc;

use nice_plug::prelude::*;

use crate::analysis::downmix::Layout;
use crate::editor::MoodEditor;
use crate::engine::Engine;
use crate::engine::beat::Beat;
use crate::engine::control::Control;
use crate::engine::monitor::Monitor;
use crate::engine::ring::AudioEnd;
use crate::engine::timeline;
use crate::live::Live;
use crate::model;
use crate::outputs::Outputs;
use crate::params::MoodringParams;
use desk::Desk;

/// The plugin's state between calls from the host.
pub struct Moodring {
    params: Arc<MoodringParams>,
    control: Arc<Control>,
    monitor: Arc<Monitor>,
    outputs: Arc<Outputs>,
    live: Arc<Live>,
    running: Option<Running>,
    /// The reset button in the last block.
    reset_was_on: bool,
}

impl Drop for Moodring {
    /// As [`deactivate`](Plugin::deactivate), for hosts that leave it out: the host may unload the
    /// code next.
    fn drop(&mut self) {
        self.deactivate();
    }
}

impl Default for Moodring {
    fn default() -> Self {
        let params = Arc::new(MoodringParams::default());
        let monitor = Arc::new(Monitor::new(params.history.shared()));
        let control = Arc::new(Control::default());
        let outputs = Arc::new(Outputs::new(Arc::clone(monitor.feed())));
        let asked = Arc::clone(&control);
        params.on_model(move |path| asked.ask_model(path));
        let set = Arc::clone(&outputs);
        params.on_output(move |kind, path| set.set(kind, path));
        let desk = Desk::new(&params, &control, &monitor);
        let live = Arc::new(Live::new(Arc::clone(&monitor), Arc::new(desk)));
        let sends = Arc::clone(&live);
        params.on_osc(move |settings| sends.set_osc(settings));
        let shows = Arc::clone(&live);
        params.on_page(move |settings| shows.set_page(settings));
        let told = Arc::clone(&monitor);
        let history = params.history.clone();
        params.on_state_read(move |unread| {
            let history = history.is_unread().then_some(HISTORY);
            let unread: Vec<&str> = unread.iter().map(String::as_str).chain(history).collect();
            told.set_state_problem(problem(&unread));
        });
        Self { params, control, monitor, outputs, live, running: None, reset_was_on: false }
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
}

/// What the history is called among the parts of a state.
const HISTORY: &str = "history";

/// What to tell the user of a state of which these could not be read.
fn problem(unread: &[&str]) -> Option<String> {
    let names = unread.join(", ");
    (!unread.is_empty()).then(|| {
        format!("Parts of what this project keeps could not be read and start at their defaults: {names}. See to them, then save it.")
    })
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

/// The channels of a layout, of which those that hosts call 5.1 and 7.1 have low-frequency effects
/// in the fourth.
fn channels_of(layout: &AudioIOLayout) -> Layout {
    match layout.main_input_channels.map_or(1, NonZeroU32::get) {
        n @ (6 | 8) => Layout::of(n as usize).with_lfe(3),
        n => Layout::of(n as usize),
    }
}

impl Plugin for Moodring {
    const NAME: &'static str = "Moodring";
    const VENDOR: &'static str = "Moodring contributors";
    // There is neither a site nor an address of the project's own, and hosts open what they are
    // told; so these, and the CLAP's manual and support pages below, say nothing rather than
    // something that is not there.
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

    fn filter_state(state: &mut PluginState) {
        state::filter(state);
    }

    fn params(&self) -> Arc<dyn Params> {
        Arc::clone(&self.params) as Arc<dyn Params>
    }

    fn editor(&mut self, _executor: AsyncExecutor<Self>) -> Option<Self::Editor> {
        // Until an engine has loaded a model the meters stand empty under the shipped one's names.
        self.monitor.set_model(model::shipped_facts());
        Some(MoodEditor::new(
            Arc::clone(&self.params),
            Arc::clone(&self.control),
            Arc::clone(&self.monitor),
            Arc::clone(&self.outputs),
            Arc::clone(&self.live),
        ))
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
        };
        self.control.set_gate_db(self.params.gate_db.value());
        // Hosts activate several times in a row while they restore a project.
        let is_current = |now: &Running| now.settings == settings && now.audio.is_heard();
        if self.running.as_ref().is_some_and(is_current) {
            return true;
        }
        self.running = None;
        self.outputs.open();
        let (control, monitor) = (Arc::clone(&self.control), Arc::clone(&self.monitor));
        let Settings { host_rate_hz, layout } = settings;
        let (engine, audio) = Engine::start(host_rate_hz, layout, control, monitor);
        self.live.open();
        self.running = Some(Running { settings, audio, _engine: engine });
        true
    }

    fn reset(&mut self) {
        if let Some(running) = &mut self.running {
            running.audio.reset();
        }
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        self.control.set_gate_db(self.params.gate_db.value());
        let reset_was_on = std::mem::replace(&mut self.reset_was_on, self.params.reset.value());
        if self.reset_was_on && !reset_was_on {
            // Not the audio end's own reset: bypassed, the request waits for the next block heard.
            self.control.ask_reset();
        }
        self.monitor.beat().tell(beat(context.transport()));
        if let Some(running) = &mut self.running
            && !self.params.bypass.value()
        {
            let channels = buffer.as_slice_immutable();
            let transport = transport(context.transport());
            running.audio.set_auto_reset(self.params.auto_reset.value());
            running.audio.process(channels, &transport);
        }
        ProcessStatus::Normal
    }

    fn deactivate(&mut self) {
        // First the engine, which publishes its last readings; then what writes them.
        self.running = None;
        self.outputs.close();
        self.live.close();
    }
}

/// What the analysis wants to know of the host's transport.
fn transport(host: &Transport) -> timeline::Transport {
    timeline::Transport {
        playing: host.playing,
        song_secs: host.pos_seconds(),
        loop_secs: host.loop_range_seconds(),
        tempo_bpm: host.tempo,
    }
}

/// Where the host is on its beat grid, while it plays and says so.
fn beat(host: &Transport) -> Option<Beat> {
    let (quarters, tempo_bpm) = (host.pos_beats()?, host.tempo?);
    host.playing.then_some(Beat { quarters, tempo_bpm })
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_window_says_what_of_a_state_could_not_be_read_until_one_is_whole() {
        let plugin = Moodring::default();
        let load = |fields: &[(&str, &str)]| {
            let field = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
            plugin.params.deserialize_fields(&fields.iter().map(field).collect::<BTreeMap<_, _>>());
            plugin.monitor.state_problem()
        };
        let told = load(&[("unread", r#"["gate_db"]"#)]).unwrap();
        assert!(told.contains("defaults: gate_db."), "{told}");
        let told = load(&[("unread", "[]"), ("history", r#""1:nonsense""#)]).unwrap();
        assert!(told.contains("defaults: history."), "{told}");
        assert_eq!(load(&[("unread", "[]"), ("history", r#""""#)]), None);
    }

    #[test]
    fn files_that_a_state_names_are_asked_for_at_once() {
        let plugin = Moodring::default();
        let fields = [
            ("csv_path", "\"/a.csv\""),
            ("outputs", "{\"jsonl\": \"/c.jsonl\"}"),
            ("model_path", "\"/b.onnx\""),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        plugin.params.deserialize_fields(&BTreeMap::from(fields));
        let states = plugin.outputs.states().into_iter().take(2);
        let paths: Vec<_> = states.map(|state| state.path).collect();
        assert_eq!(paths, [Some("/a.csv".into()), Some("/c.jsonl".into())]);
        assert_eq!(plugin.control.model_path(), Some("/b.onnx".into()));
    }
}
