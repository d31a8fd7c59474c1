"""What the contract suite knows of each command: how to call it, and what good looks like."""

import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import soundfile

from tests import sounds

RATE = 22050


@dataclass(frozen=True)
class Command:
    """A command that turns one input into one output.

    Attributes:
        name: for the tests' ids.
        arguments: of drumkit, before inputs and options.
        suffix: of the output's file name.
        good: bytes of a good input.
        is_good: whether bytes are a good output of it.
        takes_audio: the input is audio, so that the audio cases apply.
    """

    name: str
    arguments: tuple[str, ...]
    suffix: str
    good: bytes
    is_good: Callable[[bytes], bool]
    takes_audio: bool = True


def is_wave(data):
    samples, _ = soundfile.read(io.BytesIO(data), always_2d=True)
    return bool(np.isfinite(samples).all()) and len(samples) > 0


def is_array(data):
    return bool(np.isfinite(np.load(io.BytesIO(data), allow_pickle=False)).all())


def song(rate=RATE, seconds=1.0, channels=2):
    """A bar of low sines with a decay: enough for a model to have something to do."""
    return sounds.sine(rate, seconds, channels, hertz=55.0)


def _mel_array():
    buffer = io.BytesIO()
    chance = np.random.default_rng(0)
    np.save(buffer, chance.uniform(0, 10, (256, 44)).astype(np.float32))
    return buffer.getvalue()


SONG = sounds.encode(song(), RATE, "WAV", "PCM_16")
COMMANDS = [
    Command("separate", ("separate", "--model", "built-in"), ".wav", SONG, is_wave),
    Command("mel", ("mel",), ".npy", SONG, is_array),
    Command("mel-invert", ("mel", "--invert"), ".wav", _mel_array(), is_wave, takes_audio=False),
    Command("arrange", ("arrange",), ".wav", SONG, is_wave),
]
AUDIO_COMMANDS = [command for command in COMMANDS if command.takes_audio]


def make_weights(folder):
    """Write tiny untrained weights of every model, seeded."""
    import torch

    from drumkit_cli.arrange.model import Generator, ModelConfig
    from drumkit_cli.checkpoint import save_weights
    from drumkit_cli.separate.model import SeparatorConfig, build

    torch.manual_seed(0)
    separator = SeparatorConfig(channels=4, growth=1.0)
    arranger = ModelConfig(width=4, blocks=1, discriminator_width=4)
    models = {
        "separate": (build(separator), asdict(separator)),
        "arrange": (Generator(arranger), asdict(arranger)),
    }
    for feature, (model, config) in models.items():
        save_weights(
            folder / f"{feature}.safetensors",
            model.state_dict(),
            feature=feature,
            config=json.loads(json.dumps(config)),
            card={},
        )
