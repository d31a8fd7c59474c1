"""Print the constants that were measured on training data: python tools/measure_constants.py DATA.

`ATTACK_SECONDS` of `sounds/finishing.py`, from `oneshots`: the median of the instruments' medians.
`MEASURES_WITH` of `groove/keeping.py`, from `groove`: shares of the measures with each voice.
"""

import sys
from pathlib import Path

import numpy as np

from drumkit_cli.groove import data as performances
from drumkit_cli.groove.network.windowing import GENRES, HOP_STEPS
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.finishing import attack_seconds
from drumkit_cli.sounds.mel_image import MEL
from drumkit_cli.synth.data import load_sounds


def main() -> None:
    """Measure and print."""
    data = Path(sys.argv[1])
    sounds = load_sounds(data, "train")
    attacks = np.array([attack_seconds(sample, MEL.rate) for sample in sounds.samples])
    for number, name in enumerate(CLASSES):
        of_class = sounds.classes == number
        instruments = np.unique(sounds.groups[of_class])
        medians = [np.median(attacks[of_class & (sounds.groups == one)]) for one in instruments]
        print(f'"{name}": {np.median(medians):.5f}')
    corpus = performances.load(data / "groove", ("train",))["train"]
    played = corpus.windows.notes[:, :HOP_STEPS].any(1)
    print(None, played.mean(0).round(2).tolist())
    for number, genre in enumerate(GENRES):
        print(genre, played[corpus.genres == number].mean(0).round(2).tolist())


if __name__ == "__main__":
    main()
