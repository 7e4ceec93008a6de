//! A CLAP's state on the way in.

use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use clap_sys::ext::state::{CLAP_EXT_STATE, clap_plugin_state};
use clap_sys::plugin::clap_plugin;
use clap_sys::stream::{clap_istream, clap_ostream};

use super::super::state::{MOST_STATE_BYTES, repaired};

/// Puts ours before the framework's extensions.
///
/// # Safety
///
/// Nobody else looks at the plugin yet.
pub(super) unsafe fn mend(plugin: *mut clap_plugin) {
    // SAFETY: as the caller says.
    if let Some(original) = unsafe { (*plugin).get_extension.replace(get_extension) } {
        let _the_same_for_all = ORIGINAL.set(original);
    }
}

type GetExtension = unsafe extern "C" fn(*const clap_plugin, *const c_char) -> *const c_void;

/// The framework's own, the same for all instances.
static ORIGINAL: OnceLock<GetExtension> = OnceLock::new();

static STATE: clap_plugin_state = clap_plugin_state { save: Some(save), load: Some(load) };

unsafe extern "C" fn get_extension(plugin: *const clap_plugin, id: *const c_char) -> *const c_void {
    // SAFETY: what the host hands in is handed on as it came.
    let theirs =
        ORIGINAL.get().map_or(std::ptr::null(), |original| unsafe { original(plugin, id) });
    // SAFETY: the framework has an extension only for a text that ends.
    if !theirs.is_null() && unsafe { CStr::from_ptr(id) } == CLAP_EXT_STATE {
        (&raw const STATE).cast()
    } else {
        theirs
    }
}

/// The framework's state.
fn original_state(plugin: *const clap_plugin) -> Option<&'static clap_plugin_state> {
    let original = ORIGINAL.get()?;
    // SAFETY: the plugin is the host's, and the extension lives as long as the library.
    unsafe { original(plugin, CLAP_EXT_STATE.as_ptr()).cast::<clap_plugin_state>().as_ref() }
}

unsafe extern "C" fn save(plugin: *const clap_plugin, stream: *const clap_ostream) -> bool {
    let save = original_state(plugin).and_then(|state| state.save);
    // SAFETY: handed on as it came.
    save.is_some_and(|save| unsafe { save(plugin, stream) })
}

unsafe extern "C" fn load(plugin: *const clap_plugin, stream: *const clap_istream) -> bool {
    let Some(load) = original_state(plugin).and_then(|state| state.load) else { return false };
    let read = || {
        // SAFETY: the stream is the host's, for the time of this call.
        let bytes = framed_bytes(unsafe { stream.as_ref()? })?;
        let state = repaired(&bytes).unwrap_or(bytes);
        Some([&(state.len() as u64).to_le_bytes()[..], &state].concat())
    };
    let Some(bytes) = catch_unwind(AssertUnwindSafe(read)).ok().flatten() else { return false };
    let mut left = bytes.as_slice();
    let repaired = clap_istream { ctx: (&raw mut left).cast(), read: Some(read_slice) };
    // SAFETY: the stream and what it reads from outlive the call.
    unsafe { load(plugin, &raw const repaired) }
}

/// The bytes of a state, behind their length; as far as there are any.
fn framed_bytes(stream: &clap_istream) -> Option<Vec<u8>> {
    let length = read_up_to(stream, size_of::<u64>())?;
    let length = u64::from_le_bytes(length.try_into().ok()?);
    let length = usize::try_from(length).ok().filter(|length| *length <= MOST_STATE_BYTES)?;
    read_up_to(stream, length)
}

/// Up to `most` bytes; `None` where the host fails to read.
fn read_up_to(stream: &clap_istream, most: usize) -> Option<Vec<u8>> {
    /// Bytes asked for at a time: a length that lies costs no memory.
    const PIECE: usize = 64 << 10;
    let (read, mut bytes) = (stream.read?, Vec::new());
    let mut piece = [0_u8; PIECE];
    while bytes.len() < most {
        let wanted = PIECE.min(most - bytes.len());
        // SAFETY: there is room for so many.
        let n = unsafe { read(stream, piece.as_mut_ptr().cast(), wanted as u64) };
        match usize::try_from(n) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(piece.get(..n)?),
            Err(_) => return None,
        }
    }
    Some(bytes)
}

/// A stream over the slice that its context points to, which gets shorter as it is read.
unsafe extern "C" fn read_slice(
    stream: *const clap_istream,
    buffer: *mut c_void,
    size: u64,
) -> i64 {
    // SAFETY: the context is the one that `load` made, and the buffer has room for `size` bytes.
    unsafe {
        let left = &mut *(*stream).ctx.cast::<&[u8]>();
        let n = left.len().min(usize::try_from(size).unwrap_or(usize::MAX));
        std::ptr::copy_nonoverlapping(left.as_ptr(), buffer.cast(), n);
        *left = &left[n..];
        i64::try_from(n).unwrap_or(-1)
    }
}
