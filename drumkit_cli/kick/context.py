"""What a kick is played to: the curves of a song's snare, bass, beats and downbeats."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from drumkit_cli.audio.reader import resampled
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.kick.curves import Times, beat_curve, frame_count, note_curve, standardised
from drumkit_cli.midi.drum_maps import KICK_PITCHES, SNARE_PITCHES
from drumkit_cli.midi.track import BASS_PROGRAMS, Note, Track
from drumkit_cli.spectral.onset_strength import RATE, onset_strength

_SILENT: Final = 1.0
"""Onset strength up to which a sound is silent: that of noise at some -75 dB."""


@dataclass(frozen=True)
class Context:
    """A song as the network gets it.

    Attributes:
        curves: standardised curves `[4, T]` in the order of `INPUTS`.
        kick: the standardised curve `[T]` of the song's own kick, zeros where it has none.
        seconds: length of the song.
        is_silent: whether there is neither bass nor snare, and so nothing to play to.
    """

    curves: Floats
    kick: Floats
    seconds: float
    is_silent: bool


def context_of_track(track: Track, name: str, beats: tuple[Times, Times] | None = None) -> Context:
    """The context of a MIDI song: its notes of snare and bass, and the beats of its meters.

    Args:
        track: the song.
        name: for messages.
        beats: beats and downbeats in seconds in place of those of its meters.

    Raises:
        BadDataError: it has bass and no snare, snare and no bass, or tracks without common time.
    """
    frames = frame_count(track.seconds)
    snare = [note for note in track.notes if note.drum and note.pitch in SNARE_PITCHES]
    kick = [note for note in track.notes if note.drum and note.pitch in KICK_PITCHES]
    bass = [note for note in track.notes if _is_bass(note, track)]
    if not bass and snare:
        raise BadDataError(
            f"{name} has no bass", "give a song with a bass (programs 33 to 40), or name its track"
        )
    if not snare and bass:
        raise BadDataError(f"{name} has no snare", "give a song with a snare on channel 10")
    if beats is None:
        pretty = track.to_pretty_midi()
        beats = (pretty.get_beats(), pretty.get_downbeats()) if track.notes else (_NONE, _NONE)
    curves = (_curve(snare, frames), _curve(bass, frames), *_beat_curves(beats, frames))
    return Context(
        np.stack([standardised(curve) for curve in curves]),
        standardised(_curve(kick, frames)),
        track.seconds,
        is_silent=not bass,
    )


def context_of_sound(
    snare: Floats, bass: Floats, beats: tuple[Times, Times], seconds: float, name: str
) -> Context:
    """The context of recorded stems.

    Args:
        snare: onset strength `[T]` of the snare, zeros where it is silent.
        bass: that of the bass, of the same length or nearly.
        beats: beats and downbeats in seconds.
        seconds: length of the song.
        name: for messages.

    Raises:
        BadDataError: one of them is silent and the other is not.
    """
    silent = [not curve.any() for curve in (snare, bass)]
    if any(silent) and not all(silent):
        part = "snare" if silent[0] else "bass"
        raise BadDataError(f"{name}: no {part} is heard", "kick plays to a snare and a bass")
    frames = min(len(snare), len(bass))
    curves = (snare[:frames], bass[:frames], *_beat_curves(beats, frames))
    stacked = np.stack([standardised(curve) for curve in curves])
    return Context(stacked, np.zeros(frames, np.float32), seconds, is_silent=all(silent))


def strength_of(blocks: Iterable[Floats], rate: int) -> Floats:
    """Onset strength `[T]` of mono blocks `[n]` at any rate; zeros where they are silent."""
    strength = onset_strength(resampled(blocks, rate, RATE))
    return strength if strength.max(initial=0.0) > _SILENT else np.zeros_like(strength)


_NONE: Final = np.zeros(0)


def _is_bass(note: Note, track: Track) -> bool:
    if note.drum:
        return False
    return note.program in BASS_PROGRAMS or "bass" in track.parts[note.part].name.lower()


def _curve(notes: list[Note], frames: int) -> Floats:
    onsets = np.array([note.onset_seconds for note in notes])
    return note_curve(onsets, np.array([note.velocity / 127 for note in notes]), frames)


def _beat_curves(beats: tuple[Times, Times], frames: int) -> tuple[Floats, Floats]:
    return beat_curve(beats[0], frames), beat_curve(beats[1], frames)
