#!/usr/bin/env python3
"""From labelled music to a quantised, evaluated, documented model: what `cargo xtask train` runs.

  cargo xtask train --audio MUSIC --labels MUSIC.csv --out models/mine
  cargo xtask train --deam DEAM --space tense/relaxed:135 --out models/tense

--audio and --labels may be repeated, pair by pair, to fit one model to several collections. A labels file has the file name without
its ending first and then one of: valence_mean, valence_std, arousal_mean, arousal_std on scales of 1 to 9; the columns excited and joy, 0
or 1; or one row per rater and song with valence and arousal, 1 to 9. A label off its scale is refused; --scale names another one.
--deam takes the folder of the DEAM download as it comes.

The recipe is first judged by cross-validation over songs (--folds 0 skips it), then fitted to all songs. What is done is kept in
the work folder, and the same command goes on where it was stopped. It leaves, for --out models/mine:

  models/mine.onnx, mine.json    the model: int8 LSTM weights, and the card with features, scaling, label spaces, hash, doubt, results
  models/mine-cv.md, -cv.png     the cross-validation report, and its pictures: reliability, coverage, learning curve

The same seed, data and versions give the same weights on the same kind of processor. Two cores need minutes per fold; a GPU is used
where JAX finds one.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import card
import dataset
import deam
import export
import files
import fitting
import network
import report
import workers

# Windows on which the exported files are compared with JAX and each other.
COMPARED_WINDOWS = 2000
DEFAULT_SPACES = ("excited/calm:90", "joy/sad:0")


def arguments(argv):
    parser = argparse.ArgumentParser(
        prog="cargo xtask train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--audio", type=Path, action="append", default=[], metavar="DIR", help="a folder of music; --labels goes with it")
    add("--labels", type=Path, action="append", default=[], metavar="CSV", help="what listeners said of it")
    add("--scale", choices=("1..9", "-1..1", "0..1", "0..100"), help="the scale of those labels, as in --scale=-1..1 (default: 1..9 for "
        "ratings, 0..1 for shares of votes)")  # fmt: skip
    add("--deam", type=Path, metavar="DIR", help="the DEAM download as it comes: its exchanged columns are set right")
    add("--data", type=Path, nargs="+", default=[], metavar="F.npz", help="windows that `moodring-cli dataset` has written already")
    add("--out", type=Path, required=True, metavar="STEM", help="path of the files to write, without extension")
    add("--work", type=Path, metavar="DIR", help="where to keep what is done (default: target/train/NAME)")
    add("--cli", metavar="PATH", default="target/debug/moodring-cli", help=argparse.SUPPRESS)
    add("--target", type=Path, default=Path("target"), help=argparse.SUPPRESS)
    add("--space", action="append", metavar="FIRST/SECOND:DEGREES", help="a further label space: its poles and the direction of the "
        "first, counter-clockwise from positive valence; up to four in all")  # fmt: skip
    add("--only-spaces", action="store_true", help="just the spaces of --space, without excited/calm:90 and joy/sad:0")
    add("--only", nargs="+", default=(), metavar="PREFIX", help="use only the features, of steps and constant ones, whose names start "
        "so (default: all but those in dB re full scale, which follow the gain)")  # fmt: skip
    add("--songs", type=int, metavar="N", help="only N songs of each collection, for a quick look")
    add("--folds", type=int, default=10, help="folds of the cross-validation; 0 skips it (default 10)")
    add("--first-folds", type=int, metavar="N", help="run only the first N of the folds, for a quick look")
    add("--no-fit", action="store_true", help="cross-validate only; write no model")
    add("--heard", type=Path, nargs="+", default=[], metavar="F.npz", help="what a teacher heard in every song (embed.py)")
    add("--jobs", type=int, help="networks fitted at once (default: one per core)")
    add("--model-version", default="0.1.0", help="version written in the card (default 0.1.0)")
    add("--trained-on", metavar="TEXT", help="what the card says of the data (default: the number of songs)")
    add("--about", type=Path, metavar="JSON", help="paragraphs for the card: [{title, text}, …]")
    for field in dataclasses.fields(fitting.Settings):
        flag = "--" + field.name.replace("_", "-")
        if field.type in (bool, "bool"):
            add(flag, action=argparse.BooleanOptionalAction, default=field.default)
        else:
            add(flag, type=type(field.default), default=field.default, help=f"(default {field.default})")
    args = parser.parse_args(argv)
    if len(args.audio) != len(args.labels):
        parser.error("--audio and --labels go in pairs")
    if not (args.audio or args.deam or args.data):
        parser.error("give --audio and --labels, --deam, or --data")
    return args


def written(args, ending):
    """The path of a file that is written: a name with a dot in it, as `mine-1.2`, keeps all of it."""
    return args.out.with_name(args.out.name + ending)


def say(text):
    print(text, flush=True)


def run_cli(args, audio, labels, name, scale):
    """Windows of a collection, written once: again only if its labels, its files, how many of them, or the command have changed."""
    out = args.work / "windows" / f"{name}.npz"
    names = sorted(str(path.relative_to(audio)) for path in audio.rglob("*") if path.is_file())
    made_by = hashlib.sha256(Path(args.cli).read_bytes()).hexdigest()
    made_of = [names, labels.read_text(encoding="utf-8"), scale, args.songs, made_by]
    state = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()
    stamp = out.with_suffix(".made-of")
    if out.exists() and stamp.exists() and stamp.read_text() == state:
        say(f"{name}: its windows are in {out}")
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    # What another state left must not pass for this one's.
    out.unlink(missing_ok=True)
    command = [args.cli, "dataset", "--audio", str(audio), "--labels", str(labels), "--out", str(out)]
    if scale:
        command += [f"--scale={scale}"]
    if args.songs:
        command += ["--songs", str(args.songs)]
    say(f"{name}: reading {len(names)} files")
    # Some files that cannot be read are no reason to give up the others; the command says which.
    code = subprocess.run(command, check=False).returncode
    if not out.exists():
        raise SystemExit(f"moodring-cli dataset failed ({code})")
    stamp.write_text(state)
    return out


def collections(args):
    """The windows of everything that was asked for."""
    paths = list(args.data)
    pairs = [(audio, labels, args.scale) for audio, labels in zip(args.audio, args.labels)]
    if args.deam:
        pairs.append((*deam.prepared(args.deam, args.work, say), None))
    for (audio, labels, scale), name in zip(pairs, names_of([labels for _, labels, _ in pairs])):
        paths.append(run_cli(args, audio, labels, name, scale))
    return paths


def names_of(tables):
    """What collections are called by their labels files: no two alike, or one's windows would pass for the other's."""
    names = []
    for table in tables:
        name = table.parent.name if table.stem == "labels" else table.stem
        others = (f"{name}-{n}" for n in range(2, len(tables) + 2))
        names.append(name if name not in names else next(other for other in others if other not in names))
    return names


def spaces_of(args):
    texts = [] if args.only_spaces else list(DEFAULT_SPACES)
    texts += [text for text in args.space or () if text not in texts]
    try:
        spaces = [dataset.Space.parse(text) for text in texts]
    except ValueError as wrong:
        raise SystemExit(str(wrong)) from None
    if not 1 <= len(spaces) <= 4:
        raise SystemExit(f"{len(spaces)} label spaces, where 1 to 4 can be shown")
    return spaces


def cross_validate(args, settings, plan, windows, label):
    """Every song's leaning by networks that never saw it: {seconds heard or None: [N, n_spaces]}, and the learning curves."""
    fold = dataset.folds_by_song(windows, args.folds, settings.seed)
    found = {secs: np.full(label.shape, np.nan) for secs in (None, *windows.heard_secs)}
    wanted = range(min(args.first_folds or args.folds, args.folds))
    curves, started = [], time.monotonic()
    for k, done in workers.folds(plan, wanted, args.jobs, say):
        for secs, leaning in done["leaning"].items():
            found[secs][fold == k] = leaning
        curves.append(done["curve"])
        known = np.isfinite(found[None][:, 0])
        so_far = report.tables(windows.take(known), network.shares(found[None][known]), label[known], plan.spaces)
        line = "  ".join(f"{d} {s} {m['balanced_accuracy']:.3f}" for d, by in so_far.items() for s, m in by.items())
        say(f"fold {k + 1} of {args.folds}, {time.monotonic() - started:.0f} s in; so far {line}")
    return found, fold, curves


def public_command(args):
    """The command line as it can be published: no folders of this machine."""
    out = []
    for audio, labels in zip(args.audio, args.labels):
        out += ["--audio", f"{audio.parent.name}/{audio.name}", "--labels", f"{labels.parent.name}/{labels.name}"]
    if args.scale:
        out += [f"--scale={args.scale}"]
    if args.deam:
        out += ["--deam", args.deam.name]
    for flag in ("data", "heard"):
        if getattr(args, flag):
            out += [f"--{flag}", *(path.name for path in getattr(args, flag))]
    out += ["--out", f"models/{args.out.name}"]
    for space in args.space or ():
        out += ["--space", space]
    if args.only_spaces:
        out += ["--only-spaces"]
    if args.only:
        out += ["--only", *args.only]
    if args.folds != 10:
        out += ["--folds", str(args.folds)]
    for field in dataclasses.fields(fitting.Settings):
        value, flag = getattr(args, field.name), field.name.replace("_", "-")
        if value == field.default:
            continue
        out += [("--" if value else "--no-") + flag] if isinstance(value, bool) else [f"--{flag}", str(value)]
    return "cargo xtask train " + shlex.join(out)


def judge(args, settings, plan, windows, label):
    """Cross-validation, the calibration and the doubt that follow from it, and the report on it."""
    found, fold, curves = cross_validate(args, settings, plan, windows, label)
    known = np.isfinite(found[None][:, 0])
    seen = windows.take(known)
    leanings = {secs: x[known] for secs, x in found.items()}
    # Figures are of shares that were calibrated without the fold they are of; the model gets the calibration from all.
    calibrated = report.calibrated_by_fold(seen, leanings, label[known], fold[known])
    shares = {secs: network.shares(x) for secs, x in calibrated.items()}
    results = {
        "full": report.tables(seen, shares[None], label[known], plan.spaces),
        "provisional": {
            f"{secs:g} s": report.tables(seen, shares[secs], label[known], plan.spaces) for secs in seen.heard_secs
        },
        "calibration": report.calibration(seen, leanings[None], label[known]),
        "half_widths": report.ambiguous_half_widths(seen, shares[None], label[known]),
        "doubt": report.doubt(seen, shares, label[known]),
    }
    with files.growing(args.work / "predictions.npz") as file:
        np.savez(file, song=seen.song, label=label[known], **{f"share_{s}": x for s, x in shares.items()})
    text = report.document(results, public_command(args), settings, seen, shares[None], label[known], plan.spaces, args.folds)
    path = written(args, "-cv.md")
    files.write(path, text)
    import plots  # Brings matplotlib along, which takes seconds.

    plots.cross_validation(path.with_suffix(".png"), seen, shares[None], label[known], plan.spaces, curves)
    say(f"{report.markdown(results['full'])}\nwrote {path} and {path.with_suffix('.png')}")
    return results


def write_model(args, settings, plan, windows, fitted, machine, results):
    """Exports both forms, checks them against each other and JAX, and writes the files."""
    some = windows.take(np.linspace(0, len(windows) - 1, min(COMPARED_WINDOWS, len(windows))).astype(int))
    scaling = fitted[0].scaling
    steps, constants = scaling.steps(some.steps), scaling.constants(some.constants)
    slope, bias = results["calibration"] if results else (np.ones(len(plan.spaces)), np.zeros(len(plan.spaces)))
    raw = fitting.model_leaning(fitted, machine, some, settings)
    by_jax = network.shares(raw * slope + bias)
    f32, int8, apart = export.compared(fitted, machine, settings, slope, bias, steps, constants, by_jax, args.out.name)
    say(f"exported: {apart}")
    trained_on = args.trained_on or ", ".join(
        f"{len(set(windows.song[windows.set_name == n]))} songs of {n}" for n in sorted(set(windows.set_name))
    )
    about = json.loads(args.about.read_text(encoding="utf-8")) if args.about else []
    made = card.of(args.out.name, args.model_version, settings, plan, windows, scaling, int8, results, apart, trained_on, about)
    made["reference"] = export.reference(f32, int8, steps.shape[1:], constants.shape[1])
    files.write(written(args, ".onnx"), int8)
    files.write(written(args, ".json"), card.text(made))
    say(f"wrote {args.out}.onnx ({len(int8) / 1e6:.2f} MB; unquantised {len(f32) / 1e6:.2f} MB) and {args.out}.json")


def main(argv=None):
    args = arguments(argv)
    settings = fitting.Settings(**{f.name: getattr(args, f.name) for f in dataclasses.fields(fitting.Settings)})
    spaces = spaces_of(args)
    args.work = args.work or args.target / "train" / args.out.name
    read = [*args.labels, *args.data, *args.heard, *([args.about] if args.about else [])]
    files.spare(read, [written(args, ending) for ending in (".onnx", ".json", "-cv.md", "-cv.png")])
    files.spare(read, [args.work / "predictions.npz"])
    args.work.mkdir(parents=True, exist_ok=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.jobs = args.jobs or os.cpu_count() or 1
    plan = workers.Plan(
        data=collections(args), only=tuple(args.only), spaces=spaces, settings=settings, folds=args.folds, work=args.work,
        heard=args.heard,
    )  # fmt: skip
    windows, label = workers.labelled(plan)
    n_songs = len(set(windows.song))
    say(f"{len(windows)} labelled windows of {n_songs} songs, {windows.steps.shape[1:]} steps and features")
    if args.folds and n_songs < 2 * args.folds:
        raise SystemExit(f"{n_songs} songs are too few for {args.folds} folds; give --folds 0 or fewer folds")
    results = judge(args, settings, plan, windows, label) if args.folds else None
    if not args.no_fit:
        say("fitting to all songs")
        write_model(args, settings, plan, windows, *workers.final(plan, args.jobs, say), results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
