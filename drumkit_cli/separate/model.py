"""The built-in separator: a small spectrogram Demucs (CycleDRUMS III-A uses the first Demucs).

Paper: A. Défossez, "Hybrid Spectrogram and Waveform Source Separation" (2021), whose network in
the demucs package this is. What differs: the spectrogram branch alone, one channel at 22,050 Hz,
narrow layers and no attention, so that two CPU cores train it in an hour and run it many times
faster than real time; it reads a compressed spectrogram and gives complex ratio masks in place of
spectrograms, since a mask starts from the mix and needs far less training to be useful; `infer.py`
carries its estimates to the full rate and to stereo. Training data: rendered bands, see `data.py`
and weights/MODELS.md.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from demucs.hdemucs import HDemucs
from torch import Tensor


@dataclass(frozen=True)
class SeparatorConfig:
    """The shape of the network.

    Attributes:
        sources: stems in the order of the output.
        rate: of the audio in Hz.
        fft: STFT window in samples; the hop is a quarter.
        channels: of the first layer.
        growth: of the channels from layer to layer.
        depth: layers of the encoder; each quarters the frequency axis.
        segment_seconds: the length it was trained for and is run on.
    """

    sources: tuple[str, ...] = ("drums", "bass", "other")
    rate: int = 22_050
    fft: int = 2048
    channels: int = 32
    growth: float = 1.75
    depth: int = 5
    segment_seconds: float = 10.0

    def as_dict(self) -> dict[str, object]:
        """Plain values, as the weights file keeps them."""
        return asdict(self)


class MaskingDemucs(HDemucs):
    """The spectrogram branch of Hybrid Demucs, with complex masks for an output.

    The mix is expected at unit variance: masks do not scale with it.
    """

    def _magnitude(self, z: Tensor) -> Tensor:
        """Complex spectrogram `[B, C, F, T]` -> channels `[B, 2 C, F, T]`, magnitudes rooted."""
        rooted = z * z.abs().clamp_min(1e-4) ** -0.5  # [B, C, F, T]
        return torch.view_as_real(rooted).movedim(-1, 2).flatten(1, 2)

    def _mask(self, z: Tensor, m: Tensor) -> Tensor:
        """Mix `[B, C, F, T]`, masks less 1/S `[B, S, 2 C, F, T]` -> stems `[B, S, C, F, T]`."""
        batch, sources, _, bins, frames = m.shape
        parts = m.view(batch, sources, -1, 2, bins, frames).permute(0, 1, 2, 4, 5, 3)
        masks = torch.view_as_complex(parts.float().contiguous())
        return z[:, None] * (masks + 1 / sources)


def build(config: SeparatorConfig) -> MaskingDemucs:
    """The untrained network: mix `[B, 1, N]` at `config.rate` -> stems `[B, S, 1, N]`."""
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
