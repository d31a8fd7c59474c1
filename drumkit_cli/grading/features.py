"""What the grader measures of drums, in windows of six seconds, beside the real drums and the bass.

CycleDRUMS, IV-D, measures the correlation of each mel bin with that of the real drums throughout
time, after C. Taal et al., "A short-time objective intelligibility measure" (ICASSP 2010), and the
density of a network's activations, which `grader` adds. The parts here say what these do not: when
the hits are, how loud the rests, and what comes from the bass.
"""

from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.listening.peaks import match
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.bass_share import bass_share, power_spectrum
from drumkit_cli.spectral.onsets import (
    MEL,
    SECONDS_PER_FRAME,
    TOLERANCE_SECONDS,
    onset_frames,
    rise_strength,
    to_image,
)

WINDOW_FRAMES: Final = 256
WINDOW_SAMPLES: Final = WINDOW_FRAMES * MEL.hop
"""5.9 s; CycleDRUMS grades 5 s."""
WINDOW_SECONDS: Final = WINDOW_SAMPLES / MEL.rate
DECIBELS: Final = mel_spectrogram.TOP_LEVEL / mel_spectrogram.LEVELS_PER_DB
SOUNDING: Final = -0.5
"""Level of an image from which on a frame sounds: -59 dB re full scale in its loudest bin."""

ALONE: Final = ("activity", "onsets_per_second", "noise_floor_db", "contrast_db", "regularity")
OF_REFERENCE: Final = ("onset_agreement", "beat_agreement", "spectral_distance_db")
OF_BASS: Final = ("contamination", "bass_following")
PARTS: Final = (*ALONE, *OF_REFERENCE, *OF_BASS)

_PERIOD_SECONDS: Final = (0.2, 2.5)
_EPSILON: Final = 1e-3


class Window:
    """A window `[WINDOW_SAMPLES]` of a sound, brought to the normal level with its whole clip."""

    def __init__(self, samples: Floats) -> None:
        self.samples = samples

    @cached_property
    def image(self) -> Floats:
        """Log-mel image `[F, WINDOW_FRAMES]` in -1..1."""
        return to_image(mel_spectrogram.mel_power(self.samples, MEL)[:, :WINDOW_FRAMES])

    @cached_property
    def strength(self) -> Floats:
        """Onset strength `[WINDOW_FRAMES]`."""
        return rise_strength(self.image)

    @cached_property
    def onsets(self) -> NDArray[np.intp]:
        """Frames of the onsets, sorted."""
        return onset_frames(self.image)

    @cached_property
    def power(self) -> Floats:
        """Power spectrum `[bins, T]`."""
        return power_spectrum(self.samples)

    @property
    def sounds(self) -> bool:
        """Whether anything is to be heard."""
        return bool((self.image > SOUNDING).any())


def correlations(image: Floats, reference: Floats) -> Floats:
    """Correlation `[F]` of each mel bin of two images `[F, T]` throughout time, -1..1.

    That of Pearson, but for bins that hardly vary: 1 where neither does, around 0 where one does.
    """
    one, other = (part - part.mean(1, keepdims=True) for part in (image, reference))
    shared = (one * other).mean(1) + _EPSILON
    own = np.sqrt(((one**2).mean(1) + _EPSILON) * ((other**2).mean(1) + _EPSILON))
    found: Floats = shared / own
    return found


def parts_of(made: Window, reference: Window | None, bass: Window | None) -> Floats:
    """The values of `PARTS`, float32; NaN for those whose sounds are not given.

    * activity: share of the frames that sound, 0..1.
    * onsets_per_second: of the drums.
    * noise_floor_db: level that a tenth of the frames is below, above that of silence.
    * contrast_db: from there to the level that a tenth of the frames is above.
    * regularity: the largest correlation of the onset strength with itself, 0.2 to 2.5 s later.
    * onset_agreement: F-measure of the onsets against those of the reference, within 50 ms.
    * beat_agreement: the largest correlation of the onset strength with that of the reference, at
      any distance up to 2.5 s: 1 for the same rhythm, whichever bar it comes from.
    * spectral_distance_db: mean difference of the bins' mean levels from those of the reference.
    * contamination: share of the energy that the bass explains.
    * bass_following: F-measure of the onsets against those of the bass.
    """
    levels = (made.image.mean(0) + 1) / 2 * DECIBELS
    low, high = np.quantile(levels, [0.1, 0.9])
    least, most = (round(seconds / SECONDS_PER_FRAME) for seconds in _PERIOD_SECONDS)
    values = [
        float((made.image.max(0) > SOUNDING).mean()),
        len(made.onsets) / WINDOW_SECONDS,
        float(low),
        float(high - low),
        _largest_correlation(made.strength, made.strength, range(least, most)),
    ]
    if reference is not None:
        difference = made.image.mean(1) - reference.image.mean(1)
        values += [
            _agreement(made.onsets, reference.onsets),
            _largest_correlation(made.strength, reference.strength, range(-most, most)),
            float(np.abs(difference).mean()) / 2 * DECIBELS,
        ]
    else:
        values += [np.nan] * len(OF_REFERENCE)
    if bass is not None:
        share = bass_share(made.power, bass.power)
        values += [float(np.clip(np.nan_to_num(share), 0, 1)), _agreement(made.onsets, bass.onsets)]
    else:
        values += [np.nan] * len(OF_BASS)
    return np.array(values, np.float32)


def _agreement(made: NDArray[np.intp], wanted: NDArray[np.intp]) -> float:
    """F-measure of two lists of frames; 1 where there are none."""
    if not len(made) and not len(wanted):
        return 1.0
    found = match(made * SECONDS_PER_FRAME, wanted * SECONDS_PER_FRAME, TOLERANCE_SECONDS)
    return 2 * len(found) / (len(made) + len(wanted))


def _largest_correlation(one: Floats, other: Floats, lags: range) -> float:
    """Largest correlation of two curves `[T]` with one shifted by some lags; 0 without any."""
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one**2).sum() * (other**2).sum()))
    if not scale:
        return 0.0
    size = 2 * WINDOW_FRAMES
    spectrum = np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size))
    return max(float(np.fft.irfft(spectrum, size)[list(lags)].max()) / scale, 0.0)
