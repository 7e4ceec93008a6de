//! Every operator that a file may hold, against tract's own.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TypeProto,
    ValueInfoProto, type_proto,
};

use super::*;
use crate::model::ops;
use crate::model::vet;

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
        let ends = vec![integers("from", &[1]), integers("to", &[4]), integers("axes", &[axis])];
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
            assert!((ours - theirs).abs() <= 1e-5 * theirs.abs().max(1.0), "{op}: {ours} {theirs}");
        }
    }
}

#[test]
fn every_operator_that_a_file_may_hold_is_tried() {
    let networks = networks();
    let tried: Vec<&str> = networks.iter().map(operator).collect();
    for op in vet::OPERATORS[0].1 {
        assert!(*op == "Constant" || tried.contains(op), "{op}");
    }
}

#[test]
fn what_has_no_form_here_is_refused_by_name() {
    let proto = network("Erf", &["x"], vec![], vec![]);
    assert!(answers(&proto, true).is_ok(), "a function of every value needs no form of its own");
    let proto = network(
        "CumSum",
        &["x", "axis"],
        vec![],
        vec![TensorProto { dims: vec![], ..integers("axis", &[1]) }],
    );
    let why = answers(&proto, true).expect_err("it was taken").to_string();
    assert!(why.contains("cannot run here without allocating"), "{why}");
}
