"""A stem as `drumkit separate` leaves it, from a process of its own, as a user gets it."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from drumkit_cli.audio.reader import AudioReader, Samples
from drumkit_cli.errors import StreamError
from drumkit_cli.io.streams import open_input


def separate_stem(
    mixes: Sequence[Path], name: str, weights: str | None = None
) -> Iterator[Samples]:
    """Yield a stem `[N]` of audio files of different names, mono, at their own rates.

    Args:
        mixes: the files.
        name: the stem: "drums", "bass" or "other".
        weights: a folder of weights files, in place of those that ship.

    Raises:
        StreamError: the command failed; it has told why.
    """
    command = [sys.executable, "-m", "drumkit_cli", "separate", "-q", "--model", "built-in"]
    command += ["--stem", name, *(["--weights", weights] if weights else [])]
    with tempfile.TemporaryDirectory() as output:
        status = subprocess.run([*command, "-o", output, *map(str, mixes)], check=False).returncode
        if status:
            raise StreamError(f"drumkit separate ended with status {status}")
        for mix in mixes:
            stem = Path(output) / mix.stem / f"{name}.wav"
            with open_input(str(stem)) as source, AudioReader(source) as reader:
                yield reader.read().mean(0)
