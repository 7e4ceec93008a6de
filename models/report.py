"""What is said of predictions: tables per data set and label space, by song, beside the majority baseline."""

import numpy as np

N_RESAMPLED = 1000
N_CALIBRATION_BINS = 10


def by_song(song, *columns):
    """Mean over the windows of each song of every column; songs in sorted order."""
    names, of = np.unique(song, return_inverse=True)
    counts = np.bincount(of)
    means = [np.stack([np.bincount(of, weights=x) / counts for x in column.T], axis=1) for column in columns]
    return names, *means


def confusion(truth, guess):
    """Rows true first, true second pole; columns guessed first, guessed second; shares of the row."""
    table = np.array([[np.sum((truth == t) & (guess == g)) for g in (True, False)] for t in (True, False)], float)
    return table / np.maximum(table.sum(axis=1, keepdims=True), 1)


def balanced_accuracy(truth, guess):
    return float(np.diag(confusion(truth, guess)).mean())


def matthews(truth, guess):
    tp, tn = np.sum(truth & guess), np.sum(~truth & ~guess)
    fp, fn = np.sum(~truth & guess), np.sum(truth & ~guess)
    scale = np.sqrt(float(tp + fp) * float(tp + fn) * float(tn + fp) * float(tn + fn))
    return float((tp * tn - fp * fn) / scale) if scale else 0.0


def calibration_error(share, label):
    """Mean distance between predicted and true share of votes over equal bins, weighted by their songs."""
    of = np.minimum((share * N_CALIBRATION_BINS).astype(int), N_CALIBRATION_BINS - 1)
    gaps = [np.sum(of == b) * abs(share[of == b].mean() - label[of == b].mean()) for b in np.unique(of)]
    return float(np.sum(gaps) / len(share))


def cross_entropy(share, label):
    """Mean cross-entropy of predicted shares against true ones, nats."""
    share = np.clip(share, 1e-6, 1 - 1e-6)
    return float(np.mean(-(label * np.log(share) + (1 - label) * np.log(1 - share))))


def measures(share, label, seed=0):
    """Of one space on one data set: `share` predicted, `label` soft truth, by song. Ties are left out, as both poles are right."""
    kept = np.isfinite(label) & (label != 0.5)
    share, label = share[kept], label[kept]
    truth, guess = label > 0.5, share > 0.5
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(truth), size=(N_RESAMPLED, len(truth)))
    low, high = np.percentile([balanced_accuracy(truth[d], guess[d]) for d in draws], (2.5, 97.5))
    return {
        "songs": int(len(truth)),
        "balanced_accuracy": round(balanced_accuracy(truth, guess), 4),
        "interval_95": [round(float(low), 4), round(float(high), 4)],
        "accuracy": round(float(np.mean(truth == guess)), 4),
        "majority_accuracy": round(float(max(truth.mean(), 1 - truth.mean())), 4),
        "matthews": round(matthews(truth, guess), 4),
        "confusion": np.round(confusion(truth, guess), 4).tolist(),
        "calibration_error": round(calibration_error(share, label), 4),
        "cross_entropy": round(cross_entropy(share, label), 4),
        "share_error": round(float(np.mean(np.abs(share - label))), 4),
    }


def tables(set_name, song, share, label, spaces):
    """`measures` for every data set and space, as {set: {"first/second": {...}}}; a data set without labels is left out."""
    out = {}
    for name in sorted(set(set_name)):
        rows = set_name == name
        _, shares, labels = by_song(song[rows], share[rows], label[rows])
        for i, space in enumerate(spaces):
            if np.isfinite(labels[:, i]).any():
                out.setdefault(name, {})[f"{space.first}/{space.second}"] = measures(shares[:, i], labels[:, i])
    return out


def markdown(found):
    """The tables as Markdown."""
    lines = [
        "| data set | space | songs | balanced acc. (95 %) | majority | accuracy | MCC | true first: first/second |"
        " true second: first/second | calibration error | cross-entropy |",
        "|" + "---|" * 11,
    ]
    for name, spaces in found.items():
        for space, m in spaces.items():
            (a, b), (c, d) = m["confusion"]
            lines.append(
                f"| {name} | {space} | {m['songs']} | **{m['balanced_accuracy']:.3f}** ({m['interval_95'][0]:.3f}–"
                f"{m['interval_95'][1]:.3f}) | .500 (acc. {m['majority_accuracy']:.3f}) | {m['accuracy']:.3f} |"
                f" {m['matthews']:.3f} | {a:.2f}/{b:.2f} | {c:.2f}/{d:.2f} | {m['calibration_error']:.3f} |"
                f" {m['cross_entropy']:.4f} |"
            )
    return "\n".join(lines)
