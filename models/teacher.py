"""A teacher that may help the network while it is fitted: support vector regressions on what a tagging network hears.

musicnn (Pons and Serra 2019) was trained to tag hundreds of thousands of songs, so it has heard far more music than the labelled
sets hold. It is too slow and too large for a meter; here it only judges the training music, and the network learns to
agree. `embed.py` writes what it hears. The teacher is fitted anew inside every fold of a cross-validation, to the fold's own songs.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

import card
import report

# Songs that the teacher judges for the network are judged by regressions that were not fitted to them.
INNER_FOLDS = 5
# Dimensions of what was heard that the network has to guess, and the part of the steps that they are found on.
N_TAUGHT = 64
PRINCIPAL_EVERY = 8
MIN_DEVIATION = 1e-3
# In steps of the analysis, the newest audio of a window that no step rests on yet, as the medians look ahead and a window goes on.
LOOKAHEAD_STEPS = ((card.MEDIAN_LENGTH // 2 - 1) * card.HOP_SAMPLES + card.WINDOW_SAMPLES) / (card.FRAMES_PER_STEP * card.HOP_SAMPLES)
# (penalty, kernel width) of the regression on each group of features; found on clip statistics of the training sets.
ON_STATISTICS, ON_TAGS, ON_POOLED = (0.3, 0.003), (0.5, 0.0015), (0.5, 0.001)
EPSILON = 0.1
MIN_SHARE = 0.02


@dataclass
class Hearing:
    """What is known of every song, sorted by name: `groups` of features [S, ...]; and of every window: `heard` [N, T, N_TAUGHT]."""

    song: np.ndarray
    groups: list
    heard: np.ndarray


def song_statistics(windows):
    """Songs, and the mean over their windows of mean, deviation and mean change of every feature."""
    steps = windows.steps
    change = np.abs(np.diff(steps, axis=1)).mean(axis=1)
    flat = np.concatenate([steps.mean(axis=1), steps.std(axis=1), change, windows.constants], axis=1)
    return report.by_song(windows.song, flat)


def hearing(windows, paths, coarseness):
    """What the teacher knows of the songs in `windows`; `paths` are embeddings written by embed.py, whose stems name the sets."""
    songs, statistics = song_statistics(windows)
    tags, pooled, steps = {}, {}, {}
    for path in paths:
        stem = path.stem.removesuffix("-heard")
        with np.load(path) as file:
            names = [f"{stem}/{song}" for song in file["song"]]
            tags |= zip(names, file["tags"])
            pooled |= zip(names, file["pooled"])
            steps |= zip(names, np.split(file["steps"], np.cumsum(file["n_steps"])[:-1]))
    missing = [song for song in songs if song not in tags]
    if missing:
        raise SystemExit(f"the teacher has not heard {len(missing)} songs, {missing[0]} first: run embed.py over all sets")
    groups = [statistics, *(np.stack([known[song] for song in songs]) for known in (tags, pooled))]
    heard = heard_in(windows, {song: steps[song] for song in songs}, coarseness)
    return Hearing(songs, [StandardScaler().fit_transform(x) for x in groups], heard)


def heard_in(windows, steps, coarseness):
    """What was heard in every step of every window, as principal components of a mean square of 1: [N, T, N_TAUGHT]."""
    n = windows.steps.shape[1]
    sample = np.concatenate([x[::PRINCIPAL_EVERY].astype(np.float32) for x in steps.values()])
    mean, deviation = sample.mean(axis=0), sample.std(axis=0) + MIN_DEVIATION
    spread = np.cov(((sample - mean) / deviation).T)
    _, axes = np.linalg.eigh(spread)
    axes = axes[:, ::-1][:, :N_TAUGHT] / deviation[:, None]
    scores = {song: (x.astype(np.float32) - mean) @ axes for song, x in steps.items()}
    out = np.empty((len(windows), n, N_TAUGHT), np.float32)
    for i, (song, end_secs) in enumerate(zip(windows.song, windows.end_secs)):
        # The steps of the analysis under the window, the newest last; those that a window of a short song repeats are near enough.
        end = int(round(end_secs / card.STEP_SECS - LOOKAHEAD_STEPS))
        under = np.clip(np.arange(end - n * coarseness, end), 0, len(scores[song]) - 1)
        out[i] = scores[song][under].reshape(n, coarseness, N_TAUGHT).mean(axis=1)
    return (out / np.sqrt(np.square(out).mean())).astype(np.float32)


def judged(hearing, fitted_to, label, weight, judge):
    """Shares [len(judge), n_spaces] of songs `judge` by regressions on songs `fitted_to`, whose labels are known."""
    out = np.zeros((len(judge), label.shape[1]), np.float32)
    for space in range(label.shape[1]):
        known = np.isfinite(label[:, space])
        rows = fitted_to[known]
        for features, (penalty, width) in zip(hearing.groups, (ON_STATISTICS, ON_TAGS, ON_POOLED)):
            machine = SVR(C=penalty, gamma=width, epsilon=EPSILON)
            machine.fit(features[rows], label[known, space], sample_weight=weight[known])
            out[:, space] += machine.predict(features[judge]) / len(hearing.groups)
    return np.clip(out, MIN_SHARE, 1 - MIN_SHARE)


def lessons(hearing, label, weight, seed):
    """The teacher's shares for all its songs, each by regressions that were not fitted to it."""
    rows = np.arange(len(hearing.song))
    inner = np.random.default_rng(seed).permutation(rows % INNER_FOLDS)
    own = np.zeros_like(label)
    for fold in range(INNER_FOLDS):
        rest = inner != fold
        own[~rest] = judged(hearing, rows[rest], label[rest], weight[rest], rows[~rest])
    return own
