"""Grades of drums in arrays, for Python programs."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.audio.reader import resample
from drumkit_cli.audio.samples import as_channels
from drumkit_cli.grading.grader import Grade, Grader
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.models import load_model
from drumkit_cli.spectral.onsets import MEL

Sound = NDArray[np.floating[Any]]


def score(
    drums: Sound,
    rate: int,
    *,
    reference: Sound | None = None,
    bass: Sound | None = None,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> Grade:
    """Grade drums from 0 to 9, as the listeners of CycleDRUMS would.

    Loudness does not count. The model is loaded once a process.

    Args:
        drums: floats ``[channels, samples]`` or ``[samples]``; channels are averaged.
        rate: sample rate of all sounds in Hz, 1,000 to 768,000.
        reference: the real drums of the same song, to compare with.
        bass: the bass that the drums play to.
        weights: a weights file, or a folder with one, in place of the shipped ones.
        device: "cpu", "cuda", "mps" or "auto".

    Returns:
        The grade, its bucket, the probability of each bucket, and the parts that explain it; parts
        that need a sound that was not given are None.

    Raises:
        BadDataError: a sound is not as above, or `weights` are of another model.
        UsageError: no such device.
        MissingInputError: `weights` does not exist.
        UnavailableError: this machine has no such device, or no weights are installed.

    Example:
        >>> made = drumkit.arrange(stems["bass"], rate)
        >>> drumkit.score(made, rate, reference=stems["drums"], bass=stems["bass"]).grade
    """
    sounds = [None if sound is None else _mono(sound, rate) for sound in (drums, reference, bass)]
    made, real, low = sounds
    assert made is not None
    return load_model(Grader, "score", weights, device).grade(made, real, low)


def _mono(sound: Sound, rate: int) -> Floats:
    channels = as_channels(sound, rate).mean(0, keepdims=True)
    samples: Floats = resample(channels, rate, MEL.rate)[0]
    return samples
