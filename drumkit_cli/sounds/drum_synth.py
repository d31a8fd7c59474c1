"""The drum synthesiser: codes to samples, and samples to codes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.checkpoint import Checkpoint, load_weights
from drumkit_cli.learning.models import load_model
from drumkit_cli.learning.network import Network, open_network
from drumkit_cli.sounds import codes as latent_codes
from drumkit_cli.sounds import phase_reconstruction
from drumkit_cli.sounds.classes import CLASSES, Inverter
from drumkit_cli.sounds.codes import Code, LatentSpace
from drumkit_cli.sounds.config import SynthConfig
from drumkit_cli.sounds.finishing import finished, levelled
from drumkit_cli.sounds.mel_image import FRAMES, LENGTH, MEL, levels_of, to_power
from drumkit_cli.sounds.texture import expanded, textured
from drumkit_cli.spectral import mel_spectrogram

DEFINITION: Final = "drumkit_cli.sounds.networks"
MCNN_DEFINITION: Final = "drumkit_cli.sounds.mcnn"
GRIFFIN_LIM_ITERATIONS: Final = 60
PEAK: Final = 0.9
"""Largest peak of a sound at velocity 1."""
VELOCITY_CURVE: Final = 1.5
"""The amplitude of a hit is its velocity to this power."""
_BATCH: Final = 16
_IMAGE: Final = (MEL.mels, FRAMES)
_BINS: Final = MEL.window // 2 + 1


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
        """Open the networks of a checkpoint, and MCNN where its checkpoint is given.

        Raises:
            BadDataError: the weights are of other networks, or without graphs.
        """
        config = checkpoint.restore(SynthConfig)
        parts = ("mean", "components", "scale", "brighter")
        try:
            self.space = LatentSpace(
                *(checkpoint.tensors[f"latent.{part}"].astype(np.float32) for part in parts)
            )
        except (LookupError, ValueError) as error:
            raise BadDataError(f"{checkpoint.path}: weights of another synth") from error
        self._network = open_network(checkpoint, device, DEFINITION)
        self._mcnn = None if mcnn is None else open_network(mcnn, device, MCNN_DEFINITION)
        self._inverter = config.inverter
        self.latent = config.model.latent
        self.weights_sha256 = checkpoint.sha256

    @property
    def has_mcnn(self) -> bool:
        """Whether MCNN was loaded."""
        return self._mcnn is not None

    def levels(self, codes: Sequence[Code], *, seed: int = 0, texture: float = 1.0) -> Floats:
        """Decode codes to levels ``[n, F, T]``.

        The decoder averages noise away: `texture`, 0..1, is the share of it that is added again,
        from a seed. Tails pass a downward expander.

        Raises:
            BadDataError: the weights are of other networks.
        """
        made = []
        for start in range(0, len(codes), _BATCH):
            part = codes[start : start + _BATCH]
            latent = np.stack([code.latent for code in part])
            classes = np.stack([code.classes for code in part])
            levels, spread = self._decode(latent, classes)
            made.append(expanded(textured(levels, spread, seed, texture)))
        return np.concatenate(made)

    def invert(self, levels: Floats, inverter: Inverter = Inverter.SPECTRAL) -> Floats:
        """Invert levels ``[n, F, T]`` to samples ``[n, N]``, each image by itself.

        Raises:
            UsageError: `inverter` is MCNN, and its weights were not loaded.
            BadDataError: the weights are of other networks.
        """
        if inverter is Inverter.GRIFFIN_LIM:
            return np.stack([_griffin_lim(image) for image in levels])
        if inverter is Inverter.MCNN:
            if self._mcnn is None:
                raise UsageError("the weights of mcnn are not loaded")
            return np.concatenate([_masked(self._mcnn, image) for image in levels])
        return np.stack(
            [phase_reconstruction.invert(image, self._phases, self._inverter) for image in levels]
        )

    def play(
        self,
        code: Code,
        *,
        velocity: float = 1.0,
        seed: int = 0,
        inverter: Inverter = Inverter.SPECTRAL,
        rate: int = MEL.rate,
    ) -> Floats:
        """Render a code: samples ``[n]`` at a rate, at most a second, trimmed at both ends.

        Sounds of a class are as loud as each other, with a peak of at most 0.9 at velocity 1;
        softer hits are quieter and duller.

        Raises:
            UsageError: the velocity is not within 0..1, or MCNN was not loaded.
        """
        softer = code if velocity == 1 else self.space.at_velocity(code, velocity)
        samples = self.invert(self.levels([softer], seed=seed), inverter)[0]
        sound = finished(samples, softer.classes, rate, seed)
        level = PEAK * velocity**VELOCITY_CURVE
        return levelled(sound, softer.classes, rate) * np.float32(level)

    def encode(self, samples: Floats, name: str | None = None) -> Code:
        """The code of the first second of a sound, mono samples ``[n]`` at `MEL.rate`.

        Without a class name it gets the class that reconstructs it best.

        Raises:
            UsageError: no such class.
            BadDataError: the sound is silent or not finite, or the weights are of other networks.
        """
        level = levels_of(_trimmed(samples))
        places = range(len(CLASSES)) if name is None else [latent_codes.class_of(name)]
        classes = np.stack([latent_codes.class_weights(c) for c in places])
        images = np.repeat(level[None], len(classes), 0)
        (codes,) = self._network.run("encode", [images, classes], [(len(classes), self.latent)])
        best = 0
        if len(classes) > 1:
            made, _ = self._decode(codes, classes)
            best = int(np.abs(made - images).mean((1, 2)).argmin())
        return Code(codes[best], classes[best])

    def _decode(self, latent: Floats, classes: Floats) -> tuple[Floats, Floats]:
        shape = (len(latent), *_IMAGE)
        levels, spread = self._network.run("decode", [latent, classes], [shape, shape])
        return levels, spread

    def _phases(self, levels: Floats) -> tuple[Floats, Floats, Floats]:
        frames = levels.shape[1]
        shapes = [(1, frames, _BINS), (1, frames - 1, _BINS), (1, frames, _BINS - 1)]
        (log,), (in_time,), (in_bins,) = self._network.run("phases", [levels[None]], shapes)
        return log, in_time, in_bins


def load_synth(
    weights: str | Path | None = None, device: str = "cpu", inverter: Inverter = Inverter.SPECTRAL
) -> DrumSynth:
    """Load the networks that an inverter needs, once a process; raises as `load_model`."""
    build = with_mcnn if inverter is Inverter.MCNN else DrumSynth
    return load_model(build, "synth", weights, device)


def with_mcnn(checkpoint: Checkpoint, device: str = "cpu") -> DrumSynth:
    """Open the networks of a checkpoint, with MCNN from the file next to it.

    Raises:
        BadDataError: the weights are of other networks.
        MissingInputError: there is no file of MCNN.
    """
    beside = checkpoint.path.with_stem("synth-mcnn")
    return DrumSynth(checkpoint, device, load_weights("synth-mcnn", str(beside)))


def _trimmed(samples: Floats) -> Floats:
    """A second ``[N]`` of a sound from its attack on, of peak 1."""
    sound = np.zeros(LENGTH, np.float32)
    count = min(len(samples), LENGTH)
    sound[:count] = samples[:count]
    if not np.isfinite(sound).all():
        raise BadDataError("the sound holds NaN or infinite values")
    peak = float(np.abs(sound).max())
    if peak < 1e-6:
        raise BadDataError("the sound is silent", "give one that starts within a second")
    loud = int(np.flatnonzero(np.abs(sound) > 0.01 * peak)[0])
    return np.pad(sound[loud:] / np.float32(peak), (0, loud))


def _griffin_lim(levels: Floats) -> Floats:
    return mel_spectrogram.mel_to_audio(
        to_power(levels), MEL, LENGTH, iterations=GRIFFIN_LIM_ITERATIONS, seed=0
    )


def _masked(mcnn: Network, levels: Floats) -> Floats:
    """Samples ``[1, N]`` of levels ``[F, T]``."""
    wave, mask = mcnn.run("invert", [levels[None]], [(1, LENGTH)] * 2)
    return wave * (mask > 0)
