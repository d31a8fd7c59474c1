"""A parametric drum synthesiser: additional training sounds without a foreign licence.

It imitates the circuits of analogue drum machines: sines with falling pitch, bursts of filtered
noise, banks of inharmonic modes. Each class has a function that draws random parameters.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.sounds.mel_image import LENGTH, MEL

Signal = NDArray[np.float64]

_TIME = np.arange(LENGTH) / MEL.rate
_HERTZ = np.fft.rfftfreq(LENGTH, 1 / MEL.rate)


def render(name: str, generator: np.random.Generator) -> Floats:
    """A random sound of a class: samples ``[N]``, peak 1, faded to silence from -60 dB on.

    Raises:
        KeyError: there is no such class.
    """
    samples = RECIPES[name](generator)
    samples = _driven(samples / np.abs(samples).max(), generator)
    samples /= np.abs(samples).max()
    loud = np.flatnonzero(np.abs(samples) > 1e-3)[-1]
    end = min(int(loud) + 1, LENGTH)
    samples[end:] = 0
    fade = min(end, 110)
    samples[end - fade : end] *= np.linspace(1, 0, fade)
    return samples.astype(np.float32)


def _kick(g: np.random.Generator) -> Signal:
    low, sweep = g.uniform(38, 75), g.uniform(1.5, 8)
    hertz = low * (1 + sweep * np.exp(-_TIME / _log(g, 0.008, 0.06)))
    body = _tone(hertz, g.uniform(0, np.pi / 2)) * _decay(g, 0.06, 0.45)
    click = _noise(g, 1000, 9000) * np.exp(-_TIME / _log(g, 0.001, 0.008))
    return body + click * g.uniform(0, 0.5)


def _snare(g: np.random.Generator) -> Signal:
    low = g.uniform(140, 260)
    shell = sum(
        level * _tone(low * ratio * (1 + 0.4 * np.exp(-_TIME / 0.01)), g.uniform(0, 2))
        for ratio, level in ((1, 1.0), (g.uniform(1.4, 1.9), 0.6), (g.uniform(2.1, 2.8), 0.3))
    )
    wires = _noise(g, g.uniform(400, 2500), g.uniform(6000, 11000))
    balance = g.uniform(0.25, 0.75)
    return (1 - balance) * shell * _decay(g, 0.03, 0.12) + 1.5 * balance * wires * _decay(
        g, 0.05, 0.25
    )


def _clap(g: np.random.Generator) -> Signal:
    centre = g.uniform(900, 2000)
    noise = _noise(g, centre * 0.6, centre * g.uniform(2, 5))
    envelope = np.zeros(LENGTH)
    gap = g.uniform(0.008, 0.014)
    for index in range(int(g.integers(3, 5))):
        since = _TIME - index * gap * g.uniform(0.9, 1.1)
        envelope = np.maximum(envelope, np.where(since >= 0, np.exp(-since / 0.004), 0))
    tail = np.where(3 * gap < _TIME, np.exp(-(_TIME - 3 * gap) / _log(g, 0.03, 0.18)), 0)
    return noise * (envelope + g.uniform(0.3, 0.8) * tail)


def _closed_hat(g: np.random.Generator) -> Signal:
    return _hat(g) * _decay(g, 0.01, 0.05)


def _open_hat(g: np.random.Generator) -> Signal:
    return _hat(g) * _decay(g, 0.12, 0.4)


def _hat(g: np.random.Generator) -> Signal:
    metal = _squares(g, g.uniform(200, 420), (1, 1.342, 1.23, 1.65, 1.953, 2.152))
    noise = _noise(g, 3000, 11000)
    balance = g.uniform(0, 1)
    cut = g.uniform(4500, 8000)
    return _filtered(balance * metal + (1 - balance) * noise, cut, 11000)


def _tambourine(g: np.random.Generator) -> Signal:
    jingles = _modes(g, g.uniform(4500, 9500, 14), 0.05, 0.25)
    noise = _noise(g, 5000, 11000) * _decay(g, 0.02, 0.09)
    made = jingles / np.abs(jingles).max() + 0.7 * noise
    if g.random() < 0.6:
        at = int(g.uniform(0.015, 0.05) * MEL.rate)
        made[at:] += g.uniform(0.3, 0.9) * made[:-at].copy()
    return np.asarray(made)


def _skin(g: np.random.Generator, low: float, high: float, short: float, long: float) -> Signal:
    base = _log(g, low, high)
    bend = 1 + g.uniform(0, 0.25) * np.exp(-_TIME / _log(g, 0.01, 0.08))
    envelope = _decay(g, short, long)
    made = _tone(base * bend, g.uniform(0, 2)) * envelope
    for ratio in (1.59, 2.14, 2.30):
        partial = _tone(base * ratio * bend, g.uniform(0, 2))
        made += g.uniform(0, 0.35) * partial * envelope**ratio
    slap = _noise(g, 800, g.uniform(3000, 8000)) * np.exp(-_TIME / _log(g, 0.002, 0.015))
    return np.asarray(made + g.uniform(0.05, 0.5) * slap)


def _tom(g: np.random.Generator) -> Signal:
    return _skin(g, 70, 190, 0.12, 0.35)


def _conga(g: np.random.Generator) -> Signal:
    return _skin(g, 170, 330, 0.06, 0.2)


def _bongo(g: np.random.Generator) -> Signal:
    return _skin(g, 330, 620, 0.03, 0.1)


def _shaker(g: np.random.Generator) -> Signal:
    rise = g.uniform(0.005, 0.05)
    since = np.maximum(_TIME - rise, 0)
    envelope = np.minimum(_TIME / rise, 1) ** 2 * np.exp(-since / _log(g, 0.015, 0.07))
    return np.asarray(_noise(g, g.uniform(2500, 5500), g.uniform(7000, 11000)) * envelope)


def _snap(g: np.random.Generator) -> Signal:
    centre = g.uniform(1500, 3200)
    made = _noise(g, centre * 0.75, centre * 1.4) * np.exp(-_TIME / _log(g, 0.004, 0.018))
    if g.random() < 0.7:
        at = int(g.uniform(0.004, 0.02) * MEL.rate)
        made = 0.4 * made + np.concatenate([np.zeros(at), made[:-at]])
    room = _noise(g, 700, 5000) * np.exp(-_TIME / _log(g, 0.03, 0.2))
    return np.asarray(made + g.uniform(0.02, 0.12) * room)


def _ride(g: np.random.Generator) -> Signal:
    ping = _modes(
        g, np.concatenate([g.uniform(400, 3000, 6), g.uniform(3000, 10500, 30)]), 0.2, 1.2
    )
    wash = _noise(g, 3500, 11000) * _decay(g, 0.3, 0.9)
    tip = _noise(g, 2500, 8000) * np.exp(-_TIME / 0.004)
    made = ping / np.abs(ping).max() + g.uniform(0.1, 0.4) * wash + g.uniform(0.1, 0.6) * tip
    return np.asarray(made)


def _crash(g: np.random.Generator) -> Signal:
    metal = _modes(g, g.uniform(500, 10500, 60), 0.2, 0.9)
    wash = _noise(g, g.uniform(800, 3000), 11000) * _decay(g, 0.25, 0.7)
    rise = np.minimum(_TIME / _log(g, 0.001, 0.02), 1)
    return np.asarray((0.5 * metal / np.abs(metal).max() + wash) * rise)


def _cowbell(g: np.random.Generator) -> Signal:
    base = g.uniform(420, 720)
    ratios = (1, g.uniform(1.4, 1.55))
    metal = _filtered(_squares(g, base, ratios), 0.9 * base, base * g.uniform(4, 9))
    envelope = 0.6 * np.exp(-_TIME / 0.015) + 0.4 * _decay(g, 0.06, 0.3)
    return metal * envelope


def _rimshot(g: np.random.Generator) -> Signal:
    base = g.uniform(380, 620)
    made = _modes(g, base * np.array([1, 2.6, 3.4, 4.6]) * g.uniform(0.9, 1.1, 4), 0.004, 0.025)
    click = _noise(g, 1500, 9000) * np.exp(-_TIME / _log(g, 0.001, 0.006))
    return np.asarray(made / np.abs(made).max() + g.uniform(0.2, 1) * click)


RECIPES: dict[str, Callable[[np.random.Generator], Signal]] = {
    "kick": _kick,
    "clap": _clap,
    "snare": _snare,
    "open-hat": _open_hat,
    "closed-hat": _closed_hat,
    "tambourine": _tambourine,
    "conga": _conga,
    "bongo": _bongo,
    "shaker": _shaker,
    "snap": _snap,
    "tom": _tom,
    "ride": _ride,
    "crash": _crash,
    "cowbell": _cowbell,
    "rimshot": _rimshot,
}


def _log(g: np.random.Generator, low: float, high: float) -> float:
    """A random number, uniform in its logarithm."""
    return float(np.exp(g.uniform(np.log(low), np.log(high))))


def _decay(g: np.random.Generator, low: float, high: float) -> Signal:
    """An exponential decay with a random time constant."""
    return np.asarray(np.exp(-_TIME / _log(g, low, high)))


def _tone(hertz: Signal, phase: float) -> Signal:
    return np.asarray(np.sin(2 * np.pi * np.cumsum(hertz) / MEL.rate + phase))


def _noise(g: np.random.Generator, low: float, high: float) -> Signal:
    """Band-limited white noise with an RMS of a third."""
    noise = _filtered(g.normal(0, 1, LENGTH), low, high)
    return np.asarray(noise / (3 * noise.std()))


def _filtered(samples: Signal, low: float, high: float) -> Signal:
    """Band-pass with slopes of 12 dB an octave below `low` Hz and 24 above `high` Hz."""
    gain = 1 / (1 + (low / np.maximum(_HERTZ, 1)) ** 4) / (1 + (_HERTZ / high) ** 8)
    return np.asarray(np.fft.irfft(np.fft.rfft(samples) * np.sqrt(gain), LENGTH))


def _squares(g: np.random.Generator, base: float, ratios: Sequence[float]) -> Signal:
    """A mean of square oscillators, band-limited by summing harmonics below half the rate."""
    made = np.zeros(LENGTH)
    for ratio in ratios:
        hertz, phase = base * ratio * g.uniform(0.97, 1.03), g.uniform(0, 2 * np.pi)
        for harmonic in range(1, int(MEL.rate / 2 / hertz), 2):
            made += np.sin(harmonic * (2 * np.pi * hertz * _TIME + phase)) / harmonic
    return made / len(ratios)


def _modes(g: np.random.Generator, hertz: Signal, short: float, long: float) -> Signal:
    """A sum of decaying sines; higher ones decay faster."""
    made = np.zeros(LENGTH)
    length = _log(g, short, long)
    for mode in hertz:
        time = length * (float(hertz.min()) / mode) ** 0.5 * g.uniform(0.5, 1.5)
        made += (
            g.uniform(0.2, 1)
            * np.sin(2 * np.pi * mode * _TIME + g.uniform(0, 2 * np.pi))
            * np.exp(-_TIME / time)
        )
    return made


def _driven(samples: Signal, g: np.random.Generator) -> Signal:
    """Overdrive a sound with a probability of a half."""
    if g.random() < 0.5:
        return samples
    drive = _log(g, 1, 5)
    return np.asarray(np.tanh(drive * samples) / np.tanh(drive))
