"""Put the models that `drumkit evaluate groove` compares with into one weights file.

for preset in classifier baseline-one-step baseline-vae baseline-vq; do
    drumkit train groove GMD --preset $preset --run-dir runs/$preset -o $preset.safetensors
done
python tools/bundle_groove_baselines.py . weights
"""

import sys
from pathlib import Path

from drumkit_cli.groove.evaluate import BASELINES
from drumkit_cli.groove.training.recipe import BASELINE_PRESETS
from drumkit_cli.learning.checkpoint import load_weights, save_weights, write_manifest


def bundle(source: Path, weights: Path) -> Path:
    """Write ``weights/groove-baselines.safetensors`` from ``source/<preset>.safetensors``."""
    state, configs, cards = {}, {}, {}
    for name, preset in BASELINE_PRESETS.items():
        checkpoint = load_weights("groove", str(source / f"{preset}.safetensors"))
        configs[name], cards[name] = checkpoint.config, checkpoint.card
        for key, value in checkpoint.tensors.items():
            network, rest = key.split(".", 1)
            if network != "prior":  # reconstruction needs none
                state[f"{name}.{rest}"] = value
    path = weights / f"{BASELINES}.safetensors"
    save_weights(path, state, feature=BASELINES, config=configs, card=cards)
    write_manifest(weights)
    return path


if __name__ == "__main__":
    print(bundle(Path(sys.argv[1]), Path(sys.argv[2])))
