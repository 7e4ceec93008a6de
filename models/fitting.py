"""Fitting one network: Adam with decoupled weight decay on a cosine schedule, a running average of the weights."""

import functools
import time
from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
import numpy as np
import optax

import kernel
import network
from augment import Augmenter, mel_columns, relative_columns, tiled
from dataset import Scaling

# A small collection is passed over more often, so that a network of few songs is fitted at all.
MIN_UPDATES = 300
# How much more often than a large set's the songs of a small set are drawn, at most.
MAX_DRAWS = 3


@dataclass(frozen=True)
class Settings:
    """What a fit depends on besides its data."""

    # Units of the LSTM per direction, and networks whose logits are averaged.
    hidden: int = 64
    members: int = 4
    # Steps of the analysis (93 ms) under one of the network.
    coarseness: int = 3
    # Whether the dense layers see statistics of the window too, and a kernel machine on them has half a say.
    statistics: bool = True
    # How much more the newest step counts in means over time than the middle one, 0 to 1.
    recency: float = 0.6
    layers: int = 1
    dense: int = 256
    dropout: float = 0.4
    input_dropout: float = 0.3
    augment: bool = True
    rate: float = 2e-3
    weight_decay: float = 1e-2
    batch: int = 64
    epochs: int = 30
    # Share of each update in the running average of the weights that is kept.
    average: float = 0.02
    # With a teacher: weight of its opinion against the label, and of guessing what it heard.
    teacher: float = 0.7
    taught: float = 0.3
    seed: int = 1


@dataclass
class Fitted:
    """Weights of one network, the scaling they expect, and the loss after every epoch."""

    params: dict
    scaling: Scaling
    # One (loss in training, loss on songs kept aside or NaN) per epoch.
    curve: list = field(default_factory=list)


@functools.cache
def predictor(settings):
    def leaning(params, steps, constants):
        raw, _ = network.forward(params, steps, constants, settings)
        return raw[..., 0] - raw[..., 1]

    return jax.jit(leaning)


def leaning(fitted, windows, settings):
    """Difference of the logits of both poles, [N, n_spaces]."""
    scaling = fitted.scaling
    steps, constants = scaling.steps(windows.steps), scaling.constants(windows.constants)
    return network.leanings(predictor(settings), fitted.params, steps, constants)


def model_leaning(fitted, machine, windows, settings, secs=None):
    """The whole model's: the mean of its networks, and of both halves where there is a kernel machine.

    With `secs`, as if only that much had been heard.
    """
    windows = windows if secs is None else heard_windows(windows, secs)
    of_networks = sum(leaning(one, windows, settings) for one in fitted) / len(fitted)
    if machine is None:
        return of_networks
    return 0.5 * (of_networks + kernel.leaning(machine, windows, fitted[0].scaling))


def heard_windows(windows, secs):
    """What the windows would be if only their last `secs` seconds had been heard, one of `windows.heard_secs`."""
    k = windows.heard_secs.index(secs)
    names = windows.step_names
    steps = tiled(windows.steps, windows.heard_steps[k], mel_columns(names), relative_columns(names))
    return replace(windows, steps=steps, constants=windows.heard_constants[:, k])


def known_cross_entropy(share, label):
    """Mean cross-entropy of predicted shares against soft labels, where there are any."""
    share = np.clip(share, 1e-6, 1 - 1e-6)
    return float(np.nanmean(-(label * np.log(share) + (1 - label) * np.log(1 - share))))


def draws(windows):
    """How often the songs of each window's set are drawn per epoch: the root of how much smaller it is than the largest."""
    songs_of = {name: len(set(windows.song[windows.set_name == name])) for name in set(windows.set_name)}
    largest = max(songs_of.values())
    times = {name: min(max(round((largest / n) ** 0.5), 1), MAX_DRAWS) for name, n in songs_of.items()}
    return np.array([times[name] for name in windows.set_name])


def epoch_rows(windows, times, rng):
    """A random window of every song as often as its set is drawn, in random order: long clips weigh no more than short ones."""
    rows = []
    for turn in range(times.max()):
        drawn = rng.permutation(np.flatnonzero(times > turn))
        _, first = np.unique(windows.song[drawn], return_index=True)
        rows.append(drawn[first])
    return rng.permutation(np.concatenate(rows))


def make_update(optimiser, settings):
    @jax.jit
    def update(params, averaged, state, steps, constants, label, heard, key):
        def loss_of(p):
            raw, guess = network.forward(p, steps, constants, settings, key)
            loss = network.cross_entropy(raw, label)
            if guess is None:
                return loss
            return loss + settings.taught * jnp.mean(jnp.square(guess - jnp.swapaxes(heard, 0, 1)))

        loss, gradient = jax.value_and_grad(loss_of)(params)
        change, state = optimiser.update(gradient, state, params)
        params = optax.apply_updates(params, change)
        averaged = optax.incremental_update(params, averaged, settings.average)
        return params, averaged, state, loss

    return update


def fit(train, label, heard, settings, aside=None, say=print):
    """Fits one network to the windows `train`, whose soft labels are `label` [N, n_spaces].

    `heard` [N, T, n_taught] is what a teacher heard in each step, or None. `aside` is (windows, label) whose loss is only looked at.
    """
    rng = np.random.default_rng(settings.seed)
    key = jax.random.key(settings.seed)
    scaling = Scaling.of(train)
    augmenter = Augmenter(train, scaling, settings.seed)
    if not settings.augment:
        augmenter.rest()
    n_taught = 0 if heard is None else heard.shape[2]
    if heard is None:
        heard = np.zeros((*train.steps.shape[:2], 1), np.float32)
    params = network.init(
        key, train.steps.shape[2], train.constants.shape[1], label.shape[1], n_taught, settings
    )
    times = draws(train)
    n_rows = len(epoch_rows(train, times, np.random.default_rng(0)))
    batch = min(settings.batch, n_rows)
    batches = n_rows // batch
    epochs = max(settings.epochs, -(-MIN_UPDATES // batches))
    schedule = optax.warmup_cosine_decay_schedule(0.0, settings.rate, min(2 * batches, 100), epochs * batches)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=settings.weight_decay))
    state, averaged = optimiser.init(params), jax.tree.map(jnp.copy, params)
    update = make_update(optimiser, settings)

    fitted = Fitted(averaged, scaling)
    for epoch in range(1, epochs + 1):
        started, losses = time.monotonic(), []
        rows = epoch_rows(train, times, rng)
        for i in range(batches):
            now = rows[i * batch : (i + 1) * batch]
            steps, constants, then = augmenter.batch(train.take(now))
            key, dropout_key = jax.random.split(key)
            params, averaged, state, loss = update(
                params, averaged, state, steps, constants, label[now], heard[now[:, None], then], dropout_key
            )
            losses.append(loss)
        fitted.params = averaged
        unseen = float("nan")
        if aside is not None:
            unseen = known_cross_entropy(network.shares(leaning(fitted, aside[0], settings)), aside[1])
        fitted.curve.append((float(np.mean(jax.device_get(losses))), unseen))
        say(f"  epoch {epoch:3} of {epochs}  loss {fitted.curve[-1][0]:.4f}  unseen {unseen:.4f}  {time.monotonic() - started:.1f} s")
    fitted.params = jax.device_get(averaged)
    return fitted
