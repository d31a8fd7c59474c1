"""Tiny untrained weights, and songs, for tests of everything but quality."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from drumkit_cli.kick import model
from drumkit_cli.kick.config import ModelConfig
from drumkit_cli.kick.model import GatedAutoencoder
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.torch_network import arrays
from drumkit_cli.midi.files import write_midi
from drumkit_cli.midi.track import DRUM_CHANNEL, Note, empty_track

TINY = ModelConfig((8, 8, 16), 1, (8, 4), (8,))
TICKS = 480


def tiny_network():
    torch.manual_seed(0)
    return GatedAutoencoder(TINY)


def write_tiny_kick(path: Path) -> Path:
    state = arrays(tiny_network().state_dict())
    graphs = untrained_graphs(TINY, model)
    config = asdict(TINY)
    save_weights(path, state, feature="kick", config=config, card={}, graphs=graphs, half=False)
    return path


def drum(tick, pitch, velocity=100):
    return Note(0.0, 0.0, pitch, velocity, DRUM_CHANNEL, 0, True, tick, 60)


def low(tick, pitch=40):
    return Note(0.0, 0.0, pitch, 90, 0, 33, False, tick, 200)


def song_track(bars=4, *, bass=True, snare=True, kick=True, tempo_bpm=120.0, name=""):
    """Bars of rock: bass in eighths, snares on two and four, kicks on one and three."""
    notes = []
    for beat in range(4 * bars):
        if bass:
            notes += [low(beat * TICKS), low(beat * TICKS + TICKS // 2)]
        if snare and beat % 2:
            notes.append(drum(beat * TICKS, 38))
        if kick and not beat % 2:
            notes.append(drum(beat * TICKS, 36))
    return empty_track(tempo_bpm, end_ticks=4 * bars * TICKS, name=name).with_notes(notes)


def song_file(**how):
    """A song as a file, whose track says that its notes beside the drums are a bass."""
    return write_midi(song_track(name="bass and drums", **how))


def curves(frames=300, seed=0):
    """Standardised random curves `[5, T]`."""
    drawn = np.random.default_rng(seed).normal(0, 1, (5, frames)).astype(np.float32)
    return (drawn - drawn.mean(1, keepdims=True)) / drawn.std(1, keepdims=True)
