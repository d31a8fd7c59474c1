"""The built-in separator: a small spectrogram Demucs (CycleDRUMS III-A uses the first Demucs).

Paper: A. Défossez, "Hybrid Spectrogram and Waveform Source Separation" (2021), whose network in
the demucs package this is, with complex spectrograms as channels. What differs: the spectrogram
branch alone, one channel at 22,050 Hz, narrow layers and no attention, so that two CPU cores train
it in an hour and run it many times faster than real time; `infer.py` carries its estimates to the
full rate and to stereo. Training data: rendered bands, see `data.py` and weights/MODELS.md.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from demucs.hdemucs import HDemucs


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


def build(config: SeparatorConfig) -> HDemucs:
    """The untrained network: mix `[B, 1, N]` at `config.rate` -> stems `[B, S, 1, N]`."""
    network: HDemucs = HDemucs(
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
