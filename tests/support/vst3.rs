//! A headless VST3 host for the tests: loads the bundled plugin and plays audio through it.
//!
//! ```text
//! Host::load_bundle → set_state, arrange → set_up → start → Host::block … → stop
//! ```

// Each test binary uses its own part of this.
#![allow(dead_code)]
// The interfaces are raw pointers throughout.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_void};
use std::path::{Path, PathBuf};
use std::ptr::null_mut;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, BusDirections_, IAudioProcessor, IAudioProcessorTrait,
    IComponent, IComponentTrait, IEditController, IEditControllerTrait, MediaTypes_, ParamID,
    ParameterInfo, ProcessContext, ProcessContext_::StatesAndFlags_, ProcessData, ProcessModes_,
    ProcessSetup, SpeakerArrangement, SymbolicSampleSizes_,
};
use vst3::Steinberg::{
    FUnknown, IBStream, IBStreamTrait, IPlugView, IPlugViewTrait, IPluginBaseTrait, IPluginFactory,
    IPluginFactoryTrait, PClassInfo, PFactoryInfo, int32, kInvalidArgument,
    kPlatformTypeX11EmbedWindowID, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComWrapper, Interface};

/// What a host announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Realtime,
    Prefetch,
    Offline,
}

impl Mode {
    fn number(self) -> int32 {
        (match self {
            Self::Realtime => ProcessModes_::kRealtime,
            Self::Prefetch => ProcessModes_::kPrefetch,
            Self::Offline => ProcessModes_::kOffline,
        }) as int32
    }
}

/// Where the library is in the bundle, which is `MOODRING_VST3`, or where `cargo xtask bundle
/// moodring` leaves it.
pub fn library_path() -> PathBuf {
    let bundle = std::env::var_os("MOODRING_VST3").map_or_else(built, PathBuf::from);
    let system = format!("{}-linux", std::env::consts::ARCH);
    bundle.join("Contents").join(system).join("Moodring.so")
}

fn built() -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    repository.join(target).join("bundled/Moodring.vst3")
}

/// The factory of the library, which stays loaded.
pub fn factory() -> Result<ComPtr<IPluginFactory>> {
    let path = library_path();
    ensure!(
        path.exists(),
        "there is no plugin at {}: run `cargo xtask bundle moodring` first",
        path.display()
    );
    let path = CString::new(path.to_str().context("the path is no text")?)?;
    // SAFETY: the library is this repository's own, and its entry points are those of the format.
    unsafe {
        let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        if library.is_null() {
            anyhow::bail!("{}", CStr::from_ptr(libc::dlerror()).to_string_lossy());
        }
        let symbol = |name: &CStr| {
            let found = libc::dlsym(library, name.as_ptr());
            (!found.is_null()).then_some(found).with_context(|| format!("no {name:?}"))
        };
        let enter: extern "C" fn(*mut c_void) -> bool =
            std::mem::transmute(symbol(c"ModuleEntry")?);
        ensure!(enter(library), "the library refuses to be entered");
        let make: extern "system" fn() -> *mut c_void =
            std::mem::transmute(symbol(c"GetPluginFactory")?);
        ComPtr::from_raw(make().cast::<IPluginFactory>()).context("the library has no factory")
    }
}

/// What the factory says of its maker: vendor, URL, address.
pub fn maker() -> Result<[String; 3]> {
    // SAFETY: plain text in a plain structure.
    unsafe {
        let mut info: PFactoryInfo = std::mem::zeroed();
        ensure!(factory()?.getFactoryInfo(&raw mut info) == kResultOk);
        let text =
            |text: *const std::ffi::c_char| CStr::from_ptr(text).to_string_lossy().into_owned();
        Ok([text(info.vendor.as_ptr()), text(info.url.as_ptr()), text(info.email.as_ptr())])
    }
}

/// The plugin's window; dropped, it closes.
pub struct View(ComPtr<IPlugView>);

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: it was attached.
        unsafe {
            self.0.removed();
        }
    }
}

/// One instance of the plugin.
pub struct Host {
    component: ComPtr<IComponent>,
    processor: ComPtr<IAudioProcessor>,
    controller: ComPtr<IEditController>,
    rate_hz: f64,
    played: i64,
    /// Where the next block is in the song; `None` while the transport stands still.
    song_secs: Option<f64>,
    is_active: bool,
}

impl Host {
    /// Loads the bundle from where it is built, and makes an instance.
    pub fn load_bundle() -> Result<Self> {
        let factory = factory()?;
        // SAFETY: as the format asks for.
        unsafe {
            let mut info: PClassInfo = std::mem::zeroed();
            ensure!(factory.countClasses() == 1);
            ensure!(factory.getClassInfo(0, &raw mut info) == kResultOk);
            let mut component: *mut c_void = null_mut();
            let interface = IComponent::IID;
            let result = factory.createInstance(
                info.cid.as_ptr(),
                interface.as_ptr().cast(),
                &raw mut component,
            );
            ensure!(result == kResultOk, "no instance: {result}");
            let component =
                ComPtr::from_raw(component.cast::<IComponent>()).context("no component")?;
            ensure!(component.initialize(null_mut::<FUnknown>()) == kResultOk);
            Ok(Self {
                processor: component.cast().context("no processor")?,
                controller: component.cast().context("no controller")?,
                component,
                rate_hz: 48_000.0,
                played: 0,
                song_secs: None,
                is_active: false,
            })
        }
    }

    /// Asks for an arrangement of speakers on both sides; what the plugin then says that it has, or
    /// `None` where it refuses.
    pub fn arrange(&mut self, mut asked: SpeakerArrangement) -> Option<[SpeakerArrangement; 2]> {
        let mut output = asked;
        // SAFETY: one bus of each.
        unsafe {
            let result = self.processor.setBusArrangements(&raw mut asked, 1, &raw mut output, 1);
            if result != kResultOk {
                return None;
            }
            let arrangement = |direction| {
                let mut arrangement = 0;
                let told = self.processor.getBusArrangement(direction, 0, &raw mut arrangement);
                assert_eq!(told, kResultOk);
                arrangement
            };
            Some([BusDirections_::kInput, BusDirections_::kOutput].map(|d| arrangement(d as int32)))
        }
    }

    /// Announces rate, block size and mode.
    pub fn set_up(&mut self, rate_hz: f64, max_block: usize, mode: Mode) -> Result<()> {
        self.rate_hz = rate_hz;
        let mut setup = ProcessSetup {
            processMode: mode.number(),
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as int32,
            maxSamplesPerBlock: int32::try_from(max_block)?,
            sampleRate: rate_hz,
        };
        // SAFETY: a plain structure.
        let result = unsafe { self.processor.setupProcessing(&raw mut setup) };
        ensure!(result == kResultOk, "refused: {result}");
        Ok(())
    }

    /// Activates and begins to process.
    pub fn start(&mut self) -> Result<()> {
        // SAFETY: plain numbers.
        unsafe {
            for direction in [BusDirections_::kInput, BusDirections_::kOutput] {
                let audio = MediaTypes_::kAudio as int32;
                self.component.activateBus(audio, direction as int32, 0, 1);
            }
            ensure!(self.component.setActive(1) == kResultOk);
            ensure!(self.processor.setProcessing(1) == kResultOk);
        }
        self.is_active = true;
        Ok(())
    }

    /// Ends what [`start`](Self::start) began.
    pub fn stop(&mut self) {
        if std::mem::take(&mut self.is_active) {
            // SAFETY: plain numbers.
            unsafe {
                self.processor.setProcessing(0);
                self.component.setActive(0);
            }
        }
    }

    /// Sets the transport for what is played from here on: from `secs` of the song on, or standing
    /// still.
    pub fn set_song_secs(&mut self, secs: Option<f64>) {
        self.song_secs = secs;
    }

    /// Plays one block, `input[channel][sample]`, into `output` of the same shape, and says `mode`
    /// with it.
    pub fn block(
        &mut self,
        input: &mut [&mut [f32]],
        output: &mut [&mut [f32]],
        mode: Mode,
    ) -> Result<()> {
        let n_samples = input.first().map_or(0, |channel| channel.len());
        let mut ins: Vec<*mut f32> = input.iter_mut().map(|channel| channel.as_mut_ptr()).collect();
        let mut outs: Vec<*mut f32> =
            output.iter_mut().map(|channel| channel.as_mut_ptr()).collect();
        let bus = |channels: &mut Vec<*mut f32>| AudioBusBuffers {
            numChannels: channels.len() as int32,
            silenceFlags: 0,
            __field0: AudioBusBuffers__type0 { channelBuffers32: channels.as_mut_ptr() },
        };
        let (mut inputs, mut outputs) = (bus(&mut ins), bus(&mut outs));
        // SAFETY: all zeros are a value of these plain structures, and everything that they point
        // to outlives the call.
        let result = unsafe {
            let mut context: ProcessContext = std::mem::zeroed();
            context.sampleRate = self.rate_hz;
            context.projectTimeSamples =
                (self.song_secs.unwrap_or(0.0) * self.rate_hz).round() as i64;
            context.continousTimeSamples = self.played;
            context.tempo = 120.0;
            context.state = StatesAndFlags_::kTempoValid;
            if self.song_secs.is_some() {
                context.state |= StatesAndFlags_::kPlaying;
            }
            let mut data: ProcessData = std::mem::zeroed();
            data.processMode = mode.number();
            data.symbolicSampleSize = SymbolicSampleSizes_::kSample32 as int32;
            data.numSamples = int32::try_from(n_samples)?;
            (data.numInputs, data.numOutputs) = (1, 1);
            (data.inputs, data.outputs) = (&raw mut inputs, &raw mut outputs);
            data.processContext = &raw mut context;
            self.processor.process(&raw mut data)
        };
        ensure!(result == kResultOk, "the plugin refuses a block: {result}");
        self.played += n_samples as i64;
        self.song_secs = self.song_secs.map(|secs| secs + n_samples as f64 / self.rate_hz);
        Ok(())
    }

    /// Plays all of `audio` in blocks of `size` and returns what came out. `before_block` is told,
    /// before each block, how many samples have been played, and may wait.
    pub fn play(
        &mut self,
        audio: &[Vec<f32>],
        size: usize,
        mode: Mode,
        mut before_block: impl FnMut(usize),
    ) -> Result<Vec<Vec<f32>>> {
        let n_samples = audio.first().map_or(0, Vec::len);
        let mut input = audio.to_vec();
        // Not zero, so that an output that was never written to is noticed.
        let mut output = vec![vec![f32::MIN_POSITIVE; n_samples]; audio.len()];
        for at in (0..n_samples).step_by(size) {
            before_block(at);
            let block = at..(at + size).min(n_samples);
            let mut ins: Vec<_> = input.iter_mut().map(|c| &mut c[block.clone()]).collect();
            let mut outs: Vec<_> = output.iter_mut().map(|c| &mut c[block.clone()]).collect();
            self.block(&mut ins, &mut outs, mode)?;
        }
        Ok(output)
    }

    /// Puts the plugin's window into `parent`, a window on the X server.
    pub fn open_view(&mut self, parent: u32) -> Result<View> {
        // SAFETY: as the format asks for; the window outlives the view.
        unsafe {
            let view = self.controller.createView(c"editor".as_ptr());
            let view = ComPtr::from_raw(view).context("no view")?;
            let result =
                view.attached(parent as usize as *mut c_void, kPlatformTypeX11EmbedWindowID);
            ensure!(result == kResultOk, "the plugin shows no window: {result}");
            Ok(View(view))
        }
    }

    /// The plugin's saved state, as the host would keep it in a project.
    pub fn state(&mut self) -> Result<Vec<u8>> {
        let memory = ComWrapper::new(Memory::default());
        let stream = memory.to_com_ptr::<IBStream>().context("no stream")?;
        // SAFETY: the stream outlives the call.
        let result = unsafe { self.component.getState(stream.as_ptr()) };
        ensure!(result == kResultOk, "no state: {result}");
        Ok(memory.0.borrow().0.clone())
    }

    /// Restores a state; an error where the plugin refuses it.
    pub fn set_state(&mut self, state: &[u8]) -> Result<()> {
        let memory = ComWrapper::new(Memory(RefCell::new((state.to_vec(), 0))));
        let stream = memory.to_com_ptr::<IBStream>().context("no stream")?;
        // SAFETY: the stream outlives the call.
        let result = unsafe { self.component.setState(stream.as_ptr()) };
        ensure!(result == kResultOk, "refused: {result}");
        Ok(())
    }

    /// The state's JSON.
    pub fn state_json(&mut self) -> Result<Value> {
        Ok(serde_json::from_slice(&self.state()?)?)
    }

    /// Sets one persisted field, such as the text of `csv_path`.
    pub fn set_field(&mut self, name: &str, value: impl Into<Value>) -> Result<()> {
        let mut state = self.state_json()?;
        // Fields are JSON inside of JSON, so that each can be restored for itself.
        state["fields"][name] = Value::String(value.into().to_string());
        self.set_state(state.to_string().as_bytes())
    }

    /// The text of one persisted field.
    pub fn field(&mut self, name: &str) -> Result<String> {
        let state = self.state_json()?;
        let text = state["fields"][name].as_str().context("no such field")?;
        Ok(serde_json::from_str(text)?)
    }

    /// The id of a parameter, by the name that the host shows.
    pub fn param_id(&mut self, name: &str) -> Result<ParamID> {
        // SAFETY: plain structures that the plugin writes to.
        unsafe {
            for index in 0..self.controller.getParameterCount() {
                let mut info: ParameterInfo = std::mem::zeroed();
                ensure!(self.controller.getParameterInfo(index, &raw mut info) == kResultOk);
                let title: Vec<u16> = info.title.iter().copied().take_while(|c| *c != 0).collect();
                if String::from_utf16_lossy(&title) == name {
                    return Ok(info.id);
                }
            }
            let mut info: ParameterInfo = std::mem::zeroed();
            let count = self.controller.getParameterCount();
            ensure!(self.controller.getParameterInfo(count, &raw mut info) == kInvalidArgument);
        }
        anyhow::bail!("no parameter is called {name}")
    }

    /// A parameter as the controller tells it, from 0 to 1.
    pub fn param(&mut self, id: ParamID) -> f64 {
        // SAFETY: it only reads.
        unsafe { self.controller.getParamNormalized(id) }
    }

    /// Sets a parameter at the controller.
    pub fn set_param(&mut self, id: ParamID, value: f64) {
        // SAFETY: plain numbers.
        let result = unsafe { self.controller.setParamNormalized(id, value) };
        assert_eq!(result, kResultOk);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop();
        // SAFETY: the last call before the pointers go.
        unsafe { self.component.terminate() };
    }
}

/// A stream in memory: its bytes, and where in them it is.
#[derive(Default)]
struct Memory(RefCell<(Vec<u8>, usize)>);

impl Class for Memory {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for Memory {
    unsafe fn read(&self, buffer: *mut c_void, most: int32, n_read: *mut int32) -> tresult {
        let (bytes, at) = &mut *self.0.borrow_mut();
        let n = (bytes.len() - *at).min(most as usize);
        // SAFETY: the plugin has room for `most` bytes.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes[*at..].as_ptr(), buffer.cast(), n);
            if !n_read.is_null() {
                *n_read = n as int32;
            }
        }
        *at += n;
        kResultOk
    }

    unsafe fn write(&self, buffer: *mut c_void, most: int32, n_written: *mut int32) -> tresult {
        let (bytes, at) = &mut *self.0.borrow_mut();
        // SAFETY: the plugin has `most` bytes.
        unsafe {
            bytes.extend_from_slice(std::slice::from_raw_parts(buffer.cast(), most as usize));
            if !n_written.is_null() {
                *n_written = most;
            }
        }
        *at = bytes.len();
        kResultOk
    }

    unsafe fn seek(&self, to: i64, from: int32, result: *mut i64) -> tresult {
        let (bytes, at) = &mut *self.0.borrow_mut();
        let origin = [0, *at, bytes.len()][from as usize];
        *at = (origin as i64 + to).clamp(0, bytes.len() as i64) as usize;
        if !result.is_null() {
            // SAFETY: the plugin's to be written to.
            unsafe { *result = *at as i64 };
        }
        kResultOk
    }

    unsafe fn tell(&self, place: *mut i64) -> tresult {
        // SAFETY: as above.
        unsafe { *place = self.0.borrow().1 as i64 };
        kResultOk
    }
}
