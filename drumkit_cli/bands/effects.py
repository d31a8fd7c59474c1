"""Studio effects that vary rendered training music: drive, equaliser, filters, room, compressor.

All take and return mono float32 `[N]` of the same length; random parameters are drawn from the
generator that is passed in.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Samples = NDArray[np.float32]


def drive(samples: Samples, gain_db: float, bias: float = 0.0) -> Samples:
    """Soft clipping by tanh, of the sound at a peak of `gain_db` re 1; the peak is restored."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0:
        return samples
    pushed = np.tanh(10 ** (gain_db / 20) * samples / peak + bias) - np.tanh(bias)
    scale = peak / max(float(np.abs(pushed).max()), 1e-9)
    return np.asarray(pushed * scale, dtype=np.float32)


def equalise(
    samples: Samples, rate: int, generator: np.random.Generator, depth_db: float
) -> Samples:
    """A smooth random gain curve: normally distributed gains at octaves, deviation `depth_db`."""
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    octaves = np.log2(np.maximum(hertz, 20.0) / 20.0)
    knots = generator.normal(0, depth_db, 11)
    gains = 10 ** (np.interp(octaves, np.arange(11), knots) / 20)
    return np.fft.irfft(spectrum * gains, len(samples)).astype(np.float32)


def band_pass(
    samples: Samples, rate: int, low_hz: float, high_hz: float, order: int = 2
) -> Samples:
    """Butterworth band-pass; corners below 10 Hz or close to half the rate are left out."""
    out = samples
    if low_hz > 10:
        sections = signal.butter(order, low_hz, "highpass", fs=rate, output="sos")
        out = signal.sosfilt(sections, out)
    if high_hz < 0.49 * rate:
        sections = signal.butter(order, high_hz, "lowpass", fs=rate, output="sos")
        out = signal.sosfilt(sections, out)
    return np.asarray(out, dtype=np.float32)


def room(
    samples: Samples, rate: int, generator: np.random.Generator, seconds: float, wet: float
) -> Samples:
    """Convolution with a synthetic room: early reflections and a tail of decaying noise.

    `seconds` is the reverberation time (60 dB), `wet` the level of the tail relative to the sound.
    """
    length = max(int(seconds * rate), 64)
    time = np.arange(length) / rate
    tail = generator.normal(0, 1, length) * 10 ** (-3 * time / seconds)
    damping = signal.butter(1, generator.uniform(2000, 9000), "lowpass", fs=rate, output="sos")
    tail = signal.sosfilt(damping, tail)
    for delay in generator.uniform(0.002, 0.04, 6):
        place = int(delay * rate)
        if place < length:
            tail[place] += generator.choice([-1, 1]) * generator.uniform(1, 4)
    tail *= wet / max(float(np.sqrt((tail**2).sum())), 1e-9)
    wet_samples = signal.oaconvolve(samples, tail)[: len(samples)]
    return np.asarray(samples + wet_samples, dtype=np.float32)


def compress(samples: Samples, rate: int, threshold_db: float, ratio: float) -> Samples:
    """Feed-forward compression of a 20 ms power envelope; the threshold is relative to its peak."""
    window = max(int(0.02 * rate), 1)
    power = signal.fftconvolve(samples**2, np.full(window, 1 / window), mode="same")
    level = 10 * np.log10(np.maximum(power, 1e-10))
    over = np.maximum(level - (level.max(initial=-100.0) + threshold_db), 0)
    return np.asarray(samples * 10 ** (-over * (1 - 1 / ratio) / 20), dtype=np.float32)


def normalise(samples: Samples, rms_db: float) -> Samples:
    """Scale to an RMS of `rms_db` re full scale, measured where it is not silent."""
    loud = samples[np.abs(samples) > 1e-4]
    if loud.size < 100:
        return samples
    gain = 10 ** (rms_db / 20) / float(np.sqrt((loud.astype(np.float64) ** 2).mean()))
    return (samples * gain).astype(np.float32)
