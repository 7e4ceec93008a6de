//! Sums of products: matrix products of any layout.

use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_hir::internal::*;

use super::{Axis, contiguous, walk};
use crate::simd::{Simd, WithSimd, vectorised};

/// Most products under one sum.
const MAX_SUMMED: usize = 1 << 20;

/// Sums of products of two tensors: C[…, n] = Σₖ A[…, k]·B[…, k, n].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Product {
    /// Axes of the output but the last, strides in A, B and C.
    outer: Vec<Axis<3>>,
    /// Places in A and B of the products of one sum, from its first on.
    summed: Vec<[usize; 2]>,
    /// The last axis of the output, strides in A and B.
    last: Axis<2>,
}

impl Product {
    pub(super) fn new(op: &EinSum, inputs: &[Vec<usize>], output: &[usize]) -> TractResult<Self> {
        ensure!(op.q_params.is_none() && inputs.len() == 2, "it is not of two plain tensors");
        ensure!(op.operating_dt == f32::datum_type(), "it does not sum in f32");
        let strides = [contiguous(&inputs[0]), contiguous(&inputs[1]), contiguous(output)];
        let (mut of_output, mut summed) = (Vec::new(), Vec::new());
        for axis in op.axes.iter_all_axes() {
            let places = [&axis.inputs[0], &axis.inputs[1], &axis.outputs[0]];
            ensure!(places.iter().all(|place| place.len() <= 1), "it takes a diagonal");
            let size = |shape: &[usize], place: usize| {
                places[place].first().map_or(1, |axis| shape[*axis])
            };
            let sizes = [size(&inputs[0], 0), size(&inputs[1], 1), size(output, 2)];
            let longest = sizes.into_iter().fold(1, usize::max);
            // Along an axis of one, the other operand's is gone through with the same value.
            let stride = |place: usize| match places[place].first() {
                Some(axis) if sizes[place] == longest => strides[place][*axis],
                _ => 0,
            };
            match axis.outputs[0].first() {
                Some(at) => of_output.push((*at, (longest, [stride(0), stride(1), stride(2)]))),
                None => summed.push((longest, [stride(0), stride(1)])),
            }
        }
        of_output.sort_unstable();
        let mut outer: Vec<Axis<3>> = of_output.into_iter().map(|(_, axis)| axis).collect();
        let is_one = |axis: &Axis<3>| axis.0 == 1;
        // Axes of one behind the last that is longer would make short loops of long ones.
        while outer.len() > 1 && outer.last().is_some_and(is_one) {
            outer.pop();
        }
        let last = outer.pop().map_or((1, [0, 0]), |(size, [a, b, _])| (size, [a, b]));
        let n_summed: usize = summed.iter().map(|(size, _)| size).product();
        ensure!(n_summed <= MAX_SUMMED, "it sums {n_summed} products");
        let mut places = Vec::with_capacity(n_summed);
        walk(&summed, [0; 2], &mut |place| places.push(place));
        Ok(Self { outer, summed: places, last })
    }

    /// Writes the product of `a` and `b`.
    pub(super) fn write(&self, a: &[f32], b: &[f32], out: &mut [f32]) {
        walk(&self.outer, [0; 3], &mut |[at_a, at_b, at_c]| {
            let c = &mut out[at_c..at_c + self.last.0];
            vectorised(Row { product: self, a: &a[at_a..], b: &b[at_b..], c });
        });
    }
}

/// One row of a product's output, compiled for every vector width.
struct Row<'a> {
    product: &'a Product,
    a: &'a [f32],
    b: &'a [f32],
    c: &'a mut [f32],
}

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { product, a, b, c } = self;
        let (n, strides) = product.last;
        c.fill(0.0);
        // Whichever operand is the same all along the row is the scale of the other.
        let (scales, rows, scale_of, row_of) = match strides {
            [0, 1] => (a, b, 0, 1),
            [1, 0] => (b, a, 1, 0),
            [by_a, by_b] => {
                for (i, c) in c.iter_mut().enumerate() {
                    for [at_a, at_b] in &product.summed {
                        *c += a[at_a + i * by_a] * b[at_b + i * by_b];
                    }
                }
                return;
            }
        };
        // Four at a time, so that the row is read and written a quarter as often; the order of the
        // sums is the same.
        let (fours, rest) = product.summed.as_chunks::<4>();
        for four in fours {
            let [s0, s1, s2, s3] = four.map(|place| scales[place[scale_of]]);
            let [r0, r1, r2, r3] = four.map(|place| &rows[place[row_of]..place[row_of] + n]);
            let four = r0.iter().zip(r1).zip(r2.iter().zip(r3));
            for (c, ((x0, x1), (x2, x3))) in c.iter_mut().zip(four) {
                *c = (((*c + s0 * x0) + s1 * x1) + s2 * x2) + s3 * x3;
            }
        }
        for place in rest {
            let (scale, row) = (scales[place[scale_of]], &rows[place[row_of]..]);
            c.iter_mut().zip(row).for_each(|(c, x)| *c += scale * x);
        }
    }
}
