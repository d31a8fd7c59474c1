"""`drumkit evaluate separate`: SDR on real songs, of the built-in model and two baselines.

The SDR is that of BSS eval v4 (F. Stöter et al., "The 2018 signal separation evaluation campaign"):
the median over windows of one second, then the median over songs. CycleDRUMS quotes figures of its
Demucs on the test set of MUSDB18, which are no comparison for other songs.
"""

from collections.abc import Callable
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

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

STEMS = ("drums", "bass", "other")
BASS_CUTOFF_HZ = 250.0

Samples = NDArray[np.float32]
Method = Callable[[Samples, int], Samples]
"""A mix `[C, N]` and its rate in Hz -> stems `[S, C, N]`."""


def evaluate(data: Path, weights: str | None) -> Table:
    """SDR in dB of the built-in separator on a folder of songs.

    A song is a folder of audio files `drums`, `bass`, `other` and perhaps `vocals`, of one length,
    which are summed to the mix; vocals count as other.

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
        "the mix itself": lambda mix, rate: np.stack([mix] * len(STEMS)),
        "librosa HPSS": _harmonic_percussive,
    }
    scores: dict[str, list[NDArray[np.float64]]] = {name: [] for name in methods}
    rows: list[list[Cell]] = []
    with console.progress(len(songs) * len(methods), "evaluating") as bar:
        for song in songs:
            references, rate = _load_song(song)
            for name, method in methods.items():
                scores[name].append(
                    signal_to_distortion(references, method(references.sum(0), rate), rate)
                )
                bar.advance(1)
            rows.append([song.name, "built-in", *_rounded(scores["built-in"][-1])])
    medians: list[list[Cell]] = [
        ["median", name, *_rounded(np.median(per_song, axis=0))]
        for name, per_song in scores.items()
    ]
    return Table(
        title=f"Separation: SDR in dB (BSS eval v4, median over {len(songs)} songs)",
        columns=["song", "method", *STEMS],
        rows=[*medians, *rows],
        notes=[
            f"data: {data.name}, vocals within other",
            "HPSS: percussive is drums, harmonic is bass below 250 Hz and other above",
            f"weights: sha256 {model.weights_sha256[:16]}",
        ],
    )


def signal_to_distortion(references: Samples, estimates: Samples, rate: int) -> NDArray[np.float64]:
    """SDR of BSS eval v4 in dB, `[S]`, of estimates `[S, C, N]` at `rate` Hz.

    The median over windows of one second.
    """
    bss_eval = _museval_metrics().bss_eval
    sdr, *_ = bss_eval(
        references.transpose(0, 2, 1).astype(np.float64),
        estimates.transpose(0, 2, 1).astype(np.float64),
        window=rate,
        hop=rate,
        compute_permutation=False,
        filters_len=512,
        framewise_filters=False,
        bsseval_sources_version=False,
    )
    return np.asarray(np.nanmedian(sdr, axis=1))


def _harmonic_percussive(mix: Samples, rate: int) -> Samples:
    import librosa
    from scipy import signal

    harmonic, percussive = librosa.effects.hpss(mix)
    low_pass = signal.butter(4, BASS_CUTOFF_HZ, fs=rate, output="sos")
    bass = signal.sosfiltfilt(low_pass, harmonic).astype(np.float32)
    return np.stack([percussive, bass, harmonic - bass])


def _separated(mix: Samples, rate: int, model: BuiltIn) -> Samples:
    stems = split(mix, rate, model, segment_frames(model, rate))
    return stems[[model.sources.index(name) for name in STEMS]]


def _museval_metrics() -> ModuleType:
    """The metrics module of museval alone: importing the whole package requires ffmpeg."""
    package = find_spec("museval")
    assert package is not None, "checked by the command"
    assert package.submodule_search_locations is not None
    path = Path(package.submodule_search_locations[0]) / "metrics.py"
    spec = spec_from_file_location("museval_metrics", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _load_song(folder: Path) -> tuple[Samples, int]:
    """Stems `[3, C, N]` of a song, with vocals added to other, and their rate."""
    stems: dict[str, Samples] = {}
    rate = 0
    for name in (*STEMS, "vocals"):
        found = [path for path in folder.glob(f"{name}.*") if path.suffix in AUDIO_SUFFIXES]
        path = min(found, default=None)
        if path is None and name == "vocals":
            continue
        if path is None:
            raise MissingInputError(f"{folder}: no {name}")
        with open_input(str(path)) as source, AudioReader(source) as reader:
            samples = reader.read()
        if stems and (samples.shape, reader.rate) != (next(iter(stems.values())).shape, rate):
            raise BadDataError(f"{path} differs from the other stems in length, channels or rate")
        stems[name], rate = samples, reader.rate
    if "vocals" in stems:
        stems["other"] = stems["other"] + stems["vocals"]
    return np.stack([stems[name] for name in STEMS]), rate


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 2) for value in values]
