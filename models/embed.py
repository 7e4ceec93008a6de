#!/usr/bin/env python3
"""Writes what musicnn hears in a folder of audio, for a teacher (see teacher.py).

  python models/embed.py --audio DEAM/audio --out work/deam-heard.npz

Needs the packages of requirements-teacher.txt and musicnn, as said there. The weights come with the package musicnn 0.1.0 (ISC licence; trained on the tags
of the Million Song Dataset and of MagnaTagATune): they are read from its files, its own code is not run. The front end is the
package's: 96 mel bands of 16 kHz audio, windows of 512, hop 256, patches of 187 frames (3 s).

Arrays over N files: song N, tags N × 500 (penultimate layer and tag logits of both networks), pooled N × 753 (mean over time of the
layers of the first), n_steps N, and steps Σ n_steps × 753: the same layers, averaged over every step of Moodring's analysis (93 ms).
"""

import argparse
import importlib.util
import shutil
import tempfile
from pathlib import Path

import librosa
import numpy as np
import tensorflow as tf

import files

RATE_HZ, HOP, WINDOW, N_BANDS, PATCH_FRAMES = 16_000, 256, 512, 96, 187
NETWORKS = ("MSD_musicnn", "MTT_musicnn")
BATCH_NORM_EPSILON = 1e-3
# A step of the analysis: four hops of 512 samples at 22 050 Hz under windows of 2048, so that its middle is half a window later.
STEP_SECS, STEP_MIDDLE_SECS = 4 * 512 / 22_050, (2048 + 3 * 512) / 2 / 22_050


def weights(name):
    """The variables of one network, from the package's checkpoint."""
    package = Path(importlib.util.find_spec("musicnn").origin).parent
    with tempfile.TemporaryDirectory() as folder:
        # The package's files have names without a stem, which the reader does not take.
        for kind in (".index", ".data-00000-of-00001"):
            shutil.copy(package / name / kind, Path(folder) / f"weights{kind}")
        reader = tf.train.load_checkpoint(str(Path(folder) / "weights"))
        names = [n for n in reader.get_variable_to_shape_map() if "Adam" not in n and "power" not in n]
        return {n: reader.get_tensor(n) for n in names}


def network(name):
    """Functions from spectrograms [P, T, 96] to tag logits, penultimate layer and pooled layers of patches, and to the layers over time
    [P, T, 753, 1] (Pons and Serra 2019, musicnn)."""
    w = weights(name)

    def numbered(kind, i):
        return f"{kind}_{i}/" if i else f"{kind}/"

    def norm(x, i):
        at = numbered("batch_normalization", i)
        scale = w[at + "gamma"] / np.sqrt(w[at + "moving_variance"] + BATCH_NORM_EPSILON)
        return x * scale + (w[at + "beta"] - w[at + "moving_mean"] * scale)

    def conv(x, i, padding):
        at = numbered("conv2d", i)
        return norm(tf.nn.relu(tf.nn.conv2d(x, w[at + "kernel"], 1, padding) + w[at + "bias"]), i + 1)

    def over_time(x):
        return tf.pad(x, [[0, 0], [3, 3], [0, 0], [0, 0]])

    def middle(x, i):
        return tf.transpose(conv(over_time(x), i, "VALID"), [0, 1, 3, 2])

    @tf.function(reduce_retracing=True)
    def layers_of(patches):
        x = norm(patches[..., None], 0)
        timbral = [tf.reduce_max(conv(over_time(x), i, "VALID"), axis=2) for i in (0, 1)]
        temporal = [tf.reduce_max(conv(x, i, "SAME"), axis=2) for i in (2, 3, 4)]
        front = tf.concat(timbral + temporal, axis=2)[..., None]
        first = middle(front, 5)
        second = middle(first, 6) + first
        third = middle(second, 7) + second
        return tf.concat([front, first, second, third], axis=2)

    @tf.function(reduce_retracing=True)
    def run(patches):
        layers = layers_of(patches)
        pooled = tf.reduce_mean(layers, axis=1)
        both = tf.concat([tf.reduce_max(layers, axis=1), pooled], axis=2)
        flat = norm(tf.reshape(both, [tf.shape(both)[0], -1]), 9)
        dense = norm(tf.nn.relu(flat @ w["dense/kernel"] + w["dense/bias"]), 10)
        return dense @ w["dense_1/kernel"] + w["dense_1/bias"], dense, tf.reshape(pooled, [tf.shape(both)[0], -1])

    return run, layers_of


def spectrogram(path):
    """Log-mel spectrogram of a file [T, 96]; music shorter than a patch is repeated."""
    y, _ = librosa.load(path, sr=RATE_HZ)
    mel = librosa.feature.melspectrogram(y=y, sr=RATE_HZ, hop_length=HOP, n_fft=WINDOW, n_mels=N_BANDS).T
    # The package rounds to half precision before the logarithm, and so were its networks fitted.
    mel = np.log10(10_000 * mel.astype(np.float16).astype(np.float32) + 1)
    if len(mel) < PATCH_FRAMES:
        mel = np.tile(mel, (PATCH_FRAMES // max(len(mel), 1) + 1, 1))
    return mel


def patches(mel):
    """[P, 187, 96], side by side."""
    starts = range(0, len(mel) - PATCH_FRAMES + 1, PATCH_FRAMES)
    return np.stack([mel[s : s + PATCH_FRAMES] for s in starts])


def by_step(layers):
    """Layers over time [T, 753] averaged over the frames whose middles lie nearest to each step's: [steps, 753]."""
    of = np.round((np.arange(len(layers)) * HOP / RATE_HZ - STEP_MIDDLE_SECS) / STEP_SECS).astype(int)
    inside = of >= 0
    steps = np.zeros((of.max() + 1, layers.shape[1]))
    np.add.at(steps, of[inside], layers[inside])
    return (steps / np.bincount(of[inside])[:, None]).astype(np.float16)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="F.npz")
    args = parser.parse_args()
    songs_at = files.audio(args.audio)
    if not songs_at:
        raise SystemExit(f"no audio in {args.audio}")
    files.spare(songs_at, [args.out])
    networks = [network(name) for name in NETWORKS]
    songs, tags, pooled, steps = [], [], [], []
    for n, path in enumerate(songs_at):
        mel = spectrogram(path)
        heard = [[layer.numpy().mean(axis=0) for layer in run(tf.constant(patches(mel)))] for run, _ in networks]
        steps.append(by_step(networks[0][1](tf.constant(mel[None])).numpy()[0, :, :, 0]))
        songs.append(path.stem)
        tags.append(np.concatenate([layer for logits, dense, _ in heard for layer in (dense, logits)]))
        pooled.append(heard[0][2])
        if (n + 1) % 100 == 0:
            print(f"{n + 1} of {len(songs_at)}", flush=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    n_steps = np.array([len(x) for x in steps])
    arrays = {"song": np.array(songs), "tags": np.stack(tags), "pooled": np.stack(pooled), "n_steps": n_steps}
    with files.growing(args.out) as file:
        np.savez(file, **arrays, steps=np.concatenate(steps))


if __name__ == "__main__":
    main()
