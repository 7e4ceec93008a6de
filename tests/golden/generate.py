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
# Bins up to 9.6 kHz, in which contrast is measured.
CONTRAST_BINS = 892
# Frames of a window, of a step, and steps of what is called a moment and a chord.
WINDOW_FRAMES, STEP_FRAMES, MOMENT_STEPS, CHORD_STEPS = 396, 4, 4, 12
RATE_EDGES_HZ = (0.2, 0.7, 1.5, 3.0, 6.0, 12.0, 22.0)
# Krumhansl and Kessler 1982.
MAJOR_KEY = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_KEY = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
CHORDS = ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 8), (0, 5, 7), (0, 3, 7, 10), (0, 4, 7, 11), (0, 4, 7, 10))
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


def melodic_chroma_of(power):
    """As `chroma_of`, each bin weighted by its register, as librosa weighs octaves, and by how near it is to a pitch."""
    hz = librosa.fft_frequencies(sr=RATE_HZ, n_fft=WINDOW_SAMPLES)
    octave = librosa.hz_to_octs(hz[1:])
    midi = librosa.hz_to_midi(hz[1:])
    weight = np.exp(-0.5 * (octave - 4.5) ** 2) * np.exp(-0.5 * ((midi - np.round(midi)) / 0.2) ** 2)
    return chroma_of(power * np.concatenate([[0.0], weight])[:, None])


def contrast_of(magnitude):
    hz = librosa.fft_frequencies(sr=RATE_HZ, n_fft=WINDOW_SAMPLES)[:CONTRAST_BINS]
    sounding = np.maximum(magnitude[:CONTRAST_BINS], magnitude.max(axis=0) * 10 ** (-110 / 20))
    contrast = librosa.feature.spectral_contrast(S=sounding, sr=RATE_HZ, freq=hz, fmin=150.0, n_bands=6, quantile=0.1).T
    # In silence librosa's floors of peaks and of valleys, 80 dB under each one's loudest, would be told apart.
    return contrast * (magnitude.max(axis=0) > 0)[:, None]


def crest_of(signal):
    peak = np.abs(librosa.util.frame(signal, frame_length=WINDOW_SAMPLES, hop_length=HOP_SAMPLES)).max(axis=0)
    rms = librosa.feature.rms(y=signal, frame_length=WINDOW_SAMPLES, hop_length=HOP_SAMPLES, center=False)[0]
    return np.where(rms > 0, 20 * np.log10(peak / np.maximum(rms, 1e-30) + (rms == 0)), 0.0)


def modulation_of(level_db):
    """10·log10 of the mean power, over the lines of each rate, of the spectrum of a level about its mean."""
    lines = librosa.feature.fourier_tempogram(
        onset_envelope=level_db - level_db.mean(), sr=RATE_HZ, hop_length=HOP_SAMPLES, win_length=len(level_db), window="boxcar",
        center=False,
    )[:, 0]  # fmt: skip
    power = np.abs(lines) ** 2 / len(level_db)
    hz = librosa.fft_frequencies(sr=RATE_HZ / HOP_SAMPLES, n_fft=len(level_db))
    rates = [(hz >= low) & (hz < high) for low, high in zip(RATE_EDGES_HZ[:-1], RATE_EDGES_HZ[1:])]
    return 10 * np.log10(np.array([power[rate].mean() for rate in rates]) + 1e-3)


def tonality_of(chroma):
    """`chroma` [T, 12] by step: what correlates best with it, as a whole, by moments and by chords; groups end with the newest."""

    def fit(one, profile):
        return max(np.corrcoef(one, np.roll(profile, root))[0, 1] for root in range(12))

    def grouped(steps):
        n = len(chroma) // steps
        return chroma[len(chroma) - n * steps :].reshape(n, steps, 12).mean(axis=1)

    def keys(groups):
        major, minor = (np.array([fit(one, key) for one in groups]) for key in (MAJOR_KEY, MINOR_KEY))
        return [major.mean(), minor.mean(), (major - minor).mean(), (major - minor).std()]

    def kinds(one):
        shares = np.exp([8 * fit(one, np.isin(np.arange(12), chord).astype(float)) for chord in CHORDS])
        return shares / shares.sum()

    chords = np.mean([kinds(one) for one in grouped(CHORD_STEPS)], axis=0)
    return np.array([*keys(chroma.mean(axis=0)[None])[:3], *keys(grouped(MOMENT_STEPS)), *keys(grouped(CHORD_STEPS)), *chords])


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

    melodic = melodic_chroma_of(magnitude**2)
    yield "chroma_melodic", melodic, "chroma of the whole, weighted as `librosa.filters.chroma(ctroct=4.5, octwidth=1)` weighs octaves"
    yield "contrast", contrast_of(magnitude), "`librosa.feature.spectral_contrast(fmin=150, quantile=0.1)` of bins 0 to 891, dB"
    yield "crest", crest_of(signal), "peak over `librosa.feature.rms(center=False)`, dB"
    sounding = melodic[: len(melodic) // (3 * STEP_FRAMES) * 2 * STEP_FRAMES]
    steps = sounding.reshape(-1, STEP_FRAMES, 12).mean(axis=1)
    yield "tonality", tonality_of(steps), f"`numpy.corrcoef` of the first {len(steps)} steps of `chroma_melodic` with keys and chords"

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
        if name == "music_128":
            level_db = envelope[-WINDOW_FRAMES:]
            yield "modulation", modulation_of(level_db), "`librosa.feature.fourier_tempogram` of `tempo_envelope_music_128`, by rate, dB"
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
