//! The way in for CLAP hosts: the framework's plugin, with a guard before what would end the host's
//! process.
//!
//! nice-plug's own entry unwraps what a host need not give: its `clap.gui`, without which
//! `gui.create` panics, and an activation before `process`. A panic in a function that C calls ends
//! the process. So the host gets a plugin of ours that passes everything on:
//!
//! | the host | gets |
//! |---|---|
//! | has no `clap.gui` | a window all the same; the framework is given a `clap.gui` that says no |
//! | calls `process` while the plugin is not active | `CLAP_PROCESS_ERROR` |
//! | calls anything before `init` | a refusal |
//!
//! Hosts that have `clap.gui`, which is all in the wild, are handed to the framework as they are.
// The interface is C's: every function takes pointers from the host. What each rests on is CLAP's
// own contract: the host hands back the pointer that `create_plugin` gave it until it calls
// `destroy`, and its own structure outlives the plugin.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use clap_sys::ext::gui::{CLAP_EXT_GUI, clap_host_gui};
use clap_sys::process::{CLAP_PROCESS_ERROR, clap_process, clap_process_status};
use nice_plug::wrapper::clap::{
    CLAP_PLUGIN_FACTORY_ID, CLAP_VERSION, PluginDescriptor, Wrapper, clap_host, clap_plugin,
    clap_plugin_descriptor, clap_plugin_entry, clap_plugin_factory,
};
use nice_plug::wrapper::setup_logger;

use super::super::Moodring;
use super::clap;

/// Where CLAP hosts begin.
#[allow(non_upper_case_globals)]
#[unsafe(no_mangle)]
#[used]
pub static clap_entry: clap_plugin_entry = clap_plugin_entry {
    clap_version: CLAP_VERSION,
    init: Some(init_library),
    deinit: Some(deinit_library),
    get_factory: Some(get_factory),
};

static FACTORY: clap_plugin_factory = clap_plugin_factory {
    get_plugin_count: Some(plugin_count),
    get_plugin_descriptor: Some(plugin_descriptor),
    create_plugin: Some(create_plugin),
};

fn descriptor() -> &'static PluginDescriptor {
    static DESCRIPTOR: OnceLock<PluginDescriptor> = OnceLock::new();
    DESCRIPTOR.get_or_init(PluginDescriptor::for_plugin::<Moodring>)
}

unsafe extern "C" fn init_library(_path: *const c_char) -> bool {
    setup_logger::<Moodring>();
    true
}

unsafe extern "C" fn deinit_library() {}

unsafe extern "C" fn get_factory(id: *const c_char) -> *const c_void {
    // SAFETY: a string of the host's, where it is one at all.
    if !id.is_null() && unsafe { CStr::from_ptr(id) } == CLAP_PLUGIN_FACTORY_ID {
        ptr::from_ref(&FACTORY).cast()
    } else {
        ptr::null()
    }
}

unsafe extern "C" fn plugin_count(_factory: *const clap_plugin_factory) -> u32 {
    1
}

unsafe extern "C" fn plugin_descriptor(
    _factory: *const clap_plugin_factory,
    index: u32,
) -> *const clap_plugin_descriptor {
    if index == 0 { descriptor().clap_plugin_descriptor() } else { ptr::null() }
}

unsafe extern "C" fn create_plugin(
    _factory: *const clap_plugin_factory,
    host: *const clap_host,
    id: *const c_char,
) -> *const clap_plugin {
    // SAFETY: a string of the host's, where it is one at all.
    if host.is_null() || id.is_null() || unsafe { CStr::from_ptr(id) } != descriptor().clap_id() {
        return ptr::null();
    }
    let guarded = Guarded {
        plugin: clap_plugin {
            desc: descriptor().clap_plugin_descriptor(),
            plugin_data: ptr::null_mut(),
            init: Some(init),
            destroy: Some(destroy),
            activate: Some(activate),
            deactivate: Some(deactivate),
            start_processing: Some(start_processing),
            stop_processing: Some(stop_processing),
            reset: Some(reset),
            process: Some(process),
            get_extension: Some(get_extension),
            on_main_thread: Some(on_main_thread),
        },
        host,
        stand_in: None,
        inner: ptr::null(),
        is_active: AtomicBool::new(false),
    };
    Box::into_raw(Box::new(guarded)).cast::<clap_plugin>().cast_const()
}

/// The plugin that the host holds.
#[repr(C)]
struct Guarded {
    /// Comes first, so that a pointer to it is one to all of this. Its data are the framework's,
    /// whose extensions ask for them.
    plugin: clap_plugin,
    host: *const clap_host,
    /// The host as the framework sees it, if it lacks anything.
    stand_in: Option<Box<StandIn>>,
    /// The framework's plugin; null before `init`.
    inner: *const clap_plugin,
    is_active: AtomicBool,
}

/// The framework's plugin, from `init` on.
unsafe fn inner<'a>(plugin: *const clap_plugin) -> Option<&'a clap_plugin> {
    // SAFETY: the pointer is the one that `create_plugin` gave, or null.
    unsafe { plugin.cast::<Guarded>().as_ref()?.inner.as_ref() }
}

unsafe extern "C" fn init(plugin: *const clap_plugin) -> bool {
    // SAFETY: as above; nothing else runs before `init` has come back.
    let Some(guarded) = (unsafe { plugin.cast_mut().cast::<Guarded>().as_mut() }) else {
        return false;
    };
    if !guarded.inner.is_null() {
        return false;
    }
    let mut host = guarded.host;
    // SAFETY: the host's own structure, from `init` on to be called.
    if !unsafe { has_gui(host) } {
        // SAFETY: the host's own structure.
        let stand_in = guarded.stand_in.insert(Box::new(unsafe { StandIn::new(host) }));
        host = &raw const stand_in.host;
    }
    // SAFETY: the host's structure, or ours in its place, outlives the plugin. The framework's
    // `destroy` takes the count back.
    let wrapper = Arc::into_raw(unsafe { Wrapper::<Moodring>::new(host) });
    // SAFETY: the framework's own function, with its own plugin and what the host has handed in.
    let made = unsafe {
        let made = (*wrapper).clap_plugin.as_ptr();
        clap::mend(made);
        &*made
    };
    guarded.inner = made;
    guarded.plugin.plugin_data = made.plugin_data;
    // SAFETY: the framework's own function, with its own plugin and what the host has handed in.
    made.init.is_some_and(|init| unsafe { init(made) })
}

unsafe extern "C" fn destroy(plugin: *const clap_plugin) {
    if plugin.is_null() {
        return;
    }
    // SAFETY: the host lets go of the pointer that `create_plugin` gave it.
    let guarded = unsafe { Box::from_raw(plugin.cast_mut().cast::<Guarded>()) };
    // SAFETY: the framework's own function, with its own plugin and what the host has handed in.
    if let Some(inner) = unsafe { guarded.inner.as_ref() }
        && let Some(destroy) = inner.destroy
    {
        // SAFETY: the framework's own function, with its own plugin and what the host has handed
        // in.
        unsafe { destroy(inner) };
    }
}

unsafe extern "C" fn activate(
    plugin: *const clap_plugin,
    rate_hz: f64,
    least_samples: u32,
    most_samples: u32,
) -> bool {
    // SAFETY: the host hands in the pointer that it was given.
    let Some(inner) = (unsafe { inner(plugin) }) else { return false };
    let activate = inner.activate;
    let is_active = activate
        // SAFETY: the framework's own function, with its own plugin and what the host has handed
        // in.
        .is_some_and(|activate| unsafe { activate(inner, rate_hz, least_samples, most_samples) });
    // SAFETY: the host hands in the pointer that it was given.
    unsafe { set_active(plugin, is_active) };
    is_active
}

unsafe extern "C" fn deactivate(plugin: *const clap_plugin) {
    // SAFETY: the host hands in the pointer that it was given.
    if let Some(inner) = unsafe { inner(plugin) }
        && let Some(deactivate) = inner.deactivate
    {
        // SAFETY: the host hands in the pointer that it was given.
        unsafe { set_active(plugin, false) };
        // SAFETY: the framework's own function, with its own plugin and what the host has handed
        // in.
        unsafe { deactivate(inner) };
    }
}

unsafe fn set_active(plugin: *const clap_plugin, is_active: bool) {
    // SAFETY: `inner` has found it.
    unsafe { &*plugin.cast::<Guarded>() }.is_active.store(is_active, Ordering::Release);
}

unsafe extern "C" fn start_processing(plugin: *const clap_plugin) -> bool {
    // SAFETY: the host hands in the pointer that it was given.
    let Some(inner) = (unsafe { active(plugin) }) else { return false };
    // SAFETY: the framework's own function, with its own plugin and what the host has handed in.
    inner.start_processing.is_some_and(|start| unsafe { start(inner) })
}

unsafe extern "C" fn stop_processing(plugin: *const clap_plugin) {
    // SAFETY: the host hands in the pointer that it was given.
    if let Some(inner) = unsafe { active(plugin) }
        && let Some(stop) = inner.stop_processing
    {
        // SAFETY: the framework's own function, with its own plugin and what the host has handed
        // in.
        unsafe { stop(inner) };
    }
}

unsafe extern "C" fn reset(plugin: *const clap_plugin) {
    // SAFETY: the host hands in the pointer that it was given.
    if let Some(inner) = unsafe { active(plugin) }
        && let Some(reset) = inner.reset
    {
        // SAFETY: the framework's own function, with its own plugin and what the host has handed
        // in.
        unsafe { reset(inner) };
    }
}

unsafe extern "C" fn process(
    plugin: *const clap_plugin,
    block: *const clap_process,
) -> clap_process_status {
    // SAFETY: the host hands in the pointer that it was given.
    let Some(inner) = (unsafe { active(plugin) }) else { return CLAP_PROCESS_ERROR };
    // SAFETY: the framework's own function, with its own plugin and what the host has handed in.
    inner.process.map_or(CLAP_PROCESS_ERROR, |process| unsafe { process(inner, block) })
}

/// The framework's plugin while it is active.
unsafe fn active<'a>(plugin: *const clap_plugin) -> Option<&'a clap_plugin> {
    // SAFETY: as for `inner`.
    let inner = unsafe { inner(plugin) }?;
    // SAFETY: as for `inner`, which has found it.
    unsafe { &*plugin.cast::<Guarded>() }.is_active.load(Ordering::Acquire).then_some(inner)
}

unsafe extern "C" fn get_extension(plugin: *const clap_plugin, id: *const c_char) -> *const c_void {
    // SAFETY: the host hands in the pointer that it was given.
    let Some(inner) = (unsafe { inner(plugin) }) else { return ptr::null() };
    // SAFETY: the framework's own function, with its own plugin and what the host has handed in.
    inner.get_extension.map_or(ptr::null(), |get| unsafe { get(inner, id) })
}

unsafe extern "C" fn on_main_thread(plugin: *const clap_plugin) {
    // SAFETY: the host hands in the pointer that it was given.
    if let Some(inner) = unsafe { inner(plugin) }
        && let Some(call) = inner.on_main_thread
    {
        // SAFETY: the framework's own function, with its own plugin and what the host has handed
        // in.
        unsafe { call(inner) };
    }
}

unsafe fn has_gui(host: *const clap_host) -> bool {
    // SAFETY: the host's own structure.
    let get = unsafe { (*host).get_extension };
    // SAFETY: the host's own structure and function, called as CLAP says.
    get.is_some_and(|get| !unsafe { get(host, CLAP_EXT_GUI.as_ptr()) }.is_null())
}

/// A host that has no `clap.gui`, with one. It keeps the host's own data, by which the host knows
/// itself when it is called.
#[repr(C)]
struct StandIn {
    /// Comes first, so that a pointer to it is one to all of this.
    host: clap_host,
    real: *const clap_host,
}

impl StandIn {
    unsafe fn new(real: *const clap_host) -> Self {
        // SAFETY: the host's own structure.
        let host = clap_host { get_extension: Some(extension_of_host), ..unsafe { *real } };
        Self { host, real }
    }
}

unsafe extern "C" fn extension_of_host(host: *const clap_host, id: *const c_char) -> *const c_void {
    /// Says no to whatever the window asks for.
    static NO: clap_host_gui = clap_host_gui {
        resize_hints_changed: Some(no_word),
        request_resize: Some(no_resize),
        request_show: Some(no),
        request_hide: Some(no),
        closed: Some(no_close),
    };
    // SAFETY: a string of the framework's.
    if !id.is_null() && unsafe { CStr::from_ptr(id) } == CLAP_EXT_GUI {
        return ptr::from_ref(&NO).cast();
    }
    // SAFETY: the framework was given the first field of a `StandIn` that lives as long as it does.
    let real = unsafe { (*host.cast::<StandIn>()).real };
    // SAFETY: the host's own structure and function, called as CLAP says.
    let get = unsafe { (*real).get_extension };
    // SAFETY: the host's own structure and function, called as CLAP says.
    get.map_or(ptr::null(), |get| unsafe { get(real, id) })
}

unsafe extern "C" fn no_word(_host: *const clap_host) {}

unsafe extern "C" fn no_resize(_host: *const clap_host, _width: u32, _height: u32) -> bool {
    false
}

unsafe extern "C" fn no(_host: *const clap_host) -> bool {
    false
}

unsafe extern "C" fn no_close(_host: *const clap_host, _was_destroyed: bool) {}
