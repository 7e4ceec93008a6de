"""Fitted networks as one ONNX file, quantised and not."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import kernel
import network

OPSET = 17
# Opset of onnxruntime's own operators; DynamicQuantizeLSTM and DynamicQuantizeMatMul live there.
CONTRIB = "com.microsoft"
INT8_LIMIT = 127.0


def stacked(params, name):
    """A weight of both directions, [2, ...], forward first."""
    return np.stack([np.asarray(params[d][name], np.float32) for d in ("forward", "backward")])


def quantised(weight):
    """int8 weights [2, K, 4H] and a scale per output channel [2, 4H]; the zero points are 0."""
    scale = np.maximum(np.abs(weight).max(axis=1), 1e-8) / INT8_LIMIT
    return np.clip(np.round(weight / scale[:, None, :]), -INT8_LIMIT, INT8_LIMIT).astype(np.int8), scale.astype(np.float32)


class Graph:
    """Nodes and weights as they are added; every value is named after the node that makes it."""

    def __init__(self):
        self.nodes, self.weights = [], {}

    def add(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def weight(self, name, value):
        self.weights[name] = np.ascontiguousarray(value)
        return name

    def shape(self, name, *dims):
        return self.weight(name, np.array(dims, np.int64))

    def dense(self, x, layer, name):
        w = self.weight(f"{name}_w", np.asarray(layer["w"], np.float32))
        b = self.weight(f"{name}_b", np.asarray(layer["b"], np.float32))
        return self.add("Gemm", [x, w, b], name)


def lstm(graph, params, name, int8, n_steps):
    """The bidirectional LSTM over `by_time` [T, 1, F], its outputs averaged over time by `step_weights`: [1, 2H]."""
    hidden = params["forward"]["r"].shape[0]
    # ONNX adds an input and a recurrent bias; ours is one.
    bias = stacked(params, "b")
    bias = graph.weight(f"{name}_bias", np.concatenate([bias, np.zeros_like(bias)], axis=1))
    shared = {"hidden_size": hidden, "direction": "bidirectional"}
    if int8:
        inputs = ["by_time"]
        scales = []
        for weight in "wr":
            whole, scale = quantised(stacked(params, weight))
            inputs.append(graph.weight(f"{name}_{weight}", whole))
            scales.append(graph.weight(f"{name}_{weight}_scale", scale))
            scales.append(graph.weight(f"{name}_{weight}_zero", np.zeros((2, 4 * hidden), np.int8)))
        inputs += [bias, "", "", "", "", *scales]
        graph.add("DynamicQuantizeLSTM", inputs, name, domain=CONTRIB, **shared)
    else:
        # The plain operator keeps its weights the other way round.
        weights = [graph.weight(f"{name}_{weight}", stacked(params, weight).swapaxes(1, 2)) for weight in "wr"]
        graph.add("LSTM", ["by_time", *weights, bias], name, **shared)
    rows = graph.add("Reshape", [name, graph.shape(f"{name}_flat", n_steps, 2 * hidden)], f"{name}_rows")
    return graph.add("MatMul", ["step_weights", rows], f"{name}_vector")


def statistics(graph, n_steps, n_features, recency):
    """Mean, deviation and mean change of every feature of `steps`, weighted: network.statistics, [1, 3F]."""
    rows = graph.add("Reshape", ["steps", graph.shape("rows_shape", n_steps, n_features)], "rows")
    mean = graph.add("MatMul", ["step_weights", rows], "mean")
    square_mean = graph.add("MatMul", ["step_weights", graph.add("Mul", [rows, rows], "square")], "square_mean")
    variance = graph.add("Sub", [square_mean, graph.add("Mul", [mean, mean], "mean_square")], "variance")
    floor = graph.weight("variance_floor", np.array(network.VARIANCE_FLOOR, np.float32))
    deviation = graph.add("Sqrt", [graph.add("Max", [variance, floor], "floored")], "deviation")
    ends = {"first": 0, "second": 1, "last": n_steps, "last_but_one": n_steps - 1, "axis": 0}
    at = {name: graph.shape(f"at_{name}", value) for name, value in ends.items()}
    later = graph.add("Slice", [rows, at["second"], at["last"], at["axis"]], "later")
    earlier = graph.add("Slice", [rows, at["first"], at["last_but_one"], at["axis"]], "earlier")
    change = graph.add("Abs", [graph.add("Sub", [later, earlier], "difference")], "change")
    change_weights = graph.weight("change_weights", network.step_weights(n_steps - 1, recency)[None])
    change_mean = graph.add("MatMul", [change_weights, change], "change_mean")
    return graph.add("Concat", [mean, deviation, change_mean], "statistics", axis=1)


def quantised_dense(graph, x, layer, name):
    """A dense layer with int8 weights, a scale per output channel, its input quantised anew every time."""
    whole, scale = quantised(np.asarray(layer["w"], np.float32)[None])
    w = graph.weight(f"{name}_w", whole[0])
    scale = graph.weight(f"{name}_w_scale", scale[0])
    zero = graph.weight(f"{name}_w_zero", np.zeros(whole.shape[2], np.int8))
    b = graph.weight(f"{name}_b", np.asarray(layer["b"], np.float32))
    return graph.add("DynamicQuantizeMatMul", [x, w, scale, zero, b], name, domain=CONTRIB)


def kernel_machine(graph, machine, statistics, slope, part, int8):
    """The machine's logits [1, 2·n_spaces], the second pole's 0, times `slope` and its `part` in the model: kernel.leaning."""
    u = graph.add("Concat", [statistics, "constants"], "machine_joined", axis=1)
    u = graph.add("Sub", [u, graph.weight("machine_mean", machine.mean[None].astype(np.float32))], "machine_centred")
    u = graph.add("Div", [u, graph.weight("machine_deviation", machine.deviation[None].astype(np.float32))], "machine_input")
    # −width·|u − v|² = 2·width·u·v − width·|v|² − width·|u|²
    crossed = {"w": 2 * machine.width * machine.vectors.T, "b": -machine.width * np.square(machine.vectors).sum(axis=1)}
    dense = quantised_dense if int8 else Graph.dense
    crossed = dense(graph, u, crossed, "machine_crossed")
    square = graph.add("Mul", [u, u], "machine_square")
    length = graph.add("ReduceSum", [square, graph.shape("machine_axis", 1)], "machine_length", keepdims=1)
    width = graph.weight("machine_width", np.array([[machine.width]], np.float32))
    length = graph.add("Mul", [length, width], "machine_scaled")
    near = graph.add("Exp", [graph.add("Sub", [crossed, length], "machine_log")], "machine_near")
    scale = kernel.LEANING_OF_SHARE * part * np.asarray(slope)
    n_spaces = len(machine.bias)
    out = {"w": np.zeros((len(machine.vectors), 2 * n_spaces)), "b": np.zeros(2 * n_spaces)}
    out["w"][:, ::2], out["b"][::2] = machine.weights * scale, (machine.bias - 0.5) * scale
    return graph.dense(near, out, "machine_out")


def model(fitted, machine, settings, slope, bias, int8, name, n_steps):
    """steps [1, T, F] and constants [1, C], both standardised, to shares [1, n_spaces, 2], first pole first.

    The logits of all members are averaged, and with the kernel machine's where there is one; so that shares are calibrated, their
    difference d becomes slope·d + bias.
    """
    graph = Graph()
    graph.add("Transpose", ["steps"], "by_time", perm=[1, 0, 2])
    graph.weight("step_weights", network.step_weights(n_steps, settings.recency)[None])
    n_features = fitted[0].params["forward"]["w"].shape[0]
    shared = [statistics(graph, n_steps, n_features, settings.recency)] if settings.statistics else []
    sums, part = [], 1.0 if machine is None else 0.5
    dense = quantised_dense if int8 else Graph.dense
    for m, one in enumerate(fitted):
        params, at = one.params, f"member{m}"
        vector = lstm(graph, params, f"{at}_lstm", int8, n_steps)
        x = graph.add("Concat", [vector, *shared, "constants"], f"{at}_joined", axis=1)
        for i in range(settings.layers):
            x = dense(graph, x, params[f"dense{i + 1}"], f"{at}_dense{i + 1}")
            x = graph.add("Relu", [x], f"{at}_relu{i + 1}")
        sums.append(graph.dense(x, calibrated(params["out"], part * slope, bias, len(fitted)), f"{at}_out"))
    if machine is not None:
        sums.append(kernel_machine(graph, machine, shared[0], slope, part, int8))
    total = graph.add("Sum", sums, "total") if len(sums) > 1 else sums[0]
    first = fitted[0].params
    n_spaces = first["out"]["b"].shape[0] // 2
    graph.add("Reshape", [total, graph.shape("pairs", 1, n_spaces, 2)], "logits")
    graph.add("Softmax", ["logits"], "shares", axis=2)

    n_constants = len(fitted[0].scaling.constant_mean)

    def value(name, *shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    made = helper.make_graph(
        graph.nodes,
        name,
        [value("steps", 1, n_steps, n_features), value("constants", 1, n_constants)],
        [value("shares", 1, n_spaces, 2)],
        [numpy_helper.from_array(w, n) for n, w in graph.weights.items()],
    )
    opsets = [helper.make_opsetid("", OPSET)] + ([helper.make_opsetid(CONTRIB, 1)] if int8 else [])
    made = helper.make_model(made, opset_imports=opsets, ir_version=8, producer_name="moodring")
    # The checker knows only ONNX's own operators.
    if not int8:
        onnx.checker.check_model(made)
    return made.SerializeToString()


def calibrated(out, slope, bias, n_members):
    """The last layer of one of several members, whose logits will be summed; the bias goes to the first poles."""
    w, b = np.asarray(out["w"], np.float32), np.asarray(out["b"], np.float32)
    both = np.repeat(np.asarray(slope, np.float32), 2)
    first = np.stack([np.asarray(bias, np.float32), np.zeros_like(slope, np.float32)], axis=1).reshape(-1)
    return {"w": w * both / n_members, "b": (b * both + first) / n_members}


def run(file, steps, constants):
    """onnxruntime's share of the first poles, [N, n_spaces], one window at a time as the crate does it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # Without VNNI its products of int8 saturate in int16 unless it is told otherwise; the crate's kernels never do.
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    feeds = ({"steps": s[None], "constants": c[None]} for s, c in zip(steps, constants))
    return np.stack([session.run(["shares"], feed)[0][0, :, 0] for feed in feeds])


def reference_input(n_steps, n_features, n_constants):
    """The input that both sides can make: already standardised, computed in f64 and rounded to f32 once."""
    t, f = np.arange(n_steps)[:, None], np.arange(n_features)[None, :]
    return np.sin(0.1 * t + 0.37 * f).astype(np.float32), np.cos(np.arange(n_constants)).astype(np.float32)


def compared(fitted, machine, settings, slope, bias, steps, constants, jax_shares, name="moodring"):
    """Both files, and how far they are from each other and from JAX on the given standardised windows."""
    f32, int8 = (
        model(fitted, machine, settings, slope, bias, quantise, name, steps.shape[1]) for quantise in (False, True)
    )
    by_f32, by_int8 = run(f32, steps, constants), run(int8, steps, constants)
    return f32, int8, {
        "windows": len(steps),
        "f32_from_jax_max": float(np.abs(by_f32 - jax_shares).max()),
        "int8_from_f32_max": float(np.abs(by_int8 - by_f32).max()),
        "int8_from_f32_mean": float(np.abs(by_int8 - by_f32).mean()),
        "decisions": int(by_int8.size),
        "decisions_flipped": int(np.sum((by_int8 > 0.5) != (by_f32 > 0.5))),
        "bytes_int8": len(int8),
        "bytes_f32": len(f32),
    }  # fmt: skip


def reference(f32, int8, shape, n_constants):
    """The card's record of what onnxruntime answers to `reference_input`."""
    steps, constants = reference_input(*shape, n_constants)
    return {
        "input": "steps[t, f] = sin(0.1 t + 0.37 f), constants[i] = cos(i), both already standardised",
        "shares_int8": run(int8, steps[None], constants[None])[0].tolist(),
        "shares_f32": run(f32, steps[None], constants[None])[0].tolist(),
        "made_with": f"onnxruntime {onnxruntime.__version__}",
    }
