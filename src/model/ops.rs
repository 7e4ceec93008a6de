//! Our tract operators for LSTMs, `DynamicQuantizeLSTM` of onnxruntime's contributed operators and
//! ONNX's own `LSTM`, and for `DynamicQuantizeMatMul`, a quantised dense layer.
//!
//! tract parses, types, plans and runs the file; these operators only do the arithmetic of
//! [`super::lstm`] and [`super::dense`]. Stock tract has no int8 LSTM, and its f32 one carries its
//! state from one run into the next; ours starts from zeros every time, and works in buffers made
//! once, the output among them.

pub(super) mod buffered;
pub(super) mod output;
pub(super) mod product;

use std::sync::Arc;

use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;

use super::lstm::{Direction, Matrix, Scratch};
use buffered::{Buffered, buffered};
use output::{Output, values};

/// The quantised node's name in a file, of the domain `com.microsoft`.
pub const QUANTISED_LSTM: &str = "DynamicQuantizeLSTM";

/// The quantised dense layer's name in a file, of the same domain.
pub const QUANTISED_PRODUCT: &str = "DynamicQuantizeMatMul";

/// The plain node's name in a file.
pub const LSTM: &str = "LSTM";

/// Inputs of both nodes, by position: X, W, R, B; then what must be absent: lengths, initial
/// states, peepholes.
const INPUT_X: usize = 0;
const INPUT_W: usize = 1;
const INPUT_R: usize = 2;
const INPUT_B: usize = 3;
const UNUSED: std::ops::Range<usize> = 4..8;
/// Further inputs of the quantised node.
const INPUT_W_SCALE: usize = 8;
const INPUT_W_ZERO: usize = 9;
const INPUT_R_SCALE: usize = 10;
const INPUT_R_ZERO: usize = 11;
const N_QUANTISED_INPUTS: usize = 12;

/// Teaches `onnx` the operators.
pub fn register(onnx: &mut tract_onnx::Onnx) {
    onnx.op_register.insert(QUANTISED_LSTM, |_, node| parse(node, true));
    onnx.op_register.insert(LSTM, |_, node| parse(node, false));
    onnx.op_register.insert(QUANTISED_PRODUCT, |_, node| product::parse(node));
}

/// Which way a direction goes over the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Order {
    Forwards,
    Backwards,
}

/// From the file's node: checks what can be checked without the shapes.
fn parse(node: &NodeProto, quantised: bool) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let direction: Option<&str> = node.get_attr_opt("direction")?;
    let orders: &[Order] = match direction.unwrap_or("forward") {
        "forward" => &[Order::Forwards],
        "bidirectional" => &[Order::Forwards, Order::Backwards],
        other => bail!("the LSTM's direction is {other:?}"),
    };
    let given = |i: usize| node.input.get(i).is_some_and(|name| !name.is_empty());
    ensure!(!UNUSED.into_iter().any(given), "the LSTM sets lengths, initial states or peepholes");
    let n_inputs = if quantised { N_QUANTISED_INPUTS } else { UNUSED.end };
    ensure!(node.input.len() <= n_inputs, "the LSTM has {} inputs", node.input.len());
    let needed = [INPUT_X, INPUT_W, INPUT_R];
    let of_quantisation = [INPUT_W_SCALE, INPUT_W_ZERO, INPUT_R_SCALE, INPUT_R_ZERO];
    let mut needed = needed.iter().chain(of_quantisation.iter().filter(|_| quantised));
    ensure!(needed.all(|i| given(*i)), "the LSTM lacks an input");
    ensure!(
        node.output.len() == 1 || node.output[1..].iter().all(String::is_empty),
        "the LSTM's last states are asked for; only its sequence is made"
    );
    for unusual in
        ["activations", "activation_alpha", "activation_beta", "clip", "input_forget", "layout"]
    {
        let is_set = node.attribute.iter().any(|attribute| attribute.name == unusual);
        ensure!(!is_set, "the LSTM sets {unusual:?}, which only the usual one may");
    }
    let hidden: i64 = node.get_attr("hidden_size")?;
    let node = LstmNode {
        hidden: hidden.try_into()?,
        orders: orders.to_vec(),
        quantised,
        biased: given(INPUT_B),
    };
    ensure!(node.hidden > 0, "the LSTM has no units");
    Ok((expand(node), vec![]))
}

/// The node before its weights are known.
#[derive(Clone, Debug, Hash)]
struct LstmNode {
    hidden: usize,
    orders: Vec<Order>,
    quantised: bool,
    biased: bool,
}

impl Expansion for LstmNode {
    fn name(&self) -> StaticName {
        if self.quantised { QUANTISED_LSTM.into() } else { LSTM.into() }
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[INPUT_X].datum_type, f32::datum_type())?;
        solver.equals(&outputs[0].datum_type, f32::datum_type())?;
        solver.equals(&inputs[INPUT_X].rank, 3)?;
        solver.equals(&outputs[0].rank, 4)?;
        solver.equals(&outputs[0].shape[0], &inputs[INPUT_X].shape[0])?;
        solver.equals(&outputs[0].shape[1], self.orders.len().to_dim())?;
        solver.equals(&outputs[0].shape[2], &inputs[INPUT_X].shape[1])?;
        solver.equals(&outputs[0].shape[3], self.hidden.to_dim())
    }

    fn wire(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let constants = Constants { node: self, model, inputs };
        if self.quantised {
            for zero_point in [INPUT_W_ZERO, INPUT_R_ZERO] {
                check_zero_points(constants.at(zero_point)?.as_ref())?;
            }
        }
        let directions = (0..self.orders.len()).map(|d| constants.direction(d));
        let directions: Vec<Direction> = directions.collect::<TractResult<_>>()?;
        let op = Lstm { directions: directions.into(), orders: self.orders.clone().into() };
        model.wire_node(prefix, op, &[inputs[INPUT_X]])
    }
}

/// Quantised weights must be symmetric about 0.
fn check_zero_points(points: &Tensor) -> TractResult<()> {
    let are_zero = points.to_plain_array_view::<i8>()?.iter().all(|point| *point == 0);
    ensure!(are_zero, "its weights have zero points other than 0");
    Ok(())
}

/// A node's weights.
struct Constants<'a> {
    node: &'a LstmNode,
    model: &'a TypedModel,
    inputs: &'a [OutletId],
}

impl Constants<'_> {
    /// The constant at a position of the file's node.
    fn at(&self, position: usize) -> TractResult<Arc<Tensor>> {
        // Absent inputs are not wired, so positions close up behind them.
        let absent = UNUSED.filter(|i| *i < position).count()
            + usize::from(!self.node.biased && position > INPUT_B);
        let fact = self.model.outlet_fact(self.inputs[position - absent])?;
        fact.konst.clone().context("the LSTM's weights are not constants")
    }

    /// The finite numbers of direction `d` in the constant at `position`, whose shape must be
    /// `[directions, …shape]`.
    fn floats(&self, position: usize, d: usize, shape: &[usize]) -> TractResult<Vec<f32>> {
        let constant = self.at(position)?;
        self.check_shape(&constant, shape)?;
        let size = shape.iter().product();
        let values = constant.to_plain_array_view::<f32>()?;
        let values: Vec<f32> = values.iter().skip(d * size).take(size).copied().collect();
        ensure!(values.iter().all(|x| x.is_finite()), "the LSTM's weights are not finite");
        Ok(values)
    }

    fn check_shape(&self, constant: &Tensor, shape: &[usize]) -> TractResult<()> {
        let directions = self.node.orders.len();
        let fits = constant.shape().split_first() == Some((&directions, shape));
        ensure!(fits, "LSTM weights {:?}, not {directions} of {shape:?}", constant.shape());
        Ok(())
    }

    /// Weights of direction `d`.
    fn direction(&self, d: usize) -> TractResult<Direction> {
        let (hidden, gates) = (self.node.hidden, 4 * self.node.hidden);
        let weights = self.at(INPUT_W)?;
        let last = |shape: &[usize], i: usize| shape.get(i).copied().unwrap_or(0);
        let inputs = last(weights.shape(), if self.node.quantised { 1 } else { 2 });
        ensure!(inputs > 0, "the LSTM has no inputs");
        let matrix = |weights: usize, scales: usize, columns: usize| {
            if !self.node.quantised {
                return Ok(Matrix::float(&self.floats(weights, d, &[gates, columns])?, columns));
            }
            let scales = self.floats(scales, d, &[gates])?;
            let weights = self.at(weights)?;
            self.check_shape(&weights, &[columns, gates])?;
            let weights = weights.to_plain_array_view::<i8>()?;
            let size = columns * gates;
            let weights: Vec<i8> = weights.iter().skip(d * size).take(size).copied().collect();
            TractResult::Ok(Matrix::int8(&weights, &scales))
        };
        let bias = if self.node.biased {
            let both = self.floats(INPUT_B, d, &[2 * gates])?;
            let (input, recurrent) = both.split_at(gates);
            input.iter().zip(recurrent).map(|(a, b)| a + b).collect()
        } else {
            vec![0.0; gates]
        };
        Ok(Direction::new(
            matrix(INPUT_W, INPUT_W_SCALE, inputs)?,
            matrix(INPUT_R, INPUT_R_SCALE, hidden)?,
            &bias,
        ))
    }
}

/// The operator: `[steps, 1, inputs]` → `[steps, directions, 1, hidden]`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lstm {
    directions: Arc<[Direction]>,
    orders: Arc<[Order]>,
}

impl Eq for Lstm {}

buffered!(Lstm);

impl Buffered for Lstm {
    const NAME: &'static str = "MoodringLstm";

    type Scratch = Vec<Scratch>;

    fn scratch(&self) -> Vec<Scratch> {
        self.directions.iter().map(Scratch::new).collect()
    }

    fn facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let shape = &inputs[0].shape;
        ensure!(shape.rank() == 3 && shape[1] == 1.to_dim(), "the LSTM takes one sequence");
        ensure!(
            shape[2] == self.directions[0].inputs().to_dim(),
            "the LSTM's weights take {} features, the sequence has {}",
            self.directions[0].inputs(),
            shape[2]
        );
        let (n_directions, hidden) = (self.directions.len(), self.directions[0].hidden());
        Ok(tvec!(f32::fact([shape[0].clone(), n_directions.to_dim(), 1.to_dim(), hidden.to_dim()])))
    }

    fn run(
        &self,
        scratch: &mut Vec<Scratch>,
        output: &mut Output,
        inputs: &[TValue],
    ) -> TractResult<TVec<TValue>> {
        let sequence = &inputs[0];
        let (steps, n_features) = (sequence.shape()[0], sequence.shape()[2]);
        let (n_directions, hidden) = (self.directions.len(), self.directions[0].hidden());
        let x = values(sequence)?;
        let x = x.chunks_exact(n_features);
        output.write(&[steps, n_directions, 1, hidden], |y| {
            let directions = self.directions.iter().zip(self.orders.iter()).zip(scratch.iter_mut());
            for (d, ((direction, order), scratch)) in directions.enumerate() {
                let at = d * hidden..(d + 1) * hidden;
                let mut places = y.chunks_exact_mut(n_directions * hidden);
                // One direction after the other: its weights then stay in the cache.
                match order {
                    Order::Forwards => scratch.run(direction, x.clone(), |h| {
                        if let Some(place) = places.next() {
                            place[at.clone()].copy_from_slice(h);
                        }
                    }),
                    Order::Backwards => scratch.run(direction, x.clone().rev(), |h| {
                        if let Some(place) = places.next_back() {
                            place[at.clone()].copy_from_slice(h);
                        }
                    }),
                }
            }
            Ok(())
        })
    }
}
