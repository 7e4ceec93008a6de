//! The entry that hosts look for, and the factory behind it.

use std::ffi::c_void;

use nice_plug::wrapper::setup_logger;
use nice_plug::wrapper::vst3::PluginInfo;
use nice_plug::wrapper::vst3::vst3::Steinberg::{
    FIDString, FUnknown, IPluginFactory, IPluginFactory2, IPluginFactory2Trait, IPluginFactory3,
    IPluginFactory3Trait, IPluginFactoryTrait, PClassInfo, PClassInfo2, PClassInfoW, PFactoryInfo,
    TUID, int32, kInvalidArgument, kResultFalse, kResultOk, tresult,
};
use nice_plug::wrapper::vst3::vst3::{Class, ComWrapper};

use super::super::super::Moodring;
use super::{Front, hand_over};

/// The factory of the one class there is.
struct Factory {
    plugin: PluginInfo,
}

impl Class for Factory {
    type Interfaces = (IPluginFactory, IPluginFactory2, IPluginFactory3);
}

impl IPluginFactoryTrait for Factory {
    unsafe fn getFactoryInfo(&self, info: *mut PFactoryInfo) -> tresult {
        // SAFETY: the place is the host's, for the time of this call, or null.
        unsafe { hand_over(info, || self.plugin.create_factory_info()) }
    }

    unsafe fn countClasses(&self) -> int32 {
        1
    }

    unsafe fn getClassInfo(&self, index: int32, info: *mut PClassInfo) -> tresult {
        match index {
            // SAFETY: the place is the host's, for the time of this call, or null.
            0 => unsafe { hand_over(info, || self.plugin.create_class_info()) },
            _ => kInvalidArgument,
        }
    }

    unsafe fn createInstance(
        &self,
        class: FIDString,
        interface: FIDString,
        instance: *mut *mut c_void,
    ) -> tresult {
        // SAFETY: hosts hand in ids of sixteen bytes, and a place for a pointer.
        unsafe {
            if class.is_null()
                || interface.is_null()
                || instance.is_null()
                || *class.cast::<[u8; 16]>() != *self.plugin.cid
            {
                return kInvalidArgument;
            }
            let Some(front) = Front::new() else { return kResultFalse };
            let front = ComWrapper::new(front);
            let Some(unknown) = front.as_com_ref::<FUnknown>() else { return kResultFalse };
            let unknown = unknown.as_ptr();
            ((*(*unknown).vtbl).queryInterface)(unknown, interface.cast::<TUID>(), instance)
        }
    }
}

impl IPluginFactory2Trait for Factory {
    unsafe fn getClassInfo2(&self, index: int32, info: *mut PClassInfo2) -> tresult {
        match index {
            // SAFETY: the place is the host's, for the time of this call, or null.
            0 => unsafe { hand_over(info, || self.plugin.create_class_info_2()) },
            _ => kInvalidArgument,
        }
    }
}

impl IPluginFactory3Trait for Factory {
    unsafe fn getClassInfoUnicode(&self, index: int32, info: *mut PClassInfoW) -> tresult {
        match index {
            // SAFETY: the place is the host's, for the time of this call, or null.
            0 => unsafe { hand_over(info, || self.plugin.create_class_info_unicode()) },
            _ => kInvalidArgument,
        }
    }

    unsafe fn setHostContext(&self, _context: *mut FUnknown) -> tresult {
        kResultOk
    }
}

/// The entry that hosts look for.
#[unsafe(no_mangle)]
#[allow(non_snake_case, missing_docs)]
pub extern "system" fn GetPluginFactory() -> *mut c_void {
    let factory = ComWrapper::new(Factory { plugin: PluginInfo::for_plugin::<Moodring>() });
    let factory = factory.to_com_ptr::<IPluginFactory>();
    factory.map_or(std::ptr::null_mut(), |factory| factory.into_raw().cast())
}

/// The library's own entry and exit, under the names that each system's hosts look for.
macro_rules! library {
    ($system:meta, $abi:literal, $entry:ident($($handle:ident: $kind:ty)?), $exit:ident) => {
        #[$system]
        #[unsafe(no_mangle)]
        #[allow(non_snake_case, missing_docs)]
        pub extern $abi fn $entry($($handle: $kind)?) -> bool {
            setup_logger::<Moodring>();
            true
        }

        #[$system]
        #[unsafe(no_mangle)]
        #[allow(non_snake_case, missing_docs)]
        pub extern $abi fn $exit() -> bool {
            true
        }
    };
}

library!(cfg(all(unix, not(target_os = "macos"))), "C", ModuleEntry(_handle: *mut c_void), ModuleExit);
library!(cfg(target_os = "macos"), "C", bundleEntry(_handle: *mut c_void), bundleExit);
library!(cfg(windows), "system", InitDll(), ExitDll);
