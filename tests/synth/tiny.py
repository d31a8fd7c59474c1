"""A tiny untrained drum synthesiser and a folder of synthetic one-shots."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile
import torch

from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.mcnn import MCNN, MCNNConfig
from drumkit_cli.sounds.mel_image import MEL
from drumkit_cli.sounds.model import CWAE, Latent, ModelConfig
from drumkit_cli.sounds.spectral_inverter import InverterConfig, SpectralInverter
from drumkit_cli.synth.training import parametric

TINY = ModelConfig(channels=(4, 4, 4), dense=(16, 16), latent=8)
TINY_INVERTER = InverterConfig(channels=4, refinements=1)
TINY_MCNN = MCNNConfig(heads=2, channels=(4, 4, 4, 4, 4, 4, 2, 2))


def write_tiny_synth(folder: Path) -> Path:
    """Weights of both kinds; the path is of those of `synth`."""
    torch.manual_seed(0)
    cwae = CWAE(TINY)
    cwae.mean += 0.4  # so that what an untrained decoder gives can be heard
    latent = Latent(TINY)
    latent.brighter += 0.1
    parts = {"cwae": cwae, "latent": latent, "inverter": SpectralInverter(TINY_INVERTER)}
    state = {f"{n}.{k}": v for n, net in parts.items() for k, v in net.state_dict().items()}
    config = {"model": asdict(TINY), "inverter": asdict(TINY_INVERTER), "classes": CLASSES}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "synth.safetensors"
    save_weights(path, state, feature="synth", config=config, card={}, half=False)
    save_weights(
        folder / "synth-mcnn.safetensors",
        MCNN(TINY_MCNN).state_dict(),
        feature="synth-mcnn",
        config=asdict(TINY_MCNN),
        card={},
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
