//! One direction of a quantised LSTM: int8 weights per output channel, int8 activations scaled anew at every step.
//!
//! The arithmetic is that of onnxruntime's `DynamicQuantizeLSTM`, with two differences that make it finer: activations are
//! quantised symmetrically, and the input step by step rather than over the whole sequence at once.

/// Largest magnitude of a quantised value. −128 is not used, so that the range is symmetric.
const QUANTISED_MAX: f32 = 127.0;

/// Gates in ONNX order: input, output, forget, cell.
const GATES: usize = 4;

/// An int8 matrix with a scale per row, stored widened to i16: products of pairs then add up in one instruction of any x86 or
/// ARM vector unit (`pmaddwd`, `smlal`), which the compiler finds in `dot`.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedMatrix {
    rows: Vec<i16>,
    columns: usize,
    scales: Vec<f32>,
}

impl QuantisedMatrix {
    /// From ONNX's layout for this node: `weights[column][row]`, one scale per row.
    #[must_use]
    pub fn from_columns(weights: &[i8], scales: &[f32]) -> Self {
        let n_rows = scales.len();
        let columns = weights.len() / n_rows.max(1);
        debug_assert_eq!(weights.len(), n_rows * columns);
        let row = |r: usize| (0..columns).map(move |c| i16::from(weights[c * n_rows + r]));
        Self { rows: (0..n_rows).flat_map(row).collect(), columns, scales: scales.to_vec() }
    }

    /// Adds `self · vector · scale` to `out`, row by row.
    fn add_product(&self, vector: &[i16], scale: f32, out: &mut [f32]) {
        debug_assert_eq!((vector.len(), out.len()), (self.columns, self.scales.len()));
        for ((out, row), row_scale) in
            out.iter_mut().zip(self.rows.chunks_exact(self.columns)).zip(&self.scales)
        {
            *out += dot(row, vector) as f32 * (row_scale * scale);
        }
    }
}

/// Integer dot product; exact: |Σ| ≤ 127² · columns fits an i32 for up to 133 000 columns.
fn dot(a: &[i16], b: &[i16]) -> i32 {
    // Wrapping, for a check of every sum would keep the compiler from using vectors; it never wraps.
    let product = |(a, b): (&i16, &i16)| i32::from(*a).wrapping_mul(i32::from(*b));
    a.iter().zip(b).map(product).fold(0, i32::wrapping_add)
}

/// Quantises `values` to `quantised` and returns the scale that undoes it; 0 for all zeros.
fn quantise(values: &[f32], quantised: &mut [i16]) -> f32 {
    let largest = values.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    if largest < f32::MIN_POSITIVE {
        quantised.fill(0);
        return 0.0;
    }
    let to_quantised = QUANTISED_MAX / largest;
    for (q, x) in quantised.iter_mut().zip(values) {
        // Rounding to even by adding and subtracting 1.5·2²³: exact for |x| ≤ 127, and a vector instruction.
        const ROUND: f32 = 12_582_912.0;
        *q = ((x * to_quantised + ROUND) - ROUND) as i16;
    }
    largest / QUANTISED_MAX
}

/// Weights of one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Direction {
    /// `[4·hidden][inputs]`.
    pub input: QuantisedMatrix,
    /// `[4·hidden][hidden]`.
    pub recurrent: QuantisedMatrix,
    /// Sum of ONNX's two biases, `[4·hidden]`.
    pub bias: Vec<f32>,
}

impl Direction {
    /// Hidden units.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.bias.len() / GATES
    }

    /// Inputs per step.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.input.columns
    }
}

/// Buffers of one direction's run.
#[derive(Clone, Debug)]
pub struct Scratch {
    gates: Vec<f32>,
    hidden: Vec<f32>,
    cell: Vec<f32>,
    quantised_input: Vec<i16>,
    quantised_hidden: Vec<i16>,
}

impl Scratch {
    /// Buffers for `direction`.
    #[must_use]
    pub fn new(direction: &Direction) -> Self {
        let hidden = direction.hidden();
        Self {
            gates: vec![0.0; GATES * hidden],
            hidden: vec![0.0; hidden],
            cell: vec![0.0; hidden],
            quantised_input: vec![0; direction.inputs()],
            quantised_hidden: vec![0; hidden],
        }
    }

    /// Runs `direction` over `steps` in the order given, from a state of zeros, and hands each step's hidden state to `on_step`.
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
        mut on_step: impl FnMut(&[f32]),
    ) {
        self.hidden.fill(0.0);
        self.cell.fill(0.0);
        for x in steps {
            self.gates.copy_from_slice(&direction.bias);
            let scale = quantise(x, &mut self.quantised_input);
            direction.input.add_product(&self.quantised_input, scale, &mut self.gates);
            let scale = quantise(&self.hidden, &mut self.quantised_hidden);
            direction.recurrent.add_product(&self.quantised_hidden, scale, &mut self.gates);
            self.update();
            on_step(&self.hidden);
        }
    }

    fn update(&mut self) {
        let n = self.hidden.len();
        let (input, rest) = self.gates.split_at(n);
        let (output, rest) = rest.split_at(n);
        let (forget, candidate) = rest.split_at(n);
        let gates = input.iter().zip(output).zip(forget.iter().zip(candidate));
        let state = self.hidden.iter_mut().zip(&mut self.cell);
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

/// Hyperbolic tangent to 5e-7, without branches, so that the loop around it runs in vector registers.
///
/// # Source
/// The rational minimax approximation of Eigen's `generic_fast_tanh_float`, odd polynomial of degree 13 over even one of
/// degree 6; beyond ±7.905 the result is ±1 to within rounding.
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
        Direction {
            input: QuantisedMatrix::from_columns(&weights, &[0.01; 4]),
            recurrent: QuantisedMatrix::from_columns(&recurrent, &[0.01; 4]),
            bias: bias.to_vec(),
        }
    }

    fn run(direction: &Direction, xs: &[f32]) -> Vec<f32> {
        let mut hidden = Vec::new();
        let mut scratch = Scratch::new(direction);
        scratch.run(direction, xs.chunks(1), |h| hidden.push(h[0]));
        hidden
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
    fn the_matrix_is_read_column_by_column() {
        // Two rows, three columns: row 0 is 1 2 3, row 1 is 10 20 30.
        let matrix = QuantisedMatrix::from_columns(&[1, 10, 2, 20, 3, 30], &[1.0, 0.5]);
        let mut out = [100.0, 0.0];
        matrix.add_product(&[1, 1, 2], 1.0, &mut out);
        assert_eq!(out, [109.0, 45.0]);
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

    #[test]
    fn quantising_keeps_the_largest_and_rounds_the_rest() {
        let mut quantised = [0; 4];
        let scale = quantise(&[-2.0, 1.0, 0.5, 0.0], &mut quantised);
        assert_eq!(quantised, [-127, 64, 32, 0]);
        assert_eq!(scale, 2.0 / 127.0);
        assert_eq!(quantise(&[0.0; 4], &mut quantised), 0.0);
        assert_eq!(quantised, [0; 4]);
    }
}
