"""A picture of what the ear hears: its activations over the spectrogram, and the bar lines."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure

from drumkit_cli.io.arrays import Floats
from drumkit_cli.listening.levels import FRAME_RATE, MEL
from drumkit_cli.listening.voices import VOICES
from drumkit_cli.spectral.melscale import band_edges

if TYPE_CHECKING:
    from drumkit_cli.transcribe.infer import Transcription

_COLUMNS_MAX: Final = 2400
_TICKS_HZ: Final = (50, 100, 200, 500, 1000, 2000, 5000, 10_000)


class Overview:
    """The highest level and activation of each column: constant memory whatever the length."""

    def __init__(self, seconds: float) -> None:
        """Prepare for a sound of so many seconds."""
        frames = int(seconds * FRAME_RATE) + 2
        self._each = -(-frames // _COLUMNS_MAX)
        columns = -(-frames // self._each)
        self._levels: Floats = np.zeros((columns, MEL.mels), np.float32)
        self._activations: Floats = np.zeros((columns, len(VOICES)), np.float32)
        self._frame = 0

    def add(self, levels: Floats, activations: Floats) -> None:
        """Take the levels `[t, F]` and activations `[t, 14]` of the next frames."""
        columns = np.minimum(
            (self._frame + np.arange(len(levels))) // self._each, len(self._levels) - 1
        )
        np.maximum.at(self._levels, columns, levels)
        np.maximum.at(self._activations, columns, activations[:, : len(VOICES)])
        self._frame += len(levels)

    def draw(self, title: str, heard: "Transcription") -> Figure:
        """Return a figure: seconds across; the spectrogram below a row for each voice."""
        figure = Figure(figsize=(12, 6), dpi=120, layout="constrained")
        voices, bands = figure.subplots(2, 1, sharex=True, height_ratios=(2, 3))
        seconds = len(self._levels) * self._each / FRAME_RATE
        for voice, name in enumerate(VOICES):
            times = (np.arange(len(self._levels)) + 0.5) * self._each / FRAME_RATE
            voices.fill_between(times, voice, voice + 0.9 * self._activations[:, voice], lw=0.3)
            at = [hit.seconds for hit in heard.hits if hit.voice == voice]
            voices.plot(at, np.full(len(at), voice - 0.06), "|", color="black", ms=4)
            voices.text(0, voice + 0.5, f"{name} ", ha="right")
        voices.set(title=title, yticks=[], ylim=(-0.2, len(VOICES)))
        bands.imshow(
            self._levels.T,
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            extent=(0, seconds, -0.5, MEL.mels - 0.5),
            cmap="magma",
        )
        ticks = np.interp(_TICKS_HZ, band_edges(MEL), np.arange(-1, MEL.mels + 1))
        bands.set_yticks(ticks, [str(hertz) for hertz in _TICKS_HZ])
        bands.set(xlabel="seconds", ylabel="Hz", xlim=(0, seconds))
        for at in heard.beats[heard.beats[:, 1] == 1, 0]:
            bands.axvline(at, color="white", lw=0.4)
        return figure
