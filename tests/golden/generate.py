#!/usr/bin/env python3
"""Writes the golden arrays that the Rust tests hold each stage of the analysis against.

    python3 -m venv target/golden-venv
    target/golden-venv/bin/pip install -r tests/golden/requirements.txt
    target/golden-venv/bin/python tests/golden/generate.py --out tests/data

Everything here is librosa or a few lines of numpy beside the formula; nothing is shared with the crate, so that agreement
means something. The same versions give the same bytes. `--check` compares instead of writing.
"""

import argparse
import platform
import sys
from pathlib import Path

import librosa
import numpy as np
import scipy
import soxr

import signals

RATE_HZ = signals.RATE_HZ
WINDOW_SAMPLES = 2048
HOP_SAMPLES = 512
MEDIAN_LENGTH = 31
N_MEL_BANDS = 40
# Stored frames of the magnitude spectrogram: every eighth, to stay small.
MAGNITUDE_STRIDE_FRAMES = 8
# Lags of the autocorrelation, 0 to 128 frames.
N_LAGS = 129
# Another machine's FFT may round differently; more than this is another definition.
CHECK_TOLERANCE = 1e-4

# name -> (10-s signal, the tempo it was made with). "pushed" puts a third of its kicks between the beats.
TEMPO_SIGNALS = {
    "clicks_090": (lambda: signals.clicks(10.0, 90.0, seed=90), 90.0),
    "clicks_120": (lambda: signals.clicks(10.0, 120.0, seed=120), 120.0),
    "clicks_174": (lambda: signals.clicks(10.0, 174.0, seed=174), 174.0),
    "music_076": (lambda: signals.music(10.0, 76.0, 76, (1, 0, 2, 0, 2, 0, 2, 0)), 76.0),
    "music_128": (lambda: signals.music(10.0, 128.0, 128, (1, 0, 2, 0)), 128.0),
    "pushed_104": (lambda: signals.music(10.0, 104.0, 104, (1, 0, 0, 1, 2, 0, 1, 0)), 104.0),
}


def magnitude_of(signal):
    """|X[k, t]|, frame t over samples [512 t, 512 t + 2048): periodic Hann, no padding."""
    return np.abs(librosa.stft(signal, n_fft=WINDOW_SAMPLES, hop_length=HOP_SAMPLES, center=False))


def chroma_of(power):
    """C[t, c] = sum of the power of the bins whose nearest MIDI pitch is in class c, over its maximum in the frame."""
    hz = librosa.fft_frequencies(sr=RATE_HZ, n_fft=WINDOW_SAMPLES)
    pitch_class = np.round(librosa.hz_to_midi(hz[1:])).astype(int) % 12
    chroma = np.stack([power[1:][pitch_class == c].sum(axis=0) for c in range(12)])
    return librosa.util.normalize(chroma, norm=np.inf, axis=0).T


def mel_db_of(power, filterbank):
    return librosa.power_to_db(filterbank @ power, ref=1.0, amin=1e-10, top_db=None)


def onset_of(mel_db):
    """Mean over the bands of the rise since the frame before; 0 in the first frame."""
    return librosa.onset.onset_strength(
        S=mel_db, sr=RATE_HZ, hop_length=HOP_SAMPLES, lag=1, max_size=1, center=False, detrend=False, aggregate=np.mean
    )


def stage_arrays():
    """Yields (name, array, what it is) for the stages from samples to onset strength."""
    pattern = (1, 0, 2, 0, 2, 2, 1, 0)
    signal = signals.with_silent_end(signals.music(3.0, 112.0, seed=1, pattern=pattern), 0.25).astype(np.float32)
    yield "signal", signal, "samples of 3 s of invented music at 22 050 Hz; the last 0.25 s are exactly zero"

    magnitude = magnitude_of(signal)
    yield (
        "magnitude",
        magnitude.T[::MAGNITUDE_STRIDE_FRAMES],
        "`abs(librosa.stft(center=False))` of frames 0, 8, 16, …; full-scale units",
    )
    mask, _ = librosa.decompose.hpss(magnitude, kernel_size=MEDIAN_LENGTH, power=np.inf, mask=True)
    yield (
        "mask_harmonic",
        np.packbits(mask.astype(bool).T, axis=1),
        "`librosa.decompose.hpss(kernel_size=31, power=inf, mask=True)`: 1 where mh > mv, else 0 (the crate counts those as "
        "percussive); bits along the bins, bin 0 the highest bit of byte 0 (`np.packbits`), 7 bits unused at the end. "
        "Both medians reflect the signal at its edges (d c b a | a b c d), so the 15 frames and bins at each edge are special",
    )
    filterbank = librosa.filters.mel(sr=RATE_HZ, n_fft=WINDOW_SAMPLES, n_mels=N_MEL_BANDS)
    yield "mel_filterbank", filterbank, "`librosa.filters.mel(n_mels=40)`: Slaney's scale, Slaney's normalisation, 0 to 11 025 Hz"

    for part, in_part in (("harmonic", mask.astype(bool)), ("percussive", ~mask.astype(bool))):
        power = np.where(in_part, magnitude, 0.0) ** 2
        mel_db = mel_db_of(power, filterbank)
        yield f"chroma_{part}", chroma_of(power), f"chroma of the {part} part, C first, maximum 1 per frame, 0 in silence"
        yield f"energy_{part}", power.sum(axis=0), f"sum over the bins of the {part} part's |X|²"
        yield f"mel_db_{part}", mel_db.T, f"mel bands of the {part} part's power, `librosa.power_to_db(amin=1e-10)`, dB"
        yield (
            f"onset_{part}",
            onset_of(mel_db),
            f"`librosa.onset.onset_strength` of `mel_db_{part}`: entry t is the mean rise from frame t−1 to t, dB; entry 0 is 0",
        )


def tempo_arrays():
    """Yields onset envelopes of 10 s, and librosa's tempo and autocorrelation of each."""
    filterbank = librosa.filters.mel(sr=RATE_HZ, n_fft=WINDOW_SAMPLES, n_mels=N_MEL_BANDS)
    made_with, found = [], []
    for name, (make, bpm) in TEMPO_SIGNALS.items():
        envelope = onset_of(mel_db_of(magnitude_of(make().astype(np.float32)) ** 2, filterbank))
        made_with.append(bpm)
        found.append(librosa.feature.tempo(onset_envelope=envelope, sr=RATE_HZ, hop_length=HOP_SAMPLES)[0])
        yield f"tempo_envelope_{name}", envelope, f"onset strength of 10 s made with {bpm:g} BPM (no separation), dB"
        yield (
            f"tempo_autocorrelation_{name}",
            librosa.autocorrelate(envelope.astype(np.float64), max_size=N_LAGS),
            "`librosa.autocorrelate` of that envelope, lags 0 to 128 frames, neither centred nor normalised, dB²",
        )
    order = ", ".join(TEMPO_SIGNALS)
    yield "tempo_made_with_bpm", np.array(made_with), f"the tempo each signal was made with, BPM, in the order {order}"
    yield "tempo_librosa_bpm", np.array(found), "`librosa.feature.tempo` of each envelope, BPM, in the same order"


def resampler_arrays():
    """Yields half a second at 44.1 and 48 kHz, what librosa makes of it at 22 050 Hz, and what is exactly right."""
    for rate_hz in (44_100, 48_000):
        t = signals.times_secs(0.5, rate_hz)
        source = (signals.tones(t, kept=True) + signals.tones(t, kept=False)).astype(np.float32)
        yield f"resample_{rate_hz}_in", source, f"tones at 110 to 9 000 Hz to keep, at 13.5 and 17 kHz to remove; {rate_hz} Hz"
        yield (
            f"resample_{rate_hz}_librosa",
            librosa.resample(source, orig_sr=rate_hz, target_sr=RATE_HZ, res_type="soxr_vhq"),
            "`librosa.resample(res_type=\"soxr_vhq\")` of it at 22 050 Hz",
        )
    exact = signals.tones(signals.times_secs(0.5), kept=True)
    yield "resample_exact", exact, "the tones to keep, evaluated at 22 050 Hz: the exact answer for both"


def stored(array):
    """Float arrays are stored as float32, C order; bytes stay bytes."""
    return np.ascontiguousarray(array, dtype=np.uint8 if array.dtype == np.uint8 else np.float32)


def readme(rows):
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{m.__name__} {m.__version__}" for m in (librosa, np, scipy, soxr)]
    lines = [
        "# Golden arrays",
        "",
        "Written by `tests/golden/generate.py` (this file too); do not edit. To make them again:",
        "",
        "```sh",
        "python3 -m venv target/golden-venv",
        "target/golden-venv/bin/pip install -r tests/golden/requirements.txt",
        "target/golden-venv/bin/python tests/golden/generate.py --out tests/data",
        "```",
        "",
        f"Made with {', '.join(versions)}.",
        "",
        f"Analysis: {RATE_HZ} Hz, periodic Hann window of {WINDOW_SAMPLES}, hop {HOP_SAMPLES}, no padding: frame t covers samples",
        "[512 t, 512 t + 2048). Signals are closed forms and seeded noise (`tests/golden/signals.py`), so nobody's music is here.",
        "Arrays are `.npy`, little-endian, C order, time first.",
        "",
        "| file | shape | type | what |",
        "|---|---|---|---|",
    ]
    for name, array, what in rows:
        shape, safe = " × ".join(map(str, array.shape)), what.replace("|", "\\|")
        lines.append(f"| `{name}.npy` | {shape} | {array.dtype} | {safe} |")
    return "\n".join(lines) + "\n"


def check(rows, folder):
    """Names the arrays that differ from those in `folder`; True if none does."""
    good = True
    for name, array, _ in rows:
        old = np.load(folder / f"{name}.npy")
        if name == "mask_harmonic":
            same = old.shape == array.shape and np.unpackbits(old ^ array).mean() < CHECK_TOLERANCE
        else:
            scale = max(np.abs(array).max(), 1e-9)
            same = old.shape == array.shape and np.abs(old - array).max() <= CHECK_TOLERANCE * scale
        if not same:
            print(f"{name}: differs from {folder}", file=sys.stderr)
            good = False
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the .npy files")
    parser.add_argument("--check", action="store_true", help="compare with the files in --out; write nothing")
    args = parser.parse_args()

    made = [*stage_arrays(), *tempo_arrays(), *resampler_arrays()]
    rows = [(name, stored(array), what) for name, array, what in made]
    if args.check:
        return 0 if check(rows, args.out) else 1
    args.out.mkdir(parents=True, exist_ok=True)
    for name, array, _ in rows:
        np.save(args.out / f"{name}.npy", array)
    (args.out / "README.md").write_text(readme(rows), encoding="utf-8")
    print(f"{len(rows)} arrays, {sum(a.nbytes for _, a, _ in rows) / 1e6:.2f} MB, in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
