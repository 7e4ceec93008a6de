//! The machine's vector instructions: which there are, and code compiled once for each.
//!
//! Rust compiles for the oldest processor of a family; [`vectorised`] runs a piece of code in the
//! form that was compiled for the widest instructions that this one has: AVX-512, AVX2, NEON or
//! none. All forms do the same operations on each value in the same order, without contracting
//! products and sums into one rounding, so every processor gives the same bits.
//!
//! What is called from such code is inlined always: left to itself the compiler keeps it in the
//! oldest form, at twice the cost.

pub use pulp::{Simd, WithSimd};

/// Runs `work` in the widest form that this processor has. Its `with_simd` must be
/// `#[inline(always)]`, as all that it calls, or what is not inlined stays in the oldest form.
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

/// Sums that are kept side by side, so that none waits for the one before.
pub const LANES: usize = 16;

/// Sum of the values.
#[inline(always)]
#[must_use]
pub fn sum(x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += x);
    }
    lanes.iter().chain(rest).sum()
}

/// Sum of the products of both, to the end of the shorter.
#[inline(always)]
#[must_use]
pub fn dot(x: &[f32], y: &[f32]) -> f32 {
    let n = x.len().min(y.len());
    let ((x, x_rest), (y, y_rest)) = (x[..n].as_chunks::<LANES>(), y[..n].as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (x, y) in x.iter().zip(y) {
        lanes.iter_mut().zip(x.iter().zip(y)).for_each(|(sum, (x, y))| *sum += x * y);
    }
    let rest: f32 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f32>() + rest
}

/// Sums of the products of `y` with the beginnings of each of `xs`, for all of which it is read
/// once. Rounded alike for any number of them, but not as [`dot`]. The length of `y` is a multiple
/// of [`LANES`].
#[inline(always)]
#[must_use]
pub fn dots<S: Simd, const N: usize>(simd: S, xs: [&[f32]; N], y: &[f32]) -> [f32; N] {
    let y_chunks = y.as_chunks::<LANES>().0;
    debug_assert_eq!(y_chunks.len() * LANES, y.len());
    let mut x_chunks = [y_chunks; N];
    for (chunks, x) in x_chunks.iter_mut().zip(xs) {
        *chunks = x[..y.len()].as_chunks::<LANES>().0;
    }
    let mut lanes = [[0.0; LANES]; N];
    for (i, y) in y_chunks.iter().enumerate() {
        let y = S::as_simd_f32s(y).0;
        for (lanes, chunks) in lanes.iter_mut().zip(x_chunks) {
            let x = S::as_simd_f32s(&chunks[i]).0;
            for ((sum, x), y) in S::as_mut_simd_f32s(lanes).0.iter_mut().zip(x).zip(y) {
                *sum = simd.add_f32s(*sum, simd.mul_f32s(*x, *y));
            }
        }
    }
    let mut sums = [0.0; N];
    for (sum, lanes) in sums.iter_mut().zip(&lanes) {
        *sum = total(lanes);
    }
    sums
}

/// Sum of all lanes, halves upon halves: as registers are added, and with less rounding than one
/// after the other.
#[inline(always)]
fn total(lanes: &[f32; LANES]) -> f32 {
    let (mut eight, mut four) = ([0.0; 8], [0.0; 4]);
    for i in 0..8 {
        eight[i] = lanes[i] + lanes[i + 8];
    }
    for i in 0..4 {
        four[i] = eight[i] + eight[i + 4];
    }
    (four[0] + four[2]) + (four[1] + four[3])
}

/// The largest of values that are numbers, and of 0.
#[inline(always)]
#[must_use]
pub fn largest(x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for chunk in chunks {
        for (largest, x) in lanes.iter_mut().zip(chunk) {
            *largest = if *x > *largest { *x } else { *largest };
        }
    }
    lanes.iter().chain(rest).copied().fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_products_and_maxima_of_any_length_are_theirs() {
        for n in [0, 1, 15, 16, 17, 100, 1025] {
            let x: Vec<f32> = (0..n).map(|i| ((i * 37) % 101) as f32).collect();
            let y: Vec<f32> = x.iter().rev().copied().collect();
            // Whole numbers this small add up exactly in any order.
            assert_eq!(sum(&x), x.iter().sum::<f32>(), "{n}");
            assert_eq!(dot(&x, &y), x.iter().zip(&y).map(|(x, y)| x * y).sum::<f32>(), "{n}");
            assert_eq!(largest(&x), x.iter().copied().fold(0.0, f32::max), "{n}");
        }
        assert_eq!(dot(&[1.0, 2.0, 3.0], &[10.0, 20.0]), 50.0);
    }

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

    /// Three products at once, and each for itself.
    #[derive(Clone, Copy)]
    struct Products<'a>([&'a [f32]; 3], &'a [f32]);

    impl WithSimd for Products<'_> {
        type Output = [[f32; 3]; 2];

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> [[f32; 3]; 2] {
            let mut alone = [0.0; 3];
            for (out, x) in alone.iter_mut().zip(self.0) {
                [*out] = dots(simd, [x], self.1);
            }
            [dots(simd, self.0, self.1), alone]
        }
    }

    #[test]
    fn products_at_once_are_those_of_each_to_the_bit_in_every_form() {
        let x: Vec<f32> = (0..100).map(|n| (n as f32 * 0.37).sin()).collect();
        let y: Vec<f32> = (0..4 * LANES).map(|n| (n as f32 * 0.11).cos()).collect();
        let products = Products([&x, &x[7..], &x[33..]], &y);
        let [together, alone] = vectorised(products);
        assert_eq!(together, alone);
        assert_eq!([together, alone], products.with_simd(pulp::Scalar::new()));
        for (product, x) in together.iter().zip(products.0) {
            assert!((product - dot(x, &y)).abs() < 1e-5);
        }
    }
}
