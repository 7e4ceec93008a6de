"""The fitted network as ONNX, quantised and not, and the card that travels with it."""

import hashlib
import json

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
# Opset of onnxruntime's own operators; DynamicQuantizeLSTM lives there.
CONTRIB = "com.microsoft"
INT8_LIMIT = 127.0


def stacked(params, name):
    """A weight of both directions, [2, ...], forward first."""
    return np.stack([np.asarray(params[d][name], np.float32) for d in ("forward", "backward")])


def quantised(weight):
    """int8 weights [2, K, 4H] and a scale per output channel [2, 4H]; the zero points are 0."""
    scale = np.maximum(np.abs(weight).max(axis=1), 1e-8) / INT8_LIMIT
    return np.clip(np.round(weight / scale[:, None, :]), -INT8_LIMIT, INT8_LIMIT).astype(np.int8), scale.astype(np.float32)


def lstm_nodes(params, pool, int8):
    """The recurrent node and its weights; it yields `all` [T, 2, 1, H] or `last` [2, 1, H]."""
    hidden = params["forward"]["r"].shape[0]
    # ONNX adds an input and a recurrent bias; ours is one.
    bias = stacked(params, "b")
    bias = np.concatenate([bias, np.zeros_like(bias)], axis=1)
    outputs = ["all", "", ""] if pool == "mean" else ["", "last", ""]
    while not outputs[-1]:
        outputs.pop()
    shared = {"name": "lstm", "hidden_size": hidden, "direction": "bidirectional"}
    if not int8:
        # The plain operator keeps its weights the other way round.
        weights = {"w": stacked(params, "w").swapaxes(1, 2), "r": stacked(params, "r").swapaxes(1, 2), "bias": bias}
        return helper.make_node("LSTM", ["by_time", "w", "r", "bias"], outputs, **shared), weights
    (w, w_scale), (r, r_scale) = quantised(stacked(params, "w")), quantised(stacked(params, "r"))
    zeros = np.zeros((2, 4 * hidden), np.int8)
    weights = {"w": w, "r": r, "bias": bias, "w_scale": w_scale, "w_zero": zeros, "r_scale": r_scale, "r_zero": zeros}
    inputs = ["by_time", "w", "r", "bias", "", "", "", "", "w_scale", "w_zero", "r_scale", "r_zero"]
    return helper.make_node("DynamicQuantizeLSTM", inputs, outputs, domain=CONTRIB, **shared), weights


def model(params, pool, n_steps, int8, name):
    """steps [1, T, F] and constants [1, C], both standardised, to shares [1, n_spaces, 2], first pole first."""
    node = helper.make_node
    lstm, weights = lstm_nodes(params, pool, int8)
    nodes = [node("Transpose", ["steps"], ["by_time"], perm=[1, 0, 2]), lstm]
    if pool == "mean":
        nodes.append(node("ReduceMean", ["all"], ["last"], axes=[0], keepdims=0))
    nodes += [
        node("Transpose", ["last"], ["by_batch"], perm=[1, 0, 2]),
        node("Reshape", ["by_batch", "flat"], ["vector"]),
        node("Concat", ["vector", "constants"], ["joined"], axis=1),
        node("Gemm", ["joined", "dense1_w", "dense1_b"], ["sum1"]),
        node("Relu", ["sum1"], ["dense1"]),
        node("Gemm", ["dense1", "dense2_w", "dense2_b"], ["sum2"]),
        node("Relu", ["sum2"], ["dense2"]),
        node("Gemm", ["dense2", "out_w", "out_b"], ["sum3"]),
        node("Reshape", ["sum3", "pairs"], ["logits"]),
        node("Softmax", ["logits"], ["shares"], axis=2),
    ]
    hidden, n_features = params["forward"]["r"].shape[0], params["forward"]["w"].shape[0]
    n_constants = params["dense1"]["w"].shape[0] - 2 * hidden
    n_spaces = params["out"]["b"].shape[0] // 2
    for layer in ("dense1", "dense2", "out"):
        weights |= {f"{layer}_{k}": np.asarray(params[layer][k], np.float32) for k in "wb"}
    weights |= {"flat": np.array([1, 2 * hidden], np.int64), "pairs": np.array([1, n_spaces, 2], np.int64)}

    def value(name, *shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        name,
        [value("steps", 1, n_steps, n_features), value("constants", 1, n_constants)],
        [value("shares", 1, n_spaces, 2)],
        [numpy_helper.from_array(np.ascontiguousarray(w), n) for n, w in weights.items()],
    )
    opsets = [helper.make_opsetid("", OPSET)] + ([helper.make_opsetid(CONTRIB, 1)] if int8 else [])
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="moodring")
    # The checker knows only ONNX's own operators.
    if not int8:
        onnx.checker.check_model(made)
    return made.SerializeToString()


def run(file, steps, constants):
    """onnxruntime's share of the first poles, [N, n_spaces], one window at a time as the crate does it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    feeds = ({"steps": s[None], "constants": c[None]} for s, c in zip(steps, constants))
    return np.stack([session.run(["shares"], feed)[0][0, :, 0] for feed in feeds])


def reference_input(n_steps, n_features, n_constants):
    """The input that both sides can make: already standardised, computed in f64 and rounded to f32 once."""
    t, f = np.arange(n_steps)[:, None], np.arange(n_features)[None, :]
    return np.sin(0.1 * t + 0.37 * f).astype(np.float32), np.cos(np.arange(n_constants)).astype(np.float32)


def compared(params, pool, n_steps, steps, constants, jax_shares, name="moodring"):
    """Both files, and how far they are from each other and from JAX on the given standardised windows."""
    f32, int8 = (model(params, pool, n_steps, quantise, name) for quantise in (False, True))
    by_f32, by_int8 = run(f32, steps, constants), run(int8, steps, constants)
    return f32, int8, {
        "windows": len(steps),
        "f32_from_jax_max": float(np.abs(by_f32 - jax_shares).max()),
        "int8_from_f32_max": float(np.abs(by_int8 - by_f32).max()),
        "int8_from_f32_mean": float(np.abs(by_int8 - by_f32).mean()),
        "decisions_flipped": int(np.sum((by_int8 > 0.5) != (by_f32 > 0.5))),
    }  # fmt: skip


def reference(f32, int8, n_steps, n_features, n_constants):
    """The card's record of what onnxruntime answers to `reference_input`."""
    steps, constants = reference_input(n_steps, n_features, n_constants)
    return {
        "input": "steps[t, f] = sin(0.1 t + 0.37 f), constants[i] = cos(i), both already standardised",
        "shares_int8": run(int8, steps[None], constants[None])[0].tolist(),
        "shares_f32": run(f32, steps[None], constants[None])[0].tolist(),
        "made_with": f"onnxruntime {onnxruntime.__version__}",
    }


def sha256(file):
    return hashlib.sha256(file).hexdigest()


def card_text(card):
    """JSON with one key a line and the long lists each on one line, so that a changed card reads well in a diff."""

    def rounded(value):
        if isinstance(value, float):
            return float(f"{value:.9g}")
        if isinstance(value, dict):
            return {k: rounded(v) for k, v in value.items()}
        return [rounded(v) for v in value] if isinstance(value, list) else value

    lines = (f"  {json.dumps(key)}: {json.dumps(rounded(value), ensure_ascii=False)}" for key, value in card.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"
