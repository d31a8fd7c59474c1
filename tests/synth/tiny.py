"""A tiny untrained drum synthesiser and a folder of synthetic one-shots."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile
import torch

from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.torch_network import arrays
from drumkit_cli.sounds import mcnn, networks
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.config import InverterConfig, ModelConfig, SynthConfig
from drumkit_cli.sounds.mcnn import MCNN, MCNNConfig
from drumkit_cli.sounds.mel_image import MEL
from drumkit_cli.synth.training import parametric

TINY = ModelConfig(channels=(4, 4, 4), dense=(16, 16), latent=8)
TINY_INVERTER = InverterConfig(channels=4, refinements=1)
TINY_SYNTH = SynthConfig(TINY, TINY_INVERTER)
TINY_MCNN = MCNNConfig(heads=2, channels=(4, 4, 4, 4, 4, 4, 2, 2))


def write_tiny_synth(folder: Path) -> Path:
    """Weights of both kinds; the path is of those of `synth`."""
    torch.manual_seed(0)
    synth = networks.SynthNetworks(TINY_SYNTH)
    synth.cwae.mean += 0.4  # so that what an untrained decoder gives can be heard
    synth.latent.brighter += 0.1
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "synth.safetensors"
    save_weights(
        path,
        arrays(synth.state_dict()),
        feature="synth",
        config=asdict(TINY_SYNTH),
        card={},
        graphs=untrained_graphs(TINY_SYNTH, networks),
        half=False,
    )
    save_weights(
        folder / "synth-mcnn.safetensors",
        arrays(MCNN(TINY_MCNN).state_dict()),
        feature="synth-mcnn",
        config=asdict(TINY_MCNN),
        card={},
        graphs=untrained_graphs(TINY_MCNN, mcnn),
        half=False,
    )
    return path


def write_one_shots(folder: Path, per_split: int = 2) -> Path:
    """Sounds of every class in every split, and their index."""
    generator = np.random.default_rng(0)
    lines = ["file,class,group,split"]
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for split in ("train", "valid", "test"):
            for take in range(per_split):
                file = f"{name}/{split}{take}.flac"
                soundfile.write(folder / file, parametric.render(name, generator), MEL.rate)
                lines.append(f"{file},{name},{name}{take},{split}")
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
    return folder
