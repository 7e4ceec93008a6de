//! The kernel of ARM: the dot product of NEON.

use std::arch::aarch64::*;
use std::arch::asm;

use super::{BLOCK_ROWS, GROUP_LINES, Group, Line};

/// Half a block at a time, sixteen of the 32 registers.
#[target_feature(enable = "neon,dotprod")]
pub fn neon_dot(lines: &[Line], vector: &[Group], out: &mut [i32; BLOCK_ROWS]) {
    for (half, out) in out.chunks_exact_mut(BLOCK_ROWS / 2).enumerate() {
        let mut sums = [vdupq_n_s32(0); 16];
        for (lines, group) in lines.as_chunks::<GROUP_LINES>().0.iter().zip(vector) {
            let value = vdupq_n_s32(*group);
            for line in 0..4 {
                // SAFETY: a line is 64 bytes, four registers, and any bytes are a register's.
                #[allow(unsafe_code)]
                let parts = unsafe {
                    std::mem::transmute::<[i8; 64], [int32x4_t; 4]>(lines[4 * half + line].0)
                };
                for (part, weights) in parts.into_iter().enumerate() {
                    let sum = &mut sums[4 * line + part];
                    // SAFETY: reads and writes registers alone; the caller has found the
                    // instruction. The intrinsic for it is not yet in stable Rust.
                    #[allow(unsafe_code)]
                    unsafe {
                        asm!(
                            "sdot {sum:v}.4s, {weights:v}.16b, {value:v}.16b",
                            sum = inout(vreg) *sum,
                            weights = in(vreg) weights,
                            value = in(vreg) value,
                            options(pure, nomem, nostack, preserves_flags),
                        );
                    }
                }
            }
        }
        for (sum, out) in sums.into_iter().zip(out.as_chunks_mut::<4>().0) {
            // SAFETY: a register is four integers.
            #[allow(unsafe_code)]
            let ints = unsafe { std::mem::transmute::<int32x4_t, [i32; 4]>(sum) };
            *out = ints;
        }
    }
}
