"""Training of the CWAE and of the inverters (the paper's "Experimental setup").

The losses and Adam are the paper's. What differs, and why:

* Except for the wide presets, batches hold eight sounds of every class where the paper has 64,
  against 64 samples of the prior: the estimator of the MMD is unbiased, so more steps make up for
  fewer codes. Batches of an inverter hold 16 sounds, not 128.
* Errors of the image are weighted by level. A small penalty on the norm of codes reaches those so
  far out that the MMD has hardly a gradient; the weights of the autoencoder decay.
* Sounds are augmented, and a fifth come from our parametric synthesiser (`data.py`); inverters are
  trained at several levels.
* MCNN starts at ten times the paper's learning rate.
* Learning rates fall as a half cosine, not in plateaus, since a run has a time limit.
* The loss of the default inverter is on phases of real spectra, not on the sounds that it makes.

A run trains the default inverter, then the autoencoder, into one weights file. The presets
`inverter` and `cwae` train one of the two and keep the other from the existing file; `mcnn` trains
the paper's inverter into a file of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim import Optimizer

from drumkit_cli import console
from drumkit_cli.errors import BadDataError
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import load_weights, save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.starting import starting_network
from drumkit_cli.learning.torch_network import arrays, state_dict
from drumkit_cli.sounds import mcnn as mcnn_definition
from drumkit_cli.sounds import networks as definition
from drumkit_cli.sounds.config import SynthConfig
from drumkit_cli.sounds.mcnn import MCNN
from drumkit_cli.sounds.model import CWAE, Latent
from drumkit_cli.sounds.spectral_inverter import SpectralInverter
from drumkit_cli.synth.data import LICENCES, Pool, balanced, load_pool, load_sounds, make_pool
from drumkit_cli.synth.training.calibration import fit_latent, fit_reading, fit_scale
from drumkit_cli.synth.training.recipe import PRESETS, Recipe
from drumkit_cli.synth.training.trainers import (
    AutoencoderTrainer,
    BatchIndices,
    InverterTrainer,
    MCNNTrainer,
    Trainer,
)

VALIDATION_SOUNDS = 240


class SynthTask:
    """Trains the networks of a recipe one after the other."""

    def __init__(self, fabric: Fabric, recipe: Recipe, data: Path, run: training.Run) -> None:
        self._fabric, self._recipe, self._run = fabric, recipe, run
        held_out = load_sounds(data, "valid")
        needs_images = "cwae" in recipe.parts
        self._networks = _networks(recipe)
        trained = {*recipe.parts, *(["latent"] if needs_images else [])}
        others = [name for name in self._networks if name not in trained]
        if run.start is not None and not run.resume:
            others = []  # all are in the file that the run starts from
        is_there = run.output.is_file()
        if others and is_there:
            _keep(self._networks, others, run.output)
        elif others:
            console.warn(f"no {run.output} to take the {others[0]} from: it stays untrained")
        self._pool = pool_of_run(data, recipe, run, fabric)
        inverter = self._networks.get("inverter")
        if isinstance(inverter, SpectralInverter) and not ("inverter" in others and is_there):
            fit_reading(inverter, self._pool)
        if needs_images:
            cwae = self._networks["cwae"]
            assert isinstance(cwae, CWAE)
            fit_scale(cwae, self._pool)
        samples = torch.from_numpy(held_out.samples)
        samples = samples[:: max(1, -(-len(samples) // VALIDATION_SOUNDS))]
        self._graphs = _graphs(recipe)
        self._trainers: dict[str, Trainer] = {}
        for name in recipe.parts:
            network = self._networks[name]
            if isinstance(network, CWAE):
                self._trainers[name] = AutoencoderTrainer(
                    fabric, network, recipe, self._pool, held_out
                )
            elif isinstance(network, SpectralInverter):
                self._trainers[name] = InverterTrainer(fabric, network, self._pool, samples)
            else:
                assert isinstance(network, MCNN)
                self._trainers[name] = MCNNTrainer(fabric, network, self._pool, samples)
        of_synth = {name: [net] for name, net in self._networks.items() if name != "mcnn"}
        self.parts = of_synth or {"": [self._networks["mcnn"]]}
        self.models: dict[str, nn.Module] = {
            n: trainer.network for n, trainer in self._trainers.items()
        }
        self.optimizers: dict[str, Optimizer] = {
            n: trainer.optimizer for n, trainer in self._trainers.items()
        }

    def batches(self, seed: int) -> Iterator[BatchIndices]:
        """Endless batches of indices into the pool."""
        generator = np.random.default_rng(seed)
        by_class = balanced(self._pool.classes, self._recipe.per_class, generator)
        while True:
            anywhere = generator.integers(len(self._pool.classes), size=self._recipe.batch)
            yield BatchIndices(next(by_class), anywhere)

    def step(self, batch: BatchIndices, progress: float) -> dict[str, float]:
        """A step of the network that is trained at this time of the run."""
        start = 0.0
        for name, end in zip(self._recipe.parts, self._recipe.shares, strict=True):
            if progress < end or end == self._recipe.shares[-1]:
                return self._trainers[name].step(batch, (progress - start) / (end - start))
            start = end
        raise AssertionError("a recipe has parts")

    def validate(self) -> dict[str, float]:
        """The figures of all networks; the score is the sum of theirs."""
        figures = [trainer.validate() for trainer in self._trainers.values()]
        score = sum(part["score"] for part in figures)
        return {name: value for part in figures for name, value in part.items()} | {"score": score}

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the weights: MCNN into a file of its own, the other networks into one."""
        card = {"data": LICENCES, "validation": dict(figures)}
        networks = dict(self._networks)
        mcnn = networks.pop("mcnn", None)
        if mcnn is not None:
            alone = path if not networks else path.with_stem(f"{path.stem}-mcnn")
            save_weights(
                alone,
                arrays(mcnn.state_dict()),
                feature="synth-mcnn",
                config=asdict(self._recipe.mcnn),
                card=card,
                graphs=self._graphs["mcnn"],
            )
        if not networks:
            return
        cwae, latent = networks["cwae"], networks["latent"]
        assert isinstance(cwae, CWAE)
        assert isinstance(latent, Latent)
        if "cwae" in self._recipe.parts:
            fit_latent(self._fabric, cwae, latent, self._pool)
        state = {
            f"{name}.{key}": value
            for name, network in networks.items()
            for key, value in network.state_dict().items()
            if not key.endswith("num_batches_tracked")
        }
        save_weights(
            path,
            arrays(state),
            feature="synth",
            config=asdict(SynthConfig(self._recipe.model, self._recipe.inverter)),
            card=card,
            graphs=self._graphs["synth"],
        )


def train(data: Path, run: training.Run) -> dict[str, float]:
    """Train on the one-shots of a data folder and on those of our parametric synthesiser."""
    recipe = training.choose(PRESETS, run.preset)
    if recipe.parts == ("mcnn",):
        given = starting_network(run, "synth-mcnn", recipe.mcnn, mcnn_definition)
    else:
        config = SynthConfig(recipe.model, recipe.inverter)
        given = starting_network(run, "synth", config, definition)
    fabric = training.start(run)
    return training.fit(SynthTask(fabric, recipe, data, run), run, fabric, given)


def pool_of_run(data: Path, recipe: Recipe, run: training.Run, fabric: Fabric) -> Pool:
    """The pool to train a run on, which the first process draws into the run's folder."""
    folder, images = run.folder / "pool", "cwae" in recipe.parts
    if fabric.is_global_zero:
        sounds = load_sounds(data, "train")
        make_pool(sounds, recipe.pool, run.seed, images=images, folder=folder)
    fabric.barrier()
    return load_pool(folder, images=images)


def _networks(recipe: Recipe) -> dict[str, nn.Module]:
    networks: dict[str, nn.Module] = {}
    if "mcnn" in recipe.parts:
        networks["mcnn"] = MCNN(recipe.mcnn)
    if {"inverter", "cwae"} & set(recipe.parts):
        networks["cwae"] = CWAE(recipe.model)
        networks["latent"] = Latent(recipe.model)
        networks["inverter"] = SpectralInverter(recipe.inverter)
    return networks


def _graphs(recipe: Recipe) -> dict[str, dict[str, bytes]]:
    """Graphs of the weights files that a recipe makes, by the names of their features."""
    graphs = {}
    if "mcnn" in recipe.parts:
        graphs["mcnn"] = untrained_graphs(recipe.mcnn, mcnn_definition)
    if {"inverter", "cwae"} & set(recipe.parts):
        config = SynthConfig(recipe.model, recipe.inverter)
        graphs["synth"] = untrained_graphs(config, definition)
    return graphs


def _keep(networks: Mapping[str, nn.Module], names: Iterable[str], path: Path) -> None:
    """Load some of the networks from a weights file.

    Raises:
        BadDataError: it is not a file of a drum synthesiser, or has networks of other sizes.
    """
    checkpoint = load_weights("synth", str(path))
    for name in names:
        try:
            networks[name].load_state_dict(state_dict(checkpoint, name))
        except RuntimeError as error:
            raise BadDataError(
                f"{path}: its {name} is of another drum synthesiser", "-o names another file"
            ) from error
