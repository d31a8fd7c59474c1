"""Print the constants that were measured on training data: python tools/measure_constants.py DATA.

Of `sounds/finishing.py`: `ATTACK_SECONDS`, from `oneshots`, the medians of the instruments'
medians; and `LOUDNESS_LUFS`, of sounds that the weights that ship make.
`MEASURES_WITH` of `groove/keeping.py`, from `groove`: shares of the measures with each voice.
"""

import sys
from pathlib import Path

import numpy as np

from drumkit_cli.audio.loudness import start_loudness
from drumkit_cli.groove import data as performances
from drumkit_cli.groove.network.windowing import GENRES, HOP_STEPS
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.drum_synth import load_synth
from drumkit_cli.sounds.finishing import attack_seconds
from drumkit_cli.sounds.high_band import FULL_RATE
from drumkit_cli.sounds.mel_image import MEL
from drumkit_cli.synth.data import load_sounds

LOUDNESS_SOUNDS = 60
LOUDNESS_SEED = 7300
"""Far from the seeds of the evaluation."""


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
    _print_loudness()
    corpus = performances.load(data / "groove", ("train",))["train"]
    played = corpus.windows.notes[:, :HOP_STEPS].any(1)
    print(None, played.mean(0).round(2).tolist())
    for number, genre in enumerate(GENRES):
        print(genre, played[corpus.genres == number].mean(0).round(2).tolist())


def _print_loudness() -> None:
    """Print the median loudness of sounds of each class at a peak of 1, at the full rate."""
    synth = load_synth()
    for name in CLASSES:
        found = []
        for seed, code in enumerate(synth.space.sample(name, LOUDNESS_SOUNDS, LOUDNESS_SEED)):
            samples = synth.play(code, seed=seed, rate=FULL_RATE)
            found.append(start_loudness(samples / np.abs(samples).max(), FULL_RATE))
        print(f'"{name}": {np.median(found):.1f}')


if __name__ == "__main__":
    main()
