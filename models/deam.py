"""The DEAM download as it comes, as a folder of audio and one labels file.

The published table of song-level ratings has arousal and valence exchanged for song_id up to 1000: there it agrees with the emoMusic table
of the same ratings, and with DEAM's own second-by-second ratings (r .95), only when exchanged back. `prepared` does so, and says it.
"""

import csv

LAST_EXCHANGED = 1000
AUDIO = {".mp3", ".wav", ".ogg", ".flac", ".m4a"}
COLUMNS = ("valence_mean", "valence_std", "arousal_mean", "arousal_std")


def exchanged(name):
    """The other scale's column."""
    return name.replace("valence", "\0").replace("arousal", "valence").replace("\0", "arousal")


def rows(path):
    """Songs of one of DEAM's tables, whose header has spaces around its names."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            yield {name.strip(): (value or "").strip() for name, value in row.items() if name}


def corrected(row):
    """One song's labels, its scales exchanged where the download has them so."""
    song = int(float(row["song_id"]))
    columns = COLUMNS if song > LAST_EXCHANGED else map(exchanged, COLUMNS)
    return {"song_id": str(song)} | {name: row[column] for name, column in zip(COLUMNS, columns)}


def prepared(folder, work, say):
    """(folder of audio, labels file) of the download in `folder`; the labels are written to `work`."""
    tables = sorted(folder.rglob("static_annotations_averaged_songs_*.csv"))
    if not tables:
        raise SystemExit(f"no static_annotations_averaged_songs_*.csv under {folder}: is it the DEAM download, annotations unpacked?")
    audio = sorted((path.parent for path in folder.rglob("*") if path.suffix.lower() in AUDIO), key=str)
    if not audio:
        raise SystemExit(f"no audio under {folder}: unpack DEAM_audio.zip there too")
    largest = max(set(audio), key=audio.count)
    labels = {}
    for table in tables:
        for row in map(corrected, rows(table)):
            if labels.setdefault(row["song_id"], row) != row:
                raise SystemExit(f"{table}: song {row['song_id']} has other labels in another row; which of them is right?")
    n = sum(int(song) <= LAST_EXCHANGED for song in labels)
    say(f"DEAM: {len(labels)} songs; arousal and valence exchanged back for the {n} with song_id up to {LAST_EXCHANGED}")
    path = work / "deam" / "labels.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["song_id", *COLUMNS])
        table.writeheader()
        table.writerows(labels[song] for song in sorted(labels, key=int))
    return largest, path
