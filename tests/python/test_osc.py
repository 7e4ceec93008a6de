"""What the bundled VST3 sends by OSC, as programs hear it that others wrote: python-osc, liblo's oscdump, Pure Data; and its OSCQuery tree, read by
urllib and listened to by websockets.

    python tests/python/test_osc.py

Needs oscdump and pd. The plugin is taken from MOODRING_VST3, or from where `cargo xtask bundle moodring` leaves it. Exits with 1 if anything fails.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
from pythonosc import dispatcher, osc_message, osc_server, udp_client
from websockets.sync.client import connect

from test_vst3 import load, set_field, state

PATCH = Path(__file__).resolve().parents[2] / "examples" / "receivers" / "moodring.pd"

RATE_HZ = 48_000
BLOCK = 480

# Addresses whose numbers every receiver has to show.
ADDRESSES = ("/moodring/excited", "/moodring/joy", "/moodring/quadrant", "/moodring/state", "/moodring/colour/r")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PythonOsc:
    """python-osc in this process."""

    def __init__(self, port):
        self.heard = {}
        self.infos = []
        words = dispatcher.Dispatcher()
        words.map("/moodring/info", lambda address, *texts: self.infos.append(texts))
        words.set_default_handler(lambda address, *numbers: self.heard.setdefault(address, []).append(numbers))
        self.server = osc_server.ThreadingOSCUDPServer(("127.0.0.1", port), words)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Program:
    """A program that prints what it hears."""

    def __init__(self, words):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(words, stdout=self.log, stderr=subprocess.STDOUT)

    def text(self):
        self.process.terminate()
        self.process.wait()
        self.log.seek(0)
        return self.log.read()


class Query:
    """Reads the tree, and listens to one address of it, on a thread of its own."""

    def __init__(self, port):
        self.port = port
        self.tree = self.value = self.host = None
        self.heard = []
        self.thread = threading.Thread(target=self.run, daemon=True)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return json.load(answer)

    def run(self):
        self.host = self.get("/?HOST_INFO")
        self.tree = self.get("/")
        self.value = self.get("/moodring/state?VALUE")
        with connect(f"ws://127.0.0.1:{self.port}/") as socket:
            socket.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/moodring/excited"}))
            while len(self.heard) < 10:
                message = osc_message.OscMessage(socket.recv(timeout=5))
                self.heard.append((message.address, *message.params))


def play(plugin, secs, at_secs):
    """Plays music in real time; what is in `at_secs` is called once so much of it has been played."""
    time_secs = np.arange(int(secs * RATE_HZ)) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * time_secs) for hz in (220.0, 277.2, 329.6))
    beat = np.random.default_rng(1).uniform(-1, 1, len(time_secs)) * np.exp(-20 * (time_secs % 0.5))
    audio = np.tile((0.1 * chord + 0.2 * beat).astype(np.float32), (2, 1))
    began = time.monotonic()
    waiting = sorted(at_secs.items())
    for at in range(0, audio.shape[1] - BLOCK, BLOCK):
        time.sleep(max(0.0, began + at / RATE_HZ - time.monotonic()))
        while waiting and at >= waiting[0][0] * RATE_HZ:
            waiting.pop(0)[1]()
        plugin.process(audio[:, at : at + BLOCK], RATE_HZ, buffer_size=BLOCK, reset=False)


def main():
    ours, dump, pd, commands, tree = [free_port() for _ in range(5)]
    query = Query(tree)
    plugin = load()
    settings = {
        "is_on": True,
        "targets": [f"127.0.0.1:{port}" for port in (ours, dump, pd)],
        "rate_hz": 30,
        "prefix": "/moodring",
        "listens": True,
        "port": commands,
        "is_queried": True,
        "query_port": tree,
    }
    set_field(plugin, "osc", settings)
    assert json.loads(state(plugin)["fields"]["osc"])["rate_hz"] == 30
    with tempfile.TemporaryDirectory() as folder:
        patch = Path(folder) / "moodring.pd"
        patch.write_text(PATCH.read_text().replace("netreceive -u -b 9000", f"netreceive -u -b {pd}"))
        here = PythonOsc(ours)
        programs = [Program(["oscdump", "-L", str(dump)]), Program(["pd", "-nogui", "-noaudio", "-stderr", str(patch)])]
        time.sleep(1.5)
        client = udp_client.SimpleUDPClient("127.0.0.1", commands)
        play(plugin, 6.0, {
            1.5: query.thread.start,
            2.0: lambda: client.send_message("/moodring/hello", []),
            3.0: lambda: client.send_message("/moodring/hold", 1),
            4.0: lambda: client.send_message("/moodring/hold", 0),
        })
        dumped, patched = [program.text() for program in programs]
        here.server.shutdown()

    for address in ADDRESSES:
        numbers = here.heard.get(address, [])
        assert numbers and all(len(number) == 1 for number in numbers), f"python-osc: {address}: {numbers}"
        assert re.search(rf"{address} [fi] [\d.]+", dumped), f"oscdump: {address}: {dumped[:400]}"
    assert len(here.infos) >= 2, f"the name on hello: {here.infos}"
    assert (3,) in here.heard["/moodring/state"], "it was never held"
    assert (1,) in here.heard["/moodring/state"]
    shares = [share for (share,) in here.heard["/moodring/excited"]]
    assert len(shares) > 10 and all(0 <= share <= 1 for share in shares), shares
    print(f"ok     python-osc heard {sum(map(len, here.heard.values()))} numbers at {len(here.heard)} addresses")
    print(f"ok     oscdump printed {dumped.count(chr(10))} lines")
    query.thread.join(10)
    assert query.host["EXTENSIONS"]["LISTEN"] is True
    node = query.tree["CONTENTS"]["moodring"]["CONTENTS"]["excited"]
    assert (node["TYPE"], node["ACCESS"], node["RANGE"]) == ("f", 1, [{"MIN": 0, "MAX": 1}]), node
    assert 0 <= node["VALUE"][0] <= 1 and set(node["CONTENTS"]) == {"raw", "low", "high", "trend", "sure"}, node
    assert query.value == {"VALUE": [1]}, query.value
    assert len(query.heard) == 10 and all(address == "/moodring/excited" and 0 <= share <= 1 for address, share in query.heard), query.heard
    print(f"ok     the tree has {len(query.tree['CONTENTS']['moodring']['CONTENTS'])} branches, and was listened to")
    printed = re.findall(r"^(excited|joy): ([\d.e-]+)", patched, re.MULTILINE)
    assert {name for name, _ in printed} == {"excited", "joy"}, f"Pure Data: {patched[:400]}"
    # The patch prints what it is sent, in its own rounding.
    patched_shares = [float(number) for name, number in printed if name == "excited"]
    assert all(min(abs(number - share) for share in shares) < 1e-4 for number in patched_shares), patched_shares
    print(f"ok     Pure Data printed {len(printed)} numbers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
