//! The tract plan on pinned shapes, and a session that runs it.

use std::sync::Arc;

use tract_onnx::prelude::*;

use super::{Model, ModelError, ops};
use crate::analysis::window::{N_CONSTANTS, N_STEP_FEATURES, NetworkInput};
use crate::config::N_STEPS;
use crate::reading::MAX_SPACES;

/// A planned network, ready to be spawned.
pub(super) type Plan = Arc<TypedRunnableModel>;

/// Inputs of the network: `steps` `[1, N_STEPS, N_STEP_FEATURES]` and `constants` `[1, N_CONSTANTS]`.
const STEPS_SHAPE: [usize; 3] = [1, N_STEPS, N_STEP_FEATURES];
const CONSTANTS_SHAPE: [usize; 2] = [1, N_CONSTANTS];

/// Plans the network in `onnx`, whose output must be `[1, n_spaces, 2]`: both poles of each space.
pub(super) fn plan(onnx: &[u8], n_spaces: usize) -> Result<Plan, ModelError> {
    try_plan(onnx, n_spaces).map_err(|why| ModelError::Network(format!("{why:#}")))
}

fn try_plan(mut onnx: &[u8], n_spaces: usize) -> TractResult<Plan> {
    let mut framework = tract_onnx::onnx();
    ops::register(&mut framework);
    let model = framework
        .model_for_read(&mut onnx)?
        .with_input_fact(0, f32::fact(STEPS_SHAPE).into())?
        .with_input_fact(1, f32::fact(CONSTANTS_SHAPE).into())?
        .into_optimized()?;
    let output = model.output_fact(0)?;
    let expected = f32::fact([1, n_spaces, 2]);
    if output.without_value() != expected {
        tract_onnx::tract_core::internal::bail!("its output is {output:?}, not {expected:?}");
    }
    model.into_runnable()
}

/// One user of a [`Model`]: buffers and the state of a run.
pub struct Session {
    model: Arc<Model>,
    state: TypedSimpleState,
    /// The network's inputs, refilled in place.
    steps: Arc<Tensor>,
    constants: Arc<Tensor>,
}

impl Session {
    /// A session of `model`.
    ///
    /// # Errors
    /// [`ModelError::Run`] where tract cannot make the state of a run.
    pub fn new(model: &Arc<Model>) -> Result<Self, ModelError> {
        let try_new = || -> TractResult<Self> {
            Ok(Self {
                state: model.plan.spawn()?,
                model: Arc::clone(model),
                steps: Arc::new(Tensor::zero::<f32>(&STEPS_SHAPE)?),
                constants: Arc::new(Tensor::zero::<f32>(&CONSTANTS_SHAPE)?),
            })
        };
        try_new().map_err(|why| ModelError::Run(format!("{why:#}")))
    }

    /// The model that this runs.
    #[must_use]
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The shares of the first poles for one window, in the order of the card's spaces; the rest 0.
    ///
    /// # Errors
    /// [`ModelError::Run`] where the network fails, or answers with something that is no share: then it is not to be believed.
    pub fn run(&mut self, input: &NetworkInput) -> Result<[f32; MAX_SPACES], ModelError> {
        let shares = self.try_run(input).map_err(|why| ModelError::Run(format!("{why:#}")))?;
        if shares.iter().all(|share| (0.0..=1.0).contains(share)) {
            Ok(shares)
        } else {
            Err(ModelError::Run(format!("it answered with {shares:?}, which are no shares")))
        }
    }

    fn try_run(&mut self, input: &NetworkInput) -> TractResult<[f32; MAX_SPACES]> {
        let card = &self.model.card;
        refill(&mut self.steps, &input.steps, &card.step_mean, &card.step_std)?;
        refill(&mut self.constants, &input.constants, &card.constant_mean, &card.constant_std)?;
        let inputs = [&self.steps, &self.constants].map(|t| Arc::clone(t).into_tvalue());
        let outputs = self.state.run(inputs.into_iter().collect())?;
        let poles = outputs[0].to_plain_array_view::<f32>()?;
        let mut shares = [0.0; MAX_SPACES];
        let first_poles = poles.iter().step_by(2);
        shares.iter_mut().zip(first_poles).for_each(|(share, first)| *share = *first);
        Ok(shares)
    }
}

/// Writes standardised `values` into `tensor`, row after row of `mean.len()`.
fn refill(tensor: &mut Arc<Tensor>, values: &[f32], mean: &[f32], std: &[f32]) -> TractResult<()> {
    // Nobody else holds the tensor between runs; were it so, a copy would be made and filled.
    let mut view = Arc::make_mut(tensor).to_plain_array_view_mut::<f32>()?;
    let scaled = values.iter().zip(mean.iter().zip(std).cycle()).map(|(x, (m, s))| (x - m) / s);
    view.iter_mut().zip(scaled).for_each(|(out, x)| *out = x);
    Ok(())
}
