"""`drumkit evaluate synth`: reconstruction, inversion, and the classes of generated sounds.

The paper shows figures of spectrograms and prints no numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.audio.wav import wav_bytes
from drumkit_cli.errors import MissingInputError
from drumkit_cli.io.arrays import Floats, Integers
from drumkit_cli.io.tables import Table
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.statistics import frechet_distance
from drumkit_cli.midi.drum_maps import DRUM_PITCHES
from drumkit_cli.midi.track import empty_track
from drumkit_cli.sounds.classes import CLASSES, PAPER_CLASSES, Inverter
from drumkit_cli.sounds.codes import Code, class_weights
from drumkit_cli.sounds.drum_synth import DrumSynth, with_mcnn
from drumkit_cli.sounds.finishing import finished, fit_length, levelled
from drumkit_cli.sounds.high_band import FULL_RATE
from drumkit_cli.sounds.mel_image import FLOOR_DB, LENGTH, MEL, levels_of
from drumkit_cli.synth import data as sounds_of
from drumkit_cli.synth.kits.kit import draw_kit
from drumkit_cli.synth.kits.rendering import SoundBank, natural_frames, read_hits, render
from drumkit_cli.synth.metrics import (
    attacks,
    diversity,
    level_range_db,
    log_mel_distance,
    median_attack_ms,
    spectral_convergence,
)
from drumkit_cli.synth.training.classifier import (
    POOL_PER_CLASS,
    TRAINING_STEPS,
    SoundClassifier,
    train_classifier,
)
from drumkit_cli.synth.training.high_band_fit import high_band_distances

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GENERATED: Final = 100
"""Generated sounds of each class."""
ONE_SHOTS: Final = 200
"""Sounds whose generation is timed, from code to WAV."""
TIMED: Final = 60
"""Calls that the mean time of a single step is taken over."""
KITS: Final = 5
"""Kits whose onsets are compared with their notes."""
ONSET_SECONDS: Final = 0.003
"""Largest distance of an onset from its note."""


@dataclass(frozen=True)
class _Row:
    """A row of the table; None where it has no figure."""

    part: str
    method: str
    convergence: float | None = None
    log_mel_db: float | None = None
    milliseconds: float | None = None
    accuracy: float | None = None
    real: float | None = None
    frechet: float | None = None
    diversity: float | None = None
    attack_ms: float | None = None
    real_attack_ms: float | None = None
    levels_db: float | None = None


def evaluate(data: Path, weights: str | None) -> Table:
    """Measure on the test sounds of a folder; the classifier is trained on its training sounds.

    Raises:
        DrumkitError: as `load_sounds` and `load_weights`.
    """
    return measure(data, weights, "test")


def measure(
    data: Path,
    weights: str | None,
    split: str,
    *,
    generated: int = GENERATED,
    classifier_steps: int = TRAINING_STEPS,
    classifier_pool: int = POOL_PER_CLASS,
) -> Table:
    """Measure on the sounds of a split: "valid" for development, "test" for published figures."""
    synth = _load(weights)
    train, real = (sounds_of.load_sounds(data, part) for part in ("train", split))
    with console.progress(4, "evaluating") as bar:
        classifier = train_classifier(train, steps=classifier_steps, per_class=classifier_pool)
        bar.advance(1)
        codes = [
            synth.encode(samples, CLASSES[c])
            for samples, c in zip(real.samples, real.classes, strict=True)
        ]
        rows = _reconstruction_rows(synth, real, codes)
        bar.advance(1)
        rows += _class_rows(synth, classifier, train, real, codes, generated)
        bar.advance(1)
        rows += [
            _Row("above 11 kHz", method, log_mel_db=distance)
            for method, distance in high_band_distances(synth, data, split).items()
        ]
        rows += _one_shot_rows(synth)
        scores = [onset_f(synth, seed) for seed in range(KITS)]
        rows.append(_Row("MIDI", "onset F within 3 ms", accuracy=float(np.mean(scores))))
        bar.advance(1)
    return Table(
        title=f"Drum synthesis: {len(real)} real {split} sounds, {generated} generated a class",
        columns=[
            "part",
            "method",
            "convergence",
            "log-mel dB",
            "ms",
            "accuracy",
            "real",
            "Frechet",
            "diversity",
            "attack ms",
            "real ms",
            "levels",
        ],
        rows=[list(astuple(row)) for row in rows],
        notes=[
            f"data: {data.name}; spectrograms of 512 mel bands with a range of {-FLOOR_DB:.0f} dB",
            "convergence: spectral convergence of mel magnitudes; ms: time of a single sound",
            "accuracy: share classified as their class, among the paper's eleven or among all",
            "real: accuracy of real sounds; Frechet: distance to their classifier embeddings",
            "diversity: mean distance of two sounds of a class, relative to real training sounds",
            "attack: median time from a tenth to nine tenths of the peak, generated and real",
            "above 11 kHz: log-mel dB of 24 bands to 20 kHz, where real sounds are above -80 dB",
            "levels: dB from the 5th to the 95th percentile of the first 100 ms of one-shots",
            "the paper prints no figures and its data is not public",
            f"weights: sha256 {synth.weights_sha256[:16]}; networks on one thread",
        ],
    )


def draw(data: Path, weights: str | None) -> Figure:
    """Draw a test sound of each class, its reconstruction, and two generated sounds."""
    from drumkit_cli.synth.plot import draw_sounds

    synth = DrumSynth(load_weights("synth", weights))
    test = sounds_of.load_sounds(data, "test")
    firsts = {
        CLASSES[c]: test.samples[np.argmax(test.classes == c)] for c in np.unique(test.classes)
    }
    codes = {"rebuilt": [synth.encode(samples, name) for name, samples in firsts.items()]}
    for seed in (1, 2):
        codes[f"new {seed}"] = [synth.space.sample(name, 1, seed)[0] for name in firsts]
    rows = {"real": levels_of(np.stack(list(firsts.values())))}
    for title, wanted in codes.items():
        rows[title] = levels_of(synth.invert(synth.levels(wanted)))
    return draw_sounds({title: list(images) for title, images in rows.items()}, list(firsts))


def onset_f(synth: DrumSynth, seed: int) -> float:
    """F-measure of mir_eval, within 3 ms, of the onsets of a kit drawn from a seed and its notes.

    Every voice plays two notes, all more than a second apart.
    """
    import mir_eval

    generator = np.random.default_rng(seed)
    pitches = [pitches[0] for pitches in DRUM_PITCHES.values()] * 2
    count = len(pitches)
    seconds = np.round(0.3 + 1.3 * np.arange(count) + generator.uniform(0, 0.1, count), 4)
    hits = zip(seconds.tolist(), pitches, generator.integers(40, 128, count).tolist(), strict=True)
    track = empty_track(60.0, ticks_per_quarter=10_000)
    notes = [track.note(round(10_000 * s), 100, pitch, velocity) for s, pitch, velocity in hits]
    bank = SoundBank(synth, draw_kit(synth, seed), humanize=0.1)
    played, _ = read_hits(track.with_notes(notes).notes, bank.kit, humanize=0.1, seed=seed)
    samples = np.concatenate(list(render(played, bank, natural_frames(played, bank))), 1)
    scores = mir_eval.onset.f_measure(seconds, attacks(samples), window=ONSET_SECONDS)
    return float(scores[0])


def _reconstruction_rows(synth: DrumSynth, real: sounds_of.Sounds, codes: list[Code]) -> list[_Row]:
    levels = levels_of(real.samples)
    decoded = synth.levels(codes, texture=0.0)
    milliseconds = _milliseconds(lambda index: synth.levels([codes[index]]), len(codes))
    rows = [_Row("CWAE", "alone", *_figures(levels, decoded), milliseconds)]
    sources: list[tuple[str, Floats, Callable[[int], Floats]]] = [
        ("inversion", levels, lambda index: levels[index : index + 1]),
        ("both", synth.levels(codes), lambda index: synth.levels([codes[index]])),
    ]
    for part, source, one_of in sources:
        for inverter in _inverters(synth):
            made = levels_of(synth.invert(source, inverter))
            milliseconds = _milliseconds(_inverting(synth, one_of, inverter), len(source))
            rows.append(_Row(part, inverter.value, *_figures(levels, made), milliseconds))
    return rows


def _inverting(
    synth: DrumSynth, levels_of: Callable[[int], Floats], inverter: Inverter
) -> Callable[[int], object]:
    return lambda index: synth.invert(levels_of(index), inverter)


def _class_rows(
    synth: DrumSynth,
    classifier: SoundClassifier,
    train: sounds_of.Sounds,
    real: sounds_of.Sounds,
    codes: list[Code],
    count: int,
) -> list[_Row]:
    """Accuracy, Frechet distance and diversity of real, reconstructed and generated sounds."""
    eleven = range(len(PAPER_CLASSES))
    of_paper = real.classes < len(eleven)
    counts = np.bincount(real.classes, minlength=len(CLASSES))
    levels = levels_of(real.samples)
    rebuilt = levels_of(synth.invert(synth.levels(codes)))
    sounds = {c: _generate(synth, c, max(count, int(counts[c]))) for c in range(len(CLASSES))}
    made = {c: levels_of(samples) for c, samples in sounds.items()}
    real_correct = _is_recognised(classifier, levels, real.classes)
    correct = {c: _is_recognised(classifier, made[c][:count], np.full(count, c)) for c in made}
    reference = classifier.embed(levels[of_paper])
    alike = np.concatenate([made[c][: counts[c]] for c in eleven])
    overall = float(real_correct[of_paper].mean())
    by_class = float(np.mean([real_correct[real.classes == c].mean() for c in eleven if counts[c]]))
    rows = [
        _Row("real", "all of the eleven", accuracy=overall),
        _Row("real", "mean of the eleven", accuracy=by_class),
        _Row(
            "reconstructed",
            "all of the eleven",
            accuracy=float(_is_recognised(classifier, rebuilt, real.classes)[of_paper].mean()),
            real=overall,
            frechet=frechet_distance(classifier.embed(rebuilt[of_paper]), reference),
        ),
        _Row(
            "generated",
            "mean of the eleven",
            accuracy=float(np.mean([correct[c].mean() for c in eleven])),
            real=by_class,
            frechet=frechet_distance(classifier.embed(alike), reference),
        ),
    ]
    seen = classifier.embed(levels_of(train.samples))
    for c, name in enumerate(CLASSES):
        rows.append(
            _Row(
                "generated",
                name,
                accuracy=float(correct[c].mean()),
                real=float(real_correct[real.classes == c].mean()) if counts[c] else None,
                diversity=diversity(classifier.embed(made[c][:count]))
                / max(diversity(seen[train.classes == c]), 1e-9),
                attack_ms=median_attack_ms(sounds[c]),
                real_attack_ms=median_attack_ms(real.samples[real.classes == c]),
                levels_db=level_range_db(
                    levelled(sound, class_weights(c), MEL.rate) for sound in sounds[c]
                ),
            )
        )
    return rows


def _generate(synth: DrumSynth, c: int, count: int) -> Floats:
    """Samples ``[count, N]`` of new sounds of a class."""
    codes = synth.space.sample(CLASSES[c], count, seed=c)
    made = synth.invert(synth.levels(codes, seed=c))
    sounds = [
        finished(samples, code.classes, MEL.rate, c)
        for samples, code in zip(made, codes, strict=True)
    ]
    return np.stack([fit_length(sound, LENGTH) for sound in sounds])


def _one_shot_rows(synth: DrumSynth) -> list[_Row]:
    """Time of a sound from code to WAV, after a warm-up."""
    codes = [synth.space.sample(name, 1, seed=0)[0] for name in CLASSES]
    for code in codes:
        synth.play(code, rate=FULL_RATE)
    times = []
    for index in range(ONE_SHOTS):
        began = time.perf_counter()
        code = codes[index % len(codes)]
        wav_bytes(synth.play(code, seed=index, rate=FULL_RATE)[None], FULL_RATE)
        times.append(1000 * (time.perf_counter() - began))
    return [
        _Row("one-shot", name, milliseconds=float(np.percentile(times, share)))
        for name, share in (("median", 50), ("99th percentile", 99))
    ]


def _is_recognised(
    classifier: SoundClassifier, levels: Floats, classes: Integers
) -> NDArray[np.bool_]:
    """Whether each sound is classified as its class: the paper's among themselves, ours of all."""
    paper = classifier.classes(levels, len(PAPER_CLASSES))
    predicted = np.where(classes < len(PAPER_CLASSES), paper, classifier.classes(levels))
    return np.asarray(predicted == classes)


def _inverters(synth: DrumSynth) -> list[Inverter]:
    return [inverter for inverter in Inverter if inverter is not Inverter.MCNN or synth.has_mcnn]


def _figures(real: Floats, made: Floats) -> tuple[float, float]:
    return spectral_convergence(real, made), log_mel_distance(real, made)


def _milliseconds(work: Callable[[int], object], count: int) -> float:
    """Mean time of a call, over indices spread evenly: short sounds take less time."""
    work(0)
    places = np.linspace(0, count - 1, min(count, TIMED)).astype(int)
    began = time.perf_counter()
    for index in places:
        work(int(index))
    return 1000 * (time.perf_counter() - began) / len(places)


def _load(weights: str | None) -> DrumSynth:
    """The networks, with MCNN where its weights lie beside the others."""
    checkpoint = load_weights("synth", weights)
    try:
        return with_mcnn(checkpoint)
    except MissingInputError:
        return DrumSynth(checkpoint)
