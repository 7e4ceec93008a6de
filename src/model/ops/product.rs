//! Our tract operator for `DynamicQuantizeMatMul`, a dense layer with int8 weights.

use std::sync::Arc;

use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;

use super::buffered::{Buffered, buffered};
use super::output::{Output, values};
use super::{QUANTISED_PRODUCT, check_zero_points};
use crate::model::dense::{Dense, DenseScratch};

/// Inputs of `DynamicQuantizeMatMul`, by position: A, B, the scale of each of B's columns, their
/// zero points, and a bias.
const N_INPUTS: usize = 5;

/// From the file's node: checks what can be checked without the shapes.
pub(super) fn parse(node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let given = |i: usize| node.input.get(i).is_some_and(|name| !name.is_empty());
    let all_given = node.input.len() == N_INPUTS && (0..N_INPUTS).all(given);
    ensure!(all_given, "the quantised product lacks its scales, zero points or bias");
    Ok((expand(ProductNode), vec![]))
}

/// The node before its weights are known.
#[derive(Clone, Debug, Hash)]
struct ProductNode;

impl Expansion for ProductNode {
    fn name(&self) -> StaticName {
        QUANTISED_PRODUCT.into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, N_INPUTS)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[0].datum_type, f32::datum_type())?;
        solver.equals(&outputs[0].datum_type, f32::datum_type())?;
        solver.equals(&inputs[0].rank, 2)?;
        solver.equals(&outputs[0].rank, 2)?;
        solver.equals(&outputs[0].shape[0], &inputs[0].shape[0])?;
        solver.equals(&outputs[0].shape[1], &inputs[1].shape[1])
    }

    fn wire(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let constant = |i: usize| -> TractResult<Arc<Tensor>> {
            let fact = model.outlet_fact(inputs[i])?;
            fact.konst.clone().context("the quantised product's weights are not constants")
        };
        let weights = constant(1)?;
        let [rows, columns] = *weights.shape() else { bail!("weights {:?}", weights.shape()) };
        ensure!(rows > 0 && columns > 0, "the quantised product has no weights");
        let floats = |i: usize| -> TractResult<Vec<f32>> {
            let constant = constant(i)?;
            ensure!(constant.shape() == [columns], "scales or bias {:?}", constant.shape());
            let values = constant.to_plain_array_view::<f32>()?;
            let values: Vec<f32> = values.iter().copied().collect();
            ensure!(values.iter().all(|x| x.is_finite()), "they are not finite");
            Ok(values)
        };
        check_zero_points(constant(3)?.as_ref())?;
        let view = weights.to_plain_array_view::<i8>()?;
        let weights: Vec<i8> = view.iter().copied().collect();
        let dense = Dense::new(&weights, floats(2)?, floats(4)?);
        model.wire_node(prefix, QuantisedProduct { dense: Arc::new(dense) }, &[inputs[0]])
    }
}

/// The operator: `[m, rows]` → `[m, columns]`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::model) struct QuantisedProduct {
    dense: Arc<Dense>,
}

impl Eq for QuantisedProduct {}

buffered!(QuantisedProduct);

impl Buffered for QuantisedProduct {
    const NAME: &'static str = "MoodringQuantisedProduct";

    type Scratch = DenseScratch;

    fn scratch(&self) -> DenseScratch {
        DenseScratch::new(&self.dense)
    }

    fn facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let shape = &inputs[0].shape;
        let fits = shape.rank() == 2 && shape[1] == self.dense.inputs().to_dim();
        ensure!(fits, "the quantised product takes {} values", self.dense.inputs());
        Ok(tvec!(f32::fact([shape[0].clone(), self.dense.outputs().to_dim()])))
    }

    fn run(
        &self,
        scratch: &mut DenseScratch,
        output: &mut Output,
        inputs: &[TValue],
    ) -> TractResult<TVec<TValue>> {
        let (n, rows) = (inputs[0].shape()[0], values(&inputs[0])?);
        let (n_in, n_out) = (self.dense.inputs(), self.dense.outputs());
        output.write(&[n, n_out], |out| {
            for (x, y) in rows.chunks_exact(n_in).zip(out.chunks_exact_mut(n_out)) {
                scratch.run(&self.dense, x, y);
            }
            Ok(())
        })
    }
}
