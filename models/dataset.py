"""Windows written by `moodring-cli dataset`, their soft labels, and the splits by song."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import norm

# DEAM's scales run from 1 to 9.
RATING_MIDPOINT = 5.0
# Raters who agree to within half a point say so by rounding; the vote model needs some spread.
MIN_RATING_STD = 0.6
# A hard vote of 4Q is taken as 95 raters of 100, and no share is taken as more certain than 98 of 100.
HARD_VOTE_SHARE = 0.95
MAX_SHARE = 0.98
# What the names of features end in that follow the gain, which a mood should not: used only where they are asked for.
ABSOLUTE = "_dbfs"
# Features that never vary would be divided by nothing.
MIN_FEATURE_STD = 1e-3


@dataclass(frozen=True)
class Space:
    """A label space: antonyms, and the direction of the first on the valence-arousal plane, degrees."""

    first: str
    second: str
    angle_degrees: float

    @classmethod
    def parse(cls, text):
        """From "excited/calm:90"."""
        poles, _, angle = text.rpartition(":")
        first, slash, second = poles.partition("/")
        if not (first and slash and second):
            raise ValueError(f'a label space is written like "excited/calm:90", not "{text}"')
        return cls(first, second, float(angle))

    def direction(self):
        """(valence, arousal) of the unit vector towards the first pole."""
        radians = np.radians(self.angle_degrees)
        # Rounded, so that 90 degrees is exactly the arousal axis.
        return np.round(np.cos(radians), 9), np.round(np.sin(radians), 9)


@dataclass
class Windows:
    """Windows of songs: raw features, labels as written, and which data set and song each comes from."""

    steps: np.ndarray  # [N, n_steps, F]
    constants: np.ndarray  # [N, C]
    set_name: np.ndarray  # [N] file stem of the data set
    song: np.ndarray  # [N] unique over all sets
    ratings: dict  # column -> [N], NaN where a set has none
    end_secs: np.ndarray  # [N] end of the window in its song
    votes: dict  # song -> [R, 2], valence and arousal of every rater about the midpoint; songs without votes are absent
    step_names: list
    constant_names: list
    heard_secs: tuple  # [K] seconds heard in provisional readings
    heard_steps: tuple  # [K] their steps
    heard_constants: np.ndarray  # [N, K, C] and their constants

    def __len__(self):
        return len(self.song)

    def take(self, index):
        ratings = {name: column[index] for name, column in self.ratings.items()}
        return replace(
            self, steps=self.steps[index], constants=self.constants[index], set_name=self.set_name[index], song=self.song[index],
            ratings=ratings, end_secs=self.end_secs[index], heard_constants=self.heard_constants[index],
        )  # fmt: skip

    def coarser(self, factor):
        """Means over `factor` steps each, the newest kept where they do not divide: what a card's larger frames_per_step asks for."""
        n = self.steps.shape[1] // factor
        newest = self.steps[:, self.steps.shape[1] - n * factor :]
        steps = newest.reshape(len(self), n, factor, -1).mean(axis=2)
        return replace(self, steps=steps, heard_steps=tuple(max(heard // factor, 1) for heard in self.heard_steps))


RATING_COLUMNS = ("valence_mean", "valence_std", "arousal_mean", "arousal_std", "excited", "joy")


def votes_of(stem, arrays):
    """(song, [R, 2]) of every song of a data set that carries single votes."""
    if "vote_song" not in arrays:
        return
    points = np.stack([arrays["vote_valence"], arrays["vote_arousal"]], axis=1) - RATING_MIDPOINT
    order = np.argsort(arrays["vote_song"], kind="stable")
    songs, starts = np.unique(arrays["vote_song"][order], return_index=True)
    for song, cast in zip(songs, np.split(points[order], starts[1:])):
        yield f"{stem}/{song}", cast


def load(paths, only=()):
    """All windows of the given .npz files; `only` keeps the features whose names start with one of these.

    Without it all but those that follow the gain are kept.
    """

    def wanted(name):
        return name.startswith(tuple(only)) if only else not name.endswith(ABSOLUTE)

    parts = []
    for path in map(Path, paths):
        with np.load(path) as file:
            parts.append((path.stem, {name: file[name] for name in file.files}))
    names = parts[0][1]["step_names"].tolist(), parts[0][1]["constant_names"].tolist()
    for stem, arrays in parts:
        if (arrays["step_names"].tolist(), arrays["constant_names"].tolist()) != names:
            raise SystemExit(f"{stem}: its features are not those of {parts[0][0]}; write both with the same moodring-cli")
        if "heard_constants" not in arrays:
            raise SystemExit(f"{stem}: an older moodring-cli wrote it; write it anew")
        for name in ("steps", "constants", "heard_constants"):
            if not np.isfinite(arrays[name]).all():
                raise SystemExit(f"{stem}: {name} holds values that are not finite")
    kept, kept_constants = ([i for i, name in enumerate(of) if wanted(name)] for of in names)
    if not (kept and kept_constants):
        raise SystemExit(f"no step feature, or no constant, starts with {' or '.join(only)}")

    def joined(name, missing=np.nan):
        return np.concatenate([np.asarray(a.get(name, np.full(len(a["song"]), missing)), np.float64) for _, a in parts])

    return Windows(
        steps=np.concatenate([a["steps"][:, :, kept].astype(np.float32) for _, a in parts]),
        constants=np.concatenate([a["constants"][:, kept_constants].astype(np.float32) for _, a in parts]),
        set_name=np.concatenate([np.full(len(a["song"]), stem) for stem, a in parts]),
        song=np.concatenate([np.char.add(f"{stem}/", a["song"].astype(str)) for stem, a in parts]),
        ratings={name: joined(name) for name in RATING_COLUMNS},
        end_secs=joined("end_secs"),
        votes=dict(item for stem, arrays in parts for item in votes_of(stem, arrays)),
        step_names=[names[0][i] for i in kept],
        constant_names=[names[1][i] for i in kept_constants],
        heard_secs=tuple(parts[0][1]["heard_secs"].tolist()),
        heard_steps=tuple(parts[0][1]["heard_steps"].tolist()),
        heard_constants=np.concatenate([a["heard_constants"][:, :, kept_constants].astype(np.float32) for _, a in parts]),
    )


def soft_labels(windows, spaces):
    """Share of votes of each space's first pole, [N, n_spaces]; NaN where the ratings do not say.

    A rater votes for the pole it has a positive dot product with (Liu, Fang and Huang 2018). Where single votes are published they
    are counted. Where only mean and standard deviation are, raters are taken as normal and the two scales as independent, so that the
    projection onto the axis is normal too. 4Q's quadrants are votes of its makers: they fix a space if both scales pull the same way.
    """
    ratings, columns = windows.ratings, []
    for space in spaces:
        along_v, along_a = space.direction()
        mean = along_v * (ratings["valence_mean"] - RATING_MIDPOINT) + along_a * (ratings["arousal_mean"] - RATING_MIDPOINT)
        std = np.hypot(along_v * ratings["valence_std"], along_a * ratings["arousal_std"])
        share = norm.cdf(mean / np.maximum(std, MIN_RATING_STD))

        pull_v, pull_a = along_v * (2 * ratings["joy"] - 1), along_a * (2 * ratings["excited"] - 1)
        agreed = (pull_v * pull_a >= 0) & (pull_v + pull_a != 0)
        hard = np.where(pull_v + pull_a > 0, HARD_VOTE_SHARE, 1 - HARD_VOTE_SHARE)
        hard = np.where(agreed & np.isfinite(pull_v + pull_a), hard, np.nan)

        counted = {song: counted_share(cast, (along_v, along_a)) for song, cast in windows.votes.items()}
        voted = np.array([counted.get(song, np.nan) for song in windows.song], float)
        share = np.where(np.isfinite(voted), voted, np.where(np.isfinite(share), share, hard))
        columns.append(np.clip(share, 1 - MAX_SHARE, MAX_SHARE))
    return np.stack(columns, axis=1).astype(np.float32)


def counted_share(cast, direction):
    """Share of single votes on the positive side of an axis; a vote on neither side counts half for each."""
    along = cast @ np.array(direction)
    return float(np.mean((along > 0) + 0.5 * (along == 0)))


def folds_by_song(windows, n_folds, seed):
    """The fold of every window, [N]: whole songs, each data set dealt evenly over the folds."""
    rng = np.random.default_rng(seed)
    fold_of = {}
    for name in sorted(set(windows.set_name)):
        songs = rng.permutation(sorted(set(windows.song[windows.set_name == name])))
        fold_of.update({song: i % n_folds for i, song in enumerate(songs)})
    return np.array([fold_of[song] for song in windows.song])


@dataclass
class Scaling:
    """Mean and standard deviation of every feature; the card carries them and the crate applies them."""

    step_mean: np.ndarray
    step_std: np.ndarray
    constant_mean: np.ndarray
    constant_std: np.ndarray

    @classmethod
    def of(cls, windows):
        flat = windows.steps.reshape(-1, windows.steps.shape[-1]).astype(np.float64)
        constants = windows.constants.astype(np.float64)
        return cls(
            *(x.astype(np.float32) for x in (flat.mean(0), np.maximum(flat.std(0), MIN_FEATURE_STD))),
            *(x.astype(np.float32) for x in (constants.mean(0), np.maximum(constants.std(0), MIN_FEATURE_STD))),
        )

    def steps(self, raw):
        return (raw - self.step_mean) / self.step_std

    def constants(self, raw):
        return (raw - self.constant_mean) / self.constant_std
