"""Onsets and loudness: log-mel images of level-normalised sounds, and the onsets in them.

Images are mel spectrograms of 256 levels scaled to -1..1. Sounds are brought to one gated level
first, so that onsets do not depend on how loud a song is.
"""

import math
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.mel_config import PRESETS

MEL: Final = PRESETS["arrange"]
SECONDS_PER_FRAME: Final = MEL.hop / MEL.rate
NORMAL_LEVEL_DB: Final = -20.0
"""Gated level, dB re full scale, that sounds are normalised to."""
TOLERANCE_SECONDS: Final = 0.05
"""Largest distance of matching onsets."""
PEAK_FRAMES: Final = 3
"""An onset is the maximum among this many frames before and after it: 70 ms."""
PEAK_THRESHOLD: Final = 0.05
"""Least onset strength, as the mean rise over the bins of an image in -1..1: 2 dB."""

_GATE_SECONDS: Final = 0.1
_SILENCE_DB: Final = -70.0
_RELATIVE_GATE_DB: Final = -20.0

Times = NDArray[np.floating]


def to_image(power: Floats) -> Floats:
    """Log-mel image of mel power of any shape: 256 levels scaled to -1..1."""
    image: Floats = mel_spectrogram.discretise(power, MEL).astype(np.float32)
    image *= 2 / mel_spectrogram.TOP_LEVEL
    image -= 1
    return image


def gated_level(blocks: Iterable[Floats], rate: int = MEL.rate) -> float:
    """Gated RMS level in dB re full scale of mono samples, given as blocks ``[n]``; -inf if silent.

    As in broadcast loudness, rests do not count: it is the mean power of those 0.1 s parts that are
    above -70 dB and less than 20 dB below the mean of these.
    """
    size = max(1, round(_GATE_SECONDS * rate))
    powers: list[float] = []
    rest = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([rest, block])
        whole = len(held) // size * size
        parts = held[:whole].reshape(-1, size).astype(np.float64)
        powers += np.mean(parts**2, axis=1).tolist()
        rest = held[whole:]
    if len(rest):
        powers.append(float(np.sum(rest.astype(np.float64) ** 2)) / size)
    gated = np.array(powers)
    gated = gated[gated > 10 ** (_SILENCE_DB / 10)]
    if not len(gated):
        return -math.inf
    gated = gated[gated > gated.mean() * 10 ** (_RELATIVE_GATE_DB / 10)]
    return float(10 * np.log10(gated.mean()))


def normalising_gain(level_db: float) -> float:
    """Linear gain from a gated level to the normal level; 0 for silence."""
    return 0.0 if level_db == -math.inf else float(10 ** ((NORMAL_LEVEL_DB - level_db) / 20))


def normalised_image(samples: Floats) -> Floats:
    """Image ``[F, T]`` of mono samples ``[n]`` at `MEL.rate`, brought to the normal level."""
    gain = np.float32(normalising_gain(gated_level([samples])))
    return to_image(mel_spectrogram.mel_power(samples * gain, MEL))


def rise_strength(image: Floats) -> Floats:
    """Onset strength ``[T]`` of an image ``[F, T]``: the mean rise of its bins over two frames."""
    rise = np.maximum(image[:, 2:] - image[:, :-2], 0).mean(0)
    strength: Floats = np.pad(rise, 1)
    return strength


def onset_frames(image: Floats) -> NDArray[np.intp]:
    """Frames of the onsets in an image ``[F, T]``, sorted: peaks of its onset strength."""
    strength = rise_strength(image)
    padded = np.pad(strength, PEAK_FRAMES)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * PEAK_FRAMES + 1)
    return np.flatnonzero((strength > PEAK_THRESHOLD) & (strength >= around.max(1)))


def onset_scores(reference: Times, estimate: Times) -> tuple[float, float, float]:
    """Onset F-measure, precision and recall of mir_eval within 50 ms; 1 where there are none.

    Times are in seconds.
    """
    import mir_eval

    if not len(reference) and not len(estimate):
        return 1.0, 1.0, 1.0
    f, precision, recall = mir_eval.onset.f_measure(reference, estimate, window=TOLERANCE_SECONDS)
    return float(f), float(precision), float(recall)


def onset_f_measure(reference: NDArray[np.intp], estimate: NDArray[np.intp]) -> float:
    """Onset F-measure of two lists of frames."""
    return onset_scores(reference * SECONDS_PER_FRAME, estimate * SECONDS_PER_FRAME)[0]
