//! The tract plan on pinned shapes, and a session that runs it.

use std::sync::Arc;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;

use super::card::Card;
use super::{Model, ModelError, NetworkError, RunError, ops, prealloc, vet};
use crate::analysis::window::{N_STEP_FEATURES, NetworkInput, feature_groups};
use crate::reading::MAX_SPACES;
use crate::units::count;
use crate::why::{GROUPS, Group, N_GROUPS};

/// A planned network, ready to be spawned.
pub(super) type Plan = Arc<TypedRunnableModel>;

/// Shapes of the network's inputs: `steps` `[1, n_steps, features]` and `constants` `[1,
/// constants]`.
fn shapes(card: &Card) -> ([usize; 3], [usize; 2]) {
    ([1, card.n_steps, card.step_names.len()], [1, card.constant_names.len()])
}

/// Plans the network in `onnx`, whose output must be `[1, spaces, 2]`: both poles of each space.
pub(super) fn plan(onnx: &[u8], card: &Card) -> Result<Plan, ModelError> {
    let proto = vet::parsed(onnx).map_err(NetworkError::Refused)?;
    Ok(try_plan(&proto, card).map_err(|why| NetworkError::Unfit(format!("{why:#}")))?)
}

fn try_plan(proto: &ModelProto, card: &Card) -> TractResult<Plan> {
    let (steps, constants) = shapes(card);
    let mut framework = tract_onnx::onnx();
    ops::register(&mut framework);
    let mut model = framework
        .model_for_proto_model(proto)?
        .with_input_fact(0, f32::fact(steps).into())?
        .with_input_fact(1, f32::fact(constants).into())?;
    model.analyse(false)?;
    vet::check_sizes(&model).map_err(TractError::msg)?;
    let mut model = model.into_typed()?.into_decluttered()?;
    prealloc::replace_operators(&mut model)?;
    let output = model.output_fact(0)?;
    let expected = f32::fact([1, card.spaces.len(), 2]);
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
    /// Which features of the analysis they take.
    step_columns: Vec<usize>,
    constant_columns: Vec<usize>,
    /// Which side of the music each of them belongs to.
    step_groups: Vec<Option<Group>>,
    constant_groups: Vec<Option<Group>>,
    /// Sum of the analysis' steps under one of the network, `[N_STEP_FEATURES]`.
    step_sum: Vec<f32>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("model", &self.model).finish_non_exhaustive()
    }
}

impl Session {
    /// A session of `model`.
    ///
    /// # Errors
    /// [`ModelError::Run`] where tract cannot make the state of a run.
    pub fn new(model: &Arc<Model>) -> Result<Self, ModelError> {
        let (steps, constants) = shapes(&model.card);
        let try_new = || -> TractResult<Self> {
            Ok(Self {
                state: model.plan.spawn()?,
                model: Arc::clone(model),
                steps: Arc::new(Tensor::zero::<f32>(&steps)?),
                constants: Arc::new(Tensor::zero::<f32>(&constants)?),
                step_columns: model.card.step_columns(),
                constant_columns: model.card.constant_columns(),
                step_groups: groups(&model.card.step_names),
                constant_groups: groups(&model.card.constant_names),
                step_sum: vec![0.0; N_STEP_FEATURES],
            })
        };
        Ok(try_new().map_err(|why| RunError::Failed(format!("{why:#}")))?)
    }

    /// The model that this runs.
    #[must_use]
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The shares of the first poles for one window, in the order of the card's spaces; the rest 0.
    ///
    /// # Errors
    /// [`ModelError::Run`] where the network fails, or answers with something that is not a share:
    /// then it is not to be believed.
    pub fn run(&mut self, input: &NetworkInput) -> Result<[f32; MAX_SPACES], ModelError> {
        self.answer(input, None)
    }

    /// As [`Session::run`], with the features of `group` at their means over the training songs.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_without(
        &mut self,
        input: &NetworkInput,
        group: Group,
    ) -> Result<[f32; MAX_SPACES], ModelError> {
        self.answer(input, Some(group))
    }

    /// How each group pushed `shares`, the answer of [`Session::run`] to the same `input`; see
    /// [`Why`](crate::why::Why). Costs an inference for each group of which the model takes a
    /// feature.
    ///
    /// # Errors
    /// As [`Session::run`].
    ///
    /// # Real-time safety
    /// Neither allocates nor locks, but on an error.
    pub fn pushes(
        &mut self,
        input: &NetworkInput,
        shares: &[f32; MAX_SPACES],
    ) -> Result<[[f32; N_GROUPS]; MAX_SPACES], ModelError> {
        let mut pushes = [[0.0; N_GROUPS]; MAX_SPACES];
        for (g, group) in GROUPS.into_iter().enumerate() {
            if !self.takes(group) {
                continue;
            }
            let without = self.run_without(input, group)?;
            for ((pushes, share), without) in pushes.iter_mut().zip(shares).zip(without) {
                pushes[g] = share - without;
            }
        }
        Ok(pushes)
    }

    /// Whether the model takes a feature of `group`.
    fn takes(&self, group: Group) -> bool {
        self.step_groups.iter().chain(&self.constant_groups).any(|of| *of == Some(group))
    }

    fn answer(
        &mut self,
        input: &NetworkInput,
        without: Option<Group>,
    ) -> Result<[f32; MAX_SPACES], ModelError> {
        let shares =
            self.try_run(input, without).map_err(|why| RunError::Failed(format!("{why:#}")))?;
        if shares.iter().all(|share| (0.0..=1.0).contains(share)) {
            Ok(shares)
        } else {
            Err(RunError::NotShares(shares.to_vec()).into())
        }
    }

    fn try_run(
        &mut self,
        input: &NetworkInput,
        without: Option<Group>,
    ) -> TractResult<[f32; MAX_SPACES]> {
        self.fill_steps(&input.steps)?;
        self.fill_constants(&input.constants)?;
        if let Some(group) = without {
            put_to_mean(&mut self.steps, &self.step_groups, group)?;
            put_to_mean(&mut self.constants, &self.constant_groups, group)?;
        }
        let inputs = [&self.steps, &self.constants].map(|t| Arc::clone(t).into_tvalue());
        let outputs = self.state.run(inputs.into_iter().collect())?;
        let poles = outputs[0].to_plain_array_view::<f32>()?;
        let mut shares = [0.0; MAX_SPACES];
        let first_poles = poles.iter().step_by(2);
        shares.iter_mut().zip(first_poles).for_each(|(share, first)| *share = *first);
        Ok(shares)
    }

    /// The newest steps of the analysis, averaged to the network's, its features alone,
    /// standardised.
    fn fill_steps(&mut self, steps: &[f32]) -> TractResult<()> {
        let card = &self.model.card;
        let per_step = card.steps_per_step();
        let newest = &steps[steps.len() - card.n_steps * per_step * N_STEP_FEATURES..];
        // Nobody else holds the tensor between runs; were it so, a copy would be made and filled.
        let mut view = Arc::make_mut(&mut self.steps).to_plain_array_view_mut::<f32>()?;
        let out =
            view.as_slice_mut().ok_or_else(|| TractError::msg("the steps are not contiguous"))?;
        let averaged = newest.chunks_exact(per_step * N_STEP_FEATURES);
        for (out, steps) in out.chunks_exact_mut(self.step_columns.len()).zip(averaged) {
            let sum = &mut self.step_sum;
            sum.fill(0.0);
            for step in steps.chunks_exact(N_STEP_FEATURES) {
                sum.iter_mut().zip(step).for_each(|(sum, x)| *sum += x);
            }
            let scaling = card.step_mean.iter().zip(&card.step_std);
            for ((out, column), (mean, std)) in out.iter_mut().zip(&self.step_columns).zip(scaling)
            {
                *out = (sum[*column] / count(per_step) - mean) / std;
            }
        }
        Ok(())
    }

    fn fill_constants(&mut self, constants: &[f32]) -> TractResult<()> {
        let card = &self.model.card;
        let mut view = Arc::make_mut(&mut self.constants).to_plain_array_view_mut::<f32>()?;
        let scaling = card.constant_mean.iter().zip(&card.constant_std);
        for ((out, column), (mean, std)) in view.iter_mut().zip(&self.constant_columns).zip(scaling)
        {
            *out = (constants[*column] - mean) / std;
        }
        Ok(())
    }
}

/// The side of the music that each feature belongs to.
fn groups(names: &[String]) -> Vec<Option<Group>> {
    let known = feature_groups();
    let group = |name: &String| known.iter().find(|(known, _)| known == name);
    names.iter().map(|name| group(name).map(|(_, group)| *group)).collect()
}

/// Puts the columns of `group` to their mean, which is 0 once they are standardised.
fn put_to_mean(
    input: &mut Arc<Tensor>,
    columns: &[Option<Group>],
    group: Group,
) -> TractResult<()> {
    let mut view = Arc::make_mut(input).to_plain_array_view_mut::<f32>()?;
    let of_group =
        view.iter_mut().zip(columns.iter().cycle()).filter(|(_, of)| **of == Some(group));
    of_group.for_each(|(x, _)| *x = 0.0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tract_onnx::pb::tensor_proto::DataType;
    use tract_onnx::pb::{GraphProto, NodeProto, TypeProto, ValueInfoProto, type_proto};

    /// Values without a shape: what the session pins is known all the same.
    fn named(names: &[&str]) -> Vec<ValueInfoProto> {
        let float = type_proto::Tensor { elem_type: DataType::Float as i32, shape: None };
        let value = type_proto::Value::TensorType(float);
        let kind = TypeProto { value: Some(value), ..TypeProto::default() };
        let value = |name: &&str| ValueInfoProto {
            name: (*name).to_owned(),
            r#type: Some(kind.clone()),
            ..ValueInfoProto::default()
        };
        names.iter().map(value).collect()
    }

    #[test]
    fn a_network_that_grows_beyond_all_bounds_is_refused_before_it_runs() {
        let card = Model::shipped().unwrap().card().clone();
        let doubled = |i: i32| {
            let before = if i == 0 { "steps".to_owned() } else { format!("x{}", i - 1) };
            let axis = tract_onnx::pb::AttributeProto {
                name: "axis".into(),
                i: 1,
                r#type: tract_onnx::pb::attribute_proto::AttributeType::Int as i32,
                ..Default::default()
            };
            NodeProto {
                op_type: "Concat".into(),
                input: vec![before.clone(), before],
                output: vec![format!("x{i}")],
                attribute: vec![axis],
                ..NodeProto::default()
            }
        };
        let graph = GraphProto {
            node: (0..50).map(doubled).collect(),
            input: named(&["steps", "constants"]),
            output: named(&["x49"]),
            ..GraphProto::default()
        };
        let proto = ModelProto { graph: Some(graph), ..ModelProto::default() };
        let Err(error) = try_plan(&proto, &card) else { panic!("it was taken") };
        assert!(format!("{error:#}").contains("more than"), "{error:#}");
    }
}
