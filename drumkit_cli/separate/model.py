"""The built-in separator: a small spectrogram Demucs (CycleDRUMS, III-A, has the first Demucs).

Paper: A. Défossez, "Hybrid Spectrogram and Waveform Source Separation" (2021), with the network of
the demucs package. What differs, and why: it has the spectrogram branch alone, one channel at
22,050 Hz, narrow layers and no attention, so that two CPU cores train it in an hour and run it many
times faster than real time. It reads a compressed spectrogram and gives complex ratio masks, which
are useful after far less training than spectrograms. `infer.py` extends its estimates to the full
rate and to stereo. Training data: rendered bands, see `data.py` and ``weights/MODELS.md``.
"""

from collections.abc import Mapping
from typing import Any, Final

import torch
from demucs.demucs import BLSTM
from demucs.hdemucs import HDemucs
from torch import Tensor

from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import EntryPoint
from drumkit_cli.separate.config import SeparatorConfig

EXAMPLE_FRAMES: Final = 130
"""Frames of a crop in training."""


class MaskingDemucs(HDemucs):
    """The spectrogram branch of Hybrid Demucs, with complex masks as its output.

    It expects mixes of unit variance.
    """

    def masks(self, x: Tensor) -> Tensor:
        """Normalised rooted spectrum `[B, 2 C, F, T]` to masks less 1/S `[B, S, 2 C, F, T]`.

        The masks still lack the normalisation, which `forward` of the base class undoes.
        """
        batch, _, bins, frames = x.shape
        saved, lengths = [], []
        for index, encode in enumerate(self.encoder):
            lengths.append(x.shape[-1])
            x = encode(x, None)
            if index == 0 and self.freq_emb is not None:
                places = torch.arange(x.shape[-2], device=x.device)
                x = x + self.freq_emb_scale * self.freq_emb(places).t()[None, :, :, None]
            saved.append(x)
        x = torch.zeros_like(x)
        for decode in self.decoder:
            x, _ = decode(x, saved.pop(), lengths.pop())
        return x.view(batch, len(self.sources), -1, bins, frames)

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


def build(config: Mapping[str, Any]) -> MaskingDemucs:
    """Make the network of a weights file from its config."""
    return separator_network(restore(SeparatorConfig, config))


def entry_points(network: MaskingDemucs) -> dict[str, EntryPoint]:
    """What inference calls: `masks`, of a spectrum ``[1, 2, F, T]`` of any length."""
    spectrum = torch.randn(1, 2, network.nfft // 2, EXAMPLE_FRAMES)
    return {"masks": EntryPoint(network.masks, (spectrum,), ((3,),))}


def separator_network(config: SeparatorConfig) -> MaskingDemucs:
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
    for layer in network.modules():
        if isinstance(layer, BLSTM):
            layer.max_steps = None  # over the whole segment, as over crops in training
    return network
