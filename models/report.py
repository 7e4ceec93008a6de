"""What is said of predictions: tables per data set and label space, by song, beside the majority baseline."""

import dataclasses
import json

import numpy as np
from scipy.optimize import minimize

N_RESAMPLED = 1000
N_CALIBRATION_BINS = 10
# Shares of the songs, most decided first, at which the accuracy among them is told.
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
# Share of the songs that a model calls ambiguous: those read nearest to an even vote.
AMBIGUOUS_SHARE = 0.3
# How far a bias may be moved for the sake of the pole that is read worst, logits: shares move by 3 points at most.
BALANCING_BIAS = 0.12
# The doubt table: shares at which it has entries, quantiles of its band, and the fewest songs that an entry rests on.
DOUBT_SHARES = tuple(round(0.1 * i, 1) for i in range(1, 10))
DOUBT_QUANTILES = (0.1, 0.9)
DOUBT_SONGS = 60
WINDOW_SECS = 10
# Songs listed as read worst, per set and space.
N_WORST = 8


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
    if truth.all() or not truth.any():
        return None
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(truth), size=(N_RESAMPLED, len(truth)))

    def interval(measure):
        low, high = np.percentile([measure(d) for d in draws], (2.5, 97.5))
        return [round(float(low), 4), round(float(high), 4)]

    table = confusion(truth, guess)
    return {
        "songs": int(len(truth)),
        "balanced_accuracy": round(balanced_accuracy(truth, guess), 4),
        "interval_95": interval(lambda d: balanced_accuracy(truth[d], guess[d])),
        "accuracy": round(float(np.mean(truth == guess)), 4),
        "majority_accuracy": round(float(max(truth.mean(), 1 - truth.mean())), 4),
        "matthews": round(matthews(truth, guess), 4),
        "confusion": np.round(table, 4).tolist(),
        "worst_recall": round(float(np.diag(table).min()), 4),
        "calibration_error": round(calibration_error(share, label), 4),
        "calibration_error_95": interval(lambda d: calibration_error(share[d], label[d])),
        "cross_entropy": round(cross_entropy(share, label), 4),
        "share_error": round(float(np.mean(np.abs(share - label))), 4),
        "share_error_95": interval(lambda d: float(np.mean(np.abs(share[d] - label[d])))),
        "coverage": {f"{c:.0%}": round(covered(share, truth, c), 4) for c in COVERAGES},
    }


def covered(share, truth, coverage):
    """Accuracy among the most decided readings, so many of all."""
    n = max(round(coverage * len(share)), 1)
    most = np.argsort(-np.abs(share - 0.5), kind="stable")[:n]
    return float(np.mean((share[most] > 0.5) == truth[most]))


def sets_and_spaces(windows, share, label, spaces):
    """Yields (set, space number, songs, shares, labels) by song, wherever a set has labels."""
    for name in sorted(set(windows.set_name)):
        rows = windows.set_name == name
        songs, shares, labels = by_song(windows.song[rows], share[rows], label[rows])
        for i in range(len(spaces)):
            if np.isfinite(labels[:, i]).any():
                yield name, i, songs, shares[:, i], labels[:, i]


def tables(windows, share, label, spaces):
    """`measures` for every data set and space, as {set: {"first/second": {...}}}; where a pole never won there are none."""
    out = {}
    for name, i, _, shares, labels in sets_and_spaces(windows, share, label, spaces):
        found = measures(shares, labels)
        if found:
            out.setdefault(name, {})[f"{spaces[i].first}/{spaces[i].second}"] = found
    return out


def calibration(windows, leaning, label):
    """(slope, bias) per space by which leanings become shares: with the least cross-entropy over songs, and then
    moved a little to where the pole that is read worst in any set is read best."""
    slopes, biases = [], []
    songs, x, y = by_song(windows.song, leaning, label)
    set_of = np.array([song.split("/", 1)[0] for song in songs])
    for i in range(label.shape[1]):
        known = np.isfinite(y[:, i])

        def loss(at):
            z = at[0] * x[known, i] + at[1]
            return np.mean(np.logaddexp(0, z) - y[known, i] * z)

        slope, bias = minimize(loss, (1.0, 0.0), method="Nelder-Mead").x
        shifts = np.linspace(-BALANCING_BIAS, BALANCING_BIAS, 25)
        worst = [worst_recall(x[:, i] * slope + bias + shift, y[:, i], set_of) for shift in shifts]
        # Of equally good ones the smallest.
        best = min(range(len(shifts)), key=lambda j: (-round(worst[j], 3), abs(shifts[j])))
        slopes.append(slope)
        biases.append(bias + shifts[best])
    return np.array(slopes), np.array(biases)


def worst_recall(leaning, label, set_of):
    """Recall of the pole that is read worst in any set."""
    recalls = [1.0]
    for name in set(set_of):
        for first in (True, False):
            of_pole = (set_of == name) & ((label > 0.5) if first else (label < 0.5))
            if of_pole.any():
                recalls.append(float(np.mean((leaning[of_pole] > 0) == first)))
    return min(recalls)


def calibrated_by_fold(windows, leanings, label, fold):
    """Leanings of every fold, calibrated on the others: {seconds: [N, n_spaces]}."""
    out = {secs: np.array(x) for secs, x in leanings.items()}
    if len(set(fold)) == 1:
        return out
    for k in set(fold):
        slope, bias = calibration(windows.take(fold != k), leanings[None][fold != k], label[fold != k])
        for x in out.values():
            x[fold == k] = x[fold == k] * slope + bias
    return out


def ambiguous_half_widths(windows, share, label):
    """Per space, the distance from an even vote within which so many songs were read as a model is to call ambiguous."""
    _, shares, _ = by_song(windows.song, share, label)
    return [round(float(np.quantile(np.abs(x - 0.5), AMBIGUOUS_SHARE)), 4) for x in shares.T]


def has_votes(windows):
    """Windows whose labels are shares of votes, counted or modelled, rather than one verdict."""
    return np.isfinite(windows.ratings["valence_std"]) | np.isin(windows.song, list(windows.votes))


def doubt(windows, shares, label):
    """The card's table: per space, the band that held listeners' own share in four of five songs, by share read and seconds heard."""
    rows = has_votes(windows)
    rows = rows if rows.any() else np.ones(len(windows), bool)
    secs_heard = sorted(s for s in shares if s is not None) + [None]
    out = []
    for i in range(label.shape[1]):
        low, high = [], []
        for secs in secs_heard:
            _, x, y = by_song(windows.song[rows], shares[secs][rows][:, [i]], label[rows][:, [i]])
            known = np.isfinite(y[:, 0])
            ends = np.array([band(x[known, 0], y[known, 0], at) for at in DOUBT_SHARES])
            # A higher reading never has a lower band; neighbours that disagree do so by chance.
            low.append(np.maximum.accumulate(ends[:, 0]).round(3).tolist())
            high.append(np.maximum.accumulate(ends[:, 1]).round(3).tolist())
        heard = [float(secs or WINDOW_SECS) for secs in secs_heard]
        out.append({"heard_secs": heard, "shares": list(DOUBT_SHARES), "low": low, "high": high})
    return out


def band(share, label, at):
    """Quantiles of the labels about `at`, from the songs read nearest to it."""
    n = min(max(DOUBT_SONGS, len(share) // 10), len(share))
    nearest = np.argsort(np.abs(share - at), kind="stable")[:n]
    low, high = np.quantile(label[nearest] - share[nearest], DOUBT_QUANTILES)
    return np.clip((at + low, at + high), 0, 1)


def markdown(found):
    """The tables as Markdown, all but coverage."""
    lines = [
        "| data set | space | songs | balanced acc. (95 %) | majority | accuracy | MCC | true first: first/second |"
        " true second: first/second | worst recall | calibration error (95 %) | off the votes by (95 %) | cross-entropy |",
        "|" + "---|" * 13,
    ]
    for name, spaces in found.items():
        for space, m in spaces.items():
            (a, b), (c, d) = m["confusion"]
            low, high = m["interval_95"]
            ece, mae = m["calibration_error_95"], m["share_error_95"]
            lines.append(
                f"| {name} | {space} | {m['songs']} | **{m['balanced_accuracy']:.3f}** ({low:.3f}–{high:.3f}) |"
                f" .500 (acc. {m['majority_accuracy']:.3f}) | {m['accuracy']:.3f} | {m['matthews']:.3f} | {a:.2f}/{b:.2f} |"
                f" {c:.2f}/{d:.2f} | {m['worst_recall']:.3f} | {m['calibration_error']:.3f} ({ece[0]:.3f}–{ece[1]:.3f}) |"
                f" {m['share_error']:.3f} ({mae[0]:.3f}–{mae[1]:.3f}) | {m['cross_entropy']:.4f} |"
            )
    return "\n".join(lines)


def coverage_markdown(found):
    """Accuracy among the most decided readings."""
    lines = ["| data set | space | " + " | ".join(f"{c:.0%}" for c in COVERAGES) + " |", "|" + "---|" * (2 + len(COVERAGES))]
    for name, spaces in found.items():
        for space, m in spaces.items():
            lines.append(f"| {name} | {space} | " + " | ".join(f"{x:.3f}" for x in m["coverage"].values()) + " |")
    return "\n".join(lines)


def errors_markdown(windows, share, label, spaces):
    """Where the readings are wrong: by how clear the song was, by how far raters were apart, by quadrant, and the worst songs."""
    lines = ["| data set | space | songs | n | accuracy |", "|" + "---|" * 5]
    worst = []
    for name, i, songs, x, y in sets_and_spaces(windows, share, label, spaces):
        space = f"{spaces[i].first}/{spaces[i].second}"
        first = {song: row for row, song in reversed(list(enumerate(windows.song)))}
        rows = np.array([first[song] for song in songs])
        ratings = {column: values[rows] for column, values in windows.ratings.items()}
        known = np.isfinite(y) & (y != 0.5)
        right = (x > 0.5) == (y > 0.5)
        groups = {}
        if has_votes(windows.take(rows)).any():
            clear = np.abs(y - 0.5)
            groups |= {"won by less than 60 %": clear < 0.1, "won by 60 to 80 %": (clear >= 0.1) & (clear < 0.3)}
            groups |= {"won by more than 80 %": clear >= 0.3}
            spread = np.hypot(ratings["valence_std"], ratings["arousal_std"])
            if np.isfinite(spread).any():
                thirds = np.nanquantile(spread, (1 / 3, 2 / 3))
                groups |= {"raters closest together (a third)": spread <= thirds[0], "raters furthest apart (a third)": spread > thirds[1]}
        if np.isfinite(ratings["excited"]).any():
            for excited in (1, 0):
                for joy in (1, 0):
                    quadrant = (ratings["excited"] == excited) & (ratings["joy"] == joy)
                    groups[f"{('calm', 'excited')[excited]} and {('sad', 'joyful')[joy]}"] = quadrant
        for group, inside in groups.items():
            inside = inside & known
            if inside.any():
                lines.append(f"| {name} | {space} | {group} | {inside.sum()} | {right[inside].mean():.3f} |")
        far = np.where(known & ~right, np.abs(x - y), -1)
        ids = [f"{songs[j].split('/', 1)[1]} (read {x[j]:.2f}, label {y[j]:.2f})" for j in np.argsort(-far)[:N_WORST] if far[j] > 0]
        worst.append(f"- {name} {space}: {', '.join(ids)}")
    return "\n".join([*lines, "", "Furthest on the wrong side:", "", *worst])


def document(results, command, settings, windows, share, label, spaces, folds):
    """The saved report."""
    songs = {str(n): len(set(windows.song[windows.set_name == n])) for n in sorted(set(windows.set_name))}
    half_widths = ", ".join(
        f"{s.first}/{s.second} {0.5 - w:.2f} to {0.5 + w:.2f}" for s, w in zip(spaces, results["half_widths"])
    )
    parts = [
        "# Cross-validation",
        "",
        f"{folds} folds by song: every song is judged by networks that saw none of its windows; the windows of a song are averaged; ties, where"
        " both poles are right, are left out of accuracy. Shares of a fold are calibrated (a slope and a bias per space) on the other folds."
        " Intervals hold 95 % of 1000 resamplings of the songs.",
        "",
        f"Songs: {json.dumps(songs)}; windows: {len(windows)}.",
        "",
        f"    {command}",
        "",
        f"Settings: {json.dumps(dataclasses.asdict(settings))}",
        "",
        "## The whole ten seconds",
        "",
        markdown(results["full"]),
        "",
        "The majority answer has a balanced accuracy of .500. A set whose labels are one verdict per song, not shares of votes, counts each as"
        " 95 votes of 100, which no reading should dare to predict: there the calibration error and the distance from the votes are large.",
        "",
        "## Accuracy of the most decided readings",
        "",
        coverage_markdown(results["full"]),
        "",
        f"A reading is called ambiguous within {half_widths}: three in ten songs are.",
        "",
        "## Where it is wrong",
        "",
        errors_markdown(windows, share, label, spaces),
    ]
    for secs, found in results["provisional"].items():
        parts += ["", f"## Provisional: only the last {secs} heard", "", markdown(found)]
    return "\n".join(parts) + "\n"
