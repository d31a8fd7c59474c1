"""`drumkit evaluate separate`: SDR on real songs, of the built-in model and two baselines.

The SDR is that of BSS eval v4 (F. Stöter et al., "The 2018 signal separation evaluation campaign"):
the median over windows of one second, then the median over songs. CycleDRUMS quotes figures of its
Demucs on the test set of MUSDB18, which are no comparison for other songs.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.io.sniffing import AUDIO_SUFFIXES
from drumkit_cli.io.streams import open_input
from drumkit_cli.io.tables import Cell, Table
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.separate.infer import BuiltIn, segment_frames, split

REST: Final = "other + vocals"
STEMS: Final = ("drums", "bass", "other", "vocals", REST)
BASS_CUTOFF_HZ: Final = 250.0

Samples = NDArray[np.float32]
Stems = Mapping[str, Samples]
"""Stems `[C, N]` by name, some of `STEMS`."""
Method = Callable[[Samples, int], Stems]
"""A mix `[C, N]` and its rate in Hz -> stems."""


def evaluate(data: Path, weights: str | None) -> Table:
    """SDR in dB of the built-in separator on a folder of songs.

    A song is a folder of audio files `drums`, `bass`, `other` and perhaps `vocals`, of one length,
    which are summed to the mix.

    Raises:
        MissingInputError: no folder in `data` is a song.
    """
    songs = sorted(
        {path.parent for path in data.glob("*/drums.*") if path.suffix in AUDIO_SUFFIXES}
    )
    if not songs:
        raise MissingInputError(f"{data}: no song folders with drums, bass and other")
    model = BuiltIn(load_weights("separate", weights))
    methods: dict[str, Method] = {
        "built-in": lambda mix, rate: _separated(mix, rate, model),
        "the mix itself": lambda mix, _: dict.fromkeys(STEMS, mix),
        "librosa HPSS": _harmonic_percussive,
    }
    scores: dict[str, list[list[float]]] = {name: [] for name in methods}
    rows: list[list[Cell]] = []
    with console.progress(len(songs) * len(methods), "evaluating") as bar:
        for song in songs:
            references, rate = _load_song(song)
            mix = references["drums"] + references["bass"] + references[REST]
            for name, method in methods.items():
                scores[name].append(_scores(references, method(mix, rate), rate))
                bar.advance(1)
            rows.append([song.name, "built-in", *_rounded(scores["built-in"][-1])])
    medians: list[list[Cell]] = [
        ["median", name, *_rounded([_median(column) for column in zip(*per_song, strict=True)])]
        for name, per_song in scores.items()
    ]
    return Table(
        title=f"Separation: SDR in dB (BSS eval v4, median over {len(songs)} songs)",
        columns=["song", "method", *STEMS],
        rows=[*medians, *rows],
        notes=[
            f"data: {data.name}",
            "vocals: of songs with singing",
            "HPSS: percussive is drums, harmonic is bass below 250 Hz and the rest above",
            f"weights: sha256 {model.weights_sha256[:16]}",
        ],
    )


def signal_to_distortion(
    reference: Samples, estimate: Samples, rate: int, others: Sequence[Samples] = ()
) -> float:
    """SDR of BSS eval v4 in dB, at most 120, of an estimate `[C, N]` at `rate` Hz.

    The median over windows of one second; those in which the reference or one of the `others` of
    the song is silent do not count. NaN when none does.
    """
    ratios = []
    for start in range(0, max(reference.shape[1] - rate, 0) + 1, rate):
        window = slice(start, start + rate)
        if all(one[:, window].any() for one in (reference, *others)):
            true = reference[:, window].astype(np.float64)
            power, distortion = np.square(true).sum(), np.square(estimate[:, window] - true).sum()
            ratios.append(10 * np.log10(power / max(distortion, 1e-12 * power)))
    return _median(ratios)


def _scores(references: Stems, estimates: Stems, rate: int) -> list[float]:
    """SDR of each of `STEMS`, NaN of those that the song or the method lacks."""
    others = [references[name] for name in ("drums", "bass", REST)]
    return [
        signal_to_distortion(references[name], estimates[name], rate, others)
        if name in references and name in estimates
        else np.nan
        for name in STEMS
    ]


def _separated(mix: Samples, rate: int, model: BuiltIn) -> Stems:
    parts = split(mix, rate, model, segment_frames(model, rate))
    stems = dict(zip(model.sources, parts, strict=True))
    if "vocals" not in stems:
        return {"drums": stems["drums"], "bass": stems["bass"], REST: stems["other"]}
    return stems | {REST: stems["other"] + stems["vocals"]}


def _harmonic_percussive(mix: Samples, rate: int) -> Stems:
    import librosa
    from scipy import signal

    harmonic, percussive = librosa.effects.hpss(mix)
    low_pass = signal.butter(4, BASS_CUTOFF_HZ, fs=rate, output="sos")
    bass = signal.sosfiltfilt(low_pass, harmonic).astype(np.float32)
    return {"drums": percussive, "bass": bass, REST: harmonic - bass}


def _load_song(folder: Path) -> tuple[Stems, int]:
    """Stems of a song, and their rate; vocals only where there is singing."""
    stems: dict[str, Samples] = {}
    rate = 0
    for name in ("drums", "bass", "other", "vocals"):
        found = [path for path in folder.glob(f"{name}.*") if path.suffix in AUDIO_SUFFIXES]
        path = min(found, default=None)
        if path is None and name == "vocals":
            continue
        if path is None:
            raise MissingInputError(f"{folder}: no {name}")
        with open_input(str(path)) as source, AudioReader(source) as reader:
            samples = reader.read()
        if stems and (samples.shape, reader.rate) != (stems["drums"].shape, rate):
            raise BadDataError(f"{path} differs from the other stems in length, channels or rate")
        if samples.any() or name != "vocals":
            stems[name], rate = samples, reader.rate
    return stems | {REST: stems["other"] + stems.get("vocals", 0)}, rate


def _median(values: Sequence[float]) -> float:
    """The median of those that are numbers; NaN of none."""
    numbers = [value for value in values if not np.isnan(value)]
    return float(np.median(numbers)) if numbers else np.nan


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 2) for value in values]
