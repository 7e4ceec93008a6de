//! Operators that run without allocating, in place of tract's own.
//!
//! tract's executor allocates nothing on pinned shapes, but every one of its operators allocates its output. Once a network is
//! parsed, typed and decluttered, each operator in it is replaced by one of ours that knows its shapes and keeps its output.
//! An operator that has no such form is refused by name, so a network that loads is one that runs without the allocator.

use std::fmt::Debug;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::array::{MultiBroadcastTo, Slice, TypedConcat};
use tract_onnx::tract_core::ops::binary::{BinMiniOp, TypedBinOp};
use tract_onnx::tract_core::ops::change_axes::AxisOp;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::element_wise::{ElementWiseMiniOp, ElementWiseOp};
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::math;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer, Softmax, SoftmaxKind};
use tract_onnx::tract_core::ops::source::TypedSource;
use tract_onnx::tract_hir::internal::*;

use super::ops::{Lstm, Output, QuantisedProduct, values};
use crate::simd::{Simd, WithSimd, vectorised};

/// Most inputs of an operator: tract's lists of up to four need no memory of their own.
const MAX_INPUTS: usize = 4;

/// Most products under one sum.
const MAX_SUMMED: usize = 1 << 20;

/// Replaces every operator of `model`, all of whose shapes must be known, by one that does not allocate.
pub(super) fn replace_operators(model: &mut TypedModel) -> TractResult<()> {
    for id in 0..model.nodes.len() {
        let node = &model.nodes[id];
        let is_ours = node.op_is::<Lstm>() || node.op_is::<QuantisedProduct>();
        if is_ours || node.op_is::<Const>() || node.op_is::<TypedSource>() {
            continue;
        }
        let fixed = fixed(model, node).with_context(|| {
            format!("{} ({:?}) cannot run here without allocating", node.op.name(), node.name)
        })?;
        model.nodes[id].op = Box::new(fixed);
    }
    Ok(())
}

/// The replacement of one node's operator.
fn fixed(model: &TypedModel, node: &TypedNode) -> TractResult<Fixed> {
    let (inputs, outputs) = model.node_facts(node.id)?;
    ensure!(outputs.len() == 1, "it has {} outputs", outputs.len());
    ensure!(inputs.len() <= MAX_INPUTS, "it has {} inputs", inputs.len());
    let of_floats = inputs.iter().chain(&outputs).all(|fact| fact.datum_type == f32::datum_type());
    ensure!(of_floats, "not all it works on are f32");
    let shapes: Vec<Vec<usize>> =
        inputs.iter().map(|fact| concrete(fact)).collect::<TractResult<_>>()?;
    let shape = concrete(outputs[0])?;
    let what = what(node, &shapes, &shape)?;
    Ok(Fixed { what, shape })
}

fn concrete(fact: &TypedFact) -> TractResult<Vec<usize>> {
    fact.shape.as_concrete().map(<[usize]>::to_vec).context("its shapes are not known")
}

fn what(node: &TypedNode, inputs: &[Vec<usize>], output: &[usize]) -> TractResult<What> {
    if let Some(op) = node.op_as::<AxisOp>() {
        // All but a move leave the values in their order.
        let mut strides = contiguous(&inputs[0]);
        let AxisOp::Move(from, to) = *op else { return Ok(What::Copy) };
        let moved = strides.remove(from);
        strides.insert(to, moved);
        return Ok(What::Gather { strides, first: 0 });
    }
    if let Some(op) = node.op_as::<Slice>() {
        let strides = contiguous(&inputs[0]);
        let first = op.start.to_usize()? * strides[op.axis];
        return Ok(What::Gather { strides, first });
    }
    if node.op_is::<MultiBroadcastTo>() {
        return Ok(What::Gather { strides: broadcast(&inputs[0], output.len()), first: 0 });
    }
    if let Some(op) = node.op_as::<TypedConcat>() {
        return Ok(What::Concat { axis: op.axis });
    }
    if let Some(op) = node.op_as::<ElementWiseOp>() {
        ensure!(op.1.is_none(), "it changes the type");
        return Ok(What::Each(op.0.clone()));
    }
    if let Some(op) = node.op_as::<TypedBinOp>() {
        ensure!(op.1.is_none(), "it changes the type");
        let of_same = inputs.iter().all(|shape| shape == output);
        if let Some(arithmetic) = Arithmetic::of(op.0.as_ref()).filter(|_| of_same) {
            return Ok(What::Arithmetic(arithmetic));
        }
        return Ok(What::Pair(op.0.clone()));
    }
    if let Some(op) = node.op_as::<EinSum>() {
        return Product::new(op, inputs, output).map(What::Product);
    }
    if let Some(op) = node.op_as::<Reduce>() {
        ensure!(REDUCERS.contains(&op.reducer), "it gives {:?}", op.reducer);
        let along = along(&inputs[0], &op.axes);
        return Ok(What::Reduce { reducer: op.reducer, along });
    }
    if let Some(op) = node.op_as::<Softmax>() {
        ensure!(op.kind == SoftmaxKind::Softmax, "it gives logarithms");
        return Ok(What::Softmax { along: along(&inputs[0], &op.axes) });
    }
    bail!("no form of it is known")
}

/// Strides of a contiguous tensor.
fn contiguous(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// Strides with which a tensor is read as one of `rank`: 0 along axes of one.
fn broadcast(shape: &[usize], rank: usize) -> Vec<usize> {
    let own = contiguous(shape).into_iter().zip(shape);
    let own = own.map(|(stride, size)| if *size == 1 { 0 } else { stride });
    std::iter::repeat_n(0, rank.saturating_sub(shape.len())).chain(own).collect()
}

/// An axis to walk along: how many values, and how far apart in each of `N` tensors.
type Axis<const N: usize> = (usize, [usize; N]);

/// The axes of a tensor, the given ones and the others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Along {
    given: Vec<Axis<1>>,
    others: Vec<Axis<1>>,
}

fn along(shape: &[usize], axes: &[usize]) -> Along {
    let strided = shape.iter().zip(contiguous(shape)).map(|(size, stride)| (*size, [stride]));
    let (given, others): (Vec<_>, Vec<_>) =
        strided.enumerate().partition(|(axis, _)| axes.contains(axis));
    let plain = |axes: Vec<(usize, Axis<1>)>| axes.into_iter().map(|(_, axis)| axis).collect();
    Along { given: plain(given), others: plain(others) }
}

/// Calls `visit` with the offsets of every position along `axes`, the last axis fastest.
fn walk<const N: usize>(axes: &[Axis<N>], at: [usize; N], visit: &mut impl FnMut([usize; N])) {
    match axes.split_first() {
        None => visit(at),
        Some(((size, strides), rest)) => {
            for i in 0..*size {
                walk(rest, std::array::from_fn(|n| at[n] + i * strides[n]), visit);
            }
        }
    }
}

/// What an operator does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// The same values in another shape.
    Copy,
    /// Reads the input with these strides, from this value on.
    Gather { strides: Vec<usize>, first: usize },
    /// One input after the other along an axis.
    Concat { axis: usize },
    /// A function of every value.
    Each(Box<dyn ElementWiseMiniOp>),
    /// Arithmetic of two tensors of one shape.
    Arithmetic(Arithmetic),
    /// A function of every pair of values, of shapes that are made equal.
    Pair(Box<dyn BinMiniOp>),
    /// Sums of products.
    Product(Product),
    /// One value for all along some axes.
    Reduce { reducer: Reducer, along: Along },
    /// Shares of all along some axes.
    Softmax { along: Along },
}

/// What is worth a loop of its own: tract's is made for tensors of any strides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
}

impl Arithmetic {
    fn of(op: &dyn BinMiniOp) -> Option<Self> {
        if op.is::<math::Add>() {
            Some(Self::Add)
        } else if op.is::<math::Sub>() {
            Some(Self::Sub)
        } else if op.is::<math::Mul>() {
            Some(Self::Mul)
        } else {
            op.is::<math::Div>().then_some(Self::Div)
        }
    }

    fn write(self, a: &[f32], b: &[f32], out: &mut [f32]) {
        let each = out.iter_mut().zip(a.iter().zip(b));
        match self {
            Self::Add => each.for_each(|(out, (a, b))| *out = a + b),
            Self::Sub => each.for_each(|(out, (a, b))| *out = a - b),
            Self::Mul => each.for_each(|(out, (a, b))| *out = a * b),
            Self::Div => each.for_each(|(out, (a, b))| *out = a / b),
        }
    }
}

/// Sums of products of two tensors: C[…, n] = Σₖ A[…, k]·B[…, k, n].
#[derive(Clone, Debug, PartialEq, Eq)]
struct Product {
    /// Axes of the output but the last, strides in A, B and C.
    outer: Vec<Axis<3>>,
    /// Places in A and B of the products of one sum, from its first on.
    summed: Vec<[usize; 2]>,
    /// The last axis of the output, strides in A and B.
    last: Axis<2>,
}

impl Product {
    fn new(op: &EinSum, inputs: &[Vec<usize>], output: &[usize]) -> TractResult<Self> {
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
        // Four at a time, so that the row is read and written a quarter as often; the order of the sums is the same.
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

/// An operator whose output has a fixed shape and place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fixed {
    what: What,
    shape: Vec<usize>,
}

impl Op for Fixed {
    fn name(&self) -> StaticName {
        "MoodringFixed".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Fixed {
    not_out_of_plan!();

    fn state(&self, _: &EvalContext) -> TractResult<Option<Box<dyn OpState>>> {
        Ok(Some(Box::new(FixedState::default())))
    }
}

impl TypedOp for Fixed {
    as_op!();

    fn output_facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(f32::fact(&self.shape)))
    }
}

/// The output that is kept.
#[derive(Clone, Debug, Default)]
struct FixedState {
    output: Output,
}

impl OpState for FixedState {
    fn eval(
        &mut self,
        _: &EvalContext,
        op: &dyn Op,
        inputs: TVec<TValue>,
    ) -> TractResult<TVec<TValue>> {
        let op = op.downcast_ref::<Fixed>().context("not an operator of ours")?;
        self.output.write_tensor(&op.shape, |output| match &op.what {
            What::Each(function) => {
                let mut view = output.try_as_plain_ram_mut()?;
                view.as_slice_mut::<f32>()?.copy_from_slice(values(&inputs[0])?);
                function.eval_in_place(output, None)
            }
            What::Pair(function) => function.eval_out_of_place(output, &inputs[0], &inputs[1]),
            what => {
                let mut view = output.try_as_plain_ram_mut()?;
                what.write(&op.shape, &inputs, view.as_slice_mut::<f32>()?)
            }
        })
    }

    fn reset_lanes(&mut self, _: &[LaneId]) -> TractResult<()> {
        Ok(())
    }
}

impl What {
    /// Writes the output of what needs no tensors.
    fn write(&self, shape: &[usize], inputs: &[TValue], out: &mut [f32]) -> TractResult<()> {
        let x = values(&inputs[0])?;
        match self {
            Self::Each(_) | Self::Pair(_) => {}
            Self::Arithmetic(arithmetic) => arithmetic.write(x, values(&inputs[1])?, out),
            Self::Copy => out.copy_from_slice(x),
            Self::Gather { strides, first } => gather(shape, strides, &x[*first..], out),
            Self::Concat { axis } => {
                let inner: usize = shape[axis + 1..].iter().product();
                let whole = (shape[*axis] * inner).max(1);
                let mut at = 0;
                for input in inputs {
                    let part = input.shape()[*axis] * inner;
                    let rows = values(input)?.chunks_exact(part.max(1));
                    for (out, row) in out.chunks_exact_mut(whole).zip(rows) {
                        out[at..at + part].copy_from_slice(row);
                    }
                    at += part;
                }
            }
            Self::Product(product) => {
                let b = values(&inputs[1])?;
                walk(&product.outer, [0; 3], &mut |[at_a, at_b, at_c]| {
                    let (a, b, c) = (&x[at_a..], &b[at_b..], &mut out[at_c..at_c + product.last.0]);
                    vectorised(Row { product, a, b, c });
                });
            }
            Self::Reduce { reducer, along } => {
                let mut out = out.iter_mut();
                walk(&along.others, [0], &mut |[at]| {
                    if let Some(out) = out.next() {
                        *out = reduced(*reducer, &along.given, x, at);
                    }
                });
            }
            Self::Softmax { along } => walk(&along.others, [0], &mut |[at]| {
                let mut largest = f32::NEG_INFINITY;
                walk(&along.given, [at], &mut |[i]| largest = largest.max(x[i]));
                let mut sum = 0.0;
                walk(&along.given, [at], &mut |[i]| {
                    out[i] = (x[i] - largest).exp();
                    sum += out[i];
                });
                walk(&along.given, [at], &mut |[i]| out[i] /= sum);
            }),
        }
        Ok(())
    }
}

/// Fills `out` with `x` as read with `strides`.
fn gather(shape: &[usize], strides: &[usize], x: &[f32], out: &mut [f32]) {
    match (shape, strides) {
        ([], _) | (_, []) => out[0] = x[0],
        ([size], [1]) => out.copy_from_slice(&x[..*size]),
        ([size, shape @ ..], [stride, strides @ ..]) => {
            let each = out.len() / size.max(&1);
            for (i, out) in out.chunks_exact_mut(each.max(1)).enumerate() {
                gather(shape, strides, &x[i * stride..], out);
            }
        }
    }
}

/// What a reducer, one of [`REDUCERS`], makes of the values along `axes` from `at` on.
fn reduced(reducer: Reducer, axes: &[Axis<1>], x: &[f32], at: usize) -> f32 {
    let n: usize = axes.iter().map(|(size, _)| size).product();
    let fold = |start: f32, join: fn(f32, f32) -> f32| {
        let mut sum = start;
        walk(axes, [at], &mut |[i]| sum = join(sum, x[i]));
        sum
    };
    match reducer {
        Reducer::Max => fold(f32::NEG_INFINITY, f32::max),
        Reducer::Min => fold(f32::INFINITY, f32::min),
        Reducer::Prod => fold(1.0, |product, x| product * x),
        Reducer::MeanOfSquares => fold(0.0, |sum, x| sum + x * x) / n as f32,
        _ => fold(0.0, |sum, x| sum + x),
    }
}

/// The reducers that are known.
const REDUCERS: [Reducer; 5] =
    [Reducer::Sum, Reducer::Max, Reducer::Min, Reducer::Prod, Reducer::MeanOfSquares];

#[cfg(test)]
mod tests {
    use tract_onnx::pb::attribute_proto::AttributeType;
    use tract_onnx::pb::tensor_proto::DataType;
    use tract_onnx::pb::{
        AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
        TypeProto, ValueInfoProto, type_proto,
    };

    use super::*;
    use crate::model::ops;
    use crate::model::screen;

    /// Shapes of the networks' inputs.
    const STEPS: [usize; 3] = [1, 6, 5];
    const CONSTANTS: [usize; 2] = [1, 4];

    fn weights(name: &str, dims: &[i64]) -> TensorProto {
        let n: i64 = dims.iter().product();
        TensorProto {
            name: name.into(),
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            float_data: (0..n).map(|i| (i as f32 * 0.7).sin() + 0.1).collect(),
            ..TensorProto::default()
        }
    }

    fn integers(name: &str, values: &[i64]) -> TensorProto {
        TensorProto {
            name: name.into(),
            dims: vec![values.len() as i64],
            data_type: DataType::Int64 as i32,
            int64_data: values.to_vec(),
            ..TensorProto::default()
        }
    }

    fn attribute(name: &str, values: &[i64]) -> AttributeProto {
        AttributeProto {
            name: name.into(),
            r#type: if values.len() == 1 { AttributeType::Int } else { AttributeType::Ints } as i32,
            i: values[0],
            ints: values.to_vec(),
            ..AttributeProto::default()
        }
    }

    fn word(name: &str, value: &str) -> AttributeProto {
        AttributeProto {
            name: name.into(),
            r#type: AttributeType::String as i32,
            s: value.into(),
            ..AttributeProto::default()
        }
    }

    fn value(name: &str) -> ValueInfoProto {
        let float = type_proto::Tensor { elem_type: DataType::Float as i32, shape: None };
        let kind =
            TypeProto { value: Some(type_proto::Value::TensorType(float)), ..TypeProto::default() };
        ValueInfoProto { name: name.into(), r#type: Some(kind), ..ValueInfoProto::default() }
    }

    /// A network of one node between two that make its input no constant and its output no input.
    fn network(
        op: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
        weights: Vec<TensorProto>,
    ) -> ModelProto {
        let node = |op: &str, inputs: &[&str], outputs: &[&str]| NodeProto {
            op_type: op.into(),
            name: format!("{op} to {}", outputs[0]),
            input: inputs.iter().map(|&name| name.into()).collect(),
            output: outputs.iter().map(|&name| name.into()).collect(),
            ..NodeProto::default()
        };
        let outputs: &[&str] = if op == "Split" { &["y", "z"] } else { &["y"] };
        let mut middle = node(op, inputs, outputs);
        middle.attribute = attributes;
        let graph = GraphProto {
            node: vec![
                node("Exp", &["steps"], &["x"]),
                node("Exp", &["constants"], &["c"]),
                middle,
                node("Neg", &["y"], &["out"]),
            ],
            initializer: weights,
            input: vec![value("steps"), value("constants")],
            output: vec![value("out")],
            ..GraphProto::default()
        };
        let opset = OperatorSetIdProto { version: 17, ..OperatorSetIdProto::default() };
        ModelProto { graph: Some(graph), opset_import: vec![opset], ..ModelProto::default() }
    }

    /// What the network answers twice over, with our operators or tract's own.
    fn answers(proto: &ModelProto, ours: bool) -> TractResult<[Vec<f32>; 2]> {
        let mut framework = tract_onnx::onnx();
        if ours {
            ops::register(&mut framework);
        }
        let model = framework
            .model_for_proto_model(proto)?
            .with_input_fact(0, f32::fact(STEPS).into())?
            .with_input_fact(1, f32::fact(CONSTANTS).into())?;
        let mut model = model.into_typed()?.into_decluttered()?;
        if ours {
            replace_operators(&mut model)?;
        }
        let mut state = model.into_runnable()?.spawn()?;
        let mut run = || -> TractResult<Vec<f32>> {
            let input = |shape: &[usize]| -> TractResult<TValue> {
                let n = shape.iter().product();
                let values: Vec<f32> = (0..n).map(|i| (i as f32).cos()).collect();
                Ok(Tensor::from_shape(shape, &values)?.into_tvalue())
            };
            let outputs = state.run(tvec!(input(&STEPS)?, input(&CONSTANTS)?))?;
            Ok(values(&outputs[0])?.to_vec())
        };
        let first = run()?;
        // What tract's own LSTM says a second time is another matter.
        let again = if ours { run()? } else { first.clone() };
        Ok([first, again])
    }

    /// A small network around every operator that a file may hold.
    fn networks() -> Vec<ModelProto> {
        let plain = |op: &str, inputs: &[&str]| network(op, inputs, vec![], vec![]);
        let each = ["Abs", "Dropout", "Exp", "Identity", "LeakyRelu", "Log", "Neg", "Reciprocal"];
        let each = each.into_iter().chain(["Relu", "Sigmoid", "Softplus", "Sqrt", "Tanh"]);
        let mut all: Vec<ModelProto> = each.map(|op| plain(op, &["x"])).collect();
        for op in ["Add", "Div", "Max", "Min", "Mul", "Pow", "Sub", "Sum"] {
            all.push(network(op, &["x", "w"], vec![], vec![weights("w", &[1, 6, 1])]));
            all.push(network(op, &["w", "x"], vec![], vec![weights("w", &[5])]));
            all.push(plain(op, &["x", "x"]));
        }
        all.push(plain("Sum", &["x", "x", "x", "x", "x", "x"]));
        for shape in [&[5, 3][..], &[1, 5, 3]] {
            all.push(network("MatMul", &["x", "w"], vec![], vec![weights("w", shape)]));
        }
        all.push(network("MatMul", &["w", "x"], vec![], vec![weights("w", &[2, 6])]));
        let dense = || vec![weights("w", &[3, 4]), weights("b", &[3])];
        all.push(network("Gemm", &["c", "w", "b"], vec![attribute("transB", &[1])], dense()));
        let dense = || vec![weights("w", &[4, 3]), weights("b", &[3])];
        all.push(network("Gemm", &["c", "w", "b"], vec![], dense()));
        for axis in [1, 2] {
            let axes = || vec![integers("axes", &[axis])];
            all.push(network("Concat", &["x", "x", "x"], vec![attribute("axis", &[axis])], vec![]));
            all.push(network("Softmax", &["x"], vec![attribute("axis", &[axis])], vec![]));
            all.push(network("ReduceSum", &["x", "axes"], vec![], axes()));
            all.push(network("Unsqueeze", &["x", "axes"], vec![], axes()));
            for op in ["ReduceMax", "ReduceMean"] {
                let axes = vec![AttributeProto {
                    r#type: AttributeType::Ints as i32,
                    ..attribute("axes", &[axis])
                }];
                all.push(network(op, &["x"], axes, vec![]));
            }
            let ends =
                vec![integers("from", &[1]), integers("to", &[4]), integers("axes", &[axis])];
            all.push(network("Slice", &["x", "from", "to", "axes"], vec![], ends));
        }
        all.push(network("Squeeze", &["x", "axes"], vec![], vec![integers("axes", &[0])]));
        all.push(network("Flatten", &["x"], vec![attribute("axis", &[1])], vec![]));
        all.push(network("Reshape", &["x", "to"], vec![], vec![integers("to", &[3, 2, -1])]));
        all.push(network("Transpose", &["x"], vec![attribute("perm", &[2, 0, 1])], vec![]));
        all.push(network("Split", &["x"], vec![attribute("axis", &[1])], vec![]));
        let bounds = vec![
            TensorProto { dims: vec![], ..weights("low", &[1]) },
            TensorProto { dims: vec![], float_data: vec![0.9], ..weights("high", &[1]) },
        ];
        all.push(network("Clip", &["x", "low", "high"], vec![], bounds));
        for (direction, n) in [("forward", 1), ("bidirectional", 2)] {
            let shapes = [("w", vec![n, 12, 5]), ("r", vec![n, 12, 3]), ("b", vec![n, 24])];
            let weights = shapes.map(|(name, shape)| weights(name, &shape)).to_vec();
            let attributes = vec![word("direction", direction), attribute("hidden_size", &[3])];
            let mut proto = network("LSTM", &["by_time", "w", "r", "b"], attributes, weights);
            if let Some(graph) = &mut proto.graph {
                let mut by_time = graph.node[0].clone();
                (by_time.op_type, by_time.name) = ("Transpose".into(), "by time".into());
                (by_time.input, by_time.output) = (vec!["x".into()], vec!["by_time".into()]);
                by_time.attribute = vec![attribute("perm", &[1, 0, 2])];
                graph.node.insert(2, by_time);
            }
            all.push(proto);
        }
        all
    }

    fn operator(proto: &ModelProto) -> &str {
        let nodes = &proto.graph.as_ref().unwrap().node;
        &nodes[nodes.len() - 2].op_type
    }

    #[test]
    fn every_operator_answers_as_tracts_own() {
        for proto in networks() {
            let op = operator(&proto);
            let [expected, _] = answers(&proto, false).unwrap_or_else(|e| panic!("{op}: {e:#}"));
            let [first, again] = answers(&proto, true).unwrap_or_else(|e| panic!("{op}: {e:#}"));
            assert_eq!(first, again, "{op}");
            assert_eq!(first.len(), expected.len(), "{op}");
            for (ours, theirs) in first.iter().zip(&expected) {
                assert!(
                    (ours - theirs).abs() <= 1e-5 * theirs.abs().max(1.0),
                    "{op}: {ours} {theirs}"
                );
            }
        }
    }

    #[test]
    fn every_operator_that_a_file_may_hold_is_tried() {
        let networks = networks();
        let tried: Vec<&str> = networks.iter().map(operator).collect();
        for op in screen::OPERATORS[0].1 {
            assert!(*op == "Constant" || tried.contains(op), "{op}");
        }
    }

    #[test]
    fn what_has_no_form_here_is_refused_by_name() {
        let proto = network("Erf", &["x"], vec![], vec![]);
        assert!(
            answers(&proto, true).is_ok(),
            "a function of every value needs no form of its own"
        );
        let proto = network(
            "CumSum",
            &["x", "axis"],
            vec![],
            vec![TensorProto { dims: vec![], ..integers("axis", &[1]) }],
        );
        let why = answers(&proto, true).expect_err("it was taken").to_string();
        assert!(why.contains("cannot run here without allocating"), "{why}");
    }
}
