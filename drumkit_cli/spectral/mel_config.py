"""Sizes of mel spectrograms, and presets of them; imported before numpy, to check arguments."""

from dataclasses import dataclass
from typing import Final

from drumkit_cli.errors import UsageError


@dataclass(frozen=True)
class MelConfig:
    """Sizes of a mel spectrogram.

    Attributes:
        rate: sample rate, Hz.
        window: length of the Hann window, samples.
        hop: distance of frames, samples.
        fft: length of the transform, samples, even; the window is centred in it.
        mels: number of bands F.
        f_min: lower edge of the lowest band, Hz.
        f_max: upper edge of the highest band, Hz; None for half the rate.
        in_octaves: bands are equally wide in octaves, in place of mels, from an `f_min` above 0 on.

    Raises:
        UsageError: a size is out of range, or the sizes contradict each other.
    """

    rate: int
    window: int
    hop: int
    fft: int
    mels: int
    f_min: float = 0.0
    f_max: float | None = None
    in_octaves: bool = False

    def __post_init__(self) -> None:
        """Check the sizes."""
        for name, value, low, high in (
            ("rate", self.rate, 1_000, 768_000),
            ("window", self.window, 2, 65_536),
            ("hop", self.hop, 1, 65_536),
            ("fft", self.fft, 2, 65_536),
            ("mels", self.mels, 1, 4_096),
        ):
            if not low <= value <= high:
                raise UsageError(f"{name} {value} is not within {low} to {high}")
        if self.fft < self.window or self.fft % 2:
            raise UsageError(f"fft {self.fft} is odd or below the window of {self.window}")
        if self.hop > self.window:
            raise UsageError(f"a hop of {self.hop} above the window of {self.window} skips samples")
        if not 0 <= self.f_min < self.top_hz <= self.rate / 2:
            raise UsageError(
                f"band edges {self.f_min:g} and {self.top_hz:g} Hz are not in rising order"
                f" within 0 to {self.rate / 2:g}"
            )

    @property
    def top_hz(self) -> float:
        """Upper edge of the highest band, Hz."""
        return float(self.rate // 2) if self.f_max is None else self.f_max

    @property
    def bins(self) -> int:
        """Number of bins of the linear spectrum."""
        return self.fft // 2 + 1

    @property
    def full_scale(self) -> float:
        """Power of a full-scale sine at its spectral peak: 0 dB."""
        from drumkit_cli.spectral.melscale import hann

        return (float(hann(self.window).sum()) / 2) ** 2

    def frames(self, samples: int) -> int:
        """Number of frames T of a signal: 1 + samples // hop, or 0 for no samples."""
        return 1 + samples // self.hop if samples else 0

    def samples(self, frames: int) -> int:
        """Largest number of samples that give a number of frames: frames * hop - 1, or 0."""
        return max(0, frames * self.hop - 1)


PRESETS: Final[dict[str, MelConfig]] = {
    "arrange": MelConfig(rate=22050, window=2048, hop=512, fft=2048, mels=256),
    "synth": MelConfig(rate=22050, window=1024, hop=256, fft=2048, mels=512),
}
"""The settings of CycleDRUMS and of the Neural Drum Machine."""
