//! Checks of a weights file before tract sees it: it may come from a stranger.
//!
//! A network that passes is a plain chain of arithmetic over its inputs: known operators only, no
//! loops, no subgraphs, no other files, no weight that is not a number, nothing computed from
//! constants alone, so that loading it does only bounded work.

use std::collections::HashSet;

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};
use tract_onnx::prelude::Framework;
use tract_onnx::tract_hir::internal::{Factoid, InferenceModel};

use super::ops::{QUANTISED_LSTM, QUANTISED_PRODUCT};

/// Operators that a network may be made of, by domain.
pub(super) const OPERATORS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "Abs",
            "Add",
            "Clip",
            "Concat",
            "Constant",
            "Div",
            "Dropout",
            "Exp",
            "Flatten",
            "Gemm",
            "Identity",
            "LSTM",
            "LeakyRelu",
            "Log",
            "MatMul",
            "Max",
            "Min",
            "Mul",
            "Neg",
            "Pow",
            "Reciprocal",
            "ReduceMax",
            "ReduceMean",
            "ReduceSum",
            "Relu",
            "Reshape",
            "Sigmoid",
            "Slice",
            "Softmax",
            "Softplus",
            "Split",
            "Sqrt",
            "Squeeze",
            "Sub",
            "Sum",
            "Tanh",
            "Transpose",
            "Unsqueeze",
        ],
    ),
    ("com.microsoft", &[QUANTISED_LSTM, QUANTISED_PRODUCT]),
];

/// Most operators in a network; the shipped ones have fewer than a hundred.
const MAX_NODES: usize = 512;

/// Most numbers that a network may hold between its operators: 64 MB, hundreds of times what the
/// shipped ones need.
const MAX_VALUES: usize = 16 << 20;

/// The network in `onnx`, once it has passed every check that needs no shapes.
pub(super) fn parsed(onnx: &[u8]) -> Result<ModelProto, String> {
    let proto = tract_onnx::onnx()
        .proto_model_for_read(&mut &*onnx)
        .map_err(|why| format!("it is not ONNX, or cut short ({why})"))?;
    let graph = proto.graph.as_ref().ok_or("it holds no network")?;
    check_operators(graph)?;
    graph.initializer.iter().try_for_each(check_weights)?;
    if !graph.sparse_initializer.is_empty() || !proto.functions.is_empty() {
        return Err("it uses sparse weights or functions of its own".into());
    }
    check_flow(graph)?;
    Ok(proto)
}

/// Whether what flows between the operators stays within bounds; `model` knows its shapes.
pub(super) fn check_sizes(model: &InferenceModel) -> Result<(), String> {
    let mut values = 0_usize;
    // Weights have no inputs; they are as large as the file.
    let computed = model.nodes().iter().filter(|node| !node.inputs.is_empty());
    for output in computed.flat_map(|node| &node.outputs) {
        let shape = output.fact.shape.concretize();
        let volume = shape.and_then(|dims| {
            dims.iter().try_fold(1_usize, |n, dim| {
                n.checked_mul(usize::try_from(dim.to_i64().ok()?).ok()?)
            })
        });
        let volume = volume.ok_or("the shapes in it do not follow from those of its inputs")?;
        values = values.saturating_add(volume);
    }
    if values > MAX_VALUES {
        return Err(format!("it needs room for {values} numbers, more than {MAX_VALUES}"));
    }
    Ok(())
}

fn check_operators(graph: &GraphProto) -> Result<(), String> {
    if graph.node.len() > MAX_NODES {
        return Err(format!("it has {} operators, more than {MAX_NODES}", graph.node.len()));
    }
    for node in &graph.node {
        let domain = if node.domain == "ai.onnx" { "" } else { node.domain.as_str() };
        let known = OPERATORS.iter().find(|(of, _)| *of == domain);
        if !known.is_some_and(|(_, names)| names.contains(&node.op_type.as_str())) {
            let (op, of) = (&node.op_type, &node.domain);
            return Err(format!("the operator {op:?} of the domain {of:?} is not allowed"));
        }
        check_attributes(node)?;
    }
    Ok(())
}

fn check_attributes(node: &NodeProto) -> Result<(), String> {
    const PLAIN: [AttributeType; 7] = [
        AttributeType::Undefined,
        AttributeType::Float,
        AttributeType::Int,
        AttributeType::String,
        AttributeType::Floats,
        AttributeType::Ints,
        AttributeType::Strings,
    ];
    for attribute in &node.attribute {
        let kind = AttributeType::try_from(attribute.r#type);
        let is_tensor = kind == Ok(AttributeType::Tensor);
        if attribute.g.is_some() || !attribute.graphs.is_empty() {
            return Err(format!("{} holds a network of its own", node.op_type));
        }
        if !is_tensor && !PLAIN.iter().any(|plain| kind == Ok(*plain)) {
            return Err(format!(
                "the attribute {} of {} is not plain",
                attribute.name, node.op_type
            ));
        }
        attribute.t.iter().chain(&attribute.tensors).try_for_each(check_weights)?;
    }
    Ok(())
}

/// Weights must be in the file, as many as their shape says, and numbers.
fn check_weights(tensor: &TensorProto) -> Result<(), String> {
    let name = &tensor.name;
    let elsewhere = tensor.data_location.is_some_and(|at| at != DataLocation::Default as i32);
    if elsewhere || !tensor.external_data.is_empty() {
        return Err(format!("the weights {name:?} lie in another file"));
    }
    let mut dims = tensor.dims.iter();
    let expected = dims.try_fold(1_usize, |n, dim| n.checked_mul(usize::try_from(*dim).ok()?));
    let (bytes_each, listed) = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Float) => (4, tensor.float_data.len()),
        Ok(DataType::Int32) => (4, tensor.int32_data.len()),
        Ok(DataType::Int8 | DataType::Uint8) => (1, tensor.int32_data.len()),
        Ok(DataType::Int64) => (8, tensor.int64_data.len()),
        _ => return Err(format!("the weights {name:?} are of a type that is not allowed")),
    };
    let held = if tensor.raw_data.is_empty() { listed } else { tensor.raw_data.len() / bytes_each };
    if expected != Some(held) || !tensor.raw_data.len().is_multiple_of(bytes_each) {
        let dims = &tensor.dims;
        return Err(format!("the weights {name:?} of shape {dims:?} hold {held} numbers"));
    }
    let raw_is_finite = || {
        let floats = tensor.raw_data.chunks_exact(4);
        floats.flat_map(<[u8; 4]>::try_from).all(|b| f32::from_le_bytes(b).is_finite())
    };
    let is_float = tensor.data_type == DataType::Float as i32;
    if is_float && !(tensor.float_data.iter().all(|x| x.is_finite()) && raw_is_finite()) {
        return Err(format!("the weights {name:?} are not all finite numbers"));
    }
    Ok(())
}

/// Every operator but `Constant` must depend on one of the network's inputs: what it costs is then
/// known from the shapes, before anything is computed.
fn check_flow(graph: &GraphProto) -> Result<(), String> {
    let is_weight = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    let inputs = graph.input.iter().map(|input| input.name.as_str());
    let mut flowing: HashSet<&str> = inputs.filter(|name| !is_weight(name)).collect();
    for node in graph.node.iter().filter(|node| node.op_type != "Constant") {
        if !node.input.iter().any(|name| flowing.contains(name.as_str())) {
            let (op, name) = (&node.op_type, &node.name);
            return Err(format!("{op} {name:?} does not depend on the music, or comes too early"));
        }
        flowing.extend(node.output.iter().map(String::as_str));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tract_onnx::pb::{AttributeProto, ValueInfoProto};

    fn weights(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
        TensorProto {
            name: name.into(),
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            float_data: values.to_vec(),
            ..TensorProto::default()
        }
    }

    fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto {
            op_type: op.into(),
            input: inputs.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            ..NodeProto::default()
        }
    }

    /// Two inputs, one weight, one sum.
    fn graph() -> GraphProto {
        let input = |name: &str| ValueInfoProto { name: name.into(), ..ValueInfoProto::default() };
        GraphProto {
            node: vec![node("Add", &["steps", "w"], "y")],
            initializer: vec![weights("w", &[2], &[1.0, 2.0])],
            input: vec![input("steps"), input("constants")],
            ..GraphProto::default()
        }
    }

    fn verdict(graph: &GraphProto) -> Result<(), String> {
        check_operators(graph)?;
        graph.initializer.iter().try_for_each(check_weights)?;
        check_flow(graph)
    }

    #[test]
    fn a_plain_network_passes() {
        assert_eq!(verdict(&graph()), Ok(()));
    }

    #[test]
    fn every_kind_of_hostile_network_is_refused_by_name() {
        type Spoil = fn(&mut GraphProto);
        let kinds: [(&str, Spoil); 10] = [
            ("Loop", |g| g.node.push(node("Loop", &["y"], "z"))),
            ("not allowed", |g| g.node[0].domain = "com.example".into()),
            ("more than 512", |g| g.node = vec![node("Add", &["steps", "w"], "y"); 513]),
            ("a network of its own", |g| {
                g.node[0].attribute.push(AttributeProto {
                    g: Some(GraphProto::default()),
                    ..AttributeProto::default()
                });
            }),
            ("another file", |g| {
                g.initializer[0].data_location = Some(DataLocation::External as i32);
            }),
            ("hold 2 numbers", |g| g.initializer[0].dims = vec![1 << 40]),
            ("hold 2 numbers", |g| g.initializer[0].dims = vec![i64::MAX, i64::MAX]),
            ("hold 2 numbers", |g| g.initializer[0].dims = vec![-2]),
            ("not all finite", |g| g.initializer[0].float_data[1] = f32::NAN),
            ("does not depend", |g| g.node.insert(0, node("Concat", &["w", "w"], "w2"))),
        ];
        for (words, spoil) in kinds {
            let mut graph = graph();
            spoil(&mut graph);
            let refusal = verdict(&graph).expect_err(words);
            assert!(refusal.contains(words), "{words}: {refusal}");
        }
    }
}
