"""The bundled VST3 in pedalboard: audio passes bit for bit, and the mood is read while it does.

    python tests/python/test_vst3.py

The plugin is taken from MOODRING_VST3, or from where `cargo xtask bundle moodring` leaves it. Exits with 1 if anything fails.
"""

import csv
import json
import os
import struct
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pedalboard

BUNDLED = Path(__file__).resolve().parents[2] / "target" / "bundled" / "Moodring.vst3"

RATES_HZ = (44_100, 48_000, 96_000)
BLOCKS = (1, 17, 64, 1024, 4096)

# Offset of the list of chunks, and of the first chunk, in a .vstpreset file.
LIST_OFFSET_AT = 40
COMPONENT_AT = 48


def load():
    bundle = Path(os.environ.get("MOODRING_VST3", BUNDLED))
    if not bundle.exists():
        sys.exit(f"there is no plugin at {bundle}: run `cargo xtask bundle moodring` first")
    return pedalboard.load_plugin(str(bundle))


def state(plugin):
    """The plugin's own state, out of the preset that holds it."""
    preset = plugin.preset_data
    (end,) = struct.unpack_from("<q", preset, LIST_OFFSET_AT)
    return json.loads(preset[COMPONENT_AT:end])


def set_state(plugin, new):
    component = json.dumps(new).encode()
    end = COMPONENT_AT + len(component)
    chunks = [(b"Comp", COMPONENT_AT, len(component)), (b"Cont", end, 0)]
    plugin.preset_data = b"".join(
        [plugin.preset_data[:LIST_OFFSET_AT], struct.pack("<q", end), component]
        + [b"List", struct.pack("<i", len(chunks))]
        + [name + struct.pack("<qq", at, size) for name, at, size in chunks]
    )


def set_field(plugin, name, text):
    new = state(plugin)
    new["fields"][name] = json.dumps(text)
    set_state(plugin, new)


def noise(n_channels, n_samples):
    """Noise with every odd kind of float strewn in."""
    random = np.random.default_rng(7)
    audio = random.uniform(-1, 1, (n_channels, n_samples)).astype(np.float32)
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-40, -1e-45, 1e30], np.float32)
    where = random.integers(n_samples, size=n_samples // 10)
    audio[:, where] = random.choice(odd, size=(n_channels, where.size))
    return audio


def assert_same_bits(heard, played, what):
    assert heard.shape == played.shape, f"{what}: {heard.shape} for {played.shape}"
    differ = np.flatnonzero((heard.view(np.uint32) != played.view(np.uint32)).any(axis=0))
    assert differ.size == 0, f"{what}: {differ.size} samples differ, the first is {differ[0]}"


def audio_passes_bit_for_bit_in_any_block_size_rate_and_layout():
    plugin = load()
    for rate_hz in RATES_HZ:
        for n_channels in (1, 2):
            for block in BLOCKS:
                played = noise(n_channels, 20_000)
                heard = plugin(played, rate_hz, buffer_size=block)
                assert_same_bits(heard, played, f"{rate_hz} Hz, {n_channels} channels, {block}")


def bypassed_audio_passes_bit_for_bit():
    plugin = load()
    plugin.bypass = True
    played = noise(2, 50_000)
    assert_same_bits(plugin(played, 48_000, buffer_size=512), played, "bypassed")


def the_plugin_reports_no_latency_and_its_parameters():
    plugin = load()
    assert plugin.reported_latency_samples == 0
    found = {name: parameter.string_value for name, parameter in plugin.parameters.items()}
    assert found == {
        "bypass": "Off",
        "hold": "Off",
        "reset": "Off",
        "auto_reset": "On",
        "response": "Mix",
        "gate_db": "-70",
    }, found


def a_render_reads_every_second_and_loses_no_sample():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "readings.csv"
        plugin = load()
        set_field(plugin, "csv_path", str(path))
        secs = np.arange(12 * 44_100) / 44_100
        chord = sum(np.sin(2 * np.pi * hz * secs) for hz in (220.0, 277.2, 329.6))
        played = np.tile(0.1 * chord.astype(np.float32), (2, 1))
        assert_same_bits(plugin(played, 44_100, buffer_size=512), played, "a chord")
        # The host plays twelve seconds in less than one, and does not say that it is offline: the analysis follows.
        deadline = time.monotonic() + 20
        rows = []
        while time.monotonic() < deadline and not (rows and float(rows[-1]["time_secs"] or 0) > 11.5):
            time.sleep(0.2)
            rows = list(csv.DictReader(path.open())) if path.exists() else []
        del plugin
    assert len(rows) >= 5 * 11, f"only {len(rows)} readings"
    assert rows[-1]["phase"] == "live", rows[-1]
    assert float(rows[-1]["time_secs"]) > 11.5, rows[-1]
    assert all(row["overrun_samples"] == "0" for row in rows)
    assert all(0 <= float(row[pole]) <= 1 for row in rows for pole in ("excited", "joy"))


def the_state_survives_the_round_trip():
    plugin, other = load(), load()
    set_field(plugin, "csv_path", 'a "quoted" söng.csv')
    plugin.bypass = True
    # VST3 hands parameters over with the audio.
    plugin(noise(2, 512), 48_000, buffer_size=512)
    assert state(plugin) != state(other)
    other.preset_data = plugin.preset_data
    assert state(other) == state(plugin), state(other)
    assert state(other)["params"]["bypass"] == {"bool": True}
    assert json.loads(state(other)["fields"]["csv_path"]) == 'a "quoted" söng.csv'


TESTS = (
    audio_passes_bit_for_bit_in_any_block_size_rate_and_layout,
    bypassed_audio_passes_bit_for_bit,
    the_plugin_reports_no_latency_and_its_parameters,
    a_render_reads_every_second_and_loses_no_sample,
    the_state_survives_the_round_trip,
)


def main():
    n_failed = 0
    for test in TESTS:
        name = test.__name__.replace("_", " ")
        try:
            test()
        except Exception as error:  # A test that cannot run has failed like any other.
            n_failed += 1
            print(f"FAILED {name}: {type(error).__name__}: {error}")
        else:
            print(f"ok     {name}")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
