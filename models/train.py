#!/usr/bin/env python3
"""Fits Moodring's network to labelled windows and writes the model that the crate runs.

Three commands lead from audio to weights (moodring-cli writes the features, so that what is served is what was trained):

  moodring-cli dataset --audio DEAM/audio --labels DEAM/labels.csv --out deam.npz
  moodring-cli dataset --audio 4Q/audio --labels 4Q/labels.csv --out 4q.npz
  python models/train.py --data deam.npz 4q.npz --folds 10 --out models/moodring

The last one first judges the recipe by cross-validation over songs (--folds 0 skips it) and then fits once to all songs but a
small validation share (--no-fit skips that). It leaves, for --out models/moodring:

  models/moodring.onnx       int8 LSTM weights; this one ships
  models/moodring-f32.onnx   the same network unquantised, with --keep-f32
  models/moodring.json       the card: features, scaling, label spaces, hash, results, reference output
  models/moodring-cv.md      the cross-validation report

The same seed, data and versions give the same weights. Two cores need minutes per fold; JAX runs on the CPU.
"""

import argparse
import dataclasses
import json
import shlex
import sys
import time
from pathlib import Path

import numpy as np

import augment
import dataset
import export
import fitting
import report

SAMPLE_RATE_HZ = 22_050
HOP_SAMPLES = 512
WINDOW_SAMPLES = 2048
MEDIAN_LENGTH = 31
FRAMES_PER_STEP = 4
# Share of the songs, one in so many, that early stopping looks at.
VAL_ONE_IN = 10
# Seconds heard, for which provisional readings are judged too.
PROVISIONAL_SECS = (1, 3, 5)
# Windows on which the exported files are compared with JAX.
COMPARED_WINDOWS = 400

LICENCE = (
    "Fitted to annotations of DEAM (CC BY-NC) and 4Q (for research): the weights are for non-commercial use. "
    "The code around them is MIT OR Apache-2.0; fit your own weights to your own labels to be free of this."
)


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", nargs="+", required=True, metavar="F.npz", help="windows written by `moodring-cli dataset`")
    add("--out", type=Path, required=True, metavar="STEM", help="path of the files to write, without extension")
    add("--space", action="append", metavar="FIRST/SECOND:DEGREES", help="a label space: its poles and the direction of the "
        "first, counter-clockwise from positive valence; repeat it (default: excited/calm:90 joy/sad:0)")  # fmt: skip
    add("--only", nargs="+", default=(), metavar="PREFIX", help="use only the step features whose names start so")
    add("--folds", type=int, default=10, help="folds of the cross-validation; 0 skips it (default 10)")
    add("--first-folds", type=int, metavar="N", help="run only the first N of the folds, for a quick look")
    add("--no-fit", action="store_true", help="cross-validate only; write no model")
    add("--keep-f32", action="store_true", help="write the unquantised model too")
    add("--model-version", default="0.1.0", help="version written in the card (default 0.1.0)")
    for field in dataclasses.fields(fitting.Settings):
        flag = "--" + field.name.replace("_", "-")
        choices = ("mean", "last") if field.name == "pool" else None
        add(flag, type=type(field.default), default=field.default, choices=choices, help=f"(default {field.default})")
    return parser.parse_args(argv)


def say(text):
    print(text, flush=True)


def split_and_fit(windows, labels, rows, settings):
    """Fits to `rows` (a mask) but one song in `VAL_ONE_IN`, which early stopping uses."""
    inside = windows.take(rows)
    aside = dataset.folds_by_song(inside, VAL_ONE_IN, settings.seed + 1) == 0
    label = labels[rows]
    return fitting.fit(inside.take(~aside), label[~aside], inside.take(aside), label[aside], settings, say)


def steps_heard(secs):
    """Steps that a reading has when only the last `secs` have been heard."""
    return max(int(secs * SAMPLE_RATE_HZ / (HOP_SAMPLES * FRAMES_PER_STEP)), augment.MIN_TILED_STEPS)


def cross_validate(windows, labels, spaces, settings, n_folds, first_folds):
    """Predicts every song by a network that never saw it; tables for the full window and for provisional readings."""
    fold = dataset.folds_by_song(windows, n_folds, settings.seed)
    heard = {None: None} | {secs: steps_heard(secs) for secs in PROVISIONAL_SECS}
    share = {secs: np.full(labels.shape, np.nan) for secs in heard}
    epochs = []
    for k in range(first_folds or n_folds):
        started = time.monotonic()
        test = fold == k
        fitted = split_and_fit(windows, labels, ~test, settings)
        epochs.append(fitted.best_epoch)
        for secs, kept in heard.items():
            share[secs][test] = fitting.predicted(fitted, windows.take(test), settings, kept)
        done = np.isfinite(share[None][:, 0])
        found = report.tables(windows.set_name[done], windows.song[done], share[None][done], labels[done], spaces)
        so_far = "  ".join(f"{d} {s} {m['balanced_accuracy']:.3f}" for d, by in found.items() for s, m in by.items())
        say(f"fold {k + 1} of {n_folds}: {time.monotonic() - started:.0f} s; so far {so_far}")
    done = np.isfinite(share[None][:, 0])
    return {
        "full": report.tables(windows.set_name[done], windows.song[done], share[None][done], labels[done], spaces),
        "provisional": {
            f"{secs} s": report.tables(windows.set_name[done], windows.song[done], share[secs][done], labels[done], spaces)
            for secs in PROVISIONAL_SECS
        },
        "best_epochs": epochs,
    }


def cv_report(found, args, settings, windows):
    command = "python models/train.py " + shlex.join(public_arguments(args))
    songs = {str(n): len(set(windows.song[windows.set_name == n])) for n in sorted(set(windows.set_name))}
    parts = [
        "# Cross-validation",
        "",
        f"{args.first_folds or args.folds} of {args.folds} folds by song (no song in both halves of any split), "
        "predictions of all windows of a song averaged; ties left out.",
        f"Songs: {songs}; windows: {len(windows)}. Early stopping on one in {VAL_ONE_IN} of the training songs;"
        f" best epochs {found['best_epochs']}.",
        "",
        f"    {command}",
        "",
        f"Settings: {json.dumps(dataclasses.asdict(settings))}",
        "",
        "## The whole ten seconds",
        "",
        report.markdown(found["full"]),
    ]
    for secs, tables in found["provisional"].items():
        parts += ["", f"## Provisional: only the last {secs} heard", "", report.markdown(tables)]
    return "\n".join(parts) + "\n"


def public_arguments(args):
    """The command line as it can be published: data sets by file name, no folders of this machine."""
    out = ["--data", *(Path(p).name for p in args.data), "--out", f"models/{args.out.name}", "--folds", str(args.folds)]
    for space in args.space or ():
        out += ["--space", space]
    if args.only:
        out += ["--only", *args.only]
    for field in dataclasses.fields(fitting.Settings):
        if getattr(args, field.name) != field.default:
            out += ["--" + field.name.replace("_", "-"), str(getattr(args, field.name))]
    return out


def write_model(fitted, windows, spaces, settings, args, found):
    """Exports both forms, checks them against each other and JAX, and writes the files."""
    n_steps, n_features, n_constants = *windows.steps.shape[1:], windows.constants.shape[1]
    some = windows.take(np.linspace(0, len(windows) - 1, min(COMPARED_WINDOWS, len(windows))).astype(int))
    steps, constants = fitted.scaling.steps(some.steps), fitted.scaling.constants(some.constants)
    by_jax = fitting.predicted(fitted, some, settings)
    f32, int8, apart = export.compared(
        fitted.params, settings.pool, n_steps, steps, constants, by_jax, args.out.name
    )
    say(f"exported: {apart}")
    card = {
        "name": args.out.name,
        "version": args.model_version,
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "hop_samples": HOP_SAMPLES,
        "window_samples": WINDOW_SAMPLES,
        "median_length": MEDIAN_LENGTH,
        "frames_per_step": FRAMES_PER_STEP,
        "n_steps": n_steps,
        "spaces": [dataclasses.asdict(space) for space in spaces],
        "sha256": export.sha256(int8),
        "step_names": windows.step_names,
        "step_mean": fitted.scaling.step_mean.tolist(),
        "step_std": fitted.scaling.step_std.tolist(),
        "constant_names": windows.constant_names,
        "constant_mean": fitted.scaling.constant_mean.tolist(),
        "constant_std": fitted.scaling.constant_std.tolist(),
        "trained_on": ", ".join(
            f"{len(set(windows.song[windows.set_name == n]))} songs of {n}" for n in sorted(set(windows.set_name))
        ),
        "licence": LICENCE,
        "settings": dataclasses.asdict(settings) | {"best_epoch": fitted.best_epoch},
        "metrics": found["full"] if found else {},
        "quantisation": apart,
        "reference": export.reference(f32, int8, n_steps, n_features, n_constants),
    }
    args.out.with_suffix(".onnx").write_bytes(int8)
    args.out.with_suffix(".json").write_text(export.card_text(card), encoding="utf-8")
    if args.keep_f32:
        args.out.with_name(f"{args.out.name}-f32.onnx").write_bytes(f32)
    say(f"wrote {args.out}.onnx ({len(int8) / 1e6:.2f} MB; unquantised {len(f32) / 1e6:.2f} MB) and {args.out}.json")


def main(argv=None):
    args = arguments(argv)
    try:
        spaces = [dataset.Space.parse(text) for text in args.space or ("excited/calm:90", "joy/sad:0")]
    except ValueError as wrong:
        raise SystemExit(str(wrong)) from None
    settings = fitting.Settings(**{f.name: getattr(args, f.name) for f in dataclasses.fields(fitting.Settings)})
    windows = dataset.load(args.data, args.only)
    labels = dataset.soft_labels(windows.ratings, spaces)
    labelled = np.isfinite(labels).any(axis=1)
    windows, labels = windows.take(labelled), labels[labelled]
    say(f"{len(windows)} labelled windows of {len(set(windows.song))} songs, {windows.steps.shape[1:]} steps and features")
    args.out.parent.mkdir(parents=True, exist_ok=True)

    found = None
    if args.folds:
        found = cross_validate(windows, labels, spaces, settings, args.folds, args.first_folds)
        path = args.out.with_name(f"{args.out.name}-cv.md")
        path.write_text(cv_report(found, args, settings, windows), encoding="utf-8")
        say(f"{report.markdown(found['full'])}\nwrote {path}")
    if not args.no_fit:
        say("fitting to all songs")
        fitted = split_and_fit(windows, labels, np.ones(len(windows), bool), settings)
        write_model(fitted, windows, spaces, settings, args, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
