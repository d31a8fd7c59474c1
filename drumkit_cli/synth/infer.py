"""Drum sounds from classes and codes, and drum tracks rendered with a kit."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arguments import (
    RATE,
    RATE_MAX_HZ,
    RATE_MIN_HZ,
    require_known,
    require_seed,
    require_within,
)
from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.midi.drum_parts import find_drums
from drumkit_cli.midi.map_file import DrumMap, translate
from drumkit_cli.midi.track import Track
from drumkit_cli.sounds.classes import Inverter
from drumkit_cli.sounds.codes import Code, from_array
from drumkit_cli.sounds.drum_synth import DrumSynth, load_synth
from drumkit_cli.sounds.finishing import fit_length
from drumkit_cli.synth.kits.kit import Kit, draw_kit
from drumkit_cli.synth.kits.rendering import Hits, SoundBank, natural_frames, read_hits, render
from drumkit_cli.synth.kits.voices import VOICE_OF_PITCH
from drumkit_cli.synth.requests import HUMANIZE, LENGTH_MAX_SECONDS, ONE_SHOT_MAX_SECONDS

FULL_SCALE: Final = 1 - 2**-15


def synth(
    source: str | NDArray[np.floating[Any]] | Track,
    *,
    controls: tuple[float, float, float] | None = None,
    velocity: float | None = None,
    kit: Kit | None = None,
    humanize: float | None = None,
    drum_map: DrumMap | None = None,
    length_seconds: float | None = None,
    rate: int = RATE,
    inverter: str = "spectral",
    seed: int = 0,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> Floats:
    """Synthesise a drum sound, or render a drum track with a kit.

    The model is loaded once a process.

    Args:
        source: a class ("kick", "clap", "snare", "open-hat", "closed-hat", "tambourine", "conga",
            "bongo", "shaker", "snap", "tom", "ride", "crash", "cowbell", "rimshot"); the code of
            a sound, floats ``[latent + classes]``, as ``drumkit synth --encode`` writes it; or a
            track, of which the notes on channel 10 and in parts named drums are played, or all
            notes if there are none.
        controls: for a class: its three principal components, in standard deviations; None draws
            a sound from `seed`.
        velocity: for a single sound, 0 to 1: softer hits are quieter and duller; None is 1.
        kit: for a track: the kit; None draws one from `seed`.
        humanize: for a track: variation of the sound and level of hits, 0 to 1; None is 0.1.
        drum_map: for a track: map of its pitches; None for General MIDI.
        length_seconds: length to cut or pad the output to; None for its natural length.
        rate: samples a second, 8,000 to 192,000; up to 22,050 there is nothing above 11 kHz.
        inverter: what makes spectrograms audible: "spectral", "mcnn" or "griffin-lim".
        seed: of the sound or kit that is drawn, of noise, and of how hits differ; 0 or more.
        weights: a weights file, or a folder with one, in place of what ships.
        device: "cpu", "cuda", "mps" or "auto".

    Returns:
        float32 at `rate`, within full scale: a sound ``[samples]`` of a second at most, a track
        ``[2, samples]``, left and right.

    Raises:
        UsageError: no such class, inverter or device, a value out of range, or one that is not of
            this kind of source.
        BadDataError: no such code, a track without notes, or a kit or weights of another model.
        MissingInputError: `weights` does not exist.
        UnavailableError: the device is not there.

    Example:
        >>> kick = drumkit.synth("kick", seed=3)
        >>> beat = drumkit.synth(drumkit.read_midi("beat.mid"))
        >>> drumkit.write_audio("beat.wav", beat, 44_100)
    """
    require_known("inverter", inverter, [name.value for name in Inverter])
    require_seed(seed)
    is_track = isinstance(source, Track)
    _require_own({"controls": controls, "velocity": velocity}, "a sound", not is_track)
    of_tracks = {"kit": kit, "humanize": humanize, "drum_map": drum_map}
    _require_own(of_tracks, "a track", is_track)
    longest = LENGTH_MAX_SECONDS if is_track else ONE_SHOT_MAX_SECONDS
    if length_seconds is not None:
        require_within("length_seconds", length_seconds, 0.001, longest)
    require_within("rate", rate, RATE_MIN_HZ, RATE_MAX_HZ)
    length = None if length_seconds is None else max(round(length_seconds * rate), 1)
    how = Inverter(inverter)
    if isinstance(source, Track):
        require_notes(source, "the track")
        share = HUMANIZE if humanize is None else humanize
        require_within("humanize", share, 0, 1)
        parts = _kit(kit, seed, weights, device, how)
        bank = SoundBank(*parts, humanize=share, inverter=how, rate=rate)
        played = play_track(
            source, bank, humanize=share, seed=seed, length=length, drum_map=drum_map
        )
        return np.concatenate(list(played.blocks()), axis=1)
    model = load_synth(weights, device, how)
    loudness = 1.0 if velocity is None else velocity
    code = _code(source, controls, model, seed)
    samples = model.play(code, velocity=loudness, seed=seed, inverter=how, rate=rate)
    return samples if length is None else fit_length(samples, length, rate)


@dataclass(frozen=True)
class PlayedTrack:
    """A drum track that is ready to be rendered, any number of times.

    Attributes:
        hits: hits to play.
        bank: sounds of the kit.
        frames: length in samples.
        gain: linear gain, below 1 where the mix would exceed full scale.
        unknown: number of notes of each pitch that no voice of the kit plays.
    """

    hits: Hits
    bank: SoundBank
    frames: int
    gain: float
    unknown: dict[int, int]

    def blocks(self) -> Iterator[Floats]:
        """Render stereo blocks ``[2, n]``."""
        for block in render(self.hits, self.bank, self.frames):
            yield block * self.gain if self.gain < 1 else block


def play_track(
    track: Track,
    bank: SoundBank,
    *,
    humanize: float,
    seed: int,
    length: int | None = None,
    drum_map: DrumMap | None = None,
    threads: int = 1,
    advance: Callable[[float], None] = lambda _: None,
) -> PlayedTrack:
    """Prepare the drums of a track for rendering, in memory that does not grow with its length.

    Args:
        track: a track with notes.
        bank: sounds of a kit.
        humanize: amount, 0..1, by which hits vary.
        seed: seed of the variation.
        length: length in samples; None for the end of the track or of the last sound, if later.
        drum_map: map of the track's pitches; None for General MIDI.
        threads: sounds generated at once, as `parallel.concurrently` takes it.
        advance: called with shares of the work done, 1 in all.
    """
    notes, voices = find_drums(track).notes, translate(VOICE_OF_PITCH, drum_map)
    hits, unknown = read_hits(notes, bank.kit, voices, humanize=humanize, seed=seed, rate=bank.rate)
    bank.prepare(hits, threads, advance)
    if length is None:
        length = max(round(track.seconds * bank.rate), natural_frames(hits, bank), 1)
    peak = max(float(abs(block).max()) for block in render(hits, bank, length))
    gain = min(1.0, FULL_SCALE / peak) if peak else 1.0
    return PlayedTrack(hits, bank, length, gain, unknown)


def require_notes(track: Track, name: str) -> None:
    """Raise BadDataError if a track has no notes; `name` is for the message."""
    if not track.notes:
        raise BadDataError(f"{name} has no notes", "give a MIDI file with drums")


def require_fitting(kit: Kit, name: str, model: DrumSynth) -> None:
    """Raise BadDataError if the codes of a kit do not fit a model; `name` is for the message."""
    if any(len(code.latent) != model.latent for code in kit.codes):
        raise BadDataError(
            f"{name} is of other weights", f"these take codes of {model.latent} numbers"
        )


def _kit(
    kit: Kit | None, seed: int, weights: str | Path | None, device: str, inverter: Inverter
) -> tuple[DrumSynth | None, Kit]:
    """The kit, or one drawn from a seed, with the model that it needs: none without codes."""
    if kit is not None and not kit.codes:
        return None, kit
    model = load_synth(weights, device, inverter)
    if kit is None:
        return model, draw_kit(model, seed)
    require_fitting(kit, "the kit", model)
    return model, kit


def _code(
    source: str | NDArray[np.floating[Any]],
    controls: tuple[float, float, float] | None,
    model: DrumSynth,
    seed: int,
) -> Code:
    """The code of a requested sound."""
    if not isinstance(source, str):
        _require_own({"controls": controls}, "a class", False)
        codes = from_array(np.asarray(source), model.latent)
        if len(codes) != 1:
            raise BadDataError(f"{len(codes)} codes", "give one code [latent + classes]")
        return codes[0]
    if controls is not None:
        return model.space.from_controls(source, controls)
    return model.space.sample(source, 1, seed)[0]


def _require_own(given: Mapping[str, object], of: str, is_own: bool) -> None:
    """Refuse arguments that belong to another kind of source."""
    for name, value in given.items():
        if value is not None and not is_own:
            raise UsageError(f"{name} is of {of}")
