"""The bundled VST3's window in pedalboard, on a virtual screen: while music plays its meters are there, and move.

    python tests/python/test_window.py

Needs Xvfb, openbox and xsettingsd. The plugin is taken from MOODRING_VST3, or from where `cargo xtask bundle moodring` leaves it.
Exits with 1 if anything fails.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

BUNDLED = Path(__file__).resolve().parents[2] / "target" / "bundled" / "Moodring.vst3"

RATE_HZ = 48_000
BLOCK = 4_800

# A window with text, four colours of poles and their gradients has thousands; an empty one has a handful.
LEAST_COLOURS = 500


@contextlib.contextmanager
def screen(folder):
    """A virtual screen with what pedalboard's windows cannot do without: a window manager, and somebody who owns the settings."""
    # It goes with its last client: pedalboard, which ends with a loud complaint where the server goes first.
    words = ["Xvfb", "-displayfd", "1", "-terminate", "-nolisten", "tcp", "-screen", "0", "1000x700x24", "-fbdir", folder]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    os.environ["DISPLAY"] = ":" + server.stdout.readline().decode().strip()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    helpers = [subprocess.Popen(words, **quiet) for words in (["openbox"], ["xsettingsd", "-c", "/dev/null"])]
    time.sleep(1)
    try:
        yield Path(folder) / "Xvfb_screen0"
    finally:
        for process in helpers:
            process.terminate()
            process.wait()


def picture(file):
    """What the screen shows: the server's own file, an X window dump of 32 bits a pixel."""
    dump = file.read_bytes()
    header = np.frombuffer(dump, ">u4", 25)
    size, width, height, n_colours = header[0], header[4], header[5], header[19]
    return np.frombuffer(dump, "<u4", width * height, size + 12 * n_colours) & 0xFFFFFF


def the_meters_move_while_music_plays():
    import pedalboard

    bundle = Path(os.environ.get("MOODRING_VST3", BUNDLED))
    if not bundle.exists():
        sys.exit(f"there is no plugin at {bundle}: run `cargo xtask bundle moodring` first")
    with tempfile.TemporaryDirectory() as folder, screen(folder) as file:
        plugin = pedalboard.load_plugin(str(bundle))
        secs = np.arange(20 * BLOCK) / RATE_HZ
        chord = sum(np.sin(2 * np.pi * hz * secs) for hz in (220.0, 277.2, 329.6))
        audio = np.tile(0.1 * chord.astype(np.float32), (2, 1))
        over, pictures = threading.Event(), []

        def play():
            at = 0
            while not over.is_set():
                plugin.process(audio[:, at : at + BLOCK], RATE_HZ, buffer_size=512, reset=False)
                at = (at + BLOCK) % audio.shape[1]
                time.sleep(BLOCK / RATE_HZ)

        def watch():
            try:
                for _ in range(3):
                    time.sleep(4)
                    pictures.append(picture(file))
            finally:
                over.set()

        threads = [threading.Thread(target=play), threading.Thread(target=watch)]
        for thread in threads:
            thread.start()
        # Comes back once `over` is set; must be on the main thread.
        plugin.show_editor(over)
        for thread in threads:
            thread.join()
    assert len(pictures) == 3
    for seen in pictures:
        n_colours = np.unique(seen).size
        assert n_colours > LEAST_COLOURS, f"only {n_colours} colours"
    for before, after in zip(pictures, pictures[1:]):
        n_changed = np.count_nonzero(before != after)
        assert n_changed > 1000, f"only {n_changed} pixels changed in four seconds of music"


def main():
    if sys.platform != "linux":
        print("skipped: a virtual screen is a matter of Linux")
        return 0
    name = the_meters_move_while_music_plays.__name__.replace("_", " ")
    try:
        the_meters_move_while_music_plays()
    except Exception as error:  # A test that cannot run has failed like any other.
        print(f"FAILED {name}: {type(error).__name__}: {error}")
        return 1
    print(f"ok     {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
