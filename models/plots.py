"""Pictures of a cross-validation: reliability, coverage, learning curve."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import report

COLOURS = ("#c44e00", "#0068a8", "#a87000", "#7a45a8", "#2c7a4b", "#a8326b", "#4a5a70", "#8a6d3b")
INK, GRID, PAPER = "#22262e", "#dfdcd5", "#fbfaf7"


def cross_validation(path, windows, share, label, spaces, curves):
    """Writes the three panels side by side to `path`."""
    plt.rcParams |= {"font.size": 12, "text.color": INK, "axes.edgecolor": GRID, "axes.labelcolor": INK}
    plt.rcParams |= {"xtick.color": INK, "ytick.color": INK, "legend.frameon": False}
    figure, (reliability, coverage, learning) = plt.subplots(1, 3, figsize=(18, 6), facecolor=PAPER)
    found = list(report.sets_and_spaces(windows, share, label, spaces))
    for colour, (name, i, _, x, y) in zip(COLOURS * 4, found):
        known = np.isfinite(y)
        x, y = x[known], y[known]
        title = f"{name} {spaces[i].first}/{spaces[i].second}"
        bins = np.minimum((x * report.N_CALIBRATION_BINS).astype(int), report.N_CALIBRATION_BINS - 1)
        held = [b for b in np.unique(bins) if np.sum(bins == b) >= 5]
        reliability.plot([x[bins == b].mean() for b in held], [y[bins == b].mean() for b in held], "o-", color=colour, label=title)
        decided = y != 0.5
        x, truth = x[decided], y[decided] > 0.5
        parts = np.linspace(0.2, 1, 33)
        coverage.plot(100 * parts, [100 * report.covered(x, truth, part) for part in parts], color=colour, label=title)
    reliability.plot([0, 1], [0, 1], "--", color=GRID)
    reliability.set(title="Reliability", xlabel="share read", ylabel="share of votes", xlim=(0, 1), ylim=(0, 1))
    coverage.set(title="Accuracy of the most decided readings", xlabel="songs judged, %", ylabel="right, %")
    coverage.invert_xaxis()
    learning_curve(learning, curves)
    for panel in (reliability, coverage, learning):
        panel.set_facecolor("white")
        panel.grid(color=GRID)
        panel.legend(fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)


def learning_curve(panel, curves):
    """Loss after every epoch: of each fold's members together in training, and on the songs that the fold kept aside."""
    folds = [np.mean(members, axis=0) for members in curves]
    for n, fold in enumerate(folds):
        epochs = np.arange(1, len(fold) + 1)
        panel.plot(epochs, fold[:, 0], color=COLOURS[1], alpha=0.35, label="in training, augmented" if n == 0 else None)
        panel.plot(epochs, fold[:, 1], color=COLOURS[0], alpha=0.35, label="songs kept aside" if n == 0 else None)
    panel.set(title="Learning curve, a line per fold", xlabel="epoch", ylabel="loss")
