#!/usr/bin/env python3
"""What the analysis costs beside its peers, on the same music in one run: what `cargo xtask peers` runs.

  cargo xtask peers                      # writes docs/performance.md
  cargo xtask peers song.wav --out -     # of your own music, to the terminal

Peers are librosa, which computes a window as a whole, Essentia, which goes frame by frame as we do, and onnxruntime, which runs the
networks' files. All run on one thread. Machines are shared and noisy: rounds of all of them take turns, and ratios are of medians.
"""

import os

# Before anything that starts threads.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import json
import platform
import statistics
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import essentia
import essentia.standard as es
import librosa
import numpy as np
import onnx
import onnxruntime
import soundfile
from onnx import helper, numpy_helper

RATE_HZ, WINDOW, HOP = 22_050, 2048, 512
WINDOW_SECS = 10
FRAMES_PER_READING = 8
ROUNDS = 5
MODELS = Path(__file__).parent.parent / "models"


def arguments(argv=None):
    parser = argparse.ArgumentParser(
        prog="cargo xtask peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("audio", type=Path, help="music of at least 20 s")
    parser.add_argument("--out", default="docs/performance.md", metavar="MD", help="where to write; - for the terminal (default %(default)s)")
    parser.add_argument("--long", action="store_true", help="also sessions of 10 s to 10 h: minutes")
    parser.add_argument("--many", type=Path, metavar="JSON", help=argparse.SUPPRESS)
    parser.add_argument("--cli", required=True, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def took(call, times=1):
    """Microseconds of one call."""
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times * 1e6


def librosa_window(x):
    """The features of a whole window, as one would write them with librosa."""
    magnitude = np.abs(librosa.stft(x, n_fft=WINDOW, hop_length=HOP, center=False))
    harmonic, percussive = librosa.decompose.hpss(magnitude, kernel_size=31, power=np.inf, mask=True)
    for mask in (harmonic, percussive):
        power = (magnitude * mask) ** 2
        librosa.feature.chroma_stft(S=power, sr=RATE_HZ, n_fft=WINDOW, tuning=0.0)
        mel = librosa.power_to_db(librosa.feature.melspectrogram(S=power, sr=RATE_HZ, n_mels=40))
        onset = librosa.onset.onset_strength(S=mel, sr=RATE_HZ)
        librosa.feature.tempo(onset_envelope=onset, sr=RATE_HZ, hop_length=HOP)
    librosa.feature.spectral_contrast(S=magnitude, sr=RATE_HZ, fmin=150, n_bands=6)
    librosa.feature.rms(y=x, frame_length=WINDOW, hop_length=HOP, center=False)


class EssentiaFrame:
    """The stages that Essentia has too, for one frame: it has no harmonic and percussive separation."""

    def __init__(self):
        self.window = es.Windowing(type="hann", normalized=False)
        self.spectrum = es.Spectrum(size=WINDOW)
        self.peaks = es.SpectralPeaks(sampleRate=RATE_HZ, maxFrequency=5000)
        self.hpcp = es.HPCP(sampleRate=RATE_HZ)
        self.mel = es.MelBands(inputSize=WINDOW // 2 + 1, numberBands=40, sampleRate=RATE_HZ, highFrequencyBound=RATE_HZ / 2)
        self.contrast = es.SpectralContrast(frameSize=WINDOW, sampleRate=RATE_HZ, highFrequencyBound=RATE_HZ / 2.2)
        self.crest = es.Crest()
        self.onset = es.Flux()

    def __call__(self, frame):
        spectrum = self.spectrum(self.window(frame))
        self.hpcp(*self.peaks(spectrum))
        self.mel(spectrum)
        self.contrast(spectrum)
        self.crest(np.abs(frame))
        self.onset(spectrum)


def widened(model):
    """The network with f32 weights: each quantised operator in its plain form."""
    weights = {w.name: numpy_helper.to_array(w) for w in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        x, kind = node.input[0], node.op_type
        if kind == "DynamicQuantizeLSTM":
            w, r = (weights[node.input[i]] * weights[node.input[i + 7 if i == 1 else 10]][:, None] for i in (1, 2))
            names = [f"{node.name}_{part}_float" for part in "wr"]
            weights |= {name: np.ascontiguousarray(m.swapaxes(1, 2), np.float32) for name, m in zip(names, (w, r))}
            hidden = next(a.i for a in node.attribute if a.name == "hidden_size")
            node = helper.make_node(
                "LSTM", [x, *names, node.input[3]], list(node.output), name=node.name, hidden_size=hidden, direction="bidirectional"
            )
        elif kind == "DynamicQuantizeMatMul":
            name = f"{node.name}_float"
            weights[name] = (weights[node.input[1]] * weights[node.input[2]]).astype(np.float32)
            node = helper.make_node("Gemm", [x, name, node.input[4]], list(node.output), name=node.name)
        nodes.append(node)
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes, "widened", model.graph.input, model.graph.output,
        [numpy_helper.from_array(w, name) for name, w in weights.items() if name in used],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def onnxruntime_run(file):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    feed = {i.name: rng.standard_normal(i.shape).astype(np.float32) for i in session.get_inputs()}
    return lambda: session.run(None, feed)


def ours(args, *options):
    command = [args.cli, "bench", str(args.audio), "--json", *options]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def processor():
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def measured(args):
    """Medians over rounds in which all take turns, microseconds."""
    x, rate_hz = soundfile.read(args.audio, dtype="float32", always_2d=True)
    x = librosa.resample(x.mean(axis=1), orig_sr=rate_hz, target_sr=RATE_HZ)[: 30 * RATE_HZ]
    window = x[: WINDOW_SECS * RATE_HZ]
    frames = [np.ascontiguousarray(x[at : at + WINDOW]) for at in range(0, len(x) - WINDOW, HOP)]
    frame = EssentiaFrame()
    calls = {"librosa": lambda: librosa_window(window), "essentia": lambda: [frame(f) for f in frames]}
    for name in ("moodring", "paper"):
        int8 = (MODELS / f"{name}.onnx").read_bytes()
        f32 = widened(onnx.load_from_string(int8)).SerializeToString()
        calls[f"{name} int8"] = onnxruntime_run(int8)
        calls[f"{name} f32"] = onnxruntime_run(f32)
    for call in calls.values():
        call()
    rounds = {name: [] for name in calls}
    mine, paper = [], []
    for i in range(ROUNDS):
        print(f"round {i + 1} of {ROUNDS}", flush=True)
        for name, call in calls.items():
            rounds[name].append(took(call, 1 if name in ("librosa", "essentia") else 200))
        mine.append(ours(args))
        paper.append(ours(args, "--model", str(MODELS / "paper.onnx")))
    peers = {name: statistics.median(values) for name, values in rounds.items()}
    peers["essentia"] /= len(frames)
    return peers, mine, paper


def median_of(runs, *path):
    def one(run):
        for key in path:
            run = run[key]
        return run["median"] if isinstance(run, dict) else run

    return statistics.median(one(run) for run in runs)


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows), ""])


def us(value):
    return f"{value:,.0f} µs" if value >= 100 else f"{value:.1f} µs"


def document(args, peers, mine, paper):
    frame, features = median_of(mine, "frame_us", "all"), median_of(mine, "reading_us", "features")
    inference, of_paper = median_of(mine, "reading_us", "inference"), median_of(paper, "reading_us", "inference")
    update = FRAMES_PER_READING * frame + features + inference
    shared = ("stft", "chroma", "mel", "contrast", "crest")
    stages = {name: median_of(mine, "frame_us", name) for name in mine[0]["frame_us"]}
    end, machine = mine[-1]["end_to_end"], mine[-1]["machine"]
    parts = [
        "# Performance", "",
        f"Written by `cargo xtask peers{' --long' if args.long else ''}`, which anyone can run again. "
        f"Machine: {processor()}, {machine['cores']} cores, {platform.system()}, int8 kernels {', '.join(machine['int8_kernels'])}. "
        f"Versions: moodring {mine[0]['version']} (the build that ships), model {mine[0]['model']['name']} {mine[0]['model']['version']}, "
        f"librosa {version('librosa')}, Essentia {essentia.__version__}, onnxruntime {onnxruntime.__version__}, "
        f"Python {platform.python_version()}. "
        f"Music: {args.audio.name}. One thread each; medians of {ROUNDS} rounds in which all took turns. Trust the ratios more than the times: "
        "the machine was shared.",
        "", "## A frame", "",
        f"Everything from samples at the host's rate to the features of a frame, every {1000 * HOP / RATE_HZ:.1f} ms of music.", "",
        table(["stage", "cost"], [[name, us(cost)] for name, cost in stages.items()]),
        f"The medians along time and frequency cost {us(stages['median along frequency'] + stages['median along time'])} together.", "",
        "## An update, beside librosa", "",
        "librosa computes a window of ten seconds as a whole, so what is new costs as much as what is known.", "",
        table(
            ["", "cost", "librosa costs"],
            [
                ["librosa, a window: separation, chroma, mel, onset, tempo of both parts, contrast", us(peers["librosa"]), "–"],
                ["one frame more of ours", us(frame), f"**{peers['librosa'] / frame:,.0f}** times that"],
                [f"one reading more of ours: {FRAMES_PER_READING} frames, features of the window, network", us(update), f"{peers['librosa'] / update:,.0f} times that"],
            ],
        ),
        "## A frame, beside Essentia", "",
        "Only what both have: spectrum, chroma, mel bands, contrast, crest; of ours without separation. Essentia's chroma is HPCP of spectral peaks, "
        "and its algorithms are called from Python, about a microsecond each.", "",
        table(
            ["", "cost"],
            [
                ["Essentia", us(peers["essentia"])],
                ["ours", us(sum(stages[name] for name in shared))],
                ["ratio", f"**{peers['essentia'] / sum(stages[name] for name in shared):.1f}**"],
            ],
        ),
        "## The networks, beside onnxruntime", "",
        "The same files, one thread; f32 is the same network with its weights widened. Ours includes averaging and standardising the features.", "",
        table(
            ["", "ours, int8", "onnxruntime int8", "ratio", "onnxruntime f32", "ratio"],
            [
                [name, us(own), us(peers[f"{name} int8"]), f"**{peers[f'{name} int8'] / own:.2f}**", us(peers[f"{name} f32"]), f"{peers[f'{name} f32'] / own:.2f}"]
                for name, own in (("moodring", inference), ("paper", of_paper))
            ],
        ),
        "The paper's Bi-LSTM alone, 12 → 2 × 512 over 54 steps, by kernel:", "",
        table(["kernel", "cost"], [[name, us(median_of(mine, "lstm_us", name))] for name in mine[0]["lstm_us"]]),
        "## End to end", "",
        table(
            ["", ""],
            [
                ["readings at all times", f"{median_of(mine, 'end_to_end', 'times_real_time'):.0f} times real time on one core"],
                ["one reading a second", f"{median_of(mine, 'end_to_end', 'times_real_time_at_one_reading_a_second'):.0f} times real time on one core"],
                ["allocator calls from samples to readings, warm", f"{max(run['allocations']['calls'] for run in mine)} in {mine[0]['allocations']['readings']} readings"],
                ["audio thread, a block of 64 stereo samples", "median {median_ns:.0f} ns, 99.99 % under {p9999_ns:.0f} ns, at most {most_ns:.0f} ns".format(**mine[-1]["audio_thread"])],
                ["loading the model, once per process", f"{median_of(mine, 'model', 'load_ms'):.0f} ms"],
                ["starting one more instance", f"{median_of(mine, 'instance', 'start_ms'):.2f} ms"],
                ["heap of one more instance", f"{mine[0]['instance']['bytes'] / 1e6:.1f} MB"],
            ],
        ),
    ]  # fmt: skip
    if args.long:
        rows = ours(args, "--long")["sessions"]
        parts += [
            "## Sessions", "", "All readings; the cost grows with the length alone, and the memory not at all.", "",
            table(
                ["music", "work", "per second of music", "heap grown"],
                [[f"{row['secs']:,.0f} s", f"{row['work_secs']:.2f} s", us(row["us_per_second"]), f"{row['bytes_grown']} bytes"] for row in rows],
            ),
        ]  # fmt: skip
    if args.many:
        found = json.loads(args.many.read_text())
        parts += [
            "## Many", "",
            f"{found['instances']} instances of the bundled CLAP, as the tests build it, in one host, stereo at 48 kHz in blocks of 512, live for {found['seconds']:.0f} s, each with "
            "a file of readings (`cargo test --test many -- --nocapture`):", "",
            table(
                ["", ""],
                [
                    ["samples lost", "0, or the test fails"],
                    ["readings of each", f"{found['readings_fewest']} to {found['readings_most']}"],
                    ["one block of all of them on the audio thread", f"median {us(found['block_us_median_all'])}, most {us(found['block_us_most_all'])}; {found['blocks_late']} over the block's 10.7 ms"],
                    ["scan: load the bundle and make an instance", f"{found['scan_ms']:.1f} ms"],
                    ["one more instance", f"made in {found['creation_ms_median']:.2f} ms, active in {found['activation_ms']:.2f} ms"],
                    ["memory of one more instance", f"{found['bytes_per_further_instance'] / 1e6:.1f} MB"],
                    ["closing all", f"{found['closing_ms']:.0f} ms, no thread left"],
                ],
            ),
        ]  # fmt: skip
    return "\n".join(parts).rstrip() + "\n"


def main():
    args = arguments()
    essentia.log.infoActive = False
    text = document(args, *measured(args))
    if args.out == "-":
        print(text)
    else:
        Path(args.out).write_text(text, encoding="utf-8")
        print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
