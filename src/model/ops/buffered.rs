//! The shell that tract wants around an operator, the same for all of ours: a name, shapes, and a
//! state of buffers that are made once, the output among them.

use std::fmt::Debug;

use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;

use super::output::Output;

/// What an operator of ours does. [`buffered!`] makes a tract operator of it.
pub(in crate::model) trait Buffered: Clone + Debug + 'static {
    /// What tract calls it in what it says.
    const NAME: &'static str;

    /// What it works in besides its output.
    type Scratch: Clone + Debug + Send + 'static;

    /// Makes the buffers of one plan.
    fn scratch(&self) -> Self::Scratch;

    /// Shape and type of the output.
    fn facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>>;

    /// Writes the output. Allocates on the first run alone.
    fn run(
        &self,
        scratch: &mut Self::Scratch,
        output: &mut Output,
        inputs: &[TValue],
    ) -> TractResult<TVec<TValue>>;
}

/// The buffers of one operator in one plan.
#[derive(Clone, Debug)]
pub(in crate::model) struct Buffers<B: Buffered> {
    scratch: B::Scratch,
    output: Output,
}

impl<B: Buffered> Buffers<B> {
    /// For the plan that `operator` is in.
    pub(in crate::model) fn new(operator: &B) -> Self {
        Self { scratch: operator.scratch(), output: Output::default() }
    }
}

impl<B: Buffered + Op> OpState for Buffers<B> {
    fn eval(
        &mut self,
        _: &EvalContext,
        op: &dyn Op,
        inputs: TVec<TValue>,
    ) -> TractResult<TVec<TValue>> {
        let op = op.downcast_ref::<B>().with_context(|| format!("not a {}", B::NAME))?;
        op.run(&mut self.scratch, &mut self.output, &inputs)
    }

    fn reset_lanes(&mut self, _: &[LaneId]) -> TractResult<()> {
        Ok(())
    }
}

/// Makes a tract operator of a [`Buffered`] type.
macro_rules! buffered {
    ($operator:ty) => {
        impl Op for $operator {
            fn name(&self) -> StaticName {
                <Self as $crate::model::ops::buffered::Buffered>::NAME.into()
            }

            op_as_typed_op!();
        }

        impl EvalOp for $operator {
            not_out_of_plan!();

            fn state(&self, _: &EvalContext) -> TractResult<Option<Box<dyn OpState>>> {
                Ok(Some(Box::new($crate::model::ops::buffered::Buffers::new(self))))
            }
        }

        impl TypedOp for $operator {
            as_op!();

            fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
                $crate::model::ops::buffered::Buffered::facts(self, inputs)
            }
        }
    };
}

pub(in crate::model) use buffered;
