"""One-shot samples to train on: reading, augmentation, synthetic sounds, balance of classes."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from drumkit_cli.audio.reader import resample
from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.index_files import read_index
from drumkit_cli.learning.mapped import collect, mapped
from drumkit_cli.sounds.analyser import Analyser
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.mel_image import LENGTH, MEL
from drumkit_cli.synth.training import parametric

LICENCES: Final = (
    "one-shots of CC0, public domain, CC BY, CC BY-SA, MIT, BSD, Apache and GPL collections, and "
    "drums of our own synthesiser"
)
SYNTHETIC_SHARE: Final = 0.2
"""Share of a pool that the parametric synthesiser makes."""
PLAIN_SHARE: Final = 0.3
"""Share of the recorded sounds of a pool that are not augmented."""
FADE: Final = 220
"""Length of a fade-out, samples."""
SEMITONES: Final = {"kick": 3.0, "tom": 2.0, "conga": 2.0, "bongo": 2.0}
"""Largest retuning of a class, up or down; beyond, a conga would sound like a bongo."""
POOL_FILES: Final = ("classes.npy", "samples.npy", "levels.npy")
"""Files of a pool in a folder."""
_IMAGE_BATCH: Final = 32


@dataclass(frozen=True)
class Sounds:
    """Recorded sounds of one split.

    Attributes:
        samples: ``[n, N]`` float32, peak 1, padded with silence.
        classes: ``[n]``, indices into `CLASSES`.
        groups: ``[n]``, the instrument of each.
    """

    samples: Floats
    classes: NDArray[np.int64]
    groups: NDArray[np.str_]

    def __len__(self) -> int:
        """The number of sounds."""
        return len(self.samples)


@dataclass(frozen=True)
class Pool:
    """Sounds to train on, with their images, in compact form.

    Attributes:
        samples: ``[n, N]`` int16, full scale 32767.
        levels: ``[n, F, T]`` uint8, where 255 is level 1.2; None where only samples are needed.
        classes: ``[n]``, indices into `CLASSES`.
    """

    samples: NDArray[np.int16]
    levels: NDArray[np.uint8] | None
    classes: NDArray[np.int64]

    def batch_samples(self, index: NDArray[np.int64]) -> Tensor:
        """Samples ``[B, N]`` in -1..1."""
        return torch.from_numpy(self.samples[index].astype(np.float32) / 32767)

    def batch_levels(self, index: NDArray[np.int64]) -> Tensor:
        """Levels ``[B, F, T]``."""
        assert self.levels is not None
        return torch.from_numpy(self.levels[index].astype(np.float32) * np.float32(1.2 / 255))

    def batch_classes(self, index: NDArray[np.int64]) -> Tensor:
        """One-hot class weights ``[B, K]``."""
        return torch.eye(len(CLASSES))[torch.from_numpy(self.classes[index])]


def load_sounds(data: Path, split: str) -> Sounds:
    """Read the sounds of a split from a folder, or from `oneshots` within it.

    Its `index.csv` has the columns file, class, group (instrument) and split (train, valid, test),
    perhaps set, within which groups are distinct; unknown classes are skipped. Files may have any
    rate and length; those longer than a second are faded out.

    Raises:
        MissingInputError: the index or a file that it names is missing.
        BadDataError: there is no sound of this split, or a file is not audio.
    """
    folder = data / "oneshots" if (data / "oneshots").is_dir() else data
    rows = [
        row
        for row in read_index(folder / "index.csv", "file", "class", "group", "split")
        if row["split"] == split and row["class"] in CLASSES
    ]
    if not rows:
        raise BadDataError(f"{folder / 'index.csv'}: no {split} sounds of our classes")
    return Sounds(
        np.stack([_read(folder / row["file"]) for row in rows]),
        np.array([CLASSES.index(row["class"]) for row in rows], np.int64),
        np.array([f"{row.get('set', '')}/{row['group']}" for row in rows]),
    )


def balanced(
    classes: NDArray[np.int64], per_class: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Endless batches of indices ``[K * per_class]``, equally many of each class that occurs.

    Each class is shuffled anew after all of its sounds were used.
    """
    present = np.unique(classes)
    members = {int(c): np.flatnonzero(classes == c) for c in present}
    queues: dict[int, NDArray[np.int64]] = {c: np.empty(0, np.int64) for c in members}
    while True:
        batch = []
        for c, all_of_it in members.items():
            while len(queues[c]) < per_class:
                queues[c] = np.concatenate([queues[c], generator.permutation(all_of_it)])
            batch.append(queues[c][:per_class])
            queues[c] = queues[c][per_class:]
        yield np.concatenate(batch)


def make_pool(
    sounds: Sounds,
    per_class: int,
    seed: int,
    *,
    images: bool,
    synthetic: float = SYNTHETIC_SHARE,
    folder: Path | None = None,
) -> Pool:
    """Draw a class-balanced pool of recorded, augmented and synthetic sounds, from a seed.

    Args:
        sounds: the recorded ones.
        per_class: sounds of each class.
        seed: of all random choices.
        images: whether to compute the images, too.
        synthetic: share of synthetic sounds.
        folder: where to write the pool, for `load_pool`; None keeps it in memory.
    """
    classes = np.repeat(np.unique(sounds.classes), per_class)
    files = [None if folder is None else folder / name for name in POOL_FILES]
    collect(classes, len(classes), files[0])
    samples = collect(_draw(sounds, per_class, seed, synthetic), len(classes), files[1])
    levels = collect(_bytes_of_images(samples), len(classes), files[2]) if images else None
    return Pool(samples, levels, classes)


def load_pool(folder: Path, *, images: bool) -> Pool:
    """Map a pool that `make_pool` wrote into memory."""
    classes, samples, levels = (folder / name for name in POOL_FILES)
    return Pool(mapped(samples), mapped(levels) if images else None, np.array(mapped(classes)))


def _draw(
    sounds: Sounds, per_class: int, seed: int, synthetic: float
) -> Iterator[NDArray[np.int16]]:
    """The sounds ``[N]`` of a pool, one by one, as it stores them."""
    generator = np.random.default_rng(seed)
    for c in np.unique(sounds.classes):
        members = np.flatnonzero(sounds.classes == c)
        _, group, counts = np.unique(
            sounds.groups[members], return_inverse=True, return_counts=True
        )
        # An instrument with a hundred takes is drawn ten times as often as one with a single take.
        odds = 1 / np.sqrt(counts[group])
        odds /= odds.sum()
        for _ in range(per_class):
            if generator.random() < synthetic:
                made = parametric.render(CLASSES[c], generator)
            else:
                first, second = generator.choice(members, 2, p=odds)
                made = sounds.samples[first]
                if generator.random() > PLAIN_SHARE:
                    made = augment(made, sounds.samples[second], CLASSES[c], generator)
            yield np.rint(made * 32767).astype(np.int16)


def images_of(samples: Floats) -> Floats:
    """Levels ``[n, F, T]`` of samples ``[n, N]``."""
    analyser = Analyser()
    with torch.inference_mode():
        parts = [analyser(part) for part in torch.from_numpy(samples).split(_IMAGE_BATCH)]
    levels: Floats = torch.cat(parts).numpy()
    return levels


def _bytes_of_images(samples: NDArray[np.int16]) -> Iterator[NDArray[np.uint8]]:
    """Levels ``[F, T]`` of each of the samples ``[n, N]``, both as a pool stores them."""
    for start in range(0, len(samples), _IMAGE_BATCH):
        part = samples[start : start + _IMAGE_BATCH]
        levels = images_of(part.astype(np.float32) / np.float32(32767))
        yield from np.rint(levels * (255 / 1.2)).clip(0, 255).astype(np.uint8)


def augment(samples: Floats, other: Floats, name: str, generator: np.random.Generator) -> Floats:
    """Augment a sound within its class: layers, tuning, decay, equaliser, saturation; peak 1."""
    made = samples.astype(np.float64)
    if generator.random() < 0.2:
        made = made + generator.uniform(0.2, 0.7) * other
    made = _retune(made, generator.uniform(-1, 1) * SEMITONES.get(name, 2.5))
    if generator.random() < 0.5:
        time = np.arange(LENGTH) / MEL.rate
        made = made * np.exp(-generator.uniform(0, 4) * time)
    made = _equalise(made, generator)
    peak = np.abs(made).max()
    if peak > 0:
        made = made / peak
    if generator.random() < 0.3:
        drive = generator.uniform(1, 3)
        made = np.tanh(drive * made) / np.tanh(drive)
    made[-FADE:] *= np.linspace(1, 0, FADE)
    return made.astype(np.float32)


def _retune(samples: NDArray[np.float64], semitones: float) -> NDArray[np.float64]:
    """Resample by linear interpolation: faster and higher, or slower and lower."""
    speed = 2 ** (semitones / 12)
    places = np.arange(LENGTH) * speed
    return np.asarray(np.interp(places, np.arange(LENGTH), samples, right=0.0))


def _equalise(samples: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Apply a smooth random gain curve of a few decibels."""
    spectrum = np.fft.rfft(samples)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(LENGTH, 1 / MEL.rate), 30) / 30)
    decibels = np.interp(octaves, np.linspace(0, 8.5, 6), generator.normal(0, 2.5, 6))
    return np.asarray(np.fft.irfft(spectrum * 10 ** (decibels / 20), LENGTH))


def _read(path: Path) -> Floats:
    """Mono samples ``[N]`` of a file at `MEL.rate`, peak 1, with a fade-out at the end."""
    try:
        samples, rate = soundfile.read(
            io.BytesIO(path.read_bytes()), dtype="float32", always_2d=True
        )
    except OSError as error:
        raise MissingInputError(f"cannot read {path}: {error.strerror}") from error
    except soundfile.LibsndfileError as error:
        raise BadDataError(f"{path}: {error}") from error
    mono = samples.mean(1)
    if rate != MEL.rate:
        mono = resample(mono[None], rate, MEL.rate)[0]
    out = np.zeros(LENGTH, np.float32)
    length = min(len(mono), LENGTH)
    out[:length] = mono[:length]
    fade = min(FADE, length)
    out[length - fade : length] *= np.linspace(1, 0, fade, dtype=np.float32)
    peak = float(np.abs(out).max())
    return out / np.float32(peak) if peak > 0 else out
