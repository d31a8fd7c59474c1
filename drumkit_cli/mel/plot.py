"""A picture of a mel spectrogram, gathered while it streams by."""

from typing import Final

import numpy as np
from matplotlib.figure import Figure

from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.mel_config import MelConfig
from drumkit_cli.spectral.mel_spectrogram import FLOOR_DB
from drumkit_cli.spectral.melscale import band_edges

_COLUMNS_MAX: Final = 1600
_TICKS_HZ: Final = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)


class Overview:
    """The loudest power of each column of a picture: constant memory whatever the length."""

    def __init__(self, frames: int, config: MelConfig) -> None:
        """Prepare for `frames` frames, some of which may share a column."""
        self._config = config
        self._frames = frames
        self._frames_per_column = max(1, -(-frames // _COLUMNS_MAX))
        columns = -(-frames // self._frames_per_column)
        self._power: Floats = np.zeros((config.mels, columns), dtype=np.float32)

    def add(self, start: int, power: Floats) -> None:
        """Take the power `[F, t]` of the frames from `start` on; the same ones again do no harm."""
        each = self._frames_per_column
        for column in range(start // each, -(-(start + power.shape[1]) // each)):
            low, high = max(column * each - start, 0), (column + 1) * each - start
            loudest = power[:, low:high].max(axis=1)
            np.maximum(self._power[:, column], loudest, out=self._power[:, column])

    def draw(self, title: str) -> Figure:
        """Return a figure: seconds across, bands up, dB of a full-scale sine in colour."""
        config = self._config
        seconds = max(self._frames, 1) * config.hop / config.rate
        power = self._power if self._power.size else np.zeros((config.mels, 1), dtype=np.float32)
        decibels = 10 * np.log10(np.maximum(power / config.full_scale, 10 ** (FLOOR_DB / 10)))
        figure = Figure(figsize=(10, 4.5), dpi=120, layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(
            decibels,
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            extent=(0, seconds, -0.5, config.mels - 0.5),
            vmin=FLOOR_DB,
            vmax=0,
            cmap="magma",
        )
        ticks = [hz for hz in _TICKS_HZ if config.f_min <= hz <= config.top_hz]
        bands = np.interp(ticks, band_edges(config), np.arange(-1, config.mels + 1))
        axes.set_yticks(bands, [str(hz) for hz in ticks])
        axes.set(xlabel="seconds", ylabel="Hz", title=title, ylim=(-0.5, config.mels - 0.5))
        figure.colorbar(image, label="dB of a full-scale sine")
        return figure
