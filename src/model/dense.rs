//! A quantised dense layer: int8 weights with a scale per output channel, an int8 vector scaled
//! anew at every product.
//!
//! The arithmetic is that of onnxruntime's `DynamicQuantizeMatMul`, but for the vector, which is
//! quantised symmetrically.

use super::int8::{self, BLOCK_ROWS, GROUP, Kernel, PackedMatrix};
use crate::simd::{Simd, WithSimd, vectorised};

/// Largest magnitude of a quantised value. −128 is not used, so that the range is symmetric.
const QUANTISED_MAX: f32 = 127.0;

/// A quantised vector.
#[derive(Clone, Debug)]
pub struct Quantised {
    values: Vec<i8>,
    groups: Vec<int8::Group>,
}

impl Quantised {
    /// Room for `length` values.
    #[must_use]
    pub fn new(length: usize) -> Self {
        let groups = length.div_ceil(GROUP);
        Self { values: vec![0; groups * GROUP], groups: vec![0; groups] }
    }

    /// The values as kernels read them.
    #[must_use]
    pub fn groups(&self) -> &[int8::Group] {
        &self.groups
    }

    /// Quantises `values` and returns the scale that undoes it; 0 for all zeros.
    #[inline(always)]
    pub fn quantise(&mut self, values: &[f32]) -> f32 {
        // Magnitudes of floats are ordered as their bits are, and a maximum of integers vectorises.
        let magnitude = |x: &f32| x.to_bits() & !(1 << 31);
        let largest = f32::from_bits(values.iter().map(magnitude).fold(0, u32::max));
        if largest < f32::MIN_POSITIVE {
            self.groups.fill(0);
            return 0.0;
        }
        let to_quantised = QUANTISED_MAX / largest;
        for (q, x) in self.values.iter_mut().zip(values) {
            // Rounding to even by adding 1.5·2²³: the integer is then in the lowest bits. Exact for
            // |x| ≤ 127.
            const ROUND: f32 = 12_582_912.0;
            *q = (x * to_quantised + ROUND).to_bits().to_le_bytes()[0].cast_signed();
        }
        int8::pack(&self.values, &mut self.groups);
        largest / QUANTISED_MAX
    }
}

/// Weights of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    weights: PackedMatrix,
    /// Of every output, and then of those that only fill up the last block.
    scales: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl Dense {
    /// From `weights[input][output]`, with a scale and a bias per output.
    #[must_use]
    pub fn new(weights: &[i8], mut scales: Vec<f32>, bias: Vec<f32>) -> Self {
        let outputs = bias.len();
        let inputs = weights.len() / outputs.max(1);
        debug_assert_eq!((weights.len(), scales.len()), (inputs * outputs, outputs));
        scales.resize(outputs.next_multiple_of(BLOCK_ROWS), 0.0);
        let at = |output, input| weights[input * outputs + output];
        Self { weights: PackedMatrix::new(outputs, inputs, at), scales, bias, inputs }
    }

    /// Values in.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }
}

/// Buffers of a layer's run.
#[derive(Clone, Debug)]
pub struct DenseScratch {
    kernel: Kernel,
    vector: Quantised,
}

impl DenseScratch {
    /// Buffers for `dense`, for the fastest kernel that there is.
    #[must_use]
    pub fn new(dense: &Dense) -> Self {
        Self { kernel: Kernel::best(), vector: Quantised::new(dense.inputs) }
    }

    /// `out` ← weights · `x` + bias.
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    pub fn run(&mut self, dense: &Dense, x: &[f32], out: &mut [f32]) {
        debug_assert_eq!((x.len(), out.len()), (dense.inputs(), dense.outputs()));
        vectorised(Run { scratch: self, dense, x, out });
    }
}

/// A run, compiled for every vector width.
struct Run<'a> {
    scratch: &'a mut DenseScratch,
    dense: &'a Dense,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { scratch, dense, x, out } = self;
        let scale = scratch.vector.quantise(x);
        let mut sums = [0; BLOCK_ROWS];
        let blocks = out.chunks_mut(BLOCK_ROWS).zip(dense.bias.chunks(BLOCK_ROWS));
        let blocks = blocks.zip(dense.scales.chunks_exact(BLOCK_ROWS));
        for (block, ((out, bias), scales)) in blocks.enumerate() {
            dense.weights.product(scratch.kernel, block, scratch.vector.groups(), &mut sums);
            for (((out, bias), row_scale), sum) in out.iter_mut().zip(bias).zip(scales).zip(&sums) {
                *out = *sum as f32 * (row_scale * scale) + bias;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_read_input_by_input() {
        // Two outputs, three inputs: output 0 takes 1 2 3, output 1 takes 10 20 30.
        let dense = Dense::new(&[1, 10, 2, 20, 3, 30], vec![1.0, 0.5], vec![0.25, -1.0]);
        let mut out = [0.0; 2];
        DenseScratch::new(&dense).run(&dense, &[127.0, 0.0, -127.0], &mut out);
        assert_eq!(out, [127.0 - 381.0 + 0.25, 0.5 * (1270.0 - 3810.0) - 1.0]);
    }

    #[test]
    fn it_is_near_the_product_of_the_numbers_that_it_stands_for() {
        const INPUTS: usize = 301;
        const OUTPUTS: usize = 140;
        let weight = |i: usize| ((i * 7919 % 255) as i32 - 127) as i8;
        let weights: Vec<i8> = (0..INPUTS * OUTPUTS).map(weight).collect();
        let scales: Vec<f32> = (0..OUTPUTS).map(|o| 1e-3 + 1e-5 * o as f32).collect();
        let dense = Dense::new(&weights, scales.clone(), vec![0.5; OUTPUTS]);
        let x: Vec<f32> = (0..INPUTS).map(|i| (i as f32).sin()).collect();
        let mut out = vec![0.0; OUTPUTS];
        DenseScratch::new(&dense).run(&dense, &x, &mut out);
        for (o, out) in out.iter().enumerate() {
            let sum: f32 =
                (0..INPUTS).map(|i| x[i] * f32::from(weights[i * OUTPUTS + o]) * scales[o]).sum();
            assert!((out - sum - 0.5).abs() < 0.02, "output {o}: {out}, not {}", sum + 0.5);
        }
    }

    #[test]
    fn quantising_keeps_the_largest_and_rounds_the_rest() {
        let mut buffer = Quantised::new(4);
        let scale = buffer.quantise(&[-2.0, 1.0, 0.5, 0.0]);
        assert_eq!(buffer.values, [-127, 64, 32, 0]);
        assert_eq!(buffer.groups, [i32::from_ne_bytes([129, 64, 32, 0])]);
        assert_eq!(scale, 2.0 / 127.0);
        assert_eq!(buffer.quantise(&[0.0; 4]), 0.0);
        assert_eq!(buffer.groups, [0]);
    }
}
