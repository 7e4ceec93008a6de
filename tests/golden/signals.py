"""Test signals from closed forms and seeded noise: no recording, no licence, the same on every machine."""

import numpy as np

RATE_HZ = 22_050

# A quiet noise under everything: without it the bins between partials hold rounding errors, and whether such a bin counts
# as harmonic would depend on the FFT library.
BED_AMPLITUDE = 3e-4

# C major, A minor, F major, G with a suspended fourth; MIDI pitches.
CHORDS = [(48, 60, 64, 67), (45, 60, 64, 69), (41, 60, 65, 69), (43, 60, 62, 67)]


def times_secs(secs, rate_hz=RATE_HZ):
    return np.arange(round(secs * rate_hz)) / rate_hz


def note(t, start_secs, length_secs, midi, detune_cents=0.0):
    """Eight partials falling as 1/n, with a 20 ms attack and a slow decay; silent outside its length."""
    since = t - start_secs
    sounding = (since >= 0) & (since < length_secs)
    since = np.where(sounding, since, 0.0)
    hz = 440.0 * 2.0 ** ((midi - 69 + detune_cents / 100.0) / 12.0)
    partials = sum(np.sin(2 * np.pi * n * hz * since + n) / n for n in range(1, 9))
    attack = np.minimum(since / 0.02, 1.0)
    release = np.clip((length_secs - since) / 0.03, 0.0, 1.0)
    return np.where(sounding, partials * attack * release * np.exp(-0.8 * since), 0.0)


def kick(t, start_secs):
    """A sine that falls from 150 to 50 Hz within a quarter of a second."""
    since = np.maximum(t - start_secs, 0.0)
    phase = 2 * np.pi * (50.0 * since + 100.0 * 0.04 * (1.0 - np.exp(-since / 0.04)))
    return np.where(t >= start_secs, np.sin(phase) * np.exp(-since / 0.09), 0.0)


def hit(t, start_secs, rng, decay_secs=0.04):
    """White noise that decays: a hi-hat or a snare."""
    since = np.maximum(t - start_secs, 0.0)
    return np.where(t >= start_secs, rng.standard_normal(len(t)) * np.exp(-since / decay_secs), 0.0)


def music(secs, bpm, seed, pattern=(1, 0, 1, 0), rate_hz=RATE_HZ):
    """Chords of detuned notes that change every two beats, a kick and noise hits.

    `pattern` holds, per quarter of a beat, 1 for a kick and 2 for a noise hit; it repeats every `len(pattern)` quarters.
    """
    rng = np.random.default_rng(seed)
    t = times_secs(secs, rate_hz)
    beat_secs = 60.0 / bpm
    tones = np.zeros_like(t)
    for i in range(int(np.ceil(secs / (2 * beat_secs)))):
        for voice, midi in enumerate(CHORDS[i % len(CHORDS)]):
            tones += note(t, 2 * beat_secs * i, 2 * beat_secs, midi, detune_cents=(7, -6, 4, -9)[voice])
    drums = np.zeros_like(t)
    for i in range(int(np.ceil(4 * secs / beat_secs))):
        start_secs = i * beat_secs / 4
        if pattern[i % len(pattern)] == 1:
            drums += kick(t, start_secs)
        elif pattern[i % len(pattern)] == 2:
            drums += 0.4 * hit(t, start_secs, rng)
    bed = BED_AMPLITUDE * rng.standard_normal(len(t))
    return 0.09 * tones + 0.45 * drums + bed


def with_silent_end(signal, silent_secs, rate_hz=RATE_HZ, fade_secs=0.01):
    """The signal faded out so that its last `silent_secs` are exactly zero."""
    left_secs = (len(signal) - np.arange(len(signal))) / rate_hz - silent_secs
    return signal * np.clip(left_secs / fade_secs, 0.0, 1.0)


def clicks(secs, bpm, seed):
    """A short noise burst on every beat over the quiet bed, the first a quarter of a second in."""
    rng = np.random.default_rng(seed)
    t = times_secs(secs)
    bursts = sum(hit(t, start, rng, decay_secs=0.01) for start in np.arange(0.25, secs, 60.0 / bpm))
    return 0.3 * bursts + BED_AMPLITUDE * rng.standard_normal(len(t))


def tones(t, kept):
    """Five tones that a resampler to 22 050 Hz must keep, or two above its Nyquist frequency that it must remove.

    A half-second raised-cosine envelope keeps both ends at zero, so that no resampler is judged by how it starts.
    """
    hz = (110.0, 997.0, 3_520.0, 6_400.0, 9_000.0) if kept else (13_500.0, 17_000.0)
    envelope = np.sin(np.pi * np.clip(t / 0.5, 0.0, 1.0)) ** 2
    return envelope * sum(0.12 * np.sin(2 * np.pi * f * t + i) for i, f in enumerate(hz))
