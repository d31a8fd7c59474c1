"""How much of the energy of a sound comes from a bass that plays at the same time."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.onsets import MEL
from drumkit_cli.spectral.stft import stft

FFT: Final = 4096
"""Window of power spectra: bins are 5 Hz apart, the partials of a low bass 40 Hz."""
PARTIALS_HZ: Final = (30.0, 1000.0)
"""Where the partials of a bass are told apart."""
SMOOTH_BINS: Final = 11
NAN: Final = float("nan")


def power_spectrum(samples: Floats) -> Floats:
    """Power ``[bins, T]`` of mono samples at `MEL.rate`."""
    power: Floats = np.square(np.abs(stft(samples, FFT, "constant"))).T
    return power


def bass_share(power: Floats, bass: Floats) -> float:
    """Share of the energy of a sound that the power of the bass at the same moments explains.

    The least-squares gain from the fine structure of the bass's `power_spectrum` to the sound's,
    times the energy of the bass over that of the sound. Fine structure is what a bin of 30 to 1000
    Hz has above the mean of its neighbours (59 Hz) and above its own mean over time: noise that
    sounds together with the bass does not count, and a kick of one pitch hardly. 1 for the bass
    itself, around 0 (below it, too) for an unrelated sound, and a tenth for one that has a tenth of
    its energy from the bass. Partials that are blurred by more than 10 Hz are not found.
    """
    low, high = np.searchsorted(np.fft.rfftfreq(FFT, 1 / MEL.rate), PARTIALS_HZ)
    sound, partials = (_fine_structure(part[low:high]) for part in (power, bass))
    scale = float(np.square(partials).sum()) * float(power.sum(dtype=np.float64))
    if not scale:
        return NAN
    return float((sound * partials).sum()) * float(bass.sum(dtype=np.float64)) / scale


def _fine_structure(power: Floats) -> NDArray[np.float64]:
    """Power ``[bins, T]`` above the mean of neighbouring bins, and above its mean over time."""
    from scipy.ndimage import uniform_filter1d

    power = power.astype(np.float64)
    fine = power - uniform_filter1d(power, SMOOTH_BINS, axis=0)
    return np.asarray(fine - fine.mean(1, keepdims=True))
