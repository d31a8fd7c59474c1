"""The built-in separator: a small spectrogram Demucs (CycleDRUMS, III-A, has the first Demucs).

Paper: A. Défossez, "Hybrid Spectrogram and Waveform Source Separation" (2021), with the network of
the demucs package. What differs, and why: it has the spectrogram branch alone, one channel at
22,050 Hz, narrow layers and no attention, so that two CPU cores train it in an hour and run it many
times faster than real time. It reads a compressed spectrogram and gives complex ratio masks, which
are useful after far less training than spectrograms. `infer.py` extends its estimates to the full
rate and to stereo. Training data: rendered bands, see `data.py` and ``weights/MODELS.md``.
"""

from dataclasses import dataclass

import torch
from demucs.hdemucs import HDemucs
from torch import Tensor


@dataclass(frozen=True)
class SeparatorConfig:
    """Sizes of the network.

    Attributes:
        sources: stems, in the order of the output.
        rate: sample rate, Hz.
        fft: STFT window in samples; the hop is a quarter.
        channels: channels of the first layer.
        growth: factor of the channels from layer to layer.
        depth: layers of the encoder, each of which divides the frequency axis by four.
        segment_seconds: length of the segments that it is run on.
    """

    sources: tuple[str, ...] = ("drums", "bass", "other")
    rate: int = 22_050
    fft: int = 2048
    channels: int = 32
    growth: float = 1.75
    depth: int = 5
    segment_seconds: float = 10.0

    def __post_init__(self) -> None:
        if not (8000 <= self.rate <= 192_000 and 1 <= self.segment_seconds <= 600):
            raise ValueError("a rate or a segment that no separator has")


class MaskingDemucs(HDemucs):
    """The spectrogram branch of Hybrid Demucs, with complex masks as its output.

    It expects mixes of unit variance.
    """

    def _magnitude(self, z: Tensor) -> Tensor:
        """Complex spectrogram `[B, C, F, T]` to channels `[B, 2 C, F, T]`, magnitudes rooted."""
        rooted = z * z.abs().clamp_min(1e-4) ** -0.5  # [B, C, F, T]
        return torch.view_as_real(rooted).movedim(-1, 2).flatten(1, 2)

    def _mask(self, z: Tensor, m: Tensor) -> Tensor:
        """Mix `[B, C, F, T]` and masks less 1/S `[B, S, 2 C, F, T]` to stems `[B, S, C, F, T]`."""
        batch, sources, _, bins, frames = m.shape
        parts = m.view(batch, sources, -1, 2, bins, frames).permute(0, 1, 2, 4, 5, 3)
        masks = torch.view_as_complex(parts.float().contiguous())
        return z[:, None] * (masks + 1 / sources)


def build(config: SeparatorConfig) -> MaskingDemucs:
    """An untrained network from mixes `[B, 1, N]` at `config.rate` to stems `[B, S, 1, N]`."""
    network: MaskingDemucs = MaskingDemucs(
        sources=list(config.sources),
        audio_channels=1,
        channels=config.channels,
        growth=config.growth,
        nfft=config.fft,
        depth=config.depth,
        cac=True,
        hybrid=False,
        norm_groups=1,
        dconv_attn=config.depth,  # attention from this layer on: in none
        dconv_lstm=config.depth - 1,  # the innermost layer sees far in time
        samplerate=config.rate,
        segment=config.segment_seconds,
    )
    return network
