"""The recipes of the CWAE and of the inverters ("Experimental setup").

The paper's losses and optimiser; what differs, and why:

* Batches hold eight sounds of every class where the paper has 64, against 64 draws of the prior:
  the estimator of the MMD is unbiased, and more steps average what fewer codes leave open.
* The rate follows a half cosine in place of a schedule of plateaus, for a run has a time limit.
* The default inverter learns from the spectra of real sounds, not from the sounds it makes.

One run trains the default inverter, then the autoencoder, into one weights file; the presets
`inverter` and `cwae` train one of the two anew and keep the other of the file that is there.
`mcnn` trains the paper's inverter into a file of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from drumkit_cli import training
from drumkit_cli.checkpoint import load_weights, save_weights
from drumkit_cli.errors import UsageError
from drumkit_cli.synth import losses
from drumkit_cli.synth.data import LICENCES, Pool, Sounds, balanced, load_sounds, make_pool
from drumkit_cli.synth.inverters import (
    FULL_SCALE,
    MCNN,
    InverterConfig,
    MCNNConfig,
    SpectralInverter,
    heard_bands,
)
from drumkit_cli.synth.model import CWAE, Latent, ModelConfig
from drumkit_cli.synth.sound import CLASSES, FLOOR_DB, MEL, Analyser, to_levels

PRIOR_DRAWS = 64
"""Of each class's prior: as many as the latent space has dimensions (S. Reddi et al., 2015)."""
SIZE_WEIGHT = 0.01
"""Of the mean square of a code: the MMD hardly feels codes that are far out."""
STATISTICS_PER_CLASS = 200
VALIDATION_SOUNDS = 240
READING_SOUNDS = 400
GRADIENT_LIMIT = 5.0
LEAST_DEVIATION = 0.02
"""Of an element of the image, in levels: what hardly ever sounds must not count a hundredfold."""


@dataclass(frozen=True)
class Recipe:
    """Everything of a run that is not where and how long.

    Attributes:
        parts: what is trained, one after the other: inverter, cwae or mcnn.
        shares: of the time, where each part ends.
        model: of the autoencoder.
        inverter: of the default inverter.
        mcnn: of the paper's.
        pool: sounds of a class that are drawn before training.
        per_class: sounds of a class in a batch of the autoencoder.
        batch: sounds in a batch of an inverter.
        mmd_weight: beta, of the MMD beside the mean squared error of an element.
        spread_weight: of the second image of the decoder.
    """

    parts: tuple[str, ...] = ("inverter", "cwae")
    shares: tuple[float, ...] = (0.4, 1.0)
    model: ModelConfig = ModelConfig()  # noqa: RUF009 - frozen
    inverter: InverterConfig = InverterConfig()  # noqa: RUF009 - frozen
    mcnn: MCNNConfig = MCNNConfig()  # noqa: RUF009 - frozen
    pool: int = 1500
    per_class: int = 8
    batch: int = 16
    mmd_weight: float = 10.0
    spread_weight: float = 0.2


_WIDE = Recipe(
    model=ModelConfig(channels=(32, 64, 64), dense=(1024, 512)),
    inverter=InverterConfig(channels=32),
    mcnn=MCNNConfig(channels=(128, 64, 32, 16, 8, 4, 2, 2)),
    pool=3000,
    per_class=64,
    batch=128,
)
_TINY = Recipe(
    model=ModelConfig(channels=(4, 4, 4), dense=(16, 16), latent=8),
    inverter=InverterConfig(channels=4, refinements=1),
    mcnn=MCNNConfig(heads=2, channels=(4, 4, 4, 4, 4, 4, 2, 2)),
    pool=6,
    per_class=2,
    batch=4,
)
_ALONE: dict[str, Any] = {"shares": (1.0,)}
PRESETS = {
    "cpu": Recipe(),
    "inverter": Recipe(parts=("inverter",), **_ALONE),
    "cwae": Recipe(parts=("cwae",), **_ALONE),
    "mcnn": Recipe(parts=("mcnn",), **_ALONE),
    "gpu": _WIDE,
    "gpu-mcnn": replace(_WIDE, parts=("mcnn",), **_ALONE),
    "paper": replace(_WIDE, parts=("mcnn", "cwae"), shares=(0.4, 1.0), spread_weight=0.0),
    "tiny": _TINY,
    "tiny-cwae": replace(_TINY, parts=("cwae",), **_ALONE),
    "tiny-mcnn": replace(_TINY, parts=("mcnn",), **_ALONE),
}


class Draw(NamedTuple):
    """Places in the pool: of a batch of the autoencoder, and of one of an inverter."""

    by_class: NDArray[np.int64]
    any_class: NDArray[np.int64]


class Part(Protocol):
    """A network and how it learns."""

    @property
    def network(self) -> nn.Module:
        """What a checkpoint holds."""

    @property
    def optimizer(self) -> Optimizer:
        """What changes it."""

    def step(self, draw: Draw, progress: float) -> dict[str, float]:
        """Take a step; `progress` 0..1 is of this part alone."""

    def validate(self) -> dict[str, float]:
        """Measure on held-out sounds; "score" decides, lower is better."""


class InverterPart:
    """Teaches the default inverter what phases real sounds have."""

    def __init__(
        self, fabric: Fabric, network: SpectralInverter, pool: Pool, held_out: Tensor
    ) -> None:
        self._fabric, self._pool, self._bare = fabric, pool, network
        self.network = fabric.setup_module(network)
        self.network.mark_forward_method("slopes")
        self.optimizer = _set_up(fabric, torch.optim.Adam(self.network.parameters(), 3e-3))
        self._analyser = Analyser().to(fabric.device)
        self._held_out = held_out

    def step(self, draw: Draw, progress: float) -> dict[str, float]:
        """One step: no sound is made in it, which keeps it fast and its gradient tame."""
        _set_rate(self.optimizer, 3e-3, progress)
        samples = _louder_and_softer(
            self._fabric.to_device(self._pool.batch_samples(draw.any_class))
        )
        levels = self._analyser(samples)
        spectrum = self._bare.analyse(samples)
        real = spectrum.abs().clamp_min(1e-3).log()  # [B, bins, T]
        weight = (real - real.amin((1, 2), keepdim=True)) / 10
        in_time = (spectrum[:, :, 1:] * spectrum[:, :, :-1].conj()).angle()
        in_bins = (spectrum[:, 1:] * spectrum[:, :-1].conj()).angle()
        with torch.autocast(samples.device.type, dtype=torch.bfloat16):
            made_in_time, made_in_bins = self.network.slopes(self._bare.read(levels))
        parts = {
            "time": losses.phase_distance(in_time, made_in_time, weight[:, :, 1:]),
            "bins": losses.phase_distance(in_bins, made_in_bins, weight[:, 1:]),
        }
        return _descend(self._fabric, self.network, self.optimizer, "inverter", parts)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Log-mel distance in dB, and spectral convergence."""
        self._bare.eval()
        return _inversion_figures(self._fabric, self._analyser, self._held_out, self._bare)


class MCNNPart:
    """Teaches MCNN, by the paper's losses on the sounds that it makes."""

    def __init__(self, fabric: Fabric, network: MCNN, pool: Pool, held_out: Tensor) -> None:
        self._fabric, self._pool, self._bare = fabric, pool, network
        self.network = fabric.setup_module(network)
        self.optimizer = _set_up(fabric, torch.optim.Adam(self.network.parameters(), 1e-3))
        self._analyser = Analyser().to(fabric.device)
        self._held_out = held_out

    def step(self, draw: Draw, progress: float) -> dict[str, float]:
        """One step (Eq. 9, 11, 12 and 13)."""
        _set_rate(self.optimizer, 1e-3, progress)
        samples = _louder_and_softer(
            self._fabric.to_device(self._pool.batch_samples(draw.any_class))
        )
        power = self._analyser.power(samples)
        with torch.autocast(samples.device.type, dtype=torch.bfloat16):
            wave, mask = self.network(to_levels(power))
        made = self._analyser.power(wave * torch.sigmoid(mask))
        parts = {
            "convergence": 3 * losses.spectral_convergence(power, made),
            "log": 10 * losses.log_distance(power, made),
            "mask": F.binary_cross_entropy_with_logits(mask, _mask_of(samples)),
        }
        return _descend(self._fabric, self.network, self.optimizer, "mcnn", parts)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Log-mel distance in dB, and spectral convergence."""
        self._bare.eval()

        def sound(levels: Tensor) -> Tensor:
            return MCNN.masked(*self._bare(levels))

        return _inversion_figures(self._fabric, self._analyser, self._held_out, sound)


class AutoencoderPart:
    """Teaches the CWAE."""

    def __init__(
        self, fabric: Fabric, network: CWAE, recipe: Recipe, pool: Pool, held_out: Sounds
    ) -> None:
        self._fabric, self._recipe, self._pool, self._bare = fabric, recipe, pool, network
        self.network = fabric.setup_module(network)
        optimizer = torch.optim.AdamW(self.network.parameters(), 1e-3, weight_decay=0.02)
        self.optimizer = _set_up(fabric, optimizer)
        analyser = Analyser()
        self._levels = torch.cat(
            [analyser(part) for part in torch.from_numpy(held_out.samples).split(32)]
        )
        self._classes = torch.eye(len(CLASSES))[torch.from_numpy(held_out.classes)]

    def step(self, draw: Draw, progress: float) -> dict[str, float]:
        """One step on a balanced batch."""
        _set_rate(self.optimizer, 1e-3, progress)
        recipe = self._recipe
        self.network.train()
        levels = self._fabric.to_device(self._pool.batch_levels(draw.by_class))
        classes = self._fabric.to_device(self._pool.batch_classes(draw.by_class))
        target = (levels - self._bare.mean) / self._bare.deviation
        with torch.autocast(levels.device.type, dtype=torch.bfloat16):
            image, spread, codes = self.network(levels, classes)
        residual = image - target
        by_class = codes.unflatten(0, (-1, recipe.per_class))  # [K, n, Z]
        prior = torch.randn(len(by_class), PRIOR_DRAWS, codes.shape[1], device=codes.device)
        parts = {
            "error": residual.square().mean(),
            "mmd": recipe.mmd_weight * losses.mmd(by_class, prior),
            "size": SIZE_WEIGHT * codes.square().mean(),
            "spread": recipe.spread_weight * F.l1_loss(spread, residual.detach().abs()),
        }
        return _descend(self._fabric, self.network, self.optimizer, "cwae", parts)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Squared error of standardised elements, and log-mel distance in dB."""
        self._bare.eval()
        errors, distances = [], []
        for levels, classes in zip(self._levels.split(32), self._classes.split(32), strict=True):
            real, weights = self._fabric.to_device((levels, classes))
            made, _ = self._bare.decode(self._bare.encode(real, weights), weights)
            errors.append(((made - real) / self._bare.deviation).square().mean())
            distances.append((made - real).abs().mean() * -FLOOR_DB)
        error = float(torch.stack(errors).mean())
        return {
            "score": error,
            "cwae_error": error,
            "cwae_db": float(torch.stack(distances).mean()),
        }


class SynthTask:
    """Trains the parts of a recipe in turn."""

    def __init__(
        self, fabric: Fabric, recipe: Recipe, data: tuple[Sounds, Sounds], run: training.Run
    ) -> None:
        self._fabric, self._recipe, self._run = fabric, recipe, run
        train_sounds, held_out = data
        needs_images = "cwae" in recipe.parts
        self._pool = make_pool(train_sounds, recipe.pool, run.seed, images=needs_images)
        self._networks = _networks(recipe, run)
        inverter = self._networks.get("inverter")
        if "inverter" in recipe.parts:
            assert isinstance(inverter, SpectralInverter)
            fit_reading(inverter, self._pool)
        if needs_images:
            _standardise(self._networks, self._pool)
        samples = torch.from_numpy(held_out.samples)
        samples = samples[:: max(1, -(-len(samples) // VALIDATION_SOUNDS))]
        self._parts: dict[str, Part] = {}
        for name in recipe.parts:
            network = self._networks[name]
            if isinstance(network, CWAE):
                self._parts[name] = AutoencoderPart(fabric, network, recipe, self._pool, held_out)
            elif isinstance(network, SpectralInverter):
                self._parts[name] = InverterPart(fabric, network, self._pool, samples)
            else:
                assert isinstance(network, MCNN)
                self._parts[name] = MCNNPart(fabric, network, self._pool, samples)
        self.models: dict[str, nn.Module] = {n: part.network for n, part in self._parts.items()}
        self.optimizers: dict[str, Optimizer] = {
            n: part.optimizer for n, part in self._parts.items()
        }

    def batches(self, seed: int) -> Iterator[Draw]:
        """Endless places in the pool."""
        generator = np.random.default_rng(seed)
        by_class = balanced(self._pool.classes, self._recipe.per_class, generator)
        while True:
            anywhere = generator.integers(len(self._pool.classes), size=self._recipe.batch)
            yield Draw(next(by_class), anywhere)

    def step(self, batch: Draw, progress: float) -> dict[str, float]:
        """A step of the part whose turn it is."""
        start = 0.0
        for name, end in zip(self._recipe.parts, self._recipe.shares, strict=True):
            if progress < end or end == self._recipe.shares[-1]:
                return self._parts[name].step(batch, (progress - start) / (end - start))
            start = end
        raise AssertionError("a recipe has parts")

    def validate(self) -> dict[str, float]:
        """The figures of all parts; the score is their sum."""
        figures = [part.validate() for part in self._parts.values()]
        score = sum(part["score"] for part in figures)
        return {name: value for part in figures for name, value in part.items()} | {"score": score}

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the weights: MCNN into a file of its own, all else into one."""
        card = {"data": LICENCES, "validation": dict(figures)}
        networks = dict(self._networks)
        mcnn = networks.pop("mcnn", None)
        if mcnn is not None:
            alone = path if not networks else path.with_stem(f"{path.stem}-mcnn")
            config = asdict(self._recipe.mcnn)
            save_weights(alone, mcnn.state_dict(), feature="synth-mcnn", config=config, card=card)
        if not networks:
            return
        cwae, latent = networks["cwae"], networks["latent"]
        assert isinstance(cwae, CWAE)
        assert isinstance(latent, Latent)
        if "cwae" in self._recipe.parts:
            _fit_latent(self._fabric, cwae, latent, self._pool)
        state = {
            f"{name}.{key}": value
            for name, network in networks.items()
            for key, value in network.state_dict().items()
            if not key.endswith("num_batches_tracked")
        }
        config = {
            "model": asdict(self._recipe.model),
            "inverter": asdict(self._recipe.inverter),
            "classes": CLASSES,
        }
        save_weights(path, state, feature="synth", config=config, card=card)


def train(data: Path, run: training.Run) -> dict[str, float]:
    """Train on the one-shots of a folder and on our own synthesiser's.

    Raises:
        UsageError: there is no such preset.
        DrumkitError: as `load_sounds`, `load_weights` and `fit`.
    """
    recipe = PRESETS.get(run.preset)
    if recipe is None:
        raise UsageError(f"no preset {run.preset}", f"take one of {', '.join(PRESETS)}")
    fabric = training.start(run)
    sounds = load_sounds(data, "train"), load_sounds(data, "valid")
    return training.fit(SynthTask(fabric, recipe, sounds, run), run, fabric)


@torch.no_grad()
def fit_reading(inverter: SpectralInverter, pool: Pool, neighbours: int = 9) -> None:
    """Find the weights of the bands nearest to a bin that best tell its power: least squares.

    Relative errors count: each frame is divided by the power around.
    """
    step = max(1, len(pool.classes) // READING_SOUNDS)
    analyser = Analyser()
    powers, targets = [], []
    places = np.arange(0, len(pool.classes), step)
    for part in np.array_split(places, max(1, len(places) // 32)):
        samples = pool.batch_samples(part)
        powers.append(analyser.power(samples).transpose(0, 1).flatten(1) / MEL.full_scale)
        spectrum = inverter.analyse(samples) / math.exp(FULL_SCALE)
        targets.append(spectrum.abs().square().transpose(0, 1).flatten(1))
    power, target = torch.cat(powers, 1), torch.cat(targets, 1)  # [F, frames], [bins, frames]
    _, heard, centres = heard_bands()
    hertz = np.arange(len(target)) * MEL.rate / MEL.window
    inverter.reading.zero_()
    for bin_, place in enumerate(hertz):
        near = torch.from_numpy(heard[np.argsort(np.abs(centres - place))[:neighbours]])
        around = power[near].double()
        weight = 1 / (around.sum(0) + 1e-11)
        rows, wanted = around * weight, target[bin_].double() * weight
        squares = rows @ rows.T
        ridge = 1e-4 * squares.diagonal().mean() * torch.eye(len(near), dtype=torch.float64)
        inverter.reading[bin_, near] = torch.linalg.solve(squares + ridge, rows @ wanted).float()


def _networks(recipe: Recipe, run: training.Run) -> dict[str, nn.Module]:
    """New networks; what is not trained of the pair comes from the weights that are there."""
    networks: dict[str, nn.Module] = {}
    if "mcnn" in recipe.parts:
        networks["mcnn"] = MCNN(recipe.mcnn)
    pair = {"inverter", "cwae"}
    if pair & set(recipe.parts):
        networks["cwae"] = CWAE(recipe.model)
        networks["latent"] = Latent(recipe.model)
        networks["inverter"] = SpectralInverter(recipe.inverter)
        kept = pair - set(recipe.parts)
        if kept and "mcnn" not in recipe.parts and run.output.is_file():
            state = load_weights("synth", str(run.output)).state
            for name in [*kept, *(["latent"] if "cwae" in kept else [])]:
                prefix = f"{name}."
                part = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
                networks[name].load_state_dict(part, strict=False)
    return networks


def _standardise(networks: Mapping[str, nn.Module], pool: Pool) -> None:
    """Measure mean and deviation of every element of the images."""
    cwae = networks["cwae"]
    assert isinstance(cwae, CWAE)
    places = np.arange(0, len(pool.classes), max(1, len(pool.classes) // 2000))
    total, squares = torch.zeros_like(cwae.mean), torch.zeros_like(cwae.mean)
    for part in np.array_split(places, max(1, len(places) // 64)):
        levels = pool.batch_levels(part)
        total += levels.sum(0)
        squares += levels.square().sum(0)
    mean = total / len(places)
    variance = (squares / len(places) - mean.square()).clamp_min(0)
    cwae.mean.copy_(mean)
    cwae.deviation.copy_(variance.sqrt().clamp_min(LEAST_DEVIATION))


@torch.no_grad()
def _fit_latent(fabric: Fabric, cwae: CWAE, latent: Latent, pool: Pool) -> None:
    """Measure where the codes of each class lie."""
    cwae.eval()
    heights = torch.linspace(0, 1, cwae.config.bins)[:, None]
    for c in np.unique(pool.classes):
        places = np.flatnonzero(pool.classes == c)[:STATISTICS_PER_CLASS]
        codes, centroids = [], []
        for part in np.array_split(places, max(1, len(places) // 50)):
            levels, classes = pool.batch_levels(part), pool.batch_classes(part)
            codes.append(cwae.encode(*fabric.to_device((levels, classes))).cpu())
            centroids.append((levels * heights).sum((1, 2)) / levels.sum((1, 2)).clamp_min(1e-6))
        _fit_class(latent, int(c), torch.cat(codes), torch.cat(centroids))


def _fit_class(latent: Latent, c: int, codes: Tensor, centroids: Tensor) -> None:
    """Gaussian of the codes ``[n, Z]`` of a class, by components that point to brighter sounds."""
    mean = codes.mean(0)
    centred = codes - mean
    covariance = centred.T @ centred / max(len(codes) - 1, 1)
    variances, vectors = torch.linalg.eigh(covariance)
    components = vectors.T.flip(0)  # [Z, Z]
    brightness = (centroids - centroids.mean()) / centroids.std().clamp_min(1e-6)
    towards = centred.T @ brightness / len(codes)
    components = components * torch.where(components @ towards < 0, -1.0, 1.0)[:, None]
    latent.mean[c] = mean
    latent.components[c] = components
    latent.scale[c] = variances.flip(0).clamp_min(0).sqrt()
    latent.brighter[c] = towards


def _mask_of(samples: Tensor) -> Tensor:
    """1 up to the last sample that is not 0: what padding is not."""
    after = samples.abs().flip(1).cumsum(1).flip(1)
    return (after > 0).float()


def _set_up(fabric: Fabric, optimizer: Optimizer) -> Optimizer:
    wrapped = fabric.setup_optimizers(optimizer)
    assert isinstance(wrapped, Optimizer)
    return wrapped


def _set_rate(optimizer: Optimizer, peak: float, progress: float) -> None:
    """A short rise, then a half cosine down to a hundredth."""
    rate = peak * min(1.0, 0.1 + 45 * progress) * (0.505 + 0.495 * math.cos(math.pi * progress))
    for group in optimizer.param_groups:
        group["lr"] = rate


def _descend(
    fabric: Fabric, network: nn.Module, optimizer: Optimizer, name: str, parts: dict[str, Tensor]
) -> dict[str, float]:
    """One step against the clipped gradient of the sum of the losses; the losses, for the log."""
    optimizer.zero_grad()
    fabric.backward(torch.stack(list(parts.values())).sum())
    norm = nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_LIMIT)
    optimizer.step()
    figures = {f"{name}/{key}": float(value.detach()) for key, value in parts.items()}
    return figures | {f"{name}/gradient": float(norm)}


def _louder_and_softer(samples: Tensor) -> Tensor:
    """Sounds ``[B, N]`` at levels that differ by up to 10 dB."""
    return samples * torch.empty(len(samples), 1, device=samples.device).uniform_(0.3, 1)


def _inversion_figures(
    fabric: Fabric, analyser: Analyser, samples: Tensor, invert: Callable[[Tensor], Tensor]
) -> dict[str, float]:
    """How far the spectrograms of sounds ``[n, N]`` are from those of what is made of them."""
    distances, convergences = [], []
    for part in samples.split(32):
        power = analyser.power(fabric.to_device(part))
        made = analyser.power(invert(to_levels(power)))
        distances.append((to_levels(made) - to_levels(power)).abs().mean() * -FLOOR_DB)
        convergences.append(losses.spectral_convergence(power, made))
    decibels = float(torch.stack(distances).mean())
    convergence = float(torch.stack(convergences).mean())
    return {"score": decibels, "inverter_db": decibels, "inverter_sc": convergence}
