//! The VST3's component.
//!
//! | host calls | here |
//! |---|---|
//! | `setState` | reads what can be read of the state, see [`super::super::state`] |
//! | `setBusArrangements` | says yes to an arrangement only where it stays that arrangement, and is read as what it is |
//! | `setProcessing(true)` | leaves the parameters open to the host until the first block has come |
//! | `setParamNormalized`, `getState` | keeps the place of a switch that stands between its positions |

mod factory;
mod memory;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use nice_plug::wrapper::vst3::Wrapper;
use nice_plug::wrapper::vst3::vst3::Steinberg::Vst::{
    BusDirection, BusDirections_, BusInfo, CString, ChannelContext::IInfoListener,
    ChannelContext::IInfoListenerTrait, IAttributeList, IAudioProcessor, IAudioProcessorTrait,
    IComponent, IComponentHandler, IComponentTrait, IEditController, IEditControllerTrait,
    IProcessContextRequirements, IProcessContextRequirementsTrait, IUnitInfo, IUnitInfoTrait,
    IoMode, MediaType, ParamID, ParamValue, ParameterInfo, ProcessData, ProcessSetup,
    ProgramListID, ProgramListInfo, RoutingInfo, SpeakerArrangement, String128, TChar, UnitID,
    UnitInfo, kSpeakerLfe,
};
use nice_plug::wrapper::vst3::vst3::Steinberg::{
    FIDString, FUnknown, IBStream, IBStreamTrait, IPlugView, IPluginBaseTrait, TBool, TUID, int16,
    int32, kInvalidArgument, kNotInitialized, kResultFalse, kResultOk, tresult, uint32,
};
use nice_plug::wrapper::vst3::vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::super::Moodring;
use super::super::state::{MOST_STATE_BYTES, repaired};
use memory::Memory;

use crate::lock::lock;

/// The field of a state that has the places of switches that stand between their positions: a map
/// from parameter to place.
const PLACES: &str = "places";

/// How far a switch may stand from one of its positions and be there. Hosts hand over 64 bits of
/// what the framework keeps in 32.
const SAME_PLACE: f64 = 1e-6;

/// Writes `value` where the host wants it.
///
/// # Safety
/// `place` is null, or the host's to be written to.
unsafe fn hand_over<T>(place: *mut T, value: impl FnOnce() -> T) -> tresult {
    if place.is_null() {
        return kInvalidArgument;
    }
    // SAFETY: as promised.
    unsafe { place.write(value()) };
    kResultOk
}

/// The component, before the framework's.
struct Front {
    component: ComPtr<IComponent>,
    controller: ComPtr<IEditController>,
    processor: ComPtr<IAudioProcessor>,
    units: ComPtr<IUnitInfo>,
    wishes: ComPtr<IProcessContextRequirements>,
    listener: ComPtr<IInfoListener>,
    /// Parameters with positions, and nothing between them; how many steps there are from the first
    /// to the last.
    switches: BTreeMap<ParamID, int32>,
    /// Where switches stand that were put between two positions.
    places: Mutex<BTreeMap<ParamID, ParamValue>>,
    /// The arrangement of the main bus that the host asked for; 0 before.
    arrangement: AtomicU64,
    /// Whether the host has begun to process and no block has come yet.
    awaits_block: AtomicBool,
    /// Whether the host has activated it. A block that comes before finds no buffers, and would end
    /// the host.
    is_active: AtomicBool,
}

impl Class for Front {
    type Interfaces = (
        IComponent,
        IEditController,
        IAudioProcessor,
        IUnitInfo,
        IProcessContextRequirements,
        IInfoListener,
    );
}

impl Front {
    fn new() -> Option<Self> {
        let component = ComWrapper::new(Wrapper::<Moodring>::new()).to_com_ptr::<IComponent>()?;
        let controller = component.cast::<IEditController>()?;
        // SAFETY: all zeros are a value of this plain structure, and it is the framework's to be
        // written to.
        let switch = |index| unsafe {
            let mut info: ParameterInfo = std::mem::zeroed();
            let is_told = controller.getParameterInfo(index, &raw mut info) == kResultOk;
            (is_told && info.stepCount > 0).then_some((info.id, info.stepCount))
        };
        // SAFETY: as above; this one only counts.
        let n_params = unsafe { controller.getParameterCount() };
        Some(Self {
            processor: component.cast()?,
            units: component.cast()?,
            wishes: component.cast()?,
            listener: component.cast()?,
            switches: (0..n_params).filter_map(switch).collect(),
            component,
            controller,
            places: Mutex::default(),
            arrangement: AtomicU64::new(0),
            awaits_block: AtomicBool::new(false),
            is_active: AtomicBool::new(false),
        })
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<ParamID, ParamValue>> {
        lock(&self.places)
    }

    /// The position that a switch takes when it is put to `place`.
    fn position(&self, id: ParamID, place: ParamValue) -> ParamValue {
        // The framework tells no position of what is on or off; it is on beyond the middle.
        if self.switches.get(&id) == Some(&1) {
            return f64::from(u8::from(place > 0.5));
        }
        // SAFETY: both only compute.
        unsafe {
            let plain = self.controller.normalizedParamToPlain(id, place);
            self.controller.plainParamToNormalized(id, plain)
        }
    }

    /// Where the switches stand that are between two positions, as the parameters are now.
    fn true_places(&self) -> BTreeMap<ParamID, ParamValue> {
        let stands = |(id, place): (&ParamID, &ParamValue)| {
            // SAFETY: it only reads.
            let position = unsafe { self.controller.getParamNormalized(*id) };
            let is_true = (self.position(*id, *place) - position).abs() <= SAME_PLACE;
            is_true.then_some((*id, *place))
        };
        self.places().iter().filter_map(stands).collect()
    }

    /// Takes the places out of a state that is to be loaded.
    fn take_places(&self, state: &[u8]) {
        let places = || -> Option<BTreeMap<ParamID, ParamValue>> {
            let state: serde_json::Value = serde_json::from_slice(state).ok()?;
            let places = state.get("fields")?.get(PLACES)?.as_str()?;
            serde_json::from_str(places).ok()
        };
        let mut places = places().unwrap_or_default();
        places.retain(|id, place| self.switches.contains_key(id) && (0.0..=1.0).contains(place));
        *self.places() = places;
    }

    /// A state with the places of this moment.
    fn with_places(&self, state: Vec<u8>) -> Vec<u8> {
        let places = self.true_places();
        if places.is_empty() {
            return state;
        }
        let with_places = || -> Option<Vec<u8>> {
            let mut state: serde_json::Value = serde_json::from_slice(&state).ok()?;
            let places = serde_json::to_string(&places).ok()?;
            state.get_mut("fields")?.as_object_mut()?.insert(PLACES.to_owned(), places.into());
            serde_json::to_vec(&state).ok()
        };
        with_places().unwrap_or(state)
    }
}

impl IPluginBaseTrait for Front {
    unsafe fn initialize(&self, context: *mut FUnknown) -> tresult {
        // SAFETY: handed on to the framework's own object as the host called.
        unsafe { self.component.initialize(context) }
    }

    unsafe fn terminate(&self) -> tresult {
        // SAFETY: handed on to the framework's own object as the host called.
        unsafe { self.component.terminate() }
    }
}

/// Methods that are handed through to one of the framework's interfaces as they come.
macro_rules! handed_to {
    ($to:ident: $(fn $name:ident($($arg:ident: $kind:ty),*) -> $result:ty;)*) => {
        $(unsafe fn $name(&self, $($arg: $kind),*) -> $result {
            // SAFETY: handed on to the framework's own object as the host called.
            unsafe { self.$to.$name($($arg),*) }
        })*
    };
}

impl IComponentTrait for Front {
    handed_to! { component:
        fn getControllerClassId(class: *mut TUID) -> tresult;
        fn setIoMode(mode: IoMode) -> tresult;
        fn getBusCount(media: MediaType, direction: BusDirection) -> int32;
        fn getBusInfo(media: MediaType, direction: BusDirection, index: int32, bus: *mut BusInfo) -> tresult;
        fn getRoutingInfo(input: *mut RoutingInfo, output: *mut RoutingInfo) -> tresult;
        fn activateBus(media: MediaType, direction: BusDirection, index: int32, on: TBool) -> tresult;
    }

    unsafe fn setActive(&self, on: TBool) -> tresult {
        // SAFETY: handed on to the framework's own object as the host called.
        let result = unsafe { self.component.setActive(on) };
        self.is_active.store(on != 0 && result == kResultOk, Ordering::Release);
        result
    }

    unsafe fn setState(&self, state: *mut IBStream) -> tresult {
        // SAFETY: the stream is the host's, for the time of this call.
        let Some(stream) = (unsafe { ComRef::from_raw(state) }) else { return kInvalidArgument };
        let read = || {
            let bytes = bytes_of(stream)?;
            Some(repaired(&bytes).unwrap_or(bytes))
        };
        let Some(bytes) = catch_unwind(AssertUnwindSafe(read)).ok().flatten() else {
            return kResultFalse;
        };
        let memory = ComWrapper::new(Memory::new(bytes.clone()));
        let Some(repaired) = memory.to_com_ptr::<IBStream>() else { return kResultFalse };
        // SAFETY: ours outlives the call.
        let result = unsafe { self.component.setState(repaired.as_ptr()) };
        if result == kResultOk {
            self.take_places(&bytes);
        }
        result
    }

    unsafe fn getState(&self, state: *mut IBStream) -> tresult {
        // SAFETY: as above.
        let Some(stream) = (unsafe { ComRef::from_raw(state) }) else { return kInvalidArgument };
        let memory = ComWrapper::new(Memory::new(Vec::new()));
        let Some(ours) = memory.to_com_ptr::<IBStream>() else { return kResultFalse };
        // SAFETY: ours outlives the call.
        let result = unsafe { self.component.getState(ours.as_ptr()) };
        if result != kResultOk {
            return result;
        }
        let mut bytes = self.with_places(memory.bytes());
        let (Ok(length), mut written) = (int32::try_from(bytes.len()), 0) else {
            return kResultFalse;
        };
        // SAFETY: so many bytes are there to be read.
        let result = unsafe { stream.write(bytes.as_mut_ptr().cast(), length, &raw mut written) };
        // Some hosts say neither how much they took nor that all is well, where it is.
        if result != kResultOk && written != length { result } else { kResultOk }
    }
}

/// All that is left in the host's stream; `None` where it is more than a state can be.
fn bytes_of(stream: ComRef<'_, IBStream>) -> Option<Vec<u8>> {
    /// Bytes asked for at a time.
    const PIECE: usize = 64 << 10;
    let (mut bytes, mut piece) = (Vec::new(), vec![0_u8; PIECE]);
    loop {
        let mut n = 0;
        // SAFETY: there is room for so many. What a host answers at the end differs; how much it
        // wrote does not.
        unsafe { stream.read(piece.as_mut_ptr().cast(), PIECE as int32, &raw mut n) };
        match usize::try_from(n) {
            Ok(0) | Err(_) => return Some(bytes),
            Ok(n) => bytes.extend_from_slice(piece.get(..n)?),
        }
        if bytes.len() > MOST_STATE_BYTES {
            return None;
        }
    }
}

impl IEditControllerTrait for Front {
    handed_to! { controller:
        fn setComponentState(state: *mut IBStream) -> tresult;
        fn setState(state: *mut IBStream) -> tresult;
        fn getState(state: *mut IBStream) -> tresult;
        fn getParameterCount() -> int32;
        fn getParamStringByValue(id: ParamID, value: ParamValue, text: *mut String128) -> tresult;
        fn getParamValueByString(id: ParamID, text: *mut TChar, value: *mut ParamValue) -> tresult;
        fn normalizedParamToPlain(id: ParamID, value: ParamValue) -> ParamValue;
        fn plainParamToNormalized(id: ParamID, value: ParamValue) -> ParamValue;
        fn setComponentHandler(handler: *mut IComponentHandler) -> tresult;
        fn createView(name: FIDString) -> *mut IPlugView;
    }

    unsafe fn getParameterInfo(&self, index: int32, info: *mut ParameterInfo) -> tresult {
        // The framework looks one parameter too far.
        // SAFETY: handed on to the framework's own object as the host called.
        if index >= unsafe { self.controller.getParameterCount() } {
            return kInvalidArgument;
        }
        // SAFETY: handed on to the framework's own object as the host called.
        unsafe { self.controller.getParameterInfo(index, info) }
    }

    unsafe fn getParamNormalized(&self, id: ParamID) -> ParamValue {
        // SAFETY: handed on to the framework's own object as the host called.
        let position = unsafe { self.controller.getParamNormalized(id) };
        let place = self.places().get(&id).copied();
        let is_true =
            |place: &ParamValue| (self.position(id, *place) - position).abs() <= SAME_PLACE;
        place.filter(is_true).unwrap_or(position)
    }

    unsafe fn setParamNormalized(&self, id: ParamID, value: ParamValue) -> tresult {
        // SAFETY: handed on to the framework's own object as the host called.
        let result = unsafe { self.controller.setParamNormalized(id, value) };
        if result == kResultOk && self.switches.contains_key(&id) {
            let is_between = (self.position(id, value) - value).abs() > SAME_PLACE;
            if is_between && (0.0..=1.0).contains(&value) {
                self.places().insert(id, value);
            } else {
                self.places().remove(&id);
            }
        }
        result
    }
}

/// Whether an arrangement of the main bus is read as what it is: low-frequency effects are where
/// the layout of so many channels has them, and nowhere else.
fn is_read_as_it_is(arrangement: SpeakerArrangement) -> bool {
    let has_effects = arrangement & kSpeakerLfe != 0;
    has_effects == matches!(arrangement.count_ones(), 6 | 8)
}

impl IAudioProcessorTrait for Front {
    handed_to! { processor:
        fn canProcessSampleSize(size: int32) -> tresult;
        fn getLatencySamples() -> uint32;
        fn setupProcessing(setup: *mut ProcessSetup) -> tresult;
        fn getTailSamples() -> uint32;
    }

    unsafe fn setBusArrangements(
        &self,
        inputs: *mut SpeakerArrangement,
        n_inputs: int32,
        outputs: *mut SpeakerArrangement,
        n_outputs: int32,
    ) -> tresult {
        if n_inputs != 1 || n_outputs != 1 || inputs.is_null() || outputs.is_null() {
            return if n_inputs < 0 || n_outputs < 0 { kInvalidArgument } else { kResultFalse };
        }
        // SAFETY: the host says that there is one of each.
        let (input, output) = unsafe { (*inputs, *outputs) };
        if input != output || !is_read_as_it_is(input) {
            return kResultFalse;
        }
        let result =
            // SAFETY: handed on to the framework's own object as the host called.
            unsafe { self.processor.setBusArrangements(inputs, n_inputs, outputs, n_outputs) };
        if result == kResultOk {
            self.arrangement.store(input, Ordering::Relaxed);
        }
        result
    }

    unsafe fn getBusArrangement(
        &self,
        direction: BusDirection,
        index: int32,
        arrangement: *mut SpeakerArrangement,
    ) -> tresult {
        let asked_for = self.arrangement.load(Ordering::Relaxed);
        let is_ours = index == 0
            && [BusDirections_::kInput, BusDirections_::kOutput]
                .map(|d| d as BusDirection)
                .contains(&direction);
        if asked_for != 0 && is_ours {
            // SAFETY: the place is the host's, for the time of this call.
            return unsafe { hand_over(arrangement, || asked_for) };
        }
        // SAFETY: handed on to the framework's own object as the host called.
        unsafe { self.processor.getBusArrangement(direction, index, arrangement) }
    }

    unsafe fn setProcessing(&self, on: TBool) -> tresult {
        // SAFETY: handed on to the framework's own object as the host called.
        let result = unsafe { self.processor.setProcessing(on) };
        if on != 0 {
            // The framework takes no parameter from the host while it processes, for each would
            // come with a block. Until there is one it does not process; to say so begins nothing
            // anew.
            // SAFETY: handed on to the framework's own object as the host called.
            unsafe { self.processor.setProcessing(0) };
        }
        self.awaits_block.store(on != 0, Ordering::Release);
        result
    }

    unsafe fn process(&self, data: *mut ProcessData) -> tresult {
        if !self.is_active.load(Ordering::Acquire) {
            return kNotInitialized;
        }
        if self.awaits_block.load(Ordering::Relaxed)
            && self.awaits_block.swap(false, Ordering::AcqRel)
        {
            // SAFETY: handed on to the framework's own object as the host called.
            unsafe { self.processor.setProcessing(1) };
        }
        // SAFETY: handed on to the framework's own object as the host called.
        unsafe { self.processor.process(data) }
    }
}

impl IUnitInfoTrait for Front {
    handed_to! { units:
        fn getUnitCount() -> int32;
        fn getUnitInfo(index: int32, info: *mut UnitInfo) -> tresult;
        fn getProgramListCount() -> int32;
        fn getProgramListInfo(index: int32, info: *mut ProgramListInfo) -> tresult;
        fn getProgramName(list: ProgramListID, index: int32, name: *mut String128) -> tresult;
        fn getProgramInfo(list: ProgramListID, index: int32, id: CString, value: *mut String128) -> tresult;
        fn hasProgramPitchNames(list: ProgramListID, index: int32) -> tresult;
        fn getProgramPitchName(list: ProgramListID, index: int32, pitch: int16, name: *mut String128) -> tresult;
        fn getSelectedUnit() -> UnitID;
        fn selectUnit(unit: UnitID) -> tresult;
        fn getUnitByBus(media: MediaType, direction: BusDirection, bus: int32, channel: int32, unit: *mut UnitID) -> tresult;
        fn setUnitProgramData(list: int32, index: int32, data: *mut IBStream) -> tresult;
    }
}

impl IProcessContextRequirementsTrait for Front {
    handed_to! { wishes: fn getProcessContextRequirements() -> uint32; }
}

impl IInfoListenerTrait for Front {
    handed_to! { listener: fn setChannelContextInfos(list: *mut IAttributeList) -> tresult; }
}
