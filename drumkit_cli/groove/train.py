"""The recipe of PocketVAE: 3.4, equations 3 to 5, then the prior over codes.

SKEL, NOTE, VEL and TIME are trained together for the first 70 % of the time, then the prior (3.4.4)
on the codes of the finished networks. Teacher forcing falls exponentially from 1 to 0.5, the weight
of the KL terms rises from 0. What differs from the paper:

* the weights that ship are moving averages of the trained ones;
* the KL weight is per latent dimension: 0.2 for all 64 together is 0.003 for each. 0.2 for each
  would be more than a velocity's whole variance, and silence the latents;
* rhythms are varied (`data.vary`): the Groove MIDI Dataset is a ninth of the paper's data;
* codes that no beat asks for are moved to where beats are;
* genres and patterns are left out at random, so that they can be left out in use; and some windows
  are played from a sampled latent, so that the conditions are heeded where the latent knows nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from drumkit_cli import training
from drumkit_cli.checkpoint import save_weights
from drumkit_cli.errors import UsageError
from drumkit_cli.groove import data as corpora
from drumkit_cli.groove import metrics, patterns
from drumkit_cli.groove.model import (
    CodePrior,
    Coded,
    Conditions,
    Gaussian,
    Groove,
    GrooveConfig,
    NoteCoder,
    NoteVae,
    Player,
    nearest,
)
from drumkit_cli.groove.patterns import GENRES, Windows

REVIVE_STEPS = 200
VALIDATION_BATCH = 512


@dataclass(frozen=True)
class Recipe:
    """Everything of a run that is not where and how long."""

    config: GrooveConfig
    batch: int = 128
    learning_rate: float = 1e-3
    note_weight: float = 1.0
    codebook_weight: float = 0.2
    commitment_weight: float = 0.2
    velocity_beta: float = 0.2 / 64
    timing_beta: float = 0.2 / 64
    forcing_end: float = 0.5
    genre_share: float = 1.0
    pattern_share: float = 1.0
    sampled_share: float = 0.0
    prior_share: float = 0.3
    smoothing: float = 0.0
    augment: bool = True
    average: float = 0.999


CONV = GrooveConfig(
    trunk="conv",
    width=192,
    skeleton_width=96,
    stages=4,
    learned_prior=True,
    prior_width=192,
    prior_template=True,
)
PAPER = Recipe(GrooveConfig(conditions=False), batch=64)
CPU = Recipe(
    CONV,
    note_weight=7.0,
    velocity_beta=0.01,
    timing_beta=0.01,
    genre_share=0.7,
    pattern_share=0.4,
    sampled_share=0.15,
)
PRESETS = {
    "cpu": CPU,
    "gpu": replace(CPU, config=replace(CONV, width=256, blocks=4), batch=512, average=0.9995),
    "paper": PAPER,
    "vae": replace(PAPER, config=replace(PAPER.config, note_code="vae")),
    "tiny": replace(
        CPU,
        config=replace(
            CONV, width=16, blocks=1, skeleton_width=8, codebook=8, stages=2, latent=8, prior_width=8
        ),
        batch=8,
        average=0.9,
    ),
}


@dataclass
class Batch:
    """Windows as tensors, each ``[B, T, V]``, with what they are asked to be."""

    notes: Tensor
    velocities: Tensor
    timings: Tensor
    template: Tensor
    conditions: Conditions
    genres: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))


class GrooveTask:
    """Optimises the two-step model, then the prior; moving averages of both count."""

    def __init__(self, fabric: Fabric, recipe: Recipe, corpus: Mapping[str, corpora.Corpus]) -> None:
        self._fabric, self._recipe, self._corpus = fabric, recipe, corpus
        self._generator = np.random.default_rng(0)
        networks: dict[str, nn.Module] = {"groove": Groove(recipe.config)}
        if recipe.config.note_code == "vq":
            networks["prior"] = CodePrior(recipe.config)
        self.models: dict[str, nn.Module] = {}
        self.optimizers: dict[str, Optimizer] = {}
        for name, network in networks.items():
            self.models[name] = fabric.to_device(network)
            average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.average))
            self.models[f"{name} average"] = fabric.to_device(average)
            optimizer = torch.optim.AdamW(
                network.parameters(), recipe.learning_rate, (0.9, 0.99), weight_decay=0.01
            )
            self.optimizers[name] = optimizer
        self._used = torch.zeros(recipe.config.stages, recipe.config.codebook)
        self._steps = 0

    def batches(self, seed: int) -> Iterator[Batch]:
        """Endless batches of the training windows."""
        recipe = self._recipe
        drawn = corpora.batches(self._corpus["train"], recipe.batch, seed, augment=recipe.augment)
        for windows, reduced, genres in drawn:
            yield make_batch(windows, reduced, genres)

    def step(self, batch: Batch, progress: float) -> dict[str, float]:
        """One step of the two-step model, or of the prior."""
        prior_share = self._recipe.prior_share if "prior" in self.models else 0.0
        batch = self._to_device(batch)
        if progress < 1 - prior_share:
            return self._step("groove", batch, progress / (1 - prior_share))
        return self._step("prior", batch, (progress - 1 + prior_share) / prior_share)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Reconstruct the held-out windows; say how surprising their codes are."""
        held_out = self._corpus.get("validation", self._corpus["train"])
        groove, prior = self._average("groove"), self.models.get("prior average")
        assert isinstance(groove, Groove)
        made, surprise = [], []
        for batch in _parts(held_out):
            batch = self._to_device(batch)
            blank = replace_conditions(batch, genre=False, velocity=False, timing=False)
            with self._autocast():
                made.append([part.cpu().numpy() for part in reconstruct(groove, blank)])
                if prior is not None:
                    surprise.append(float(self._prior_loss(prior, batch)) * len(batch.notes))
        notes, velocities, timings = (np.concatenate(parts) for parts in zip(*made, strict=True))
        real = held_out.windows
        figures = {
            "note_f1": metrics.note_f1(notes, real.notes),
            "micro_f1": metrics.micro_f1(notes, real.notes),
            "velocity_mse": metrics.matrix_mse(velocities, real.velocities),
            "timing_mse": metrics.matrix_mse(timings, real.timings),
            "velocity_kl": metrics.kl_distance(velocities, notes, real.velocities, real.notes),
            "timing_kl": metrics.kl_distance(timings, notes, real.timings, real.notes),
            "code_surprise": sum(surprise) / len(held_out),
        }
        score = 1 - figures["note_f1"] + 10 * (figures["velocity_mse"] + figures["timing_mse"])
        return {"score": score + 0.01 * figures["code_surprise"], **figures}

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the averaged networks."""
        state = {
            f"{name}.{key}": value
            for name in self.optimizers
            for key, value in self._average(name).state_dict().items()
        }
        save_weights(
            path,
            state,
            feature="groove",
            config=asdict(self._recipe.config),
            card={"data": corpora.LICENCES, "validation": dict(figures)},
        )

    def _step(self, name: str, batch: Batch, progress: float) -> dict[str, float]:
        self._steps += 1
        warm = min(1.0, self._steps / 200) if name == "groove" else min(1.0, 20 * progress + 0.05)
        rate = self._recipe.learning_rate * warm * 0.5 * (1 + np.cos(np.pi * min(progress, 1.0)))
        optimizer, model, average = (
            self.optimizers[name],
            self.models[name],
            self.models[f"{name} average"],
        )
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        with self._autocast():
            if name == "groove":
                losses = self._groove_losses(batch, progress)
            else:
                losses = {"prior": self._prior_loss(model, batch)}
        optimizer.zero_grad()
        self._fabric.backward(torch.stack(list(losses.values())).sum())
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        assert isinstance(average, AveragedModel)
        average.update_parameters(model)
        return {key: float(value.detach()) for key, value in losses.items()}

    def _groove_losses(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Equation 5, term by term."""
        recipe, groove = self._recipe, self.models["groove"]
        assert isinstance(groove, Groove)
        batch = self._hide_conditions(batch)
        skeleton = groove.skeleton(batch.template)
        losses = {}
        if isinstance(groove.note, NoteVae):
            found = groove.note.encode(batch.notes, batch.template, skeleton)
            z = found.sample(torch.randn_like(found.mean))
            logits = groove.note.decode(z, batch.template, skeleton)
            beta = recipe.velocity_beta * min(1.0, 2 * progress)
            # Summed as the other VAEs' errors are, against a KL term of the same weight.
            losses["note"] = _bce(logits, batch.notes) * batch.notes[0].numel()
            losses["note/kl"] = beta * _kl(found, None)
        else:
            coded = groove.note.encode(batch.notes, batch.template, skeleton)
            logits = groove.note.decoder(coded.vectors, batch.template, skeleton)
            losses["note"] = recipe.note_weight * _bce(logits, batch.notes)
            losses["note/codebook"] = recipe.codebook_weight * coded.codebook_loss
            losses["note/commitment"] = recipe.commitment_weight * coded.commitment_loss
            self._revive(groove.note, batch, coded, skeleton)
        skeleton = groove.skeleton(batch.notes)
        for player, values in ((groove.velocity, batch.velocities), (groove.timing, batch.timings)):
            losses |= self._player_losses(player, values, batch, skeleton, progress)
        return losses

    def _player_losses(
        self, player: Player, values: Tensor, batch: Batch, skeleton: Tensor, progress: float
    ) -> dict[str, Tensor]:
        """Equation 4."""
        recipe, name = self._recipe, player.pattern
        end = recipe.velocity_beta if name == "velocity" else recipe.timing_beta
        found = player.encode(values, batch.notes, skeleton, batch.conditions)
        expected = player.expect(batch.notes, skeleton, batch.conditions)
        z = found.sample(torch.randn_like(found.mean))
        sampled = torch.rand(len(z), 1, device=z.device) < recipe.sampled_share
        z = torch.where(sampled, expected.sample(torch.randn_like(z)), z)
        forced = torch.rand(values.shape[1]) < recipe.forcing_end**progress
        made = player.decode(z, batch.notes, skeleton, batch.conditions, values, forced)
        error = (batch.notes * (made - values)).square().sum((1, 2))
        return {
            name: error.mean(),
            f"{name}/kl": end * min(1.0, 2 * progress) * _kl(found, expected),
        }

    def _prior_loss(self, prior: nn.Module, batch: Batch) -> Tensor:
        """Cross entropy of the averaged networks' codes, nats a code."""
        groove = self._average("groove")
        assert isinstance(groove, Groove)
        assert isinstance(groove.note, NoteCoder)
        with torch.no_grad():
            skeleton = groove.skeleton(batch.template)
            codes = groove.note.encode(batch.notes, batch.template, skeleton).codes
        if prior.training:
            batch = self._hide_conditions(batch)
        logits = prior(codes, batch.conditions.genre, batch.template)
        smoothing = self._recipe.smoothing if prior.training else 0.0
        return F.cross_entropy(logits.flatten(0, 2), codes.flatten(), label_smoothing=smoothing)

    @torch.no_grad()
    def _revive(self, note: nn.Module, batch: Batch, coded: Coded, skeleton: Tensor) -> None:
        """Move codes that `REVIVE_STEPS` batches did not use to vectors of this one."""
        assert isinstance(note, NoteCoder)
        for stage in range(self._used.shape[0]):
            self._used[stage] += torch.bincount(
                coded.codes[..., stage].flatten().cpu(), minlength=self._used.shape[1]
            )
        if self._steps % REVIVE_STEPS:
            return
        left = note.encoder(batch.notes, batch.template, skeleton).float().flatten(0, 1)
        for stage, book in enumerate(note.quantiser.codebooks):
            unused = torch.nonzero(self._used[stage] == 0)[:, 0]
            chosen = torch.randint(len(left), (len(unused),))
            after = left - F.embedding(nearest(left, book), book)
            book[unused] = left[chosen.to(left.device)]
            left = after
        self._used.zero_()

    def _hide_conditions(self, batch: Batch) -> Batch:
        """Leave genre and patterns out at random, each window's own way."""
        recipe, count = self._recipe, len(batch.notes)

        def shown(values: Tensor, share: float) -> Tensor:
            keep = torch.rand(count, *[1] * (values.dim() - 1), device=values.device) < share
            return values * keep

        genre, velocity, timing = batch.conditions
        conditions = Conditions(
            shown(genre, recipe.genre_share),
            shown(velocity, recipe.pattern_share),
            shown(timing, recipe.pattern_share),
        )
        return replace(batch, conditions=conditions)

    def _average(self, name: str) -> nn.Module:
        average = self.models[f"{name} average"].eval()
        assert isinstance(average, AveragedModel)
        module: nn.Module = average.module
        return module

    def _to_device(self, batch: Batch) -> Batch:
        to = self._fabric.to_device
        return Batch(
            to(batch.notes),
            to(batch.velocities),
            to(batch.timings),
            to(batch.template),
            Conditions(*(to(part) for part in batch.conditions)),
            to(batch.genres),
        )

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._fabric.device.type, dtype=torch.bfloat16)


def make_batch(windows: Windows, reduced: corpora.Floats, genres: corpora.Integers) -> Batch:
    """Arrays as tensors, with all conditions given."""
    one_hot = genres[:, None] == np.arange(len(GENRES))
    return Batch(
        torch.from_numpy(windows.notes),
        torch.from_numpy(windows.velocities),
        torch.from_numpy(windows.timings),
        torch.from_numpy(reduced),
        Conditions(
            torch.from_numpy(one_hot.astype(np.float32)),
            torch.from_numpy(patterns.velocity_patterns(windows.velocities)),
            torch.from_numpy(patterns.timing_patterns(windows)),
        ),
        torch.from_numpy(genres),
    )


def replace_conditions(batch: Batch, *, genre: bool, velocity: bool, timing: bool) -> Batch:
    """The batch with only those of its conditions that are asked for."""
    shown = (genre, velocity, timing)
    parts = zip(batch.conditions, shown, strict=True)
    return replace(batch, conditions=Conditions(*(part * keep for part, keep in parts)))


def reconstruct(groove: Groove, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Notes, velocities and timings from a batch's own codes and latents, each ``[B, T, V]``.

    Velocities and timings are played for the notes that come out, and are 0 elsewhere.
    """
    skeleton = groove.skeleton(batch.template)
    found = groove.note.encode(batch.notes, batch.template, skeleton)
    code = found.mean if isinstance(found, Gaussian) else found.codes
    notes = (groove.note.decode(code, batch.template, skeleton) > 0).float()
    heard, played = groove.skeleton(batch.notes), groove.skeleton(notes)
    made = []
    for player, values in ((groove.velocity, batch.velocities), (groove.timing, batch.timings)):
        z = player.encode(values, batch.notes, heard, batch.conditions).mean
        made.append(notes * player.decode(z, notes, played, batch.conditions))
    return notes, made[0], made[1]


def train(data: Path, run: training.Run) -> None:
    """Read the Groove MIDI Dataset in ``data``, then train until the limit.

    Raises:
        UsageError: there is no such preset.
        DrumkitError: as `training.start`, `data.load` and `training.fit`.
    """
    if run.preset not in PRESETS:
        raise UsageError(f"no preset {run.preset}", f"one of {', '.join(PRESETS)}")
    fabric = training.start(run)
    corpus = corpora.load(data, ("train", "validation"))
    training.fit(GrooveTask(fabric, PRESETS[run.preset], corpus), run, fabric)


def _parts(corpus: corpora.Corpus) -> Iterator[Batch]:
    for start in range(0, len(corpus), VALIDATION_BATCH):
        part = slice(start, start + VALIDATION_BATCH)
        windows = Windows(corpus.windows.velocities[part], corpus.windows.timings[part])
        yield make_batch(windows, corpus.templates[part], corpus.genres[part])


def _bce(logits: Tensor, notes: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, notes)


def _kl(found: Gaussian, expected: Gaussian | None) -> Tensor:
    """Divergence from ``expected`` (standard normal where None), summed over the latent."""
    mean, log_variance = expected or (torch.zeros_like(found.mean), torch.zeros_like(found.mean))
    divergence = (
        log_variance
        - found.log_variance
        + (found.log_variance - log_variance).exp()
        + (found.mean - mean).square() / log_variance.exp()
        - 1
    )
    return divergence.sum(-1).mean() / 2
