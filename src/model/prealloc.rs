//! Operators that run without allocating, in place of tract's own.
//!
//! tract's executor allocates nothing on pinned shapes, but every one of its operators allocates
//! its output. Once a network is parsed, typed and decluttered, each operator in it is replaced by
//! one of ours that knows its shapes and keeps its output. An operator that has no such form is
//! refused by name, so a network that loads is one that runs without the allocator.

mod product;
#[cfg(test)]
mod tests;

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

use product::Product;

use super::ops::Lstm;
use super::ops::buffered::{Buffered, buffered};
use super::ops::output::{Output, values};
use super::ops::product::QuantisedProduct;

/// Most inputs of an operator: tract's lists of up to four need no memory of their own.
const MAX_INPUTS: usize = 4;

/// Replaces every operator of `model`, all of whose shapes must be known, by one that does not
/// allocate.
pub(super) fn replace_operators(model: &mut TypedModel) -> TractResult<()> {
    for id in 0..model.nodes.len() {
        let node = &model.nodes[id];
        let is_ours = node.op_is::<Lstm>() || node.op_is::<QuantisedProduct>();
        if is_ours || node.op_is::<Const>() || node.op_is::<TypedSource>() {
            continue;
        }
        let preallocated = preallocated(model, node).with_context(|| {
            format!("{} ({:?}) cannot run here without allocating", node.op.name(), node.name)
        })?;
        model.nodes[id].op = Box::new(preallocated);
    }
    Ok(())
}

/// The replacement of one node's operator.
fn preallocated(model: &TypedModel, node: &TypedNode) -> TractResult<Preallocated> {
    let (inputs, outputs) = model.node_facts(node.id)?;
    ensure!(outputs.len() == 1, "it has {} outputs", outputs.len());
    ensure!(inputs.len() <= MAX_INPUTS, "it has {} inputs", inputs.len());
    let of_floats = inputs.iter().chain(&outputs).all(|fact| fact.datum_type == f32::datum_type());
    ensure!(of_floats, "not all it works on are f32");
    let shapes: Vec<Vec<usize>> =
        inputs.iter().map(|fact| concrete(fact)).collect::<TractResult<_>>()?;
    let shape = concrete(outputs[0])?;
    let operation = operation(node, &shapes, &shape)?;
    Ok(Preallocated { operation, shape })
}

fn concrete(fact: &TypedFact) -> TractResult<Vec<usize>> {
    fact.shape.as_concrete().map(<[usize]>::to_vec).context("its shapes are not known")
}

fn operation(node: &TypedNode, inputs: &[Vec<usize>], output: &[usize]) -> TractResult<Operation> {
    if let Some(op) = node.op_as::<AxisOp>() {
        // All but a move leave the values in their order.
        let mut strides = contiguous(&inputs[0]);
        let AxisOp::Move(from, to) = *op else { return Ok(Operation::Copy) };
        let moved = strides.remove(from);
        strides.insert(to, moved);
        return Ok(Operation::Gather { strides, first: 0 });
    }
    if let Some(op) = node.op_as::<Slice>() {
        let strides = contiguous(&inputs[0]);
        let first = op.start.to_usize()? * strides[op.axis];
        return Ok(Operation::Gather { strides, first });
    }
    if node.op_is::<MultiBroadcastTo>() {
        return Ok(Operation::Gather { strides: broadcast(&inputs[0], output.len()), first: 0 });
    }
    if let Some(op) = node.op_as::<TypedConcat>() {
        return Ok(Operation::Concat { axis: op.axis });
    }
    if let Some(op) = node.op_as::<ElementWiseOp>() {
        ensure!(op.1.is_none(), "it changes the type");
        return Ok(Operation::Each(op.0.clone()));
    }
    if let Some(op) = node.op_as::<TypedBinOp>() {
        ensure!(op.1.is_none(), "it changes the type");
        let of_same = inputs.iter().all(|shape| shape == output);
        if let Some(arithmetic) = Arithmetic::of(op.0.as_ref()).filter(|_| of_same) {
            return Ok(Operation::Arithmetic(arithmetic));
        }
        return Ok(Operation::Pair(op.0.clone()));
    }
    if let Some(op) = node.op_as::<EinSum>() {
        return Product::new(op, inputs, output).map(Operation::Product);
    }
    if let Some(op) = node.op_as::<Reduce>() {
        ensure!(REDUCERS.contains(&op.reducer), "it gives {:?}", op.reducer);
        let along = along(&inputs[0], &op.axes);
        return Ok(Operation::Reduce { reducer: op.reducer, along });
    }
    if let Some(op) = node.op_as::<Softmax>() {
        ensure!(op.kind == SoftmaxKind::Softmax, "it gives logarithms");
        return Ok(Operation::Softmax { along: along(&inputs[0], &op.axes) });
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
enum Operation {
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

/// An operator whose output has a fixed shape and place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Preallocated {
    operation: Operation,
    shape: Vec<usize>,
}

buffered!(Preallocated);

impl Buffered for Preallocated {
    const NAME: &'static str = "MoodringPreallocated";

    type Scratch = ();

    fn scratch(&self) {}

    fn facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(f32::fact(&self.shape)))
    }

    fn run(
        &self,
        (): &mut (),
        output: &mut Output,
        inputs: &[TValue],
    ) -> TractResult<TVec<TValue>> {
        output.write_tensor(&self.shape, |output| match &self.operation {
            Operation::Each(function) => {
                let mut view = output.try_as_plain_ram_mut()?;
                view.as_slice_mut::<f32>()?.copy_from_slice(values(&inputs[0])?);
                function.eval_in_place(output, None)
            }
            Operation::Pair(function) => function.eval_out_of_place(output, &inputs[0], &inputs[1]),
            operation => {
                let mut view = output.try_as_plain_ram_mut()?;
                operation.write(&self.shape, inputs, view.as_slice_mut::<f32>()?)
            }
        })
    }
}

impl Operation {
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
            Self::Product(product) => product.write(x, values(&inputs[1])?, out),
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
        Reducer::MeanOfSquares => fold(0.0, |sum, x| sum + x * x) / n as f32,
        _ => fold(0.0, |sum, x| sum + x),
    }
}

/// The reducers that the operators of a file come down to.
const REDUCERS: [Reducer; 3] = [Reducer::Sum, Reducer::Max, Reducer::MeanOfSquares];
