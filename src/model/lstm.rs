//! One direction of an LSTM, quantised or not.
//!
//! Quantised: int8 weights with a scale per output channel, int8 activations scaled anew at every
//! step. The arithmetic is that of onnxruntime's `DynamicQuantizeLSTM`, with two differences that
//! make it finer: activations are quantised symmetrically, and the input step by step rather than
//! over the whole sequence at once.
//!
//! Gates are kept in the order in which they are used: blocks of 32 units, in a block input,
//! output, forget and cell gates of its units, which makes the [`BLOCK_ROWS`] rows of a block of
//! the matrix.

use super::dense::Quantised;
use super::int8::{BATCH, BLOCK_ROWS, Kernel, PackedMatrix};
use crate::simd::{Simd, WithSimd, vectorised};

/// Gates in ONNX order: input, output, forget, cell.
const GATES: usize = 4;

/// Units whose gates make one block of a matrix.
const BLOCK_UNITS: usize = BLOCK_ROWS / GATES;

/// Row in ONNX order, gate by gate, of a row in our order, block by block; `None` for one that only
/// fills up the last block.
fn onnx_row(row: usize, hidden: usize) -> Option<usize> {
    let (block, gate) = (row / BLOCK_ROWS, row % BLOCK_ROWS / BLOCK_UNITS);
    let unit = block * BLOCK_UNITS + row % BLOCK_UNITS;
    (unit < hidden).then_some(gate * hidden + unit)
}

/// Rows in our order of the gates of `hidden` units.
fn n_rows(hidden: usize) -> usize {
    hidden.div_ceil(BLOCK_UNITS) * BLOCK_ROWS
}

/// Values of rows in ONNX order, in ours; 0 where there is none.
fn in_our_order(values: &[f32]) -> Vec<f32> {
    let hidden = values.len() / GATES;
    (0..n_rows(hidden)).map(|row| onnx_row(row, hidden).map_or(0.0, |r| values[r])).collect()
}

/// Weights from a vector to the gates.
#[derive(Clone, Debug, PartialEq)]
pub enum Matrix {
    /// int8 with a scale per row.
    Int8 {
        /// The weights.
        weights: PackedMatrix,
        /// A scale per row.
        scales: Vec<f32>,
        /// Columns.
        columns: usize,
    },
    /// As they are, column by column.
    Float {
        /// `[columns][rows]`.
        weights: Vec<f32>,
        /// Columns.
        columns: usize,
    },
}

impl Matrix {
    /// int8 weights in the layout of `DynamicQuantizeLSTM`: `weights[column][row]`, one scale per
    /// row, rows in ONNX order.
    #[must_use]
    pub fn int8(weights: &[i8], scales: &[f32]) -> Self {
        let (rows, hidden) = (scales.len(), scales.len() / GATES);
        let columns = weights.len() / rows.max(1);
        debug_assert_eq!(weights.len(), rows * columns);
        let at = |row, column| onnx_row(row, hidden).map_or(0, |r| weights[column * rows + r]);
        Self::Int8 {
            weights: PackedMatrix::new(n_rows(hidden), columns, at),
            scales: in_our_order(scales),
            columns,
        }
    }

    /// Plain weights in the layout of `LSTM`: `weights[row][column]`, rows in ONNX order.
    #[must_use]
    pub fn float(weights: &[f32], columns: usize) -> Self {
        let rows = weights.len() / columns.max(1);
        let column =
            |c: usize| -> Vec<f32> { (0..rows).map(|r| weights[r * columns + c]).collect() };
        Self::Float {
            weights: (0..columns).flat_map(|c| in_our_order(&column(c))).collect(),
            columns,
        }
    }

    /// Length of the vectors that this multiplies.
    #[must_use]
    pub fn columns(&self) -> usize {
        match self {
            Self::Int8 { columns, .. } | Self::Float { columns, .. } => *columns,
        }
    }

    /// Adds `self · vector` to `gates`.
    #[inline(always)]
    fn add_product(
        &self,
        kernel: Kernel,
        vector: &[f32],
        buffer: &mut Quantised,
        gates: &mut [f32],
    ) {
        debug_assert_eq!(vector.len(), self.columns());
        match self {
            Self::Int8 { weights, scales, .. } => {
                let scale = buffer.quantise(vector);
                let mut sums = [0; BLOCK_ROWS];
                let blocks = gates.as_chunks_mut::<BLOCK_ROWS>().0.iter_mut();
                let blocks = blocks.zip(scales.as_chunks::<BLOCK_ROWS>().0);
                for (block, (gates, scales)) in blocks.enumerate() {
                    weights.product(kernel, block, buffer.groups(), &mut sums);
                    for ((gate, row_scale), sum) in gates.iter_mut().zip(scales).zip(&sums) {
                        *gate += *sum as f32 * (row_scale * scale);
                    }
                }
            }
            Self::Float { weights, .. } => {
                for (column, x) in weights.chunks_exact(gates.len()).zip(vector) {
                    gates.iter_mut().zip(column).for_each(|(gate, weight)| *gate += weight * x);
                }
            }
        }
    }

    /// Adds `self · vector` to the gates of each of some vectors: the same bits as one after the
    /// other, and sooner.
    #[inline(always)]
    fn add_products(
        &self,
        kernel: Kernel,
        vectors: [&[f32]; BATCH],
        buffers: &mut [Quantised; BATCH],
        gates: &mut [f32],
    ) {
        let rows = gates.len() / BATCH;
        let Self::Int8 { weights, scales, .. } = self else {
            for ((gates, buffer), vector) in gates.chunks_exact_mut(rows).zip(buffers).zip(vectors)
            {
                self.add_product(kernel, vector, buffer, gates);
            }
            return;
        };
        let mut factors = [0.0; BATCH];
        for ((factor, buffer), vector) in factors.iter_mut().zip(buffers.iter_mut()).zip(vectors) {
            *factor = buffer.quantise(vector);
        }
        let [a, b, c] = buffers;
        let groups = [a.groups(), b.groups(), c.groups()];
        let mut sums = [[0; BLOCK_ROWS]; BATCH];
        for (block, scales) in scales.as_chunks::<BLOCK_ROWS>().0.iter().enumerate() {
            weights.products(kernel, block, groups, &mut sums);
            let of_each = gates.chunks_exact_mut(rows).zip(&sums).zip(factors);
            for ((gates, sums), factor) in of_each {
                let gates = &mut gates[block * BLOCK_ROWS..][..BLOCK_ROWS];
                for ((gate, row_scale), sum) in gates.iter_mut().zip(scales).zip(sums) {
                    *gate += *sum as f32 * (row_scale * factor);
                }
            }
        }
    }
}

/// Weights of one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Direction {
    input: Matrix,
    recurrent: Matrix,
    bias: Vec<f32>,
}

impl Direction {
    /// A direction with these weights; `bias`, `[4·hidden]` in ONNX order, is the sum of ONNX's
    /// two.
    #[must_use]
    pub fn new(input: Matrix, recurrent: Matrix, bias: &[f32]) -> Self {
        debug_assert_eq!(bias.len(), GATES * recurrent.columns());
        Self { input, recurrent, bias: in_our_order(bias) }
    }

    /// Hidden units.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.recurrent.columns()
    }

    /// Inputs per step.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.input.columns()
    }
}

/// Buffers of one direction's run.
#[derive(Clone, Debug)]
pub struct Scratch {
    kernel: Kernel,
    /// Of as many steps as are multiplied together.
    gates: Vec<f32>,
    /// Of whole blocks; what only fills up the last one stays 0.
    hidden: Vec<f32>,
    cell: Vec<f32>,
    quantised_inputs: [Quantised; BATCH],
    quantised_hidden: Quantised,
}

impl Scratch {
    /// Buffers for `direction`, for the fastest kernel that there is.
    #[must_use]
    pub fn new(direction: &Direction) -> Self {
        Self::with_kernel(direction, Kernel::best())
    }

    /// Buffers for `direction` that use `kernel`.
    #[must_use]
    pub fn with_kernel(direction: &Direction, kernel: Kernel) -> Self {
        let units = direction.bias.len() / GATES;
        Self {
            kernel,
            gates: vec![0.0; BATCH * direction.bias.len()],
            hidden: vec![0.0; units],
            cell: vec![0.0; units],
            quantised_inputs: std::array::from_fn(|_| Quantised::new(direction.input.columns())),
            quantised_hidden: Quantised::new(direction.recurrent.columns()),
        }
    }

    /// Runs `direction` over `steps` in the order given, from a state of zeros, and hands each
    /// step's hidden state to `on_step`.
    ///
    /// ```text
    /// [i o f c̃] = W·x + R·h + b
    /// c ← σ(f)·c + σ(i)·tanh(c̃),   h ← σ(o)·tanh(c)
    /// ```
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    pub fn run<'a>(
        &mut self,
        direction: &Direction,
        steps: impl Iterator<Item = &'a [f32]>,
        on_step: impl FnMut(&[f32]),
    ) {
        vectorised(Run { scratch: self, direction, steps, on_step });
    }
}

/// A run, compiled for every vector width.
struct Run<'r, Steps, OnStep> {
    scratch: &'r mut Scratch,
    direction: &'r Direction,
    steps: Steps,
    on_step: OnStep,
}

impl<'a, Steps: Iterator<Item = &'a [f32]>, OnStep: FnMut(&[f32])> WithSimd
    for Run<'_, Steps, OnStep>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        let (direction, hidden) = (self.direction, self.direction.hidden());
        let Scratch { kernel, gates, hidden: h, cell, quantised_inputs, quantised_hidden } =
            self.scratch;
        h.fill(0.0);
        cell.fill(0.0);
        let rows = direction.bias.len();
        let mut xs: [&[f32]; BATCH] = [&[]; BATCH];
        loop {
            let mut n = 0;
            for (place, x) in xs.iter_mut().zip(self.steps.by_ref()) {
                *place = x;
                n += 1;
            }
            // What the inputs add to the gates waits for no state.
            gates.chunks_exact_mut(rows).for_each(|gates| gates.copy_from_slice(&direction.bias));
            if n == BATCH {
                direction.input.add_products(*kernel, xs, quantised_inputs, gates);
            } else {
                let buffer = &mut quantised_inputs[0];
                for (gates, x) in gates.chunks_exact_mut(rows).zip(&xs[..n]) {
                    direction.input.add_product(*kernel, x, buffer, gates);
                }
            }
            for gates in gates.chunks_exact_mut(rows).take(n) {
                direction.recurrent.add_product(*kernel, &h[..hidden], quantised_hidden, gates);
                update(gates, h, cell);
                (self.on_step)(&h[..hidden]);
            }
            if n < BATCH {
                return;
            }
        }
    }
}

/// One step of the state, block by block.
#[inline(always)]
fn update(gates: &[f32], hidden: &mut [f32], cell: &mut [f32]) {
    let state = hidden.as_chunks_mut::<BLOCK_UNITS>().0.iter_mut();
    let state = state.zip(cell.as_chunks_mut::<BLOCK_UNITS>().0);
    for (gates, (hidden, cell)) in gates.as_chunks::<BLOCK_ROWS>().0.iter().zip(state) {
        let (input, rest) = gates.split_at(BLOCK_UNITS);
        let (output, rest) = rest.split_at(BLOCK_UNITS);
        let (forget, candidate) = rest.split_at(BLOCK_UNITS);
        let gates = input.iter().zip(output).zip(forget.iter().zip(candidate));
        let state = hidden.iter_mut().zip(cell);
        for ((h, c), ((i, o), (f, g))) in state.zip(gates) {
            *c = sigmoid(*f) * *c + sigmoid(*i) * tanh(*g);
            *h = sigmoid(*o) * tanh(*c);
        }
    }
}

/// Logistic function, by way of [`tanh`]: σ(x) = ½ + ½·tanh(x/2).
#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    0.5 + 0.5 * tanh(0.5 * x)
}

/// Hyperbolic tangent to 5e-7, without branches, so that the loop around it runs in vector
/// registers.
///
/// # Source
/// The rational minimax approximation of Eigen's `generic_fast_tanh_float`, odd polynomial of
/// degree 13 over even one of degree 6; beyond ±7.905 the result is ±1 to within rounding.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    const SATURATED: f32 = 7.905_311;
    const ODD: [f32; 7] = [
        4.893_524_6e-3,
        6.372_619_3e-4,
        1.485_722_4e-5,
        5.122_297e-8,
        -8.604_672e-11,
        2.000_188e-13,
        -2.760_768_4e-16,
    ];
    const EVEN: [f32; 4] = [4.893_525e-3, 2.268_434_6e-3, 1.185_347_1e-4, 1.198_258_4e-6];
    let x = x.clamp(-SATURATED, SATURATED);
    let x2 = x * x;
    let odd = ODD.iter().rev().fold(0.0, |sum, c| sum * x2 + c);
    let even = EVEN.iter().rev().fold(0.0, |sum, c| sum * x2 + c);
    x * odd / even
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A direction of one unit and one input whose gates are all driven by hand.
    fn unit(weights: [i8; 4], recurrent: [i8; 4], bias: [f32; 4]) -> Direction {
        let matrix = |weights: [i8; 4]| Matrix::int8(&weights, &[0.01; 4]);
        Direction::new(matrix(weights), matrix(recurrent), &bias)
    }

    fn run(direction: &Direction, xs: &[f32]) -> Vec<f32> {
        let mut hidden = Vec::new();
        let mut scratch = Scratch::new(direction);
        scratch.run(direction, xs.chunks(1), |h| hidden.push(h[0]));
        hidden
    }

    /// Numbers that look like weights, from a seed.
    fn numbers(seed: u32, n: usize) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    const HIDDEN: usize = 45;
    const INPUTS: usize = 7;

    /// The same weights as int8, and as floats that say the same.
    fn both_forms() -> [Direction; 2] {
        let gates = GATES * HIDDEN;
        let scales: Vec<f32> = numbers(1, gates).iter().map(|x| 0.002 + 0.001 * x).collect();
        let bias = numbers(2, gates);
        let matrices = [INPUTS, HIDDEN].map(|columns| {
            let weights = numbers(3 + columns as u32, gates * columns);
            let int8: Vec<i8> = weights.iter().map(|x| (127.0 * x) as i8).collect();
            let by_row = (0..gates * columns).map(|i| (i / columns, i % columns));
            let float: Vec<f32> =
                by_row.map(|(r, c)| f32::from(int8[c * gates + r]) * scales[r]).collect();
            (Matrix::int8(&int8, &scales), Matrix::float(&float, columns))
        });
        let [(input, float_input), (recurrent, float_recurrent)] = matrices;
        [
            Direction::new(input, recurrent, &bias),
            Direction::new(float_input, float_recurrent, &bias),
        ]
    }

    fn run_with(kernel: Kernel, direction: &Direction) -> Vec<f32> {
        let (mut hidden, steps) = (Vec::new(), numbers(9, 20 * INPUTS));
        let mut scratch = Scratch::with_kernel(direction, kernel);
        scratch.run(direction, steps.chunks(INPUTS), |h| hidden.extend_from_slice(h));
        hidden
    }

    #[test]
    fn every_kernel_gives_the_same_bits() {
        let [int8, _] = both_forms();
        let expected = run_with(Kernel::Scalar, &int8);
        assert_eq!(expected.len(), 20 * HIDDEN);
        for kernel in Kernel::all() {
            assert_eq!(run_with(kernel, &int8), expected, "{}", kernel.name());
        }
    }

    #[test]
    fn quantised_activations_change_little() {
        let [int8, float] = both_forms();
        let pairs =
            run_with(Kernel::best(), &int8).into_iter().zip(run_with(Kernel::best(), &float));
        let apart = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart > 0.0 && apart < 0.01, "{apart}");
    }

    #[test]
    fn one_unit_follows_the_equations() {
        let direction = unit([100, 50, 0, 25], [10, 20, 30, 40], [0.1, 0.2, 0.3, 0.4]);
        let (mut h, mut c) = (0.0_f32, 0.0_f32);
        let expected: Vec<f32> = [1.0_f32, -0.5, 0.25]
            .iter()
            .map(|x| {
                let gate = |w: f32, r: f32, b: f32| w * x + r * h + b;
                let (i, o) = (gate(1.0, 0.1, 0.1), gate(0.5, 0.2, 0.2));
                let (f, g) = (gate(0.0, 0.3, 0.3), gate(0.25, 0.4, 0.4));
                c = sigmoid(f) * c + sigmoid(i) * g.tanh();
                h = sigmoid(o) * c.tanh();
                h
            })
            .collect();
        let actual = run(&direction, &[1.0, -0.5, 0.25]);
        for (actual, expected) in actual.iter().zip(&expected) {
            assert!((actual - expected).abs() < 1e-6, "{actual} {expected}");
        }
    }

    #[test]
    fn a_run_starts_from_nothing_every_time() {
        let direction = unit([90, 80, 70, 60], [50, 40, 30, 20], [0.0; 4]);
        let mut scratch = Scratch::new(&direction);
        let mut twice = Vec::new();
        for _ in 0..2 {
            let mut hidden = Vec::new();
            scratch.run(&direction, [1.0_f32, 2.0, 3.0].chunks(1), |h| hidden.push(h[0]));
            twice.push(hidden);
        }
        assert_eq!(twice[0], twice[1]);
    }

    #[test]
    fn rows_go_where_their_gates_are_used() {
        // One unit, three columns: gate g of column c is 10·g + c.
        let onnx = |c: i8| [c, 10 + c, 20 + c, 30 + c];
        let weights: Vec<i8> = (1..=3).flat_map(onnx).collect();
        let matrix = Matrix::int8(&weights, &[1.0, 0.5, 1.0, 1.0]);
        let mut gates = [0.0; BLOCK_ROWS];
        gates[0] = 100.0;
        let mut buffer = Quantised::new(matrix.columns());
        // Quantised to 127, 0 and 0 thousandths of 127.
        matrix.add_product(Kernel::best(), &[127.0, 0.0, 0.0], &mut buffer, &mut gates);
        let of_gate = |g: usize| gates[g * BLOCK_UNITS];
        assert_eq!([0, 1, 2, 3].map(of_gate), [227.0, 698.5, 2667.0, 3937.0]);
        assert_eq!(gates.iter().filter(|gate| **gate != 0.0).count(), GATES);
    }

    #[test]
    fn tanh_and_sigmoid_are_theirs() {
        for n in -2000..=2000_i16 {
            let x = f32::from(n) / 100.0;
            assert!((tanh(x) - x.tanh()).abs() < 5e-7, "tanh {x}");
            let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(sigmoid(x)) - exact).abs() < 5e-7, "sigmoid {x}");
        }
    }
}
