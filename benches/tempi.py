#!/usr/bin/env python3
"""Writes `file,bpm` for songs, as a beat tracker of another kind hears them: what `cargo run --example tempo` reads.

    python3 benches/tempi.py librosa song.ogg … > songs.csv       (pip install librosa)
    python3 benches/tempi.py madmom song.ogg … > songs.csv        (Python 3.9, pip install "cython<3" "numpy<1.24" scipy soundfile,
                                                                   then pip install --no-build-isolation madmom)

madmom's recurrent network is the better judge of octaves. Songs whose beats it finds uneven, or of whose octave its own two
methods disagree, are left out.
"""

import argparse

# Of the median distance of beats: beyond, a song has no one tempo.
UNEVEN = 0.15
# Least beats that make a tempo.
LEAST_BEATS = 5
# As far as the two methods may be apart, part of the tempo.
AGREED = 0.06


def by_librosa():
    import librosa
    import numpy as np

    def bpm(path):
        signal, rate_hz = librosa.load(path)
        return float(np.atleast_1d(librosa.beat.beat_track(y=signal, sr=rate_hz)[0])[0])

    return bpm


def by_madmom():
    import numpy as np
    import scipy.signal
    import soundfile
    from madmom.audio.signal import Signal
    from madmom.features.beats import DBNBeatTrackingProcessor, RNNBeatProcessor
    from madmom.features.tempo import TempoEstimationProcessor

    network, tracker = RNNBeatProcessor(), DBNBeatTrackingProcessor(fps=100)
    estimator = TempoEstimationProcessor(fps=100, min_bpm=40, max_bpm=240)

    def bpm(path):
        signal, rate_hz = soundfile.read(path, always_2d=True)
        mono = scipy.signal.resample_poly(signal.mean(axis=1), 441, rate_hz // 100)
        mono = np.clip(mono * 32767, -32768, 32767).astype(np.int16)
        activation = network(Signal(mono, 44_100, 1))
        beats, strongest = tracker(activation), estimator(activation)[0][0]
        if len(beats) < LEAST_BEATS:
            return None
        apart = np.diff(beats)
        typical = np.median(apart)
        if np.abs(apart / typical - 1).max() > UNEVEN or abs(60 / typical / strongest - 1) > AGREED:
            return None
        return 60 * len(apart) / (beats[-1] - beats[0])

    return bpm


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracker", choices=["librosa", "madmom"])
    parser.add_argument("songs", nargs="+", metavar="SONG")
    args = parser.parse_args()
    bpm_of = {"librosa": by_librosa, "madmom": by_madmom}[args.tracker]()
    for song in args.songs:
        bpm = bpm_of(song)
        if bpm:
            print(f"{song},{bpm:.2f}", flush=True)


if __name__ == "__main__":
    main()
