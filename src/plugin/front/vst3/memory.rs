//! A stream in memory.

use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard};

use nice_plug::wrapper::vst3::vst3::Class;
use nice_plug::wrapper::vst3::vst3::Steinberg::{
    IBStream, IBStreamTrait, int32, kInvalidArgument, kResultOk, tresult,
};

use super::hand_over;

use crate::lock::lock;

/// A stream in memory, as the framework expects one of a host.
pub(super) struct Memory(Mutex<(Vec<u8>, usize)>);

impl Class for Memory {
    type Interfaces = (IBStream,);
}

impl Memory {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(Mutex::new((bytes, 0)))
    }

    fn held(&self) -> MutexGuard<'_, (Vec<u8>, usize)> {
        lock(&self.0)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.held().0.clone()
    }
}

impl IBStreamTrait for Memory {
    unsafe fn read(&self, buffer: *mut c_void, most: int32, n_read: *mut int32) -> tresult {
        let (bytes, at) = &mut *self.held();
        let left = bytes.get(*at..).unwrap_or_default();
        let n = left.len().min(usize::try_from(most).unwrap_or(0));
        // SAFETY: the caller has room for `most` bytes.
        unsafe {
            std::ptr::copy_nonoverlapping(left.as_ptr(), buffer.cast(), n);
            if !n_read.is_null() {
                *n_read = n as int32;
            }
        }
        *at += n;
        kResultOk
    }

    unsafe fn write(&self, buffer: *mut c_void, most: int32, n_written: *mut int32) -> tresult {
        let (bytes, at) = &mut *self.held();
        let n = usize::try_from(most).unwrap_or(0);
        bytes.truncate(*at);
        // SAFETY: the caller has `most` bytes.
        unsafe {
            bytes.extend_from_slice(std::slice::from_raw_parts(buffer.cast::<u8>(), n));
            if !n_written.is_null() {
                *n_written = most;
            }
        }
        *at += n;
        kResultOk
    }

    unsafe fn seek(&self, to: i64, from: int32, result: *mut i64) -> tresult {
        let (bytes, at) = &mut *self.held();
        let origin = match from {
            0 => 0,
            1 => *at,
            2 => bytes.len(),
            _ => return kInvalidArgument,
        };
        let place = i64::try_from(origin).unwrap_or(i64::MAX).saturating_add(to).max(0);
        *at = usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
        let at = *at as i64;
        // SAFETY: the place is the host's, for the time of this call, or null.
        if result.is_null() { kResultOk } else { unsafe { hand_over(result, || at) } }
    }

    unsafe fn tell(&self, place: *mut i64) -> tresult {
        let at = self.held().1 as i64;
        // SAFETY: the place is the host's, for the time of this call, or null.
        unsafe { hand_over(place, || at) }
    }
}
