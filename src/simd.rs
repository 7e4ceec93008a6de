//! The machine's vector instructions: which there are, and code compiled once for each.
//!
//! Rust compiles for the oldest processor of a family; [`vectorised`] runs a piece of code in the form that was compiled for the
//! widest instructions that this one has: AVX-512, AVX2, NEON or none. All forms do the same operations on each value in the
//! same order, without contracting products and sums into one rounding, so every processor gives the same bits.

pub use pulp::{Simd, WithSimd};

/// Runs `work` in the widest form that this processor has. Its `with_simd` must be `#[inline(always)]`, as all that it calls, or
/// what is not inlined stays in the oldest form.
#[inline]
pub fn vectorised<W: WithSimd>(work: W) -> W::Output {
    pulp::Arch::new().dispatch(work)
}

/// The first values of `values` as one register holds them.
#[inline(always)]
pub fn load<S: Simd>(values: &[f32]) -> S::f32s {
    S::as_simd_f32s(&values[..S::F32_LANES]).0[0]
}

/// Writes a register to the first values of `values`.
#[inline(always)]
pub fn store<S: Simd>(values: &mut [f32], register: S::f32s) {
    S::as_mut_simd_f32s(&mut values[..S::F32_LANES]).0[0] = register;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// y ← a·x + y, which a compiler that may contract would round once, not twice.
    #[derive(Clone)]
    struct Axpy<'a> {
        a: f32,
        x: &'a [f32],
        y: Vec<f32>,
    }

    impl WithSimd for Axpy<'_> {
        type Output = Vec<f32>;

        #[inline(always)]
        fn with_simd<S: Simd>(mut self, _: S) -> Vec<f32> {
            self.y.iter_mut().zip(self.x).for_each(|(y, x)| *y += self.a * x);
            self.y
        }
    }

    #[test]
    fn every_form_gives_the_same_bits() {
        let x: Vec<f32> = (0..1000).map(|n| (n as f32 * 0.37).sin()).collect();
        let work = Axpy { a: 1.000_000_1, x: &x, y: x.iter().rev().copied().collect() };
        let bits = |y: Vec<f32>| y.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(vectorised(work.clone())), bits(work.with_simd(pulp::Scalar::new())));
    }
}
