"""The card that travels with a model's weights."""

import dataclasses
import hashlib
import json

SAMPLE_RATE_HZ = 22_050
HOP_SAMPLES = 512
WINDOW_SAMPLES = 2048
MEDIAN_LENGTH = 31
FRAMES_PER_STEP = 4
STEP_SECS = FRAMES_PER_STEP * HOP_SAMPLES / SAMPLE_RATE_HZ


def of(name, version, settings, plan, windows, scaling, onnx, results, quantisation, trained_on, about):
    """The card as a dictionary; `results` of the cross-validation may be None, and then the card states no doubt."""
    spaces = [dataclasses.asdict(space) for space in plan.spaces]
    if results:
        for space, half_width in zip(spaces, results["half_widths"]):
            space["ambiguous_half_width"] = float(half_width)
    return {
        "name": name,
        "version": version,
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "hop_samples": HOP_SAMPLES,
        "window_samples": WINDOW_SAMPLES,
        "median_length": MEDIAN_LENGTH,
        "frames_per_step": FRAMES_PER_STEP * settings.coarseness,
        "n_steps": windows.steps.shape[1],
        "spaces": spaces,
        "doubt": results["doubt"] if results else [],
        "sha256": hashlib.sha256(onnx).hexdigest(),
        "trained_on": trained_on,
        "about": [*about, *results_paragraph(results)],
        "step_names": windows.step_names,
        "step_mean": scaling.step_mean.tolist(),
        "step_std": scaling.step_std.tolist(),
        "constant_names": windows.constant_names,
        "constant_mean": scaling.constant_mean.tolist(),
        "constant_std": scaling.constant_std.tolist(),
        "settings": dataclasses.asdict(settings),
        "metrics": results["full"] if results else {},
        "quantisation": quantisation,
    }


def results_paragraph(results):
    """The figures for people who will not look them up."""
    if not results:
        return []
    told = [
        f"{name}, {space}: {m['balanced_accuracy']:.3f} of {m['songs']} songs (95 %: {m['interval_95'][0]:.3f} to {m['interval_95'][1]:.3f})"
        for name, spaces in results["full"].items()
        for space, m in spaces.items()
    ]
    text = f"Balanced accuracy on songs never heard, where guessing has .500. {'; '.join(told)}."
    return [{"title": "Results", "text": text}]


def text(card):
    """JSON with one key a line and the long lists each on one line, so that a changed card reads well in a diff."""

    def rounded(value):
        if isinstance(value, float):
            return float(f"{value:.9g}")
        if isinstance(value, dict):
            return {k: rounded(v) for k, v in value.items()}
        return [rounded(v) for v in value] if isinstance(value, (list, tuple)) else value

    lines = (f"  {json.dumps(key)}: {json.dumps(rounded(value), ensure_ascii=False)}" for key, value in card.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"
