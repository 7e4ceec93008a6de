//! The network's heaviest layer, by each of our int8 kernels.

use std::hint::black_box;

use moodring::model::int8::Kernel;
use moodring::model::lstm::{Direction, Matrix, Scratch};
use moodring::simd::{Simd, WithSimd, vectorised};

use super::cost::cost;
use super::report::{Cost, Costs};

/// Values that are read and added up, so that no reading can be left out.
struct Summed<'a>(&'a [f32]);

impl WithSimd for Summed<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        // Eight sums, of which none waits for another.
        let mut sums = [simd.splat_f32s(0.0); 8];
        for chunk in S::as_simd_f32s(self.0).0.as_chunks::<8>().0 {
            sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum = simd.add_f32s(*sum, *x));
        }
        sums.iter().map(|sum| simd.reduce_sum_f32s(*sum)).sum()
    }
}

/// Microseconds of the paper's Bi-LSTM, 12 → 2 × 512 over 54 steps, by each int8 kernel that this
/// processor has; and of only reading as many bytes as it has weights, from wherever they lie, once
/// per step, under which no kernel can come.
pub fn costs() -> Costs {
    const INPUTS: usize = 12;
    const HIDDEN: usize = 512;
    const STEPS: usize = 54;
    let weights = |columns: usize| -> Vec<i8> {
        (0..4 * HIDDEN * columns)
            .map(|i| ((i * 7919) % 255) as u8)
            .map(|b| (b >> 1) as i8 - 63)
            .collect()
    };
    let matrix = |columns: usize| Matrix::int8(&weights(columns), &[1e-3; 4 * HIDDEN]);
    let direction = || Direction::new(matrix(INPUTS), matrix(HIDDEN), &[0.1; 4 * HIDDEN]);
    let directions = [direction(), direction()];
    let steps: Vec<f32> = (0..STEPS * INPUTS).map(|i| (i as f32).sin()).collect();
    let mut costs: Vec<(&'static str, Cost)> = Vec::new();
    for kernel in Kernel::all() {
        let mut scratch = directions.each_ref().map(|d| Scratch::with_kernel(d, kernel));
        let both = cost(|| {
            for (scratch, direction) in scratch.iter_mut().zip(&directions) {
                scratch.run(direction, steps.chunks_exact(INPUTS), |h| _ = black_box(h));
            }
        });
        costs.push((kernel.name(), both));
    }
    let bytes = directions.each_ref().map(|_| vec![1.0_f32; HIDDEN * (INPUTS + HIDDEN)]);
    let reading = cost(|| {
        for bytes in &bytes {
            (0..STEPS).for_each(|_| _ = black_box(vectorised(Summed(black_box(bytes)))));
        }
    });
    costs.push(("only reading the weights", reading));
    Costs(costs)
}
