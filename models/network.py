"""The networks: bidirectional LSTMs with the constants and, if asked for, statistics of their input, dense layers, softmax per space.

A model is one network or several of the same shape that were fitted from different seeds, whose logits are averaged.
"""

import jax
import jax.numpy as jnp
import numpy as np

# Order of the gates in every weight, as in ONNX: input, output, forget, cell.
FORGET = 2
# Under the root of a variance, so that a constant feature has a gradient.
VARIANCE_FLOOR = 1e-6
# Mean, standard deviation and mean change of every step feature.
N_STATISTICS = 3


def init(key, n_features, n_constants, n_spaces, n_taught, settings):
    """Fresh weights. Forget bias 1, as in the paper, so that the cell remembers before it has learned what to forget."""
    keys = iter(jax.random.split(key, 16))
    glorot, orthogonal = jax.nn.initializers.glorot_uniform(), jax.nn.initializers.orthogonal()
    hidden = settings.hidden

    def direction():
        recurrent = [orthogonal(k, (hidden, hidden)) for k in jax.random.split(next(keys), 4)]
        return {
            "w": glorot(next(keys), (n_features, 4 * hidden)),
            "r": jnp.concatenate(recurrent, axis=1),
            "b": jnp.zeros(4 * hidden).at[FORGET * hidden : (FORGET + 1) * hidden].set(1.0),
        }

    def layer(n_in, n_out):
        return {"w": glorot(next(keys), (n_in, n_out)), "b": jnp.zeros(n_out)}

    n_in = 2 * hidden + n_constants + (N_STATISTICS * n_features if settings.statistics else 0)
    dense = {}
    for i in range(settings.layers):
        dense[f"dense{i + 1}"] = layer(n_in, settings.dense)
        n_in = settings.dense
    params = {"forward": direction(), "backward": direction(), **dense, "out": layer(n_in, 2 * n_spaces)}
    if n_taught:
        # What a teacher heard in every step, guessed from the LSTM's output; used in fitting alone.
        params["taught"] = layer(2 * hidden, n_taught)
    return params


def cell(direction, projected, h, c):
    """One LSTM step; `projected` is the input times `w` plus `b`."""
    i, o, f, g = jnp.split(projected + h @ direction["r"], 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def lstm_outputs(params, steps):
    """[B, T, F] to [T, B, 2H]: the outputs of both directions at every step."""
    by_time = jnp.swapaxes(steps, 0, 1)
    directions = params["forward"], params["backward"]
    projected = [d["w"] for d in directions]
    projected = (by_time @ projected[0] + directions[0]["b"], by_time[::-1] @ projected[1] + directions[1]["b"])
    zero = jnp.zeros((steps.shape[0], directions[0]["r"].shape[0]))

    # Both directions in one loop: half the loop overhead, and two products that can run side by side.
    def step(carry, now):
        new = [cell(d, x, h, c) for d, x, (h, c) in zip(directions, now, carry)]
        return new, [h for h, _ in new]

    _, (ahead, back) = jax.lax.scan(step, [(zero, zero)] * 2, projected)
    return jnp.concatenate([ahead, back[::-1]], axis=2)


def step_weights(n_steps, recency):
    """[T], of sum 1: how much each step counts in a mean over time. The newest counts 1 + recency, the oldest 1 - recency,
    with a straight line between, so that a meter follows a change before half of its window is new.
    """
    position = (np.arange(n_steps) + 0.5) / n_steps
    weights = 1 + recency * (2 * position - 1)
    return (weights / weights.sum()).astype(np.float32)


def statistics(steps, recency):
    """[B, T, F] to [B, 3F]: weighted mean, standard deviation and mean absolute change of every feature over time."""

    def mean_of(x):
        return jnp.einsum("btf,t->bf", x, step_weights(x.shape[1], recency))

    mean = mean_of(steps)
    variance = mean_of(jnp.square(steps)) - jnp.square(mean)
    change = mean_of(jnp.abs(steps[:, 1:] - steps[:, :-1]))
    return jnp.concatenate([mean, jnp.sqrt(jnp.maximum(variance, VARIANCE_FLOOR)), change], axis=1)


def dropped(key, x, rate):
    """Inverted dropout; the identity without a key."""
    if key is None or rate == 0:
        return x
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0.0)


def forward(params, steps, constants, settings, key=None):
    """Logits [B, n_spaces, 2], first pole first, and the guess at what the teacher heard [T, B, n_taught] or None."""
    keys = iter([None] * 8 if key is None else jax.random.split(key, 8))
    outputs = lstm_outputs(params, steps)
    heard = jnp.einsum("tbh,t->bh", outputs, step_weights(steps.shape[1], settings.recency))
    parts = [dropped(next(keys), heard, settings.dropout)]
    if settings.statistics:
        parts.append(dropped(next(keys), statistics(steps, settings.recency), settings.input_dropout))
    x = jnp.concatenate([*parts, constants], axis=1)
    for i in range(settings.layers):
        layer = params[f"dense{i + 1}"]
        x = dropped(next(keys), jax.nn.relu(x @ layer["w"] + layer["b"]), settings.dropout)
    raw = x @ params["out"]["w"] + params["out"]["b"]
    taught = outputs @ params["taught"]["w"] + params["taught"]["b"] if "taught" in params else None
    return raw.reshape(raw.shape[0], -1, 2), taught


def cross_entropy(raw, share):
    """Mean cross-entropy against the soft labels `share` [B, n_spaces]; spaces without a label do not count."""
    known = jnp.isfinite(share)
    share = jnp.where(known, share, 0.5)
    log_p = jax.nn.log_softmax(raw)
    each = -(share * log_p[..., 0] + (1 - share) * log_p[..., 1])
    return jnp.sum(jnp.where(known, each, 0.0)) / jnp.maximum(jnp.sum(known), 1)


def leanings(predict, params, steps, constants, batch=256):
    """Difference of the logits of both poles, [N, n_spaces], in batches of one size so that it is compiled once."""
    out = []
    for start in range(0, len(steps), batch):
        chunk = slice(start, start + batch)
        short = batch - len(steps[chunk])
        padded = [np.concatenate([x[chunk], np.repeat(x[:1], short, axis=0)]) for x in (steps, constants)]
        out.append(np.asarray(predict(params, *padded))[: batch - short])
    return np.concatenate(out)


def shares(leaning):
    """Share of the first pole from the difference of its logits."""
    return 1 / (1 + np.exp(-leaning))
