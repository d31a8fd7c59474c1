"""What was heard as text: beats in the layout of mir_eval and MIREX, and JSON."""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.listening.beats import meter_of
from drumkit_cli.listening.hits import Hit
from drumkit_cli.listening.voices import VOICES

_THREE_VOICES = ("kick", "snare", "hat")


def beat_text(beats: NDArray[np.floating]) -> str:
    """A line a beat of `[n, 2]`: its seconds, a tab, its number in the bar."""
    return "".join(f"{seconds:.3f}\t{int(number)}\n" for seconds, number in beats)


def json_text(
    name: str, hits: Sequence[Hit], beats: NDArray[np.floating], seconds: float, voices: int = 6
) -> str:
    """One line of JSON: file, length, tempo, meter, hits (seconds, voice, velocity) and beats."""
    names = VOICES if voices == len(VOICES) else _THREE_VOICES
    gaps = np.diff(beats[:, 0])
    value = {
        "file": name,
        "seconds": round(seconds, 3),
        "tempo_bpm": round(60 / float(np.median(gaps)), 2) if len(gaps) else None,
        "meter": meter_of(beats[:, 1].astype(int)) if len(gaps) else None,
        "hits": [[round(h.seconds, 3), names[h.voice], round(h.velocity, 3)] for h in hits],
        "beats": [[round(float(at), 3), int(number)] for at, number in beats],
    }
    return json.dumps(value) + "\n"
