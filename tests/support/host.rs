//! A headless CLAP host for the tests and the demo: loads the bundled plugin and plays audio
//! through it.
//!
//! ```text
//! Host::load → set_state, select_channels, render_offline → activate → Playing::play … → deactivate
//! ```

// Each test binary and the demo use their own part of this.
#![allow(dead_code)]

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use clack_extensions::audio_ports_config::{AudioPortsConfigBuffer, PluginAudioPortsConfig};
use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_extensions::params::{ParamInfoBuffer, PluginParams};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_host::events::event_types::{TransportEvent, TransportFlags};
use clack_host::events::{EventFlags, EventHeader};
use clack_host::prelude::*;
use clack_host::utils::{BeatTime, SecondsTime};
use serde_json::{Value, json};

/// Where the bundle is: `MOODRING_BUNDLE`, or where `cargo xtask bundle moodring` leaves it.
pub fn bundle_path() -> PathBuf {
    if let Some(path) = std::env::var_os("MOODRING_BUNDLE") {
        return path.into();
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    repository.join(target).join("bundled/Moodring.clap")
}

/// A host that does little for its plugin.
pub struct Headless;

impl HostHandlers for Headless {
    type Shared<'a> = Callbacks;
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _shared: &Callbacks) {
        builder.register::<HostGui>();
    }
}

/// What the plugin has asked for, from any thread.
#[derive(Default)]
pub struct Callbacks {
    /// A call on the main thread.
    main_thread: AtomicBool,
}

impl SharedHandler<'_> for Callbacks {
    fn request_restart(&self) {}

    fn request_process(&self) {}

    fn request_callback(&self) {
        self.main_thread.store(true, Ordering::Release);
    }
}

/// The host sizes and shows the plugin's window as it likes.
impl HostGuiImpl for Callbacks {
    fn resize_hints_changed(&self) {}

    fn request_resize(&self, _size: GuiSize) -> Result<(), HostError> {
        Err(HostError::Message("this host does not resize"))
    }

    fn request_show(&self) -> Result<(), HostError> {
        Err(HostError::Message("this host shows what it likes"))
    }

    fn request_hide(&self) -> Result<(), HostError> {
        Err(HostError::Message("this host hides what it likes"))
    }

    fn closed(&self, _was_destroyed: bool) {}
}

/// One instance of the plugin. Must stay on the thread that made it.
pub struct Host {
    instance: PluginInstance<Headless>,
    n_channels: usize,
}

impl Host {
    /// Loads the bundle at `path` and makes an instance, stereo until told otherwise.
    pub fn load(path: &Path) -> Result<Self> {
        ensure!(
            path.exists(),
            "there is no plugin at {}: run `cargo xtask bundle moodring` first",
            path.display()
        );
        // SAFETY: the library is this repository's own plugin, built by the same toolchain.
        #[allow(unsafe_code)]
        let entry = unsafe { PluginEntry::load(path) }?;
        let factory = entry.get_plugin_factory().context("the bundle holds no plugin factory")?;
        let plugin = factory.plugin_descriptors().next().context("the bundle holds no plugin")?;
        let id = plugin.id().context("the plugin has no id")?;
        let info = HostInfo::new("Moodring headless host", "Moodring", "", "1")?;
        let instance = PluginInstance::new(|()| Callbacks::default(), |_| (), &entry, id, &info)?;
        Ok(Self { instance, n_channels: 2 })
    }

    /// Loads the bundle from where it is built.
    pub fn load_bundle() -> Result<Self> {
        Self::load(&bundle_path())
    }

    /// The plugin's end of the main thread, for extensions that have no method here.
    pub fn plugin(&mut self) -> PluginMainThreadHandle<'_> {
        self.instance.plugin_handle()
    }

    /// Calls back on the main thread if the plugin has asked for it; to be called often.
    pub fn idle(&mut self) {
        let asked = |callbacks: &Callbacks| callbacks.main_thread.swap(false, Ordering::AcqRel);
        if self.instance.access_shared_handler(asked) {
            self.instance.call_on_main_thread_callback();
        }
    }

    /// The plugin's saved state, as the host would keep it in a project.
    pub fn state(&mut self) -> Result<Vec<u8>> {
        let handle = self.instance.plugin_handle();
        let extension: PluginState = handle.get_extension().context("no state extension")?;
        let mut state = Vec::new();
        extension.save(&handle, &mut state)?;
        Ok(state)
    }

    /// Restores a state; an error where the plugin refuses it.
    pub fn set_state(&mut self, state: &[u8]) -> Result<()> {
        let handle = self.instance.plugin_handle();
        let extension: PluginState = handle.get_extension().context("no state extension")?;
        extension.load(&handle, &mut Cursor::new(state))?;
        // The plugin asks for this to tell the host of the new values.
        self.instance.call_on_main_thread_callback();
        Ok(())
    }

    /// The state's JSON, without the length in front of it.
    pub fn state_json(&mut self) -> Result<Value> {
        let state = self.state()?;
        Ok(serde_json::from_slice(state.get(8..).context("the state has no length")?)?)
    }

    /// Restores a state from its JSON.
    pub fn set_state_json(&mut self, json: &Value) -> Result<()> {
        self.set_state(&framed(json.to_string().as_bytes()))
    }

    /// Sets one persisted field, such as the text of `csv_path`.
    pub fn set_field(&mut self, name: &str, value: impl Into<Value>) -> Result<()> {
        let mut state = self.state_json()?;
        // Fields are JSON inside of JSON, so that each can be restored for itself.
        state["fields"][name] = Value::String(value.into().to_string());
        self.set_state_json(&state)
    }

    /// The text of one persisted field.
    pub fn field(&mut self, name: &str) -> Result<String> {
        let state = self.state_json()?;
        let text = state["fields"][name].as_str().context("no such field")?;
        Ok(serde_json::from_str(text)?)
    }

    /// A parameter's value as the host reads it, by the name that the host shows.
    pub fn param(&mut self, name: &str) -> Result<f64> {
        let handle = self.instance.plugin_handle();
        let extension: PluginParams = handle.get_extension().context("no parameters")?;
        let mut buffer = ParamInfoBuffer::new();
        for index in 0..extension.count(&handle) {
            let Some(info) = extension.get_info(&handle, index, &mut buffer) else { continue };
            if info.name == name.as_bytes() {
                return extension.get_value(&handle, info.id).context("no value");
            }
        }
        anyhow::bail!("no parameter is called {name}")
    }

    /// Switches the plugin's own bypass.
    pub fn set_bypass(&mut self, on: bool) -> Result<()> {
        let mut state = self.state_json()?;
        state["params"]["bypass"] = json!({ "bool": on });
        self.set_state_json(&state)
    }

    /// Tells the plugin whether the next activation renders offline, as fast as it can.
    pub fn render_offline(&mut self, offline: bool) -> Result<()> {
        let handle = self.instance.plugin_handle();
        let extension: PluginRender = handle.get_extension().context("no render extension")?;
        let mode = if offline { RenderMode::Offline } else { RenderMode::Realtime };
        Ok(extension.set(&handle, mode)?)
    }

    /// Selects the layout with `n_channels` in and out.
    pub fn select_channels(&mut self, n_channels: usize) -> Result<()> {
        let handle = self.instance.plugin_handle();
        let extension: PluginAudioPortsConfig =
            handle.get_extension().context("no choice of layouts")?;
        let wanted = u32::try_from(n_channels)?;
        let mut buffer = AudioPortsConfigBuffer::new();
        for index in 0..extension.count(&handle) {
            let Some(config) = extension.get(&handle, index, &mut buffer) else { continue };
            let counts =
                [config.main_input, config.main_output].map(|p| p.map(|p| p.channel_count));
            if counts == [Some(wanted); 2] {
                extension.select(&handle, config.id)?;
                self.n_channels = n_channels;
                return Ok(());
            }
        }
        anyhow::bail!("the plugin has no layout with {n_channels} channels")
    }

    /// Activates the plugin for blocks of up to `max_block` samples.
    pub fn activate(&mut self, rate_hz: f64, max_block: usize) -> Result<Playing<'_>> {
        let configuration = PluginAudioConfiguration {
            sample_rate: rate_hz,
            min_frames_count: 1,
            max_frames_count: u32::try_from(max_block)?,
        };
        let n_channels = self.n_channels;
        let processor = self.instance.activate(|_, ()| (), configuration)?;
        let processor = processor.start_processing().ok().context("processing did not start")?;
        let audio = Audio {
            processor: Some(processor),
            inputs: AudioPorts::with_capacity(n_channels, 1),
            outputs: AudioPorts::with_capacity(n_channels, 1),
            played: 0,
            rate_hz,
            song_secs: None,
        };
        Ok(Playing { host: self, audio })
    }
}

/// A state as the plugin reads it: the length, then the bytes.
pub fn framed(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    [&length[..], bytes].concat()
}

/// The transport of a song with a tempo of 120 BPM throughout, at `song_secs` or standing still.
fn transport(song_secs: Option<f64>) -> TransportEvent {
    let timeline = TransportFlags::HAS_SECONDS_TIMELINE | TransportFlags::HAS_TEMPO;
    let playing = TransportFlags::IS_PLAYING;
    TransportEvent {
        header: EventHeader::new_core(0, EventFlags::empty()),
        flags: if song_secs.is_some() { timeline | playing } else { timeline },
        song_pos_beats: BeatTime::from_int(0),
        song_pos_seconds: SecondsTime::from_float(song_secs.unwrap_or_default()),
        tempo: 120.0,
        tempo_inc: 0.0,
        loop_start_beats: BeatTime::from_int(0),
        loop_end_beats: BeatTime::from_int(0),
        loop_start_seconds: SecondsTime::from_int(0),
        loop_end_seconds: SecondsTime::from_int(0),
        bar_start: BeatTime::from_int(0),
        bar_number: 0,
        time_signature_numerator: 4,
        time_signature_denominator: 4,
    }
}

/// An activated plugin; dropping it deactivates.
pub struct Playing<'h> {
    host: &'h mut Host,
    audio: Audio,
}

/// The audio thread's end of an activated plugin.
pub struct Audio {
    processor: Option<StartedPluginAudioProcessor<Headless>>,
    inputs: AudioPorts,
    outputs: AudioPorts,
    played: u64,
    rate_hz: f64,
    /// Where the next block is in the song; `None` while the transport stands still.
    song_secs: Option<f64>,
}

impl Audio {
    /// Sets the transport for what is played from here on: from `secs` of the song on, or standing
    /// still.
    pub fn set_song_secs(&mut self, secs: Option<f64>) {
        self.song_secs = secs;
    }

    /// Plays one block, `input[channel][sample]`, into `output` of the same shape.
    pub fn block(&mut self, input: &mut [&mut [f32]], output: &mut [&mut [f32]]) -> Result<()> {
        let processor = self.processor.as_mut().context("not active")?;
        let n_samples = input.first().map_or(0, |channel| channel.len());
        let transport = transport(self.song_secs);
        let inputs = self.inputs.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                input.iter_mut().map(|channel| InputChannel::variable(&mut **channel)),
            ),
        }]);
        let mut outputs = self.outputs.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(
                output.iter_mut().map(|channel| &mut **channel),
            ),
        }]);
        processor.process(
            &inputs,
            &mut outputs,
            &InputEvents::empty(),
            &mut OutputEvents::void(),
            Some(self.played),
            Some(&transport),
        )?;
        self.played += n_samples as u64;
        self.song_secs = self.song_secs.map(|secs| secs + n_samples as f64 / self.rate_hz);
        Ok(())
    }
}

impl Playing<'_> {
    /// Sets the transport for what is played from here on: from `secs` of the song on, or standing
    /// still.
    pub fn set_song_secs(&mut self, secs: Option<f64>) {
        self.audio.set_song_secs(secs);
    }

    /// Plays one block, `input[channel][sample]`, into `output` of the same shape.
    pub fn block(&mut self, input: &mut [&mut [f32]], output: &mut [&mut [f32]]) -> Result<()> {
        self.audio.block(input, output)
    }

    /// Plays all of `audio` in blocks of the sizes that `sizes` gives and returns what came out.
    /// `after_block` is told, after each block, how many samples have been played, and may wait, or
    /// stop the playback by returning false.
    pub fn play(
        &mut self,
        audio: &[Vec<f32>],
        mut sizes: impl Iterator<Item = usize>,
        mut after_block: impl FnMut(usize) -> bool,
    ) -> Result<Vec<Vec<f32>>> {
        let n_samples = audio.first().map_or(0, Vec::len);
        let mut input = audio.to_vec();
        // Not zero, so that an output that was never written to is noticed.
        let mut output = vec![vec![f32::MIN_POSITIVE; n_samples]; audio.len()];
        let mut at = 0;
        while at < n_samples {
            let size = sizes.next().context("out of block sizes")?.min(n_samples - at);
            let block = at..at + size;
            let mut ins: Vec<_> = input.iter_mut().map(|c| &mut c[block.clone()]).collect();
            let mut outs: Vec<_> = output.iter_mut().map(|c| &mut c[block.clone()]).collect();
            self.block(&mut ins, &mut outs)?;
            at += size;
            if !after_block(at) {
                break;
            }
        }
        Ok(output)
    }

    /// Both ends, for a thread each.
    pub fn split(&mut self) -> (&mut Host, &mut Audio) {
        (self.host, &mut self.audio)
    }

    /// The host, to see to its window between blocks.
    pub fn host(&mut self) -> &mut Host {
        self.host
    }

    /// The host's reset, as at a jump of the playhead.
    pub fn reset(&mut self) {
        self.audio.processor.iter_mut().for_each(StartedPluginAudioProcessor::reset);
    }
}

impl Drop for Playing<'_> {
    fn drop(&mut self) {
        if let Some(processor) = self.audio.processor.take() {
            self.host.instance.deactivate(processor.stop_processing());
        }
    }
}
