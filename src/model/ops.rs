//! Our tract operator for the quantised LSTM: the `DynamicQuantizeLSTM` node of onnxruntime's contributed operators.
//!
//! tract parses, types, plans and runs the file; this operator only does the arithmetic of [`super::lstm`]. Stock tract has no
//! int8 LSTM, and its f32 one carries its state from one run into the next; ours starts from zeros every time and, the output
//! aside, works in buffers made once.

use std::sync::Arc;

use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;

use super::lstm::{Direction, QuantisedMatrix, Scratch};

/// Inputs of the node that are used, by position: X, W, R, B, then the four of quantisation. The rest must be absent.
const INPUT_X: usize = 0;
const INPUT_W: usize = 1;
const INPUT_R: usize = 2;
const INPUT_B: usize = 3;
const UNUSED: std::ops::Range<usize> = 4..8;
const INPUT_W_SCALE: usize = 8;
const INPUT_W_ZERO: usize = 9;
const INPUT_R_SCALE: usize = 10;
const INPUT_R_ZERO: usize = 11;
const N_INPUTS: usize = 12;

/// The node's name in a file, of the domain `com.microsoft`.
pub const QUANTISED_LSTM: &str = "DynamicQuantizeLSTM";

/// Teaches `onnx` the operator.
pub fn register(onnx: &mut tract_onnx::Onnx) {
    onnx.op_register.insert(QUANTISED_LSTM, parse);
}

/// From the file's node: checks what can be checked without the shapes.
fn parse(
    _: &tract_onnx::model::ParsingContext,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let direction: Option<&str> = node.get_attr_opt("direction")?;
    ensure!(direction == Some("bidirectional"), "the LSTM is not bidirectional");
    ensure!(node.input.len() == N_INPUTS, "the LSTM has {} inputs, not 12", node.input.len());
    ensure!(
        UNUSED.into_iter().all(|i| node.input[i].is_empty()),
        "the LSTM sets lengths, initial states or peepholes"
    );
    ensure!(
        node.output.len() == 1 || node.output[1..].iter().all(String::is_empty),
        "the LSTM's last states are asked for; only its sequence is made"
    );
    let hidden: i64 = node.get_attr("hidden_size")?;
    Ok((expand(QuantisedLstmNode { hidden: hidden.try_into()? }), vec![]))
}

/// The node before its weights are known.
#[derive(Clone, Debug, Hash)]
struct QuantisedLstmNode {
    hidden: usize,
}

impl Expansion for QuantisedLstmNode {
    fn name(&self) -> StaticName {
        QUANTISED_LSTM.into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        // Absent inputs are not wired, so positions close up behind B.
        check_input_arity(inputs, N_INPUTS - UNUSED.len())?;
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[INPUT_X].datum_type, f32::datum_type())?;
        solver.equals(&outputs[0].datum_type, f32::datum_type())?;
        solver.equals(&inputs[INPUT_X].rank, 3)?;
        solver.equals(&outputs[0].rank, 4)?;
        solver.equals(&outputs[0].shape[0], &inputs[INPUT_X].shape[0])?;
        solver.equals(&outputs[0].shape[1], 2.to_dim())?;
        solver.equals(&outputs[0].shape[2], &inputs[INPUT_X].shape[1])?;
        solver.equals(&outputs[0].shape[3], self.hidden.to_dim())
    }

    fn wire(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let constant = |i: usize| -> TractResult<Arc<Tensor>> {
            let position = if i < UNUSED.start { i } else { i - UNUSED.len() };
            let fact = model.outlet_fact(inputs[position])?;
            fact.konst.clone().context("the LSTM's weights are not constants")
        };
        for zero_point in [INPUT_W_ZERO, INPUT_R_ZERO] {
            let points = constant(zero_point)?;
            let zeros = points.to_plain_array_view::<i8>()?.iter().all(|point| *point == 0);
            ensure!(zeros, "the LSTM's weights have zero points other than 0");
        }
        let directions = [0, 1].map(|d| self.direction(d, &constant));
        let [forward, backward] = directions;
        let op = QuantisedLstm { directions: Arc::new([forward?, backward?]) };
        model.wire_node(prefix, op, &[inputs[INPUT_X]])
    }
}

impl QuantisedLstmNode {
    /// Weights of direction `d`, 0 forwards, 1 backwards.
    fn direction(
        &self,
        d: usize,
        constant: &impl Fn(usize) -> TractResult<Arc<Tensor>>,
    ) -> TractResult<Direction> {
        let gates = 4 * self.hidden;
        let matrix = |weights: usize, scales: usize, columns: Option<usize>| {
            let (weights, scales) = (constant(weights)?, constant(scales)?);
            let columns = columns.unwrap_or(weights.len() / (2 * gates));
            ensure!(weights.shape() == [2, columns, gates], "LSTM weights {:?}", weights.shape());
            ensure!(scales.shape() == [2, gates], "LSTM scales {:?}", scales.shape());
            let scales = scales.to_plain_array_view::<f32>()?;
            let weights = weights.to_plain_array_view::<i8>()?;
            let scales: Vec<f32> = scales.iter().skip(d * gates).take(gates).copied().collect();
            ensure!(scales.iter().all(|s| s.is_finite()), "the LSTM's scales are not finite");
            let size = columns * gates;
            let weights: Vec<i8> = weights.iter().skip(d * size).take(size).copied().collect();
            Ok(QuantisedMatrix::from_columns(&weights, &scales))
        };
        let biases = constant(INPUT_B)?;
        ensure!(biases.shape() == [2, 2 * gates], "LSTM biases {:?}", biases.shape());
        let biases = biases.to_plain_array_view::<f32>()?;
        let biases: Vec<f32> = biases.iter().skip(d * 2 * gates).take(2 * gates).copied().collect();
        ensure!(biases.iter().all(|b| b.is_finite()), "the LSTM's biases are not finite");
        let (input_bias, recurrent_bias) = biases.split_at(gates);
        Ok(Direction {
            input: matrix(INPUT_W, INPUT_W_SCALE, None)?,
            recurrent: matrix(INPUT_R, INPUT_R_SCALE, Some(self.hidden))?,
            bias: input_bias.iter().zip(recurrent_bias).map(|(a, b)| a + b).collect(),
        })
    }
}

/// The operator: `[steps, 1, inputs]` → `[steps, 2, 1, hidden]`.
#[derive(Clone, Debug, PartialEq)]
struct QuantisedLstm {
    directions: Arc<[Direction; 2]>,
}

impl Eq for QuantisedLstm {}

impl Op for QuantisedLstm {
    fn name(&self) -> StaticName {
        "QuantisedLstm".into()
    }

    op_as_typed_op!();
}

impl EvalOp for QuantisedLstm {
    not_out_of_plan!();

    fn state(&self, _: &EvalContext) -> TractResult<Option<Box<dyn OpState>>> {
        let scratch = [0, 1].map(|d| Scratch::new(&self.directions[d]));
        Ok(Some(Box::new(QuantisedLstmState { scratch })))
    }
}

impl TypedOp for QuantisedLstm {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let shape = &inputs[0].shape;
        ensure!(shape.rank() == 3 && shape[1] == 1.to_dim(), "the LSTM takes one sequence");
        ensure!(
            shape[2] == self.directions[0].inputs().to_dim(),
            "the LSTM's weights take {} features, the sequence has {}",
            self.directions[0].inputs(),
            shape[2]
        );
        let hidden = self.directions[0].hidden().to_dim();
        Ok(tvec!(f32::fact([shape[0].clone(), 2.to_dim(), 1.to_dim(), hidden])))
    }
}

/// The operator's buffers.
#[derive(Clone, Debug)]
struct QuantisedLstmState {
    scratch: [Scratch; 2],
}

impl OpState for QuantisedLstmState {
    fn eval(
        &mut self,
        _: &EvalContext,
        op: &dyn Op,
        inputs: TVec<TValue>,
    ) -> TractResult<TVec<TValue>> {
        let op = op.downcast_ref::<QuantisedLstm>().context("not a QuantisedLstm")?;
        let sequence = &inputs[0];
        let (steps, n_features) = (sequence.shape()[0], sequence.shape()[2]);
        let hidden = op.directions[0].hidden();
        let mut output = Tensor::zero::<f32>(&[steps, 2, 1, hidden])?;
        let x = sequence.to_plain_array_view::<f32>()?;
        let x = x.as_slice().context("the LSTM's sequence is not contiguous")?;
        let mut y = output.to_plain_array_view_mut::<f32>()?;
        let y = y.as_slice_mut().context("the LSTM's output is not contiguous")?;
        let [forward, backward] = &mut self.scratch;
        let mut place = y.chunks_exact_mut(2 * hidden);
        forward.run(&op.directions[0], x.chunks_exact(n_features), |h| {
            if let Some(step) = place.next() {
                step[..hidden].copy_from_slice(h);
            }
        });
        let mut place = y.chunks_exact_mut(2 * hidden).rev();
        backward.run(&op.directions[1], x.chunks_exact(n_features).rev(), |h| {
            if let Some(step) = place.next() {
                step[hidden..].copy_from_slice(h);
            }
        });
        Ok(tvec!(output.into_tvalue()))
    }

    fn reset_lanes(&mut self, _: &[LaneId]) -> TractResult<()> {
        Ok(())
    }
}
