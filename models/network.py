"""The network: bidirectional LSTM, joined with the constants, two dense layers, a softmax per label space."""

import jax
import jax.numpy as jnp
import numpy as np

# Order of the gates in every weight, as in ONNX: input, output, forget, cell.
FORGET = 2


def init(key, n_features, n_constants, n_spaces, hidden, dense):
    """Fresh weights. Forget bias 1, as in the paper, so that the cell remembers before it has learned what to forget."""
    keys = iter(jax.random.split(key, 9))
    glorot, orthogonal = jax.nn.initializers.glorot_uniform(), jax.nn.initializers.orthogonal()

    def direction():
        recurrent = [orthogonal(k, (hidden, hidden)) for k in jax.random.split(next(keys), 4)]
        return {
            "w": glorot(next(keys), (n_features, 4 * hidden)),
            "r": jnp.concatenate(recurrent, axis=1),
            "b": jnp.zeros(4 * hidden).at[FORGET * hidden : (FORGET + 1) * hidden].set(1.0),
        }

    def layer(n_in, n_out):
        return {"w": glorot(next(keys), (n_in, n_out)), "b": jnp.zeros(n_out)}

    return {
        "forward": direction(),
        "backward": direction(),
        "dense1": layer(2 * hidden + n_constants, dense),
        "dense2": layer(dense, dense),
        "out": layer(dense, 2 * n_spaces),
    }


def cell(direction, projected, h, c):
    """One LSTM step; `projected` is the input times `w` plus `b`."""
    i, o, f, g = jnp.split(projected + h @ direction["r"], 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def lstm_vector(params, steps, pool):
    """[B, T, F] to [B, 2H]: mean of the outputs over time, or the last state of each direction."""
    by_time = jnp.swapaxes(steps, 0, 1)
    directions = params["forward"], params["backward"]
    projected = [d["w"] for d in directions]
    projected = (by_time @ projected[0] + directions[0]["b"], by_time[::-1] @ projected[1] + directions[1]["b"])
    zero = jnp.zeros((steps.shape[0], directions[0]["r"].shape[0]))

    # Both directions in one loop: half the loop overhead, and two products that can run side by side.
    def step(carry, now):
        new = [cell(d, x, h, c) for d, x, (h, c, _) in zip(directions, now, carry)]
        return [(h, c, total + h) for (h, c), (_, _, total) in zip(new, carry)], None

    carry, _ = jax.lax.scan(step, [(zero, zero, zero)] * 2, projected)
    if pool == "mean":
        return jnp.concatenate([total / steps.shape[1] for _, _, total in carry], axis=1)
    return jnp.concatenate([h for h, _, _ in carry], axis=1)


def dropped(key, x, rate):
    """Inverted dropout; the identity without a key."""
    if key is None or rate == 0:
        return x
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0.0)


def logits(params, steps, constants, pool, key=None, dropout=0.0):
    """[B, n_spaces, 2], first pole first."""
    keys = [None] * 3 if key is None else jax.random.split(key, 3)
    vector = dropped(keys[0], lstm_vector(params, steps, pool), dropout)
    x = jnp.concatenate([vector, constants], axis=1)
    for name, k in (("dense1", keys[1]), ("dense2", keys[2])):
        x = dropped(k, jax.nn.relu(x @ params[name]["w"] + params[name]["b"]), dropout)
    x = x @ params["out"]["w"] + params["out"]["b"]
    return x.reshape(x.shape[0], -1, 2)


def cross_entropy(raw, share):
    """Mean cross-entropy against the soft labels `share` [B, n_spaces]; spaces without a label do not count."""
    known = jnp.isfinite(share)
    share = jnp.where(known, share, 0.5)
    log_p = jax.nn.log_softmax(raw)
    each = -(share * log_p[..., 0] + (1 - share) * log_p[..., 1])
    return jnp.sum(jnp.where(known, each, 0.0)) / jnp.maximum(jnp.sum(known), 1)


def shares(predict, params, steps, constants, batch=256):
    """Share of the first poles, [N, n_spaces], in batches of one size so that it is compiled once."""
    out = []
    for start in range(0, len(steps), batch):
        chunk = slice(start, start + batch)
        short = batch - len(steps[chunk])
        padded = [np.concatenate([x[chunk], np.repeat(x[:1], short, axis=0)]) for x in (steps, constants)]
        out.append(np.asarray(predict(params, *padded))[: batch - short])
    return np.concatenate(out)
