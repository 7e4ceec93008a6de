//! Outputs that operators keep from run to run.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;

/// The values of a tensor, in order.
pub(in crate::model) fn values(tensor: &Tensor) -> TractResult<&[f32]> {
    tensor.try_as_plain_ram()?.as_slice::<f32>()
}

/// An operator's output, kept from run to run.
#[derive(Debug, Default)]
pub(in crate::model) struct Output(Option<Arc<Tensor>>);

/// A copy shares nothing: both would write to it.
impl Clone for Output {
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl Output {
    /// Hands out the output after `fill` has written it. Allocates on the first run; and, so that
    /// nothing is written that somebody still reads, where an output of an earlier run is still
    /// held.
    pub(in crate::model) fn write(
        &mut self,
        shape: &[usize],
        fill: impl FnOnce(&mut [f32]) -> TractResult<()>,
    ) -> TractResult<TVec<TValue>> {
        self.write_tensor(shape, |tensor| {
            fill(tensor.try_as_plain_ram_mut()?.as_slice_mut::<f32>()?)
        })
    }

    /// As [`Output::write`], for operators of tract that write tensors.
    pub(in crate::model) fn write_tensor(
        &mut self,
        shape: &[usize],
        fill: impl FnOnce(&mut Tensor) -> TractResult<()>,
    ) -> TractResult<TVec<TValue>> {
        let kept = self.0.take().filter(|kept| kept.shape() == shape);
        let mut output = match kept {
            Some(kept) if Arc::strong_count(&kept) == 1 => kept,
            _ => Arc::new(Tensor::zero::<f32>(shape)?),
        };
        fill(Arc::get_mut(&mut output).context("an output is held")?)?;
        self.0 = Some(Arc::clone(&output));
        Ok(tvec!(output.into_tvalue()))
    }
}
