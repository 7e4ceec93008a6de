"""Fitting one network: Adam with decoupled weight decay, averaged weights, early stopping on songs kept aside."""

import functools
import time
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax

import network
from augment import Augmenter, mel_columns, tiled
from dataset import Scaling


@dataclass(frozen=True)
class Settings:
    """What a fit depends on besides its data."""

    hidden: int = 128
    dense: int = 256
    pool: str = "mean"
    dropout: float = 0.4
    rate: float = 1e-3
    weight_decay: float = 1e-2
    batch: int = 64
    epochs: int = 60
    patience: int = 12
    # Share of each update in the running average of the weights that is evaluated and kept.
    average: float = 0.02
    seed: int = 1


@dataclass
class Fitted:
    """Weights, the scaling they expect, and where the fit stopped."""

    params: dict
    scaling: Scaling
    best_epoch: int
    best_loss: float


@functools.cache
def predictor(pool):
    return jax.jit(lambda p, s, c: jax.nn.softmax(network.logits(p, s, c, pool))[..., 0])


def predicted(fitted, windows, settings, kept=None):
    """Shares [N, n_spaces] of the windows, or of provisional readings for which only the newest `kept` steps were heard."""
    steps = windows.steps if kept is None else tiled(windows.steps, kept, mel_columns(windows.step_names))
    standardised = fitted.scaling.steps(steps), fitted.scaling.constants(windows.constants)
    return network.shares(predictor(settings.pool), fitted.params, *standardised)


def known_cross_entropy(share, label):
    """Mean cross-entropy of predicted shares against soft labels, where there are any."""
    share = np.clip(share, 1e-6, 1 - 1e-6)
    return np.nanmean(-(label * np.log(share) + (1 - label) * np.log(1 - share)))


def one_window_per_song(songs, rng):
    """A random window of every song, in random order: long clips weigh no more than short ones."""
    order = rng.permutation(len(songs))
    _, first = np.unique(songs[order], return_index=True)
    return rng.permutation(order[first])


def make_update(optimiser, settings):
    @jax.jit
    def update(params, averaged, state, steps, constants, label, key):
        def loss_of(p):
            return network.cross_entropy(network.logits(p, steps, constants, settings.pool, key, settings.dropout), label)

        loss, gradient = jax.value_and_grad(loss_of)(params)
        change, state = optimiser.update(gradient, state, params)
        params = optax.apply_updates(params, change)
        averaged = optax.incremental_update(params, averaged, settings.average)
        return params, averaged, state, loss

    return update


def fit(train, train_label, val, val_label, settings, say=print):
    """Fits to `train`, keeps the averaged weights of the epoch with the lowest cross-entropy on `val`."""
    rng = np.random.default_rng(settings.seed)
    key = jax.random.key(settings.seed)
    scaling = Scaling.of(train)
    augmenter = Augmenter(train.step_names, train.constant_names, scaling, settings.seed)
    params = network.init(
        key, train.steps.shape[2], train.constants.shape[1], train_label.shape[1], settings.hidden, settings.dense
    )
    batches = len(set(train.song)) // settings.batch
    if batches == 0:
        raise SystemExit(f"{len(set(train.song))} songs do not fill a batch of {settings.batch}; give a smaller --batch")
    schedule = optax.warmup_cosine_decay_schedule(0.0, settings.rate, 2 * batches, settings.epochs * batches)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=settings.weight_decay))
    state, averaged = optimiser.init(params), jax.tree.map(jnp.copy, params)
    update = make_update(optimiser, settings)

    best = Fitted(averaged, scaling, 0, np.inf)
    for epoch in range(1, settings.epochs + 1):
        started, losses = time.monotonic(), []
        order = one_window_per_song(train.song, rng)
        for i in range(batches):
            rows = order[i * settings.batch : (i + 1) * settings.batch]
            steps, constants = augmenter.batch(train.steps[rows], train.constants[rows])
            key, dropout_key = jax.random.split(key)
            params, averaged, state, loss = update(
                params, averaged, state, steps, constants, train_label[rows], dropout_key
            )
            losses.append(loss)
        now = Fitted(averaged, scaling, epoch, 0.0)
        now.best_loss = known_cross_entropy(predicted(now, val, settings), val_label)
        if now.best_loss < best.best_loss:
            best = now
        say(
            f"  epoch {epoch:3}  train {np.mean(jax.device_get(losses)):.4f}  val {now.best_loss:.4f}"
            f"{'  best' if best is now else ''}  {time.monotonic() - started:.1f} s"
        )
        if epoch - best.best_epoch >= settings.patience:
            break
    return best
