"""A kernel machine on the statistics of a window, which the networks are averaged with: it is wrong about other songs than they are.

Support vector regression (Drucker et al. 1996) with a Gaussian kernel. Its input is what the networks' dense layers see besides the LSTM:
mean, deviation and mean change of every feature, and the constants, averaged over the windows of a song in fitting.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.svm import SVR

import network
import report

PENALTY, EPSILON = 0.3, 0.05
# Share to leaning, about an even vote: the slope of the logit there.
LEANING_OF_SHARE = 4.0
MIN_DEVIATION = 1e-6


@dataclass
class Machine:
    """share = exp(−width · |u − vectors|²) · weights + bias, u the standardised statistics."""

    mean: np.ndarray  # [D]
    deviation: np.ndarray  # [D]
    vectors: np.ndarray  # [M, D]
    weights: np.ndarray  # [M, n_spaces]
    bias: np.ndarray  # [n_spaces]
    width: float
    recency: float


def statistics(windows, scaling, recency):
    """[N, D]: network.statistics of the standardised steps, and the standardised constants."""
    chunks = np.array_split(windows.steps, max(len(windows) // 256, 1))
    parts = [np.asarray(network.statistics(scaling.steps(steps), recency)) for steps in chunks]
    return np.concatenate([np.concatenate(parts), scaling.constants(windows.constants)], axis=1)


def fit(windows, label, weight, scaling, recency):
    """Fits to the songs of `windows`; `label` and `weight` are by window and the same for all windows of a song."""
    _, u, label, weight = report.by_song(windows.song, statistics(windows, scaling, recency), label, weight[:, None])
    mean, deviation = u.mean(axis=0), u.std(axis=0) + MIN_DEVIATION
    u, width = (u - mean) / deviation, 1 / u.shape[1]
    weights, bias = np.zeros((len(u), label.shape[1])), np.zeros(label.shape[1])
    for space in range(label.shape[1]):
        known = np.flatnonzero(np.isfinite(label[:, space]))
        machine = SVR(C=PENALTY, gamma=width, epsilon=EPSILON)
        machine.fit(u[known], label[known, space], sample_weight=weight[known, 0])
        weights[known[machine.support_], space] = machine.dual_coef_[0]
        bias[space] = machine.intercept_[0]
    used = np.abs(weights).any(axis=1)
    return Machine(mean, deviation, u[used], weights[used], bias, width, recency)


def leaning(machine, windows, scaling):
    """As a network's: [N, n_spaces]."""
    u = (statistics(windows, scaling, machine.recency) - machine.mean) / machine.deviation
    apart = np.square(u).sum(axis=1)[:, None] + np.square(machine.vectors).sum(axis=1) - 2 * u @ machine.vectors.T
    return LEANING_OF_SHARE * (np.exp(-machine.width * apart) @ machine.weights + machine.bias - 0.5)
