"""Run with `python -m unittest discover models`, in the environment of requirements.txt."""

import tempfile
import unittest
from pathlib import Path

import jax
import numpy as np

import augment
import dataset
import deam
import export
import files
import fitting
import kernel
import network
import report
import train

CHROMA = [f"chroma_{part}_{i}" for part in ("harmonic", "percussive") for i in range(12)]
MEL = [f"mel_{part}_{i:02}" for part in ("harmonic", "percussive") for i in range(40)]
NAMES = CHROMA + MEL + ["onset_harmonic", "onset_percussive"]
CONSTANTS = ["tempo_harmonic_octaves", "tempo_percussive_octaves", "energy_harmonic_db", "energy_percussive_db"]


def windows_of(steps, song, votes=None, **given):
    """Windows with the given ratings, NaN elsewhere."""
    n = len(song)
    ratings = {name: np.full(n, given.get(name, np.nan)) for name in dataset.RATING_COLUMNS}
    return dataset.Windows(
        steps=steps,
        constants=np.random.default_rng(1).standard_normal((n, 4)).astype(np.float32),
        set_name=np.full(n, "deam"),
        song=np.array(song),
        ratings=ratings,
        end_secs=np.full(n, 10.0),
        votes=votes or {},
        step_names=NAMES,
        constant_names=CONSTANTS,
        heard_secs=(1.0, 3.0),
        heard_steps=(6, 27),
        heard_constants=np.zeros((n, 2, 4), np.float32),
    )


def share(space, votes=None, **given):
    one = windows_of(np.zeros((1, 99, len(NAMES)), np.float32), ["deam/1"], {"deam/1": votes} if votes is not None else None, **given)
    return dataset.soft_labels(one, [dataset.Space.parse(space)])[0, 0]


def invented_windows(n_songs=40, windows_per_song=3):
    rng = np.random.default_rng(0)
    song = np.repeat([f"deam/{i}" for i in range(n_songs)], windows_per_song)
    return windows_of(rng.standard_normal((len(song), 99, len(NAMES))).astype(np.float32), song)


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


    def test_single_votes_are_counted_and_come_before_mean_and_spread(self):
        votes = np.array([[3.0, 1.0], [1.0, -2.0], [-3.0, -3.0], [0.0, -1.0]])
        given = {"valence_mean": 1.0, "valence_std": 1.0, "arousal_mean": 9.0, "arousal_std": 1.0}
        self.assertEqual(share("joy/sad:0", votes, **given), 0.625)
        self.assertEqual(share("excited/calm:90", votes, **given), 0.25)

    def test_the_modelled_share_is_that_of_normal_raters_when_they_are_counted(self):
        mean, std = np.array([0.8, -0.4]), np.array([1.5, 1.2])
        votes = np.random.default_rng(2).normal(mean, std, (200_000, 2))
        for space in ("joy/sad:0", "excited/calm:90", "tense/relaxed:135"):
            counted = share(space, votes)
            modelled = share(space, valence_mean=5.8, valence_std=1.5, arousal_mean=4.6, arousal_std=1.2)
            self.assertAlmostEqual(counted, modelled, places=2)


class Deam(unittest.TestCase):
    def test_the_download_is_set_right_where_its_scales_are_exchanged(self):
        header = "song_id, valence_mean, valence_std, arousal_mean, arousal_std\n"
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            tables = folder / "annotations" / "song_level"
            tables.mkdir(parents=True)
            (tables / "static_annotations_averaged_songs_1_2000.csv").write_text(header + "2,3.1,0.9,3.0,0.6\n1001,5.5,1.0,6.5,1.2\n")
            (tables / "static_annotations_averaged_songs_2000_2058.csv").write_text(header + "2058,4,1,7,2\n")
            (folder / "MEMD_audio").mkdir()
            (folder / "MEMD_audio" / "2.mp3").write_bytes(b"")
            said = []
            audio, labels = deam.prepared(folder, folder / "work", said.append)
            self.assertEqual(audio.name, "MEMD_audio")
            rows = labels.read_text().split()
            self.assertEqual(rows[1:], ["2,3.0,0.6,3.1,0.9", "1001,5.5,1.0,6.5,1.2", "2058,4,1,7,2"])
            self.assertIn("exchanged back for the 1 with", said[0])

    def test_a_song_with_two_labels_is_refused(self):
        header = "song_id, valence_mean, valence_std, arousal_mean, arousal_std\n"
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "1001.mp3").write_bytes(b"")
            table = folder / "static_annotations_averaged_songs_1_2000.csv"
            table.write_text(header + "1001,5,1,6,1\n1001,5,1,7,1\n")
            with self.assertRaisesRegex(SystemExit, "song 1001 has other labels in another row"):
                deam.prepared(folder, folder / "work", print)

    def test_a_folder_that_is_no_download_says_so(self):
        with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(SystemExit, "is it the DEAM download"):
            deam.prepared(Path(folder), Path(folder), print)


class Collections(unittest.TestCase):
    def test_no_two_collections_share_their_windows(self):
        tables = [Path("a/deam/labels.csv"), Path("b/deam/labels.csv"), Path("c/deam-2.csv"), Path("c/mine.csv")]
        self.assertEqual(train.names_of(tables), ["deam", "deam-2", "deam-2-2", "mine"])


class Files(unittest.TestCase):
    def test_a_file_takes_its_place_once_it_is_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "mine.onnx"
            files.write(path, b"before")
            with self.assertRaises(ZeroDivisionError), files.growing(path) as file:
                file.write(b"half")
                1 / 0
            self.assertEqual(path.read_bytes(), b"before")
            files.write(path, "after")
            self.assertEqual(path.read_bytes(), b"after")
            self.assertEqual([entry.name for entry in Path(folder).iterdir()], ["mine.onnx"])

    def test_an_output_that_is_an_input_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path, link, new = (Path(folder) / name for name in ("labels.csv", "link.csv", "new.csv"))
            path.write_text("song,joy")
            link.symlink_to(path)
            files.spare([path], [new])
            with self.assertRaisesRegex(SystemExit, "would be destroyed"):
                files.spare([path], [new, link])

    def test_a_folder_s_songs_are_each_there_once_and_hidden_ones_are_not(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("b.wav", "a.mp3", "a.flac", "._a.mp3", "notes.txt"):
                (Path(folder) / name).write_bytes(b"")
            self.assertEqual([path.name for path in files.audio(Path(folder))], ["a.flac", "b.wav"])

    def test_a_dot_in_the_name_of_a_model_is_kept(self):
        args = train.arguments(["--data", "x.npz", "--out", "models/mine-1.2"])
        self.assertEqual(train.written(args, ".onnx"), Path("models/mine-1.2.onnx"))


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
        tiled = augment.tiled(steps, 2, np.array([1, 2]), np.array([1, 2]))
        # Two of eight steps hold nearly all the power, so their own mean level is 6 dB higher.
        self.assertTrue(np.allclose(tiled[:, 1:], -16.0, atol=0.05))
        self.assertTrue(np.all(tiled[:, 0] == 0.0))

    def test_both_chroma_blocks_turn_together(self):
        windows = invented_windows(2, 1)
        steps = np.zeros((99, len(NAMES)), np.float32)
        steps[:, 0] = steps[:, 12] = 100.0
        drawer = augment.Augmenter(windows, dataset.Scaling.of(windows), seed=3)
        for _ in range(20):
            drawn, *_ = drawer.one(steps, np.zeros(4, np.float32), np.zeros((2, 4), np.float32))
            # A masked stretch of time is flat; look where something sounds.
            loud = drawn[np.argmax(drawn[:, :12].max(axis=1))]
            self.assertEqual(np.argmax(loud[:12]), np.argmax(loud[12:24]))


class Heard(unittest.TestCase):
    def test_a_provisional_reading_has_its_own_steps_and_constants(self):
        windows = invented_windows(2, 1)
        windows.heard_constants[:, 1] = 7.0
        heard = fitting.heard_windows(windows, 3.0)
        self.assertTrue(np.all(heard.constants == 7.0))
        self.assertTrue(np.array_equal(heard.steps[:, -27:, 0], heard.steps[:, -54:-27, 0]))
        self.assertEqual(windows.coarser(3).heard_steps, (2, 9))


class Weights(unittest.TestCase):
    def test_the_newest_of_steps_count_most_and_all_count_one(self):
        weights = network.step_weights(33, 0.6)
        self.assertAlmostEqual(weights.sum(), 1.0, places=6)
        self.assertAlmostEqual(weights[-1] / weights[0], 1.58 / 0.42, delta=0.05)
        self.assertTrue(np.allclose(network.step_weights(33, 0.0), 1 / 33))

    def test_statistics_are_numpys_where_all_steps_count_alike(self):
        steps = np.random.default_rng(7).standard_normal((3, 33, 5)).astype(np.float32)
        expected = [steps.mean(axis=1), steps.std(axis=1), np.abs(np.diff(steps, axis=1)).mean(axis=1)]
        self.assertTrue(np.allclose(network.statistics(steps, 0.0), np.concatenate(expected, axis=1), atol=1e-4))


class Coarser(unittest.TestCase):
    def test_steps_are_averaged_and_the_newest_kept(self):
        windows = invented_windows(1, 1)
        windows.steps[0, :, 0] = np.arange(99)
        self.assertEqual(windows.coarser(3).steps[0, :2, 0].tolist(), [1.0, 4.0])
        self.assertEqual(windows.coarser(10).steps[0, [0, -1], 0].tolist(), [13.5, 93.5])


class Report(unittest.TestCase):
    def test_calibration_finds_the_slope_and_bias_that_were_put_in(self):
        windows = invented_windows(2000, 1)
        truth = np.random.default_rng(3).normal(0, 1, (2000, 1))
        label = network.shares(truth)
        slope, bias = report.calibration(windows, (truth - 0.4) / 1.7, label)
        self.assertAlmostEqual(slope[0], 1.7, places=2)
        self.assertAlmostEqual(bias[0], 0.4, delta=report.BALANCING_BIAS + 0.01)

    def test_four_of_five_labels_lie_within_the_doubt(self):
        rng = np.random.default_rng(4)
        read = rng.uniform(0.05, 0.95, 5000)
        label = np.clip(read + rng.normal(0, 0.08, 5000), 0, 1)
        windows = windows_of(np.zeros((5000, 1, len(NAMES)), np.float32), [f"deam/{i}" for i in range(5000)], valence_std=1.0)
        (table,) = report.doubt(windows, {None: read[:, None], 3: read[:, None]}, label[:, None])
        self.assertEqual(table["heard_secs"], [3.0, 10.0])
        low, high = (np.interp(read, table["shares"], table[end][1]) for end in ("low", "high"))
        self.assertAlmostEqual(np.mean((label >= low) & (label <= high)), 0.8, delta=0.03)

    def test_the_ambiguous_are_three_in_ten(self):
        windows = invented_windows(1000, 1)
        share = np.random.default_rng(5).uniform(0, 1, (1000, 1))
        (half_width,) = report.ambiguous_half_widths(windows, share, share)
        self.assertAlmostEqual(np.mean(np.abs(share - 0.5) < half_width), 0.3, delta=0.01)


class Fit(unittest.TestCase):
    def test_the_same_seed_gives_the_same_weights_and_learns(self):
        windows = invented_windows(40, 2).coarser(9)
        label = np.where(windows.steps[:, :, 30].mean(axis=1, keepdims=True) > 0, 0.9, 0.1).astype(np.float32)
        settings = fitting.Settings(hidden=4, dense=8, epochs=2, batch=16)
        one, two = (fitting.fit(windows, label, None, settings, say=lambda _: None) for _ in range(2))
        self.assertTrue(np.array_equal(one.params["out"]["w"], two.params["out"]["w"]))
        self.assertLess(one.curve[-1][0], one.curve[0][0])


class Kernel(unittest.TestCase):
    def test_the_machine_learns_its_songs_and_says_the_same_of_one_window_as_of_many(self):
        windows = invented_windows(60, 1).coarser(9)
        label = np.where(windows.steps[:, :, 30].mean(axis=1, keepdims=True) > 0, 0.9, 0.1)
        scaling = dataset.Scaling.of(windows)
        machine = kernel.fit(windows, label, np.ones(60), scaling, 0.5)
        leaning = kernel.leaning(machine, windows, scaling)
        self.assertGreater(np.mean((leaning > 0) == (label > 0.5)), 0.8)
        one = kernel.leaning(machine, windows.take(np.array([7])), scaling)
        self.assertTrue(np.allclose(one[0], leaning[7], atol=1e-5))


class Export(unittest.TestCase):
    def test_both_files_agree_with_the_network_in_jax(self):
        windows = invented_windows(8, 1)
        scaling = dataset.Scaling.of(windows)
        slope, bias = np.array([1.5, 0.7]), np.array([0.2, -0.3])
        for settings in (
            fitting.Settings(hidden=32, members=2, dense=16, layers=2, statistics=True),
            fitting.Settings(hidden=32, members=1, dense=16, layers=1, statistics=False),
        ):
            fitted = [
                fitting.Fitted(network.init(jax.random.key(m), len(NAMES), 4, 2, 0, settings), scaling)
                for m in range(settings.members)
            ]
            label = np.random.default_rng(6).uniform(0.1, 0.9, (len(windows), 2))
            machine = kernel.fit(windows, label, np.ones(len(windows)), scaling, settings.recency) if settings.statistics else None
            raw = fitting.model_leaning(fitted, machine, windows, settings)
            steps, constants = scaling.steps(windows.steps), scaling.constants(windows.constants)
            *_, apart = export.compared(
                fitted, machine, settings, slope, bias, steps, constants, network.shares(raw * slope + bias)
            )
            self.assertLess(apart["f32_from_jax_max"], 1e-5)
            self.assertLess(apart["int8_from_f32_max"], 1e-2)

    def test_int8_weights_are_within_half_a_step_of_the_real_ones(self):
        weight = np.random.default_rng(1).standard_normal((2, 6, 8)).astype(np.float32)
        whole, scale = export.quantised(weight)
        self.assertLessEqual(np.abs(whole * scale[:, None] - weight).max(), 0.5001 * scale.max())


if __name__ == "__main__":
    unittest.main()
