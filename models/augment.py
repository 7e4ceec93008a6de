"""Changes to a window that leave its mood alone."""

import numpy as np

MEL_FLOOR_DB = -110.0

# Chance that a window stands in for a provisional reading: only its newest steps, repeated to fill the window.
TILE_CHANCE = 0.2
# Shares of a window.
MIN_TILED = 0.1
MAX_MASKED_TIME = 0.2
ROLL_CHANCE = 0.5
STRETCH_CHANCE = 0.5
# 8 % is about the reach of a turntable's pitch fader.
MAX_STRETCH = 0.08
TILT_STD_DB = 2.5
BUMP_STD_DB = 2.5
# In standard deviations of the feature.
NOISE_STD = 0.1
CONSTANT_NOISE_STD = 0.15
MASK_CHANCE = 0.5
MAX_MASKED_BANDS = 10


def columns(names, prefix):
    return np.array([i for i, name in enumerate(names) if name.startswith(prefix)], dtype=int)


def mel_columns(step_names):
    return columns(step_names, "mel_")


def relative_columns(step_names):
    """Features in dB re the mean power of what was heard, mel bands first."""
    return np.concatenate([mel_columns(step_names), columns(step_names, "level")])


def min_tiled(n_steps):
    """Steps of the shortest provisional reading."""
    return max(round(MIN_TILED * n_steps), 1)


def tiled_index(n_steps, kept):
    """Index of the source step of each step when only the newest `kept` are known: they repeat, the newest comes last."""
    last = n_steps - 1
    return last - (last - np.arange(n_steps)) % kept


def tiled(steps, kept, mel, relative):
    """Raw steps [..., T, F] as a provisional reading has them: the newest `kept`, repeated, dB `relative` to their own level.

    The level is that of the mean mel band, which stands in for the mean power that the crate uses.
    """
    level_db = 10 * np.log10(np.mean(10 ** (steps[..., mel] / 10), axis=(-2, -1), keepdims=True)) if len(mel) else 0.0
    steps = steps[..., tiled_index(steps.shape[-2], kept), :]
    if len(mel):
        heard_db = 10 * np.log10(np.mean(10 ** (steps[..., mel] / 10), axis=(-2, -1), keepdims=True))
        steps[..., relative] = np.maximum(steps[..., relative] + level_db - heard_db, MEL_FLOOR_DB)
    return steps


class Augmenter:
    """Draws changed copies of windows; the same seed draws the same."""

    def __init__(self, windows, scaling, seed):
        step_names, constant_names = windows.step_names, windows.constant_names
        self.rng = np.random.default_rng(seed)
        self.scaling = scaling
        # Steps under the provisional constants, and under the whole window's.
        self.heard_steps = np.array([*windows.heard_steps, windows.steps.shape[1]])
        self.n_features = len(step_names)
        self.rests = False

        def blocks(kind):
            both = (columns(step_names, f"{kind}_{part}_") for part in ("harmonic", "percussive"))
            return [block for block in both if len(block)]

        self.chroma, self.mel = blocks("chroma"), blocks("mel")
        self.all_mel, self.relative = mel_columns(step_names), relative_columns(step_names)
        self.tempo = columns(constant_names, "tempo_")

    def rest(self):
        """From now on only standardises."""
        self.rests = True

    def time_index(self, n_steps):
        """Source step of each step, and the octaves that the tempo rises by."""
        rng = self.rng
        rate = 1 + rng.uniform(-MAX_STRETCH, MAX_STRETCH) if rng.random() < STRETCH_CHANCE else 1.0
        start = rng.integers(n_steps) if rng.random() < ROLL_CHANCE else 0
        return (start + np.floor(np.arange(n_steps) * rate).astype(int)) % n_steps, np.log2(rate)

    def equaliser_db(self, n_bands):
        """A random slope and a random bump over the mel bands."""
        rng, band = self.rng, np.linspace(-1, 1, n_bands)
        bump = np.exp(-(((band - rng.uniform(-1, 1)) / rng.uniform(0.15, 0.5)) ** 2))
        return rng.normal(0, TILT_STD_DB) * band + rng.normal(0, BUMP_STD_DB) * bump

    def one(self, steps, constants, heard_constants):
        """A changed, standardised copy of one raw window, and which of its steps each new step is.

        `heard_constants` [K, C] are those of provisional readings.
        """
        rng, n_steps = self.rng, len(steps)
        if self.rests:
            return self.scaling.steps(steps), self.scaling.constants(constants), np.arange(n_steps)
        if rng.random() < TILE_CHANCE:
            kept = rng.integers(min_tiled(n_steps), n_steps)
            index, octaves = tiled_index(n_steps, kept), 0.0
            steps = tiled(steps, kept, self.all_mel, self.relative)
            constants = [*heard_constants, constants][np.argmin(np.abs(self.heard_steps - kept))]
        else:
            index, octaves = self.time_index(n_steps)
            steps = steps[index]
        turned, turn = np.arange(self.n_features), rng.integers(12)
        for block in self.chroma:
            turned[block] = np.roll(block, turn)
        steps = steps[:, turned]
        if self.mel:
            gain_db = self.equaliser_db(len(self.mel[0]))
            for block in self.mel:
                steps[:, block] = np.maximum(steps[:, block] + gain_db, MEL_FLOOR_DB)
        constants = constants.copy()
        constants[self.tempo] += octaves

        steps = self.scaling.steps(steps)
        steps += NOISE_STD * rng.standard_normal(steps.shape, dtype=np.float32)
        if self.mel and rng.random() < MASK_CHANCE:
            width = rng.integers(1, MAX_MASKED_BANDS + 1)
            low = rng.integers(len(self.mel[0]) - width + 1)
            for block in self.mel:
                steps[:, block[low : low + width]] = 0.0
        if rng.random() < MASK_CHANCE:
            width = rng.integers(1, int(MAX_MASKED_TIME * n_steps) + 1)
            low = rng.integers(n_steps - width + 1)
            steps[low : low + width] = 0.0
        constants = self.scaling.constants(constants)
        constants += CONSTANT_NOISE_STD * rng.standard_normal(constants.shape, dtype=np.float32)
        return steps, constants, index

    def batch(self, windows):
        """Changed copies of a batch of windows: steps, constants, and the steps that theirs came from [B, T]."""
        drawn = [self.one(*one) for one in zip(windows.steps, windows.constants, windows.heard_constants)]
        return tuple(np.stack(part) for part in zip(*drawn))
