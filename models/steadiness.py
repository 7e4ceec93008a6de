#!/usr/bin/env python3
"""How steady a model's readings are: what `cargo xtask steadiness` runs.

  cargo xtask steadiness --audio DEAM/audio --out models/moodring-steadiness.md

Takes clips of ten seconds, spread evenly over a folder, changes each in ways that leave its mood alone, and lets `moodring-cli analyse`
read both: gain, loudness, host rate, mp3, stereo against mono, a loop of two minutes; and splices a calm clip to an excited one and
back, to see how long the verdict takes to follow. Resampling is soxr's, loudness pyloudnorm's (ITU-R BS.1770), mp3 LAME's.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import librosa
import numpy as np
import pyloudnorm
import soundfile
from pedalboard.io import AudioFile

from files import audio as audio_in
from files import spare
from files import write as write_whole

CLIP_SECS, LOOP_SECS = 10, 120
BASE_HZ = 44_100
OTHER_HZ = (48_000, 88_200, 96_000, 176_400, 192_000)
# A splice is heard for so long on each side.
SPLICE_SECS = 15
# Clips count as clearly calm or excited beyond these shares.
CLEAR = (0.3, 0.7)


def analysed(cli, model, files, every):
    """{file: (readings, summary)} of the command line."""
    command = [cli, "analyse", *map(str, files), "--every", str(every), *(["--model", str(model)] if model else [])]
    rows = [json.loads(line) for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()]
    found = {file: ([], None) for file in files}
    for row in rows:
        readings, _ = found[Path(row["file"])]
        if row.get("summary"):
            found[Path(row["file"])] = (readings, row)
        else:
            readings.append(row)
    return found


def write(path, y, rate_hz):
    soundfile.write(path, y, rate_hz, subtype="FLOAT")
    return path


def at_loudness(y, lufs):
    return y * 10 ** ((lufs - pyloudnorm.Meter(BASE_HZ).integrated_loudness(y)) / 20)


def stereo(y):
    """A wide mix whose mono sum is `y`: a delayed copy, 9 dB softer, with opposite signs on both sides."""
    delay = int(0.012 * BASE_HZ)
    side = 0.35 * np.concatenate([np.zeros(delay), y[:-delay]])
    return np.stack([y + side, y - side], axis=1)


def mp3(path, y):
    with AudioFile(str(path), "w", samplerate=BASE_HZ, num_channels=y.shape[1], quality=128) as file:
        file.write(y.T.astype(np.float32))
    return path


def variants(folder, n, clip):
    """{name: file} of one clip, unchanged first."""
    def out(name):
        return folder / f"{n:03d}-{name}.wav"

    files = {"as it is": write(out("base"), clip, BASE_HZ)}
    files["−12 dB"] = write(out("softer"), clip * 10 ** (-12 / 20), BASE_HZ)
    files["+12 dB"] = write(out("louder"), clip * 10 ** (12 / 20), BASE_HZ)
    files["−30 LUFS"] = write(out("quiet"), at_loudness(clip, -30), BASE_HZ)
    files["−9 LUFS"] = write(out("loud"), at_loudness(clip, -9), BASE_HZ)
    for rate_hz in OTHER_HZ:
        resampled = librosa.resample(clip, orig_sr=BASE_HZ, target_sr=rate_hz, res_type="soxr_vhq")
        files[f"{rate_hz / 1000:g} kHz"] = write(out(str(rate_hz)), resampled, rate_hz)
    wide = stereo(clip)
    files["stereo"] = write(out("stereo"), wide, BASE_HZ)
    files["mp3, 128 kbit/s"] = mp3(folder / f"{n:03d}-mp3.mp3", 0.5 * wide)
    return files


# What is compared with what, and how far they may be apart on average.
COMPARED = (
    ("−12 dB", "as it is", 0.03),
    ("+12 dB", "as it is", 0.03),
    ("−30 LUFS", "−9 LUFS", 0.03),
    *((f"{rate_hz / 1000:g} kHz", "as it is", 0.01) for rate_hz in OTHER_HZ),
    ("stereo", "as it is", 0.02),
    ("mp3, 128 kbit/s", "stereo", 0.02),
)


def change_table(shares, spaces):
    """Mean and largest change of each space's share, as Markdown."""
    lines = ["| change | against | allowed mean | " + " | ".join(f"{s}: mean | {s}: largest" for s in spaces) + " |"]
    lines.append("|" + "---|" * (3 + 2 * len(spaces)))
    for one, other, allowed in COMPARED:
        apart = np.abs(shares[one] - shares[other])
        cells = " | ".join(f"{apart[:, s].mean():.4f} | {apart[:, s].max():.3f}" for s in range(len(spaces)))
        lines.append(f"| {one} | {other} | {allowed} | {cells} |")
    return "\n".join(lines)


def verdict(row, space):
    """The winner, or None where the reading is ambiguous."""
    return None if row[f"{space}_ambiguous"] else row[space] > 0.5


def loops(args, folder, clips, spaces):
    """Of loops of two minutes: how many ever changed sides, and how far the share moved."""
    files = [write(folder / f"loop{n:03d}.wav", np.tile(clip, LOOP_SECS // CLIP_SECS), BASE_HZ) for n, clip in enumerate(clips)]
    found = analysed(args.cli, args.model, files, 1)
    lines = ["| space | loops | changed sides | crossed an even vote | mean range of the share | largest range |", "|" + "---|" * 6]
    for space in spaces:
        changed, crossed, ranges = 0, 0, []
        for file in files:
            live = [row for row in found[file][0] if row["phase"] == "live"]
            shares = np.array([row[space] for row in live])
            changed += len({verdict(row, space) for row in live} - {None}) > 1
            crossed += bool((shares > 0.5).any() and (shares <= 0.5).any())
            ranges.append(np.ptp(shares))
        lines.append(f"| {space} | {len(files)} | {changed} | {crossed} | {np.mean(ranges):.3f} | {np.max(ranges):.3f} |")
    return "\n".join(lines)


def splices(args, folder, clips, shares, space):
    """Seconds from a splice until the verdict is the other side's: of calm to excited, and back."""
    calm, excited = np.flatnonzero(shares < CLEAR[0]), np.flatnonzero(shares > CLEAR[1])
    pairs = list(zip(calm, excited))
    if not pairs:
        return "No two clips were clearly apart."
    long = [np.tile(clip, 2)[: SPLICE_SECS * BASE_HZ] for clip in clips]
    files = [
        write(folder / f"splice{a}-{b}.wav", np.concatenate([long[a], long[b], long[a]]), BASE_HZ) for a, b in pairs
    ]
    found = analysed(args.cli, args.model, files, 0.1)
    waits = {"calm to excited": [], "excited to calm": []}
    for file in files:
        rows = [(row["time_secs"], row[space] > 0.5) for row in found[file][0] if row["phase"] == "live"]
        for name, start, target in (("calm to excited", SPLICE_SECS, True), ("excited to calm", 2 * SPLICE_SECS, False)):
            # It has followed when it is there to stay until the next splice.
            after = [(t, side) for t, side in rows if start <= t < start + SPLICE_SECS]
            wrong = [t for t, side in after if side != target]
            waits[name].append((max(wrong) if wrong else start) - start + 0.19)
    lines = ["| splice | splices | median, s | 95 % within, s | longest, s | within 6 s |", "|" + "---|" * 6]
    for name, secs in waits.items():
        secs = np.array(secs)
        lines.append(
            f"| {name} | {len(secs)} | {np.median(secs):.1f} | {np.quantile(secs, 0.95):.1f} | {secs.max():.1f} | {np.mean(secs <= 6):.0%} |"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="cargo xtask steadiness", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, action="append", required=True, metavar="DIR", help="may be repeated: clips from each")
    parser.add_argument("--clips", type=int, default=120, help="clips in all (default 120)")
    parser.add_argument("--model", type=Path, metavar="PATH", help="a model of your own instead of the shipped one")
    parser.add_argument("--out", type=Path, metavar="MD", help="where to write the report (default: standard output)")
    parser.add_argument("--cli", default="target/debug/moodring-cli", help=argparse.SUPPRESS)
    parser.add_argument("--target", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    each = args.clips // len(args.audio)
    paths = []
    for folder in args.audio:
        files = audio_in(folder)
        paths += [files[i * len(files) // each] for i in range(min(each, len(files)))]
    if args.out:
        spare([*paths, *([args.model, args.model.with_suffix(".json")] if args.model else [])], [args.out])
    clips = []
    for path in paths:
        y, _ = librosa.load(path, sr=BASE_HZ, mono=True, duration=CLIP_SECS)
        if len(y) < CLIP_SECS * BASE_HZ:
            y = np.pad(y, (0, CLIP_SECS * BASE_HZ - len(y)), mode="wrap")
        clips.append(y / max(np.abs(y).max(), 1e-6) * 0.5)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        made = [variants(folder, n, clip) for n, clip in enumerate(clips)]
        found = analysed(args.cli, args.model, [file for files in made for file in files.values()], 1)
        first = found[made[0]["as it is"]][1]
        spaces = [name.removesuffix("_ambiguous") for name in first if name.endswith("_ambiguous")]
        shares = {name: np.array([[found[files[name]][1][s] for s in spaces] for files in made]) for name in made[0]}
        print("read the changed clips", file=sys.stderr)
        looped = loops(args, folder, clips, spaces)
        print("read the loops", file=sys.stderr)
        spliced = splices(args, folder, clips, shares["as it is"][:, 0], spaces[0])
    sources = " ".join(f"--audio {folder.parent.name}/{folder.name}" for folder in args.audio)
    text = "\n".join([
        "# Steadiness", "",
        f"{len(clips)} clips of {CLIP_SECS} s, spread evenly over their folders. Shares of the whole clip.", "",
        f"    cargo xtask steadiness {sources} --clips {args.clips}", "",
        "## What leaves the mood alone", "", change_table(shares, spaces), "",
        f"## A loop of {CLIP_SECS} s for {LOOP_SECS} s", "",
        "A verdict is the winning pole, or that the reading is ambiguous; it has changed sides where both poles won in the course of a loop.", "",
        looped, "",
        "## After a splice", "",
        f"{SPLICE_SECS} s of a clip read as clearly calm, {SPLICE_SECS} s of an excited one, and back: time until the larger share is the other"
        " pole's for good.", "", spliced, "",
    ])  # fmt: skip
    if args.out:
        write_whole(args.out, text)
    print(text)


if __name__ == "__main__":
    main()
