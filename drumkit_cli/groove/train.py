"""Training of PocketVAE (3.4, equations 3 to 5), then of the prior over its codes (3.4.4).

SKEL, NOTE, VEL and TIME are trained together for the first three quarters of the time, then the
prior on the codes of the finished networks. The share of teacher forcing falls exponentially from 1
to 0.5, the weight of the KL terms rises from 0. What differs from the paper, and why:

* The weights that ship are moving averages of the trained ones.
* The KL weight is per latent dimension: 0.2 for all 64 together is 0.003 for each. A weight of 0.2
  each would exceed the variance of velocities and collapse the latents.
* Half of the windows are augmented (`augmentation.vary`): the Groove MIDI Dataset has fewer rhythms
  than the paper's data. The prior is trained on the other half, with augmented templates.
* Codebook entries that are not used are moved to encoded beats.
* Genres and patterns are dropped at random, so that they are optional at inference.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from drumkit_cli.errors import UsageError
from drumkit_cli.groove import data as corpora
from drumkit_cli.groove import model
from drumkit_cli.groove.baselines.tasks import ClassifierTask, OneStepTask
from drumkit_cli.groove.model import Conditions, Groove, NoteCoder, NoteVae, Player
from drumkit_cli.groove.network.layers import Quantised, nearest
from drumkit_cli.groove.network.prior import CodePrior
from drumkit_cli.groove.training import metrics
from drumkit_cli.groove.training.recipe import BASELINE_PRESETS, PRESETS, AveragedTask, Recipe
from drumkit_cli.groove.training.reconstruction import (
    Batch,
    divergence,
    head,
    parts,
    reconstruct_all,
)
from drumkit_cli.learning import training
from drumkit_cli.learning.optimisation import autocast
from drumkit_cli.learning.starting import starting_network

REVIVE_STEPS = 200


class GrooveTask(AveragedTask):
    """Trains the two-step model, then the prior."""

    def __init__(
        self, fabric: Fabric, recipe: Recipe, corpus: Mapping[str, corpora.Corpus]
    ) -> None:
        networks: dict[str, nn.Module] = {"groove": Groove(recipe.config)}
        if recipe.config.note_code == "vq":
            networks["prior"] = CodePrior(recipe.config)
        super().__init__(fabric, recipe, corpus, networks)
        self._prior_share = recipe.prior_share if "prior" in networks else 0.0
        self._used = torch.zeros(recipe.config.stages, recipe.config.codebook)
        self._since_revival = 0

    def step(self, batch: Batch, progress: float) -> dict[str, float]:
        """A step of the two-step model, or of the prior."""
        batch = self.fabric.to_device(batch)
        first = 1 - self._prior_share
        if progress < first or not self._prior_share:
            with autocast(self.fabric):
                losses = self._groove_losses(batch, progress / first)
            return self.optimise("groove", losses, progress / first)
        # Augmented rhythms should be reconstructed, but not generated.
        played = head(batch, len(batch.notes) - round(len(batch.notes) * self.recipe.varied))
        with autocast(self.fabric):
            losses = {"prior": self._prior_loss(self.models["prior"], self._hide(played))}
        return self.optimise("prior", losses, (progress - first) / self._prior_share)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Reconstruction figures of held-out windows, and the cross-entropy of their codes."""
        with autocast(self.fabric):
            made = reconstruct_all(self.average("groove"), self.held_out, device=self.fabric.device)
        figures = metrics.reconstruction(*made, self.held_out.windows)
        figures["code_entropy"] = self._code_entropy() if "prior" in self.models else 0.0
        score = 1 - figures["note_f1"] + 10 * (figures["velocity_mse"] + figures["timing_mse"])
        return {"score": score + 0.01 * figures["code_entropy"], **figures}

    def _code_entropy(self) -> float:
        """Mean cross-entropy of the held-out windows' codes given genre and template, in nats."""
        prior, total = self.average("prior"), 0.0
        for batch in parts(self.held_out):
            with autocast(self.fabric):
                loss = self._prior_loss(prior, self.fabric.to_device(batch))
            total += float(loss) * len(batch.notes)
        return total / len(self.held_out)

    def _groove_losses(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """The terms of equation 5."""
        groove = self.models["groove"]
        assert isinstance(groove, Groove)
        batch = self._hide(batch)
        losses = self._note_losses(groove, batch, progress)
        skeleton = groove.skeleton(batch.notes)
        for player, values in ((groove.velocity, batch.velocities), (groove.timing, batch.timings)):
            losses |= self._player_losses(player, values, batch, skeleton, progress)
        return losses

    def _note_losses(self, groove: Groove, batch: Batch, progress: float) -> dict[str, Tensor]:
        """The terms of equation 3; for a VAE of notes, those of equation 4 with notes."""
        recipe, note = self.recipe, groove.note
        skeleton = groove.skeleton(batch.template)
        if isinstance(note, NoteVae):
            found = note.encode(batch.notes, batch.template, skeleton)
            z = found.sample(torch.randn_like(found.mean))
            logits = note.decode(z, batch.template, skeleton)
            beta = recipe.velocity_beta * min(1.0, 2 * progress)
            error = F.binary_cross_entropy_with_logits(logits, batch.notes)
            return {
                "note": error * batch.notes[0].numel(),
                "note/kl": beta * divergence(found, None),
            }
        coded = note.encode(batch.notes, batch.template, skeleton)
        logits = note.decoder(coded.vectors, batch.template, skeleton)
        error = F.binary_cross_entropy_with_logits(logits, batch.notes)
        self._revive(note, batch, coded, skeleton)
        return {
            "note": recipe.note_weight * error,
            "note/codebook": recipe.codebook_weight * coded.codebook_loss,
            "note/commitment": recipe.commitment_weight * coded.commitment_loss,
        }

    def _player_losses(
        self, player: Player, values: Tensor, batch: Batch, skeleton: Tensor, progress: float
    ) -> dict[str, Tensor]:
        """The terms of equation 4, for velocities or microtiming."""
        recipe, name = self.recipe, player.pattern
        beta = recipe.velocity_beta if name == "velocity" else recipe.timing_beta
        found = player.encode(values, batch.notes, skeleton, batch.conditions)
        expected = player.latent_prior(batch.notes, skeleton, batch.conditions)
        z = found.sample(torch.randn_like(found.mean))
        forced = torch.rand(values.shape[1]) < recipe.forcing_end**progress
        made = player.decode(z, batch.notes, skeleton, batch.conditions, values, forced)
        error = (batch.notes * (made - values)).square().sum((1, 2)).mean()
        kl = beta * min(1.0, 2 * progress) * divergence(found, expected)
        return {name: error, f"{name}/kl": kl}

    def _prior_loss(self, prior: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy of the codes of the averaged networks, in nats per code."""
        groove = self.average("groove")
        assert isinstance(groove, Groove)
        assert isinstance(groove.note, NoteCoder)
        with torch.no_grad():
            skeleton = groove.skeleton(batch.template)
            codes = groove.note.encode(batch.notes, batch.template, skeleton).codes
        logits = prior(codes, batch.conditions.genre, batch.template)
        return F.cross_entropy(logits.flatten(0, 2), codes.flatten())

    @torch.no_grad()
    def _revive(self, note: NoteCoder, batch: Batch, coded: Quantised, skeleton: Tensor) -> None:
        """Move codebook entries unused for `REVIVE_STEPS` batches to vectors of this batch."""
        for stage, used in enumerate(self._used):
            used += torch.bincount(coded.codes[..., stage].flatten().cpu(), minlength=len(used))
        self._since_revival += 1
        if self._since_revival < REVIVE_STEPS:
            return
        used_anywhere = self.fabric.all_reduce(self.fabric.to_device(self._used), reduce_op="sum")
        left = note.encoder(batch.notes, batch.template, skeleton).float().flatten(0, 1)
        for used, book in zip(used_anywhere, note.quantiser.codebooks, strict=True):
            unused = torch.nonzero(used == 0)[:, 0]
            after = left - F.embedding(nearest(left, book), book)
            book[unused] = left[torch.randint(len(left), (len(unused),)).to(left.device)]
            left = after
            book.copy_(self.fabric.broadcast(book.cpu()))
        self._used.zero_()
        self._since_revival = 0

    def _hide(self, batch: Batch) -> Batch:
        """Drop genre and patterns at random, independently for each window."""
        recipe = self.recipe

        def shown(values: Tensor, share: float) -> Tensor:
            size = (len(values), *[1] * (values.dim() - 1))
            return values * (torch.rand(size, device=values.device) < share)

        genre, velocity, timing = batch.conditions
        conditions = Conditions(
            shown(genre, recipe.genre_share),
            shown(velocity, recipe.pattern_share),
            shown(timing, recipe.pattern_share),
        )
        return batch._replace(conditions=conditions)


TASKS: Final[Mapping[str, Callable[..., training.Task]]] = {
    "two-step": GrooveTask,
    "one-step": OneStepTask,
    "classifier": ClassifierTask,
}


def train(data: Path, run: training.Run) -> None:
    """Train on the folder of the Groove MIDI Dataset."""
    recipe = training.choose(PRESETS, run.preset)
    if run.start is not None and run.preset in BASELINE_PRESETS.values():
        raise UsageError(f"the baseline {run.preset} starts from nothing", "leave out --from")
    given = starting_network(run, "groove", recipe.config, model)
    fabric = training.start(run)
    corpus = corpora.load(data, ("train", "validation"))
    training.fit(TASKS[recipe.config.kind](fabric, recipe, corpus), run, fabric, given)
