//! The shipped model with its weights widened to f32: what a user's own, unquantised model looks
//! like.

// In a test a panic is the message.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use moodring::model::Model;
use prost::Message;
use sha2::{Digest, Sha256};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto};
use tract_onnx::prelude::Framework;

fn tensor<'a>(graph: &'a GraphProto, name: &str) -> &'a TensorProto {
    graph.initializer.iter().find(|tensor| tensor.name == name).unwrap()
}

fn floats(tensor: &TensorProto) -> Vec<f32> {
    let bytes = tensor.raw_data.as_chunks::<4>().0;
    bytes.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// `weights[…][column]` times `scales[column]`.
fn widened(weights: &TensorProto, scales: &TensorProto) -> Vec<f32> {
    let columns = *weights.dims.last().unwrap() as usize;
    let blocks = weights.dims[..weights.dims.len() - 2].iter().product::<i64>() as usize;
    let per_block = weights.raw_data.len() / blocks;
    let scales = floats(scales);
    let weights = weights.raw_data.iter().enumerate();
    weights
        .map(|(i, w)| f32::from(w.cast_signed()) * scales[i / per_block * columns + i % columns])
        .collect()
}

/// `[blocks][rows][columns]` to `[blocks][columns][rows]`.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let block = |block: &[f32]| -> Vec<f32> {
        (0..rows * columns).map(|i| block[i % rows * columns + i / rows]).collect()
    };
    values.chunks(rows * columns).flat_map(block).collect()
}

fn weights(name: String, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name,
        dims: dims.to_vec(),
        data_type: DataType::Float as i32,
        raw_data: values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        ..TensorProto::default()
    }
}

fn widen(graph: &mut GraphProto) {
    let (mut nodes, mut added) = (graph.node.clone(), Vec::new());
    for node in &mut nodes {
        let matrix = |weight: usize, scale: usize, turned: bool| {
            let (weight, scale) =
                (tensor(graph, &node.input[weight]), tensor(graph, &node.input[scale]));
            let (mut dims, mut values) = (weight.dims.clone(), widened(weight, scale));
            if turned {
                values = transposed(&values, dims[1] as usize, dims[2] as usize);
                dims.swap(1, 2);
            }
            weights(format!("{}_float", weight.name), &dims, &values)
        };
        let (op, kept) = match node.op_type.as_str() {
            "DynamicQuantizeLSTM" => {
                added.extend([matrix(1, 8, true), matrix(2, 10, true)]);
                ("LSTM", 3)
            }
            "DynamicQuantizeMatMul" => {
                added.push(matrix(1, 2, false));
                ("Gemm", 4)
            }
            _ => continue,
        };
        let (x, last) = (node.input[0].clone(), node.input[kept].clone());
        let names: Vec<String> = (1..node.input.len().min(3))
            .map(|i| format!("{}_float", node.input[i]))
            .filter(|name| added.iter().any(|tensor| tensor.name == *name))
            .collect();
        node.input = std::iter::once(x).chain(names).chain([last]).collect();
        (node.op_type, node.domain) = (op.into(), String::new());
    }
    graph.node = nodes;
    graph.initializer.extend(added);
    let used = |name: &str| graph.node.iter().any(|node| node.input.iter().any(|i| i == name));
    let initializer = graph.initializer.iter().filter(|tensor| used(&tensor.name));
    graph.initializer = initializer.cloned().collect();
}

/// The shipped model in f32.
pub fn float_model() -> Arc<Model> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let onnx = std::fs::read(folder.join("moodring.onnx")).unwrap();
    let mut proto: ModelProto =
        tract_onnx::onnx().proto_model_for_read(&mut onnx.as_slice()).unwrap();
    widen(proto.graph.as_mut().unwrap());
    let onnx = proto.encode_to_vec();
    let card = std::fs::read_to_string(folder.join("moodring.json")).unwrap();
    let mut card: serde_json::Value = serde_json::from_str(&card).unwrap();
    card["sha256"] =
        Sha256::digest(&onnx).iter().map(|b| format!("{b:02x}")).collect::<String>().into();
    Arc::new(Model::from_parts(&onnx, &card.to_string()).unwrap())
}
