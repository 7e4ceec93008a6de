"""Files that are read and written: none is destroyed that was read, and what is written is there whole or not at all."""

import contextlib
import os
import tempfile
from pathlib import Path

AUDIO = {".wav", ".flac", ".mp3", ".ogg", ".m4a", ".aac"}


def audio(folder):
    """The audio files in `folder`, sorted: without hidden ones, as macOS leaves beside others, and of each name one."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO and not path.name.startswith("."))
    return list({path.stem: path for path in reversed(files)}.values())[::-1]


def spare(inputs, outputs):
    """Refuses an output that is an input, by whatever name."""
    for output in outputs:
        for path in inputs:
            if output.exists() and path.exists() and output.samefile(path):
                raise SystemExit(f"{output} is {path}, which is read, and would be destroyed; choose another --out")


@contextlib.contextmanager
def growing(path):
    """A file to write bytes to, which takes its place at `path` once it is whole."""
    path = path.resolve()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".part", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            yield file
        # `mkstemp` makes files for their owner alone; a new file is as open as the user's umask says.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write(path, content):
    """Writes bytes, or a text, to `path`."""
    with growing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)
