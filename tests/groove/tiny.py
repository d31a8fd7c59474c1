"""A tiny untrained PocketVAE and a tiny data set, for tests of everything but its quality."""

import csv
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from drumkit_cli.groove import model
from drumkit_cli.groove.baselines.networks import GenreClassifier, OneStep
from drumkit_cli.groove.model import Groove
from drumkit_cli.groove.network.config import GrooveConfig
from drumkit_cli.groove.network.prior import CodePrior
from drumkit_cli.groove.network.windowing import VOICE_PITCHES, WINDOW_STEPS
from drumkit_cli.groove.training.recipe import PRESETS
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.midi.files import write_midi
from drumkit_cli.midi.track import empty_track
from tests.patterns.written import grid_notes

TINY = PRESETS["tiny"].config
TINY_PAPER = GrooveConfig(
    width=16, skeleton_width=8, codebook=8, latent=8, conditions=False, prior_width=8
)


def write_tiny_groove(path: Path, config: GrooveConfig = TINY) -> Path:
    torch.manual_seed(0)
    networks = {"groove": Groove(config), "prior": CodePrior(config)}
    save_weights(
        path,
        named(networks),
        feature="groove",
        config=asdict(config),
        card={},
        graphs=untrained_graphs(config, model) if config.steerable else {},
        half=False,
    )
    return path


def write_tiny_baselines(path: Path) -> Path:
    torch.manual_seed(0)
    configs = {
        "one-step": GrooveConfig(kind="one-step", width=16, skeleton_width=8, latent=8),
        "vae": GrooveConfig(
            note_code="vae", width=16, skeleton_width=8, latent=8, conditions=False
        ),
        "vq": TINY_PAPER,
    }
    networks = {
        "classifier": GenreClassifier(),
        "one-step": OneStep(configs["one-step"]),
        "vae": Groove(configs["vae"]),
        "vq": Groove(configs["vq"]),
    }
    save_weights(
        path,
        named(networks),
        feature="groove-baselines",
        config={name: asdict(config) for name, config in configs.items()},
        card={},
        half=False,
    )
    return path


def named(networks):
    return {f"{name}.{k}": v for name, net in networks.items() for k, v in net.state_dict().items()}


def beat(measures: int = 2, seed: int = 0):
    """A played rock beat with ghost notes: velocities and offsets, both [V, T]."""
    generator = np.random.default_rng(seed)
    velocities = np.zeros((7, 16 * measures), np.float32)
    velocities[0, ::8] = 0.8
    velocities[1, 4::8] = 0.9
    velocities[1, 7::16] = 0.2
    velocities[2, ::2] = 0.6
    velocities[5, 0] = 1.0
    velocities *= 1 - 0.2 * generator.random(velocities.shape, np.float32)
    offsets = generator.uniform(-0.3, 0.3, velocities.shape).astype(np.float32)
    return velocities, np.where(velocities > 0, offsets, 0).astype(np.float32)


def write_tiny_dataset(folder: Path) -> Path:
    """Tracks of four styles in each split, one more in 3/4, one a fill, one with two voices."""
    rows = []
    folder.mkdir(parents=True, exist_ok=True)

    def add(split, style, meter="4-4", kind="beat", *, voices=7, measures=4):
        name = f"{len(rows)}.mid"
        velocities, offsets = beat(measures, seed=len(rows))
        velocities[voices:] = 0
        track = empty_track(end_ticks=measures * 4 * 480)
        track = track.with_notes(grid_notes(track, velocities, offsets, VOICE_PITCHES))
        (folder / name).write_bytes(write_midi(track))
        rows.append(
            {
                "style": style,
                "beat_type": kind,
                "time_signature": meter,
                "midi_filename": name,
                "split": split,
            }
        )

    for split in ("train", "validation", "test"):
        for style in ("rock", "funk/groove1", "jazz", "latin/samba"):
            add(split, style)
    add("train", "rock", meter="3-4")
    add("train", "rock", kind="fill")
    add("train", "rock", voices=2)
    add("train", "rock", measures=1)
    with (folder / "info.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def random_windows(count: int, seed: int = 0):
    """Sparse random notes with velocities and timings, as tensors [B, T, V] each."""
    generator = torch.Generator().manual_seed(seed)
    shape = (count, WINDOW_STEPS, 7)
    notes = (torch.rand(shape, generator=generator) < 0.2).float()
    velocities = notes * torch.rand(shape, generator=generator)
    timings = notes * (torch.rand(shape, generator=generator) - 0.5)
    template = notes * (torch.rand(shape, generator=generator) < 0.7)
    return notes, velocities, timings, template
