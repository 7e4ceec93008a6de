//! Hosts that offer little, and call what they should not.

use clack_extensions::gui::{GuiApiType, GuiConfiguration, PluginGui, Window};
use clack_host::prelude::*;
use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::plugin::clap_plugin;
use clap_sys::process::{CLAP_PROCESS_ERROR, clap_process};
use egui::Rect;

use super::host::bundle_path;
use super::{PATIENCE, display, n_colours};

/// A host with no extension at all.
struct Bare;

impl HostHandlers for Bare {
    type Shared<'a> = ();
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();
}

fn bare() -> PluginInstance<Bare> {
    // SAFETY: the library is this repository's own plugin, built by the same toolchain.
    #[allow(unsafe_code)]
    let entry = unsafe { PluginEntry::load(bundle_path()) }.unwrap();
    let factory = entry.get_plugin_factory().unwrap();
    let id = factory.plugin_descriptors().next().unwrap().id().unwrap();
    let info = HostInfo::new("A bare host", "Moodring", "", "1").unwrap();
    PluginInstance::new(|()| (), |()| (), &entry, id, &info).unwrap()
}

#[test]
fn a_host_without_windows_of_its_own_gets_one_all_the_same() {
    let display = display();
    let mut instance = bare();
    let plugin = instance.plugin_handle();
    let gui: PluginGui = plugin.get_extension().unwrap();
    let configuration = GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };
    for _ in 0..2 {
        gui.create(&plugin, configuration).unwrap();
        let parent = display.window(760, 480).unwrap();
        // SAFETY: our window outlives the plugin's.
        #[allow(unsafe_code)]
        unsafe {
            gui.set_parent(&plugin, Window::from_x11_handle(parent.into())).unwrap();
        }
        gui.show(&plugin).unwrap();
        let window = display.children(parent).unwrap()[0];
        let end = std::time::Instant::now() + PATIENCE;
        while n_colours(&display.picture(window).unwrap(), Rect::EVERYTHING) < 30 {
            assert!(std::time::Instant::now() < end, "no picture");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        gui.destroy(&plugin);
        display.close(parent).unwrap();
    }
}

#[test]
fn audio_that_comes_before_the_activation_or_after_its_end_is_refused() {
    const N_SAMPLES: usize = 64;
    let mut instance = bare();
    let plugin: *const clap_plugin = instance.raw_instance();
    let process = || {
        let mut samples = [[0.5_f32; N_SAMPLES]; 2];
        let mut channels = samples.each_mut().map(|channel| channel.as_mut_ptr());
        let mut buffer = clap_audio_buffer {
            data32: channels.as_mut_ptr(),
            data64: std::ptr::null_mut(),
            channel_count: 2,
            latency: 0,
            constant_mask: 0,
        };
        let mut output = buffer;
        let block = clap_process {
            steady_time: -1,
            frames_count: N_SAMPLES as u32,
            transport: std::ptr::null(),
            audio_inputs: &raw mut buffer,
            audio_outputs: &raw mut output,
            audio_inputs_count: 1,
            audio_outputs_count: 1,
            in_events: std::ptr::null(),
            out_events: std::ptr::null(),
        };
        // SAFETY: the plugin lives, and no other thread calls it.
        #[allow(unsafe_code)]
        unsafe {
            (*plugin).process.unwrap()(plugin, &raw const block)
        }
    };
    assert_eq!(process(), CLAP_PROCESS_ERROR);
    let configuration = PluginAudioConfiguration {
        sample_rate: 48_000.0,
        min_frames_count: 1,
        max_frames_count: N_SAMPLES as u32,
    };
    let processor = instance.activate(|_, ()| (), configuration).unwrap();
    assert_ne!(process(), CLAP_PROCESS_ERROR);
    instance.deactivate(processor);
    assert_eq!(process(), CLAP_PROCESS_ERROR);
}
