"""`drumkit evaluate arrange`: how good the drums are that are played to the basses of songs.

Beside them stand the song's own drums, its bass, drums of another song, a metronome and chance.
CycleDRUMS rates its drums by listeners, on songs that are not public.
"""

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.arrange import infer
from drumkit_cli.arrange.baselines import random_onsets, retimed
from drumkit_cli.arrange.metrics import (
    band_shares,
    bar_likeness,
    divide_beats,
    grid_f_measure,
    seam_ratio,
    share_on_grid,
    spectral_distance,
)
from drumkit_cli.audio.separated import separate_stem
from drumkit_cli.audio.wav import wav_bytes
from drumkit_cli.grading.songs import Song, load_songs
from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.streams import open_output
from drumkit_cli.io.tables import Cell, Table
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.spectral.bass_share import bass_share, power_spectrum
from drumkit_cli.spectral.onsets import (
    MEL,
    SECONDS_PER_FRAME,
    normalised_image,
    onset_frames,
    onset_scores,
    rise_strength,
)

OURS: Final = "drumkit arrange"
SEPARATED: Final = "of the separated bass"
DRUMMER: Final = "real drums"
BASS: Final = "the bass itself"
NEXT: Final = "next song's drums"
METRONOME: Final = "metronome, eighths"
RANDOM: Final = "random onsets"
METHODS: Final = (OURS, SEPARATED, DRUMMER, BASS, NEXT, METRONOME, RANDOM)
FIGURES: Final = (
    "F grid",
    "F drummer",
    "on eighths",
    "per second",
    "bars alike",
    "<150 Hz",
    "150-2k",
    "2k-6k",
    ">6k Hz",
    "of the bass",
    "seams",
    "CPU s/min",
)
NOTES: Final = (
    "F: mir_eval onset F-measure within 50 ms, against the sixteenths and the real drummer's hits",
    "on eighths: share of the onsets within 35 ms of an eighth note of the song",
    "bars alike: correlation of the onset strength of each bar, in sixteenths, with the next one's",
    "Hz: shares of the energy; of the bass: share of it that the bass's partials explain",
    "seams: spectral flux where windows are cross-faded over that elsewhere",
    "spectrum: Frechet distance of mel frames, of all songs together, to those of the real drums",
    "CPU: seconds of processor time for a minute of music",
    "of the separated bass: what drumkit separate leaves of the mix, some of its drums included",
    "next song's drums: its real onsets on the beats of this song; random: as dense as ours",
)

Times = NDArray[np.floating]


class Measured(NamedTuple):
    """The `FIGURES` of a sound or of mere onsets, NaN where they have none, and a sound's image."""

    figures: list[float]
    image: Floats | None = None


def evaluate(data: Path, weights: str | None) -> Table:
    """Play drums to the bass of each song, as a stem and as separated from the mix; measure them.

    Raises:
        DrumkitError: as `load_songs`, `load_weights` and `separate_stem`.
    """
    arranger = infer.Arranger(load_weights("arrange", weights))
    songs = load_songs(data)
    measured: list[dict[str, Measured]] = []
    with console.progress(len(songs), "evaluating") as bar:
        for number, (song, separated) in enumerate(zip(songs, _separated(songs), strict=True)):
            following = songs[(number + 1) % len(songs)]
            measured.append(_measure(song, following, separated, arranger))
            bar.advance(1)
    rows: list[list[Cell]] = []
    for name, average in (("mean", np.mean), ("median", np.median)):
        for method in METHODS:
            distance = _distance(measured, method) if name == "mean" else None
            rows.append([name, method, *_rounded(_averages(measured, method, average)), distance])
    rows += [
        [song.name, OURS, *_rounded(of[OURS].figures), None]
        for song, of in zip(songs, measured, strict=True)
    ]
    return Table(
        title=f"Arrangement: drums for {len(songs)} songs",
        columns=["song", "sound", *FIGURES, "spectrum dB"],
        rows=rows,
        notes=[f"data: {data.name}", *NOTES, f"weights: sha256 {arranger.weights_sha256[:16]}"],
    )


def _measure(
    song: Song, following: Song, separated: Floats, arranger: infer.Arranger
) -> dict[str, Measured]:
    """Figures of a song by `METHODS`."""
    found = {}
    for method, bass in ((OURS, song.bass), (SEPARATED, separated)):
        began = time.process_time()
        with infer.play([bass], MEL.rate, arranger) as tape:
            drums = tape.read(0, tape.length)
        seconds = (time.process_time() - began) / (len(bass) / MEL.rate / 60)
        found[method] = _of_sound(song, drums, seconds)
    found[DRUMMER] = _of_sound(song, song.drums)
    found[BASS] = _of_sound(song, song.bass)
    density = found[OURS].figures[FIGURES.index("per second")]
    draws = random_onsets(round(density * _seconds(song)), _seconds(song))
    if following is song:
        found[NEXT] = Measured([math.nan] * len(FIGURES))
    else:
        found[NEXT] = _of_onsets(song, retimed(following.onsets, following.beats, song.beats))
    found[METRONOME] = _of_onsets(song, divide_beats(song.beats, 2))
    of_draws = [_of_onsets(song, onsets).figures for onsets in draws]
    found[RANDOM] = Measured([float(figure) for figure in np.mean(of_draws, axis=0)])
    return found


def _of_sound(song: Song, sound: Floats, cpu_seconds: float = math.nan) -> Measured:
    image, power = normalised_image(sound), power_spectrum(sound)
    figures = [
        *_onset_figures(song, onset_frames(image) * SECONDS_PER_FRAME),
        bar_likeness(rise_strength(image), song.beats),
        *band_shares(power),
        bass_share(power, power_spectrum(song.bass)),
        seam_ratio(image, _seams(image.shape[1])),
        cpu_seconds,
    ]
    return Measured(figures, image)


def _of_onsets(song: Song, onsets: Times) -> Measured:
    figures = _onset_figures(song, onsets)
    return Measured([*figures, *[math.nan] * (len(FIGURES) - len(figures))])


def _onset_figures(song: Song, onsets: Times) -> list[float]:
    return [
        grid_f_measure(onsets, song.beats),
        onset_scores(song.onsets, onsets)[0],
        share_on_grid(onsets, divide_beats(song.beats, 2)),
        len(onsets) / _seconds(song),
    ]


def _seconds(song: Song) -> float:
    return len(song.bass) / MEL.rate


def _seams(frames: int) -> NDArray[np.bool_]:
    """Which frames are those of two windows of `drum_images`."""
    step = infer.WINDOW_FRAMES - infer.OVERLAP_FRAMES
    last = max(frames - infer.WINDOW_FRAMES, 0)
    windows = np.zeros(frames, int)
    for start in (*range(0, last, step), last):
        windows[start : start + infer.WINDOW_FRAMES] += 1
    return np.asarray(windows > 1)


def _separated(songs: Sequence[Song]) -> Iterator[Floats]:
    """The bass of each song's mix, as the built-in separator leaves it."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number:04d}.wav" for number in range(len(songs))]
        for path, song in zip(paths, songs, strict=True):
            with open_output(str(path)) as sink:
                sink.write(wav_bytes(song.mix[None], MEL.rate))
        yield from separate_stem(paths, "bass")


def _averages(
    measured: Sequence[dict[str, Measured]], method: str, average: Callable[[Times], float]
) -> list[float]:
    """The average of each figure over the songs that have it."""
    columns = np.array([of[method].figures for of in measured]).T
    known = [column[np.isfinite(column)] for column in columns]
    return [float(average(column)) if len(column) else math.nan for column in known]


def _rounded(figures: Sequence[float]) -> list[float]:
    return [round(figure, 3) + 0.0 for figure in figures]  # no negative zero


def _distance(measured: Sequence[dict[str, Measured]], method: str) -> float | None:
    """The spectral distance of a method's sounds to the real drums."""
    real, made = (
        [image for of in measured if (image := of[name].image) is not None]
        for name in (DRUMMER, method)
    )
    return round(spectral_distance(real, made), 3) if made else None
