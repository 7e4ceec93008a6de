//! The kernels of x86-64: AVX2, and VNNI with 256 and with 512 bits.

use std::arch::x86_64::*;

use super::{BLOCK_ROWS, GROUP_LINES, Group, Line};

/// Adds 128 to every value, which makes it unsigned.
const TO_UNSIGNED: i32 = 0x8080_8080_u32.cast_signed();

/// The two halves of a line.
#[inline]
#[target_feature(enable = "avx2")]
fn halves(line: &Line) -> [__m256i; 2] {
    // SAFETY: a line is 64 bytes and any bytes are a register's.
    #[allow(unsafe_code)]
    unsafe {
        std::mem::transmute::<[i8; 64], [__m256i; 2]>(line.0)
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(ints: &[i32; 8]) -> __m256i {
    // SAFETY: eight integers are a register.
    #[allow(unsafe_code)]
    unsafe {
        std::mem::transmute::<[i32; 8], __m256i>(*ints)
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(sums: [__m256i; 8], out: &mut [i32]) {
    for (sum, out) in sums.into_iter().zip(out.as_chunks_mut::<8>().0) {
        // SAFETY: a register is eight integers.
        #[allow(unsafe_code)]
        let ints = unsafe { std::mem::transmute::<__m256i, [i32; 8]>(sum) };
        *out = ints;
    }
}

/// Half a block at a time, eight of the sixteen registers.
#[target_feature(enable = "avx2")]
pub fn avx2(lines: &[Line], vector: &[Group], out: &mut [i32; BLOCK_ROWS]) {
    let ones = _mm256_set1_epi16(1);
    for (half, out) in out.chunks_exact_mut(BLOCK_ROWS / 2).enumerate() {
        let mut sums = [_mm256_setzero_si256(); 8];
        for (lines, group) in lines.as_chunks::<GROUP_LINES>().0.iter().zip(vector) {
            let value = _mm256_set1_epi32(*group);
            let magnitude = _mm256_abs_epi8(value);
            for line in 0..4 {
                for (part, weights) in halves(&lines[4 * half + line]).into_iter().enumerate() {
                    // The sign goes to the weights: 2·127² fits the 16 bits of a pair's sum.
                    let pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(weights, value));
                    let quads = _mm256_madd_epi16(pairs, ones);
                    sums[2 * line + part] = _mm256_add_epi32(sums[2 * line + part], quads);
                }
            }
        }
        store(sums, out);
    }
}

/// Half a block at a time, eight of the sixteen registers.
#[target_feature(enable = "avx2,avxvnni")]
pub fn avx_vnni(
    lines: &[Line],
    vector: &[Group],
    zero_point_corrections: &[i32],
    out: &mut [i32; BLOCK_ROWS],
) {
    let halves_of = out.chunks_exact_mut(BLOCK_ROWS / 2);
    for (half, (out, zero_point_corrections)) in
        halves_of.zip(zero_point_corrections.chunks_exact(BLOCK_ROWS / 2)).enumerate()
    {
        let zero_point_corrections = zero_point_corrections.as_chunks::<8>().0;
        let mut sums: [__m256i; 8] = std::array::from_fn(|i| load(&zero_point_corrections[i]));
        for (lines, group) in lines.as_chunks::<GROUP_LINES>().0.iter().zip(vector) {
            let value = _mm256_set1_epi32(*group ^ TO_UNSIGNED);
            for line in 0..4 {
                for (part, weights) in halves(&lines[4 * half + line]).into_iter().enumerate() {
                    let sum = &mut sums[2 * line + part];
                    *sum = _mm256_dpbusd_avx_epi32(*sum, value, weights);
                }
            }
        }
        store(sums, out);
    }
}

/// A whole block at a time, eight of the 32 registers for each vector.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub fn avx512_vnni<const N: usize>(
    lines: &[Line],
    vectors: [&[Group]; N],
    zero_point_corrections: &[i32],
    out: &mut [[i32; BLOCK_ROWS]; N],
) {
    let zero_point_corrections = zero_point_corrections.as_chunks::<16>().0;
    // SAFETY: sixteen integers are a register, and so are the 64 bytes of a line, and back.
    #[allow(unsafe_code)]
    let zero_point_corrections: [__m512i; GROUP_LINES] = std::array::from_fn(|i| unsafe {
        std::mem::transmute::<[i32; 16], __m512i>(zero_point_corrections[i])
    });
    let mut sums = [zero_point_corrections; N];
    for (i, lines) in lines.as_chunks::<GROUP_LINES>().0.iter().enumerate() {
        let mut values = [_mm512_setzero_si512(); N];
        for (value, vector) in values.iter_mut().zip(vectors) {
            *value = _mm512_set1_epi32(vector[i] ^ TO_UNSIGNED);
        }
        for (part, line) in lines.iter().enumerate() {
            #[allow(unsafe_code)]
            // SAFETY: both have as many bits, of which every pattern is a value.
            let weights = unsafe { std::mem::transmute::<[i8; 64], __m512i>(line.0) };
            for (sums, value) in sums.iter_mut().zip(values) {
                sums[part] = _mm512_dpbusd_epi32(sums[part], value, weights);
            }
        }
    }
    for (sums, out) in sums.into_iter().zip(out) {
        for (sum, out) in sums.into_iter().zip(out.as_chunks_mut::<16>().0) {
            #[allow(unsafe_code)]
            // SAFETY: both have as many bits, of which every pattern is a value.
            let ints = unsafe { std::mem::transmute::<__m512i, [i32; 16]>(sum) };
            *out = ints;
        }
    }
}
