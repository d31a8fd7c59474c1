"""The drum synthesiser: codes to samples, and samples to codes."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.checkpoint import Checkpoint
from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import building, state_dict
from drumkit_cli.sounds import codes as latent_codes
from drumkit_cli.sounds.classes import CLASSES, Inverter
from drumkit_cli.sounds.codes import Code, LatentSpace
from drumkit_cli.sounds.mcnn import MCNN, MCNNConfig
from drumkit_cli.sounds.mel_image import FLOOR_DB, LENGTH, MEL, Analyser, to_levels, to_power
from drumkit_cli.sounds.model import CWAE, Latent, ModelConfig
from drumkit_cli.sounds.spectral_inverter import InverterConfig, SpectralInverter
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.melscale import band_edges

GRIFFIN_LIM_ITERATIONS: Final = 60
PEAK: Final = 0.9
"""Peak of a sound at velocity 1."""
VELOCITY_CURVE: Final = 1.5
"""The amplitude of a hit is its velocity to this power."""
END_LEVEL: Final = 10 ** (-60 / 20)
"""A sound ends where it stays below this share of its peak."""
FADE: Final = 110
"""Length of a fade-out, samples: 5 ms."""
FADE_IN: Final = 11
"""Length of a fade-in, samples: half a millisecond, against clicks of an immediate peak."""
TAIL_DB: Final = -36.0
"""Level of the tail relative to the loudest frame: the decoder gives blurred means of tails."""
TAIL_RATIO: Final = 2.0
"""Ratio of the downward expander on the tail."""
NOISE_FRAMES: Final = 512
"""Frames of the noise texture."""
TONES_HZ: Final = 600.0
NOISES_HZ: Final = 2400.0
"""Drums are tonal below `TONES_HZ` and noisy above `NOISES_HZ`: the texture fades in between."""
_BATCH: Final = 16
_MODEL: Final = "drum synthesiser"


class DrumSynth:
    """The trained networks, from NumPy to NumPy.

    Attributes:
        space: the distributions of the codes of each class.
        latent: Z, the size of a latent code.
        weights_sha256: SHA-256 of the weights file.
    """

    def __init__(
        self, checkpoint: Checkpoint, device: str = "cpu", mcnn: Checkpoint | None = None
    ) -> None:
        """Build the networks of a checkpoint, and MCNN where its checkpoint is given.

        Raises:
            BadDataError: the weights are of other networks.
        """
        with building(checkpoint):
            config = checkpoint.config
            if tuple(config["classes"]) != CLASSES:
                raise ValueError("other classes")
            model = restore(ModelConfig, config["model"])
            self._cwae = CWAE(model)
            self._inverter = SpectralInverter(restore(InverterConfig, config["inverter"]))
            latent = Latent(model)
        for name, network in (
            ("cwae", self._cwae),
            ("inverter", self._inverter),
            ("latent", latent),
        ):
            load_part(network, name, checkpoint)
        self._mcnn = None if mcnn is None else _mcnn(mcnn).eval().to(device)
        self._cwae.eval().to(device)
        self._inverter.eval().to(device)
        self._analyser = Analyser().to(device)
        self._device = device
        self._noise, self._noise_deviation = _noise_texture()
        self.space = LatentSpace(latent)
        self.latent = model.latent
        self.weights_sha256 = checkpoint.sha256

    @property
    def has_mcnn(self) -> bool:
        """Whether MCNN was loaded."""
        return self._mcnn is not None

    @torch.inference_mode()
    def levels(self, codes: Sequence[Code], *, seed: int = 0, texture: float = 1.0) -> Floats:
        """Decode codes to levels ``[n, F, T]``.

        The decoder averages noise away: `texture`, 0..1, is the share of it that is added again,
        from a seed. Tails pass a downward expander.
        """
        made = []
        for start in range(0, len(codes), _BATCH):
            part = codes[start : start + _BATCH]
            latent = self._tensor(np.stack([code.latent for code in part]))
            classes = self._tensor(np.stack([code.classes for code in part]))
            levels, spread = self._cwae.decode(latent, classes)
            textured = self._textured(levels.cpu(), spread.cpu(), seed, texture)
            made.append(_expanded(textured).numpy())
        return np.concatenate(made)

    @torch.inference_mode()
    def invert(self, levels: Floats, inverter: Inverter = Inverter.SPECTRAL) -> Floats:
        """Invert levels ``[n, F, T]`` to samples ``[n, N]``.

        Raises:
            UsageError: `inverter` is MCNN, and its weights were not loaded.
        """
        if inverter is Inverter.GRIFFIN_LIM:
            return np.stack([_griffin_lim(image) for image in levels])
        if inverter is Inverter.MCNN and self._mcnn is None:
            raise UsageError("the weights of mcnn are not loaded")
        made = []
        for start in range(0, len(levels), _BATCH):
            part = self._tensor(levels[start : start + _BATCH])
            if inverter is Inverter.MCNN:
                assert self._mcnn is not None
                samples = MCNN.masked(*self._mcnn(part))
            else:
                samples = self._inverter(part)
            made.append(samples.cpu().numpy())
        return np.concatenate(made)

    def play(
        self,
        code: Code,
        *,
        velocity: float = 1.0,
        seed: int = 0,
        inverter: Inverter = Inverter.SPECTRAL,
    ) -> Floats:
        """Render a code: samples ``[n]`` at `MEL.rate`, at most a second, trimmed at the end.

        The peak is 0.9 at velocity 1; softer hits are quieter and duller.

        Raises:
            UsageError: the velocity is not within 0..1, or MCNN was not loaded.
        """
        softer = code if velocity == 1 else self.space.at_velocity(code, velocity)
        samples = self.invert(self.levels([softer], seed=seed), inverter)[0]
        return normalised_sound(samples, PEAK * velocity**VELOCITY_CURVE)

    @torch.inference_mode()
    def encode(self, samples: Floats, name: str | None = None) -> Code:
        """The code of the first second of a sound, mono samples ``[n]`` at `MEL.rate`.

        Without a class name it gets the class that reconstructs it best.

        Raises:
            UsageError: no such class.
            BadDataError: the sound is silent or not finite.
        """
        level = self._sound_levels(samples)
        places = range(len(CLASSES)) if name is None else [latent_codes.class_of(name)]
        weights = np.stack([latent_codes.class_weights(c) for c in places])
        images = level.expand(len(weights), -1, -1)
        classes = self._tensor(weights)
        codes = self._cwae.encode(images, classes)
        best = 0
        if len(weights) > 1:
            made, _ = self._cwae.decode(codes, classes)
            best = int((made - images).abs().mean((1, 2)).argmin())
        return Code(codes[best].cpu().numpy(), weights[best])

    @torch.inference_mode()
    def analyse(self, samples: Floats) -> Floats:
        """Levels ``[n, F, T]`` of samples ``[n, N]``."""
        levels: Floats = self._analyser(self._tensor(samples)).cpu().numpy()
        return levels

    def _sound_levels(self, samples: Floats) -> Tensor:
        sound = np.zeros(LENGTH, np.float32)
        count = min(len(samples), LENGTH)
        sound[:count] = samples[:count]
        if not np.isfinite(sound).all():
            raise BadDataError("the sound holds NaN or infinite values")
        peak = float(np.abs(sound).max())
        if peak < 1e-6:
            raise BadDataError("the sound is silent", "give one that starts within a second")
        loud = int(np.flatnonzero(np.abs(sound) > 0.01 * peak)[0])
        trimmed = np.pad(sound[loud:] / np.float32(peak), (0, loud))
        level: Tensor = self._analyser(self._tensor(trimmed[None]))
        return level

    def _textured(self, levels: Tensor, spread: Tensor, seed: int, amount: float) -> Tensor:
        """Add noise to levels ``[n, F, T]``, with deviations up to those of white noise."""
        if amount == 0:
            return levels
        first = int(np.random.default_rng(seed).integers(NOISE_FRAMES - levels.shape[2]))
        noise = self._noise[:, first : first + levels.shape[2]]
        deviation = 1.25 * spread  # standard deviation of a Gaussian of this mean absolute one
        rough = (deviation / self._noise_deviation).clamp_max(1.0) * amount
        return torch.where(levels > 0, (levels + rough * noise).clamp_min(0), levels)

    def _tensor(self, array: Floats) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def normalised_sound(samples: Floats, peak: float) -> Floats:
    """Trim a sound at its end, fade both ends, and scale it to a peak; silence stays silent."""
    loudest = float(np.abs(samples).max(initial=0))
    if loudest == 0:
        return samples
    end = int(np.flatnonzero(np.abs(samples) > END_LEVEL * loudest)[-1]) + 1
    sound = _faded(samples[:end].copy())
    count = min(FADE_IN, end)
    sound[:count] *= np.arange(1, count + 1, dtype=np.float32) / (count + 1)
    loudest = float(np.abs(sound).max())
    return sound * np.float32(peak / loudest) if loudest else sound


def fit_length(samples: Floats, length: int) -> Floats:
    """Cut samples ``[n]`` to a length with a short fade, or pad them with silence."""
    if len(samples) > length:
        return _faded(samples[:length].copy())
    return np.pad(samples, (0, length - len(samples)))


def load_part(network: nn.Module, name: str, checkpoint: Checkpoint) -> None:
    """Load one of the networks of a weights file, by its name there.

    Raises:
        BadDataError: it is missing, incomplete or of other sizes.
    """
    foreign = BadDataError(f"{checkpoint.path}: its {name} is of another drum synthesiser")
    try:
        outcome = network.load_state_dict(state_dict(checkpoint, name), strict=False)
    except RuntimeError as error:
        raise foreign from error
    missing = [key for key in outcome.missing_keys if not key.endswith("num_batches_tracked")]
    if missing or outcome.unexpected_keys:
        raise foreign


def _faded(samples: Floats) -> Floats:
    count = min(FADE, len(samples))
    samples[len(samples) - count :] *= np.linspace(1, 0, count, dtype=np.float32)
    return samples


def _expanded(levels: Tensor) -> Tensor:
    """Apply a downward expander to the tails of levels ``[n, F, T]``; they fall monotonically."""
    power = torch.exp2(levels * float(np.log2(10) * -FLOOR_DB / 10)) * (levels > 0)
    loudness = 10 * power.sum(1, keepdim=True).clamp_min(1e-9).log10()
    loudest, place = loudness.max(2, keepdim=True)
    is_after = torch.arange(levels.shape[2], device=levels.device) > place
    below = ((loudness - loudest - TAIL_DB).clamp_max(0) * is_after).cummin(2).values
    return (levels + (TAIL_RATIO - 1) * below / -FLOOR_DB).clamp_min(0)


def _griffin_lim(levels: Floats) -> Floats:
    return mel_spectrogram.mel_to_audio(
        to_power(levels), MEL, LENGTH, iterations=GRIFFIN_LIM_ITERATIONS, seed=0
    )


def _noise_texture() -> tuple[Tensor, float]:
    """Levels of white noise less their mean, ``[F, frames]``, faded out at low frequencies.

    Also returns their standard deviation before the fade.
    """
    count = (NOISE_FRAMES + 8) * MEL.hop
    noise = np.random.default_rng(0).standard_normal(count).astype(np.float32)
    levels = to_levels(torch.from_numpy(mel_spectrogram.mel_power(noise, MEL)))[
        :, 4 : 4 + NOISE_FRAMES
    ]
    sounding = levels.amax(1) > 0
    texture = (levels - levels.mean(1, keepdim=True)) * sounding[:, None]
    octaves = np.log2(np.maximum(band_edges(MEL)[1:-1], 1) / TONES_HZ)
    share = np.clip(octaves / np.log2(NOISES_HZ / TONES_HZ), 0, 1).astype(np.float32)
    return texture * torch.from_numpy(share)[:, None], float(texture[sounding].std())


def _mcnn(checkpoint: Checkpoint) -> MCNN:
    with building(checkpoint):
        network = MCNN(restore(MCNNConfig, checkpoint.config))
        network.load_state_dict(state_dict(checkpoint))
    return network
