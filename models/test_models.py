"""Run with `python -m unittest discover models`, in the environment of requirements.txt."""

import unittest

import jax
import numpy as np

import augment
import dataset
import export
import network

CHROMA = [f"chroma_{part}_{i}" for part in ("harmonic", "percussive") for i in range(12)]
MEL = [f"mel_{part}_{i:02}" for part in ("harmonic", "percussive") for i in range(40)]
NAMES = CHROMA + MEL + ["onset_harmonic", "onset_percussive"]
CONSTANTS = ["tempo_harmonic_octaves", "tempo_percussive_octaves", "energy_harmonic_db", "energy_percussive_db"]


def ratings(**given):
    return {name: np.array([given.get(name, np.nan)]) for name in dataset.RATING_COLUMNS}


def share(space, **given):
    return dataset.soft_labels(ratings(**given), [dataset.Space.parse(space)])[0, 0]


def invented_windows(n_songs=40, windows_per_song=3):
    rng = np.random.default_rng(0)
    n = n_songs * windows_per_song
    song = np.repeat([f"deam/{i}" for i in range(n_songs)], windows_per_song)
    return dataset.Windows(
        steps=rng.standard_normal((n, 99, len(NAMES))).astype(np.float32),
        constants=rng.standard_normal((n, 4)).astype(np.float32),
        set_name=np.full(n, "deam"),
        song=song,
        ratings={},
        step_names=NAMES,
        constant_names=CONSTANTS,
    )


class Labels(unittest.TestCase):
    def test_a_rating_at_the_midpoint_is_an_even_vote(self):
        rated = {"valence_mean": 5.0, "valence_std": 1.5, "arousal_mean": 8.0, "arousal_std": 1.0}
        self.assertEqual(share("joy/sad:0", **rated), 0.5)
        self.assertGreater(share("excited/calm:90", **rated), 0.97)

    def test_one_deviation_above_the_midpoint_is_84_votes_of_100(self):
        rated = {"valence_mean": 6.5, "valence_std": 1.5, "arousal_mean": 5.0, "arousal_std": 1.5}
        self.assertAlmostEqual(share("joy/sad:0", **rated), 0.8413, places=3)

    def test_high_arousal_and_low_valence_is_tense(self):
        rated = {"valence_mean": 3.0, "valence_std": 1.5, "arousal_mean": 7.0, "arousal_std": 1.5}
        self.assertGreater(share("tense/relaxed:135", **rated), 0.9)

    def test_a_quadrant_votes_only_where_both_scales_pull_the_same_way(self):
        self.assertAlmostEqual(share("joy/sad:0", excited=1.0, joy=0.0), 0.05, places=5)
        self.assertAlmostEqual(share("tense/relaxed:135", excited=1.0, joy=0.0), 0.95, places=5)
        self.assertTrue(np.isnan(share("tense/relaxed:135", excited=1.0, joy=1.0)))


class Splits(unittest.TestCase):
    def test_no_song_is_in_two_folds_and_folds_are_even(self):
        windows = invented_windows()
        fold = dataset.folds_by_song(windows, 10, seed=1)
        for song in set(windows.song):
            self.assertEqual(len(set(fold[windows.song == song])), 1)
        self.assertEqual(set(np.bincount(fold)), {12})


class Augmentation(unittest.TestCase):
    def test_tiling_repeats_the_newest_steps_and_ends_with_the_newest(self):
        self.assertEqual(augment.tiled_index(7, 3).tolist(), [6, 4, 5, 6, 4, 5, 6])
        self.assertEqual(augment.tiled_index(5, 5).tolist(), [0, 1, 2, 3, 4])

    def test_tiled_mel_bands_are_relative_to_what_was_heard(self):
        steps = np.zeros((8, 3), np.float32)
        steps[:, 1:] = np.array([-40.0] * 6 + [-10.0] * 2)[:, None]
        tiled = augment.tiled(steps, 2, np.array([1, 2]))
        # Two of eight steps hold nearly all the power, so their own mean level is 6 dB higher.
        self.assertTrue(np.allclose(tiled[:, 1:], -16.0, atol=0.05))
        self.assertTrue(np.all(tiled[:, 0] == 0.0))

    def test_both_chroma_blocks_turn_together(self):
        windows = invented_windows(2, 1)
        steps = np.zeros((99, len(NAMES)), np.float32)
        steps[:, 0] = steps[:, 12] = 100.0
        drawer = augment.Augmenter(NAMES, CONSTANTS, dataset.Scaling.of(windows), seed=3)
        for _ in range(20):
            drawn, _ = drawer.one(steps, np.zeros(4, np.float32))
            # A masked stretch of time is flat; look where something sounds.
            loud = drawn[np.argmax(drawn[:, :12].max(axis=1))]
            self.assertEqual(np.argmax(loud[:12]), np.argmax(loud[12:24]))


class Export(unittest.TestCase):
    def test_both_files_agree_with_the_network_in_jax(self):
        windows = invented_windows(8, 1)
        for pool in ("mean", "last"):
            params = network.init(jax.random.key(5), len(NAMES), 4, 2, hidden=32, dense=16)
            by_jax = jax.nn.softmax(network.logits(params, windows.steps, windows.constants, pool))[..., 0]
            *_, apart = export.compared(params, pool, 99, windows.steps, windows.constants, np.asarray(by_jax))
            self.assertLess(apart["f32_from_jax_max"], 1e-5)
            self.assertLess(apart["int8_from_f32_max"], 1e-2)

    def test_int8_weights_are_within_half_a_step_of_the_real_ones(self):
        weight = np.random.default_rng(1).standard_normal((2, 6, 8)).astype(np.float32)
        whole, scale = export.quantised(weight)
        self.assertLessEqual(np.abs(whole * scale[:, None] - weight).max(), 0.5001 * scale.max())


if __name__ == "__main__":
    unittest.main()
