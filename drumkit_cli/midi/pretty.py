"""Tracks as PrettyMIDI objects and back."""

import io
from collections.abc import Iterator

import mido
import pretty_midi
from mido.frozen import thaw_message
from pretty_midi.pretty_midi import MAX_TICK

from drumkit_cli.errors import BadDataError
from drumkit_cli.midi.files import read_midi
from drumkit_cli.midi.messages import text_of
from drumkit_cli.midi.track import Track


def to_pretty_midi(track: Track) -> pretty_midi.PrettyMIDI:
    """Make a PrettyMIDI object of a track, as `Track.to_pretty_midi` says."""
    if track.format == 2 and len(track.parts) > 1:
        raise BadDataError("the tracks of a MIDI file of format 2 have no common time")
    if track.end_ticks >= MAX_TICK:
        raise BadDataError(f"{track.end_ticks:,} ticks are more than pretty_midi takes")
    midi = pretty_midi.PrettyMIDI(mido_object=_conductor(track), charset="utf-8")
    instruments: dict[tuple[int, int, int], pretty_midi.Instrument] = {}
    for note in sorted(track.notes, key=lambda note: note.part):
        name = track.parts[note.part].name
        instrument = instruments.setdefault(
            (note.part, note.channel, note.program),
            pretty_midi.Instrument(note.program, note.drum, name),
        )
        instrument.notes.append(
            pretty_midi.Note(note.velocity, note.pitch, note.onset_seconds, note.end_seconds)
        )
    for (part, channel, _), instrument in instruments.items():
        for tick, _, message in track.parts[part].events:
            seconds = track.clock.seconds(tick)
            if message.type == "control_change" and message.channel == channel:
                instrument.control_changes.append(
                    pretty_midi.ControlChange(message.control, message.value, seconds)
                )
            elif message.type == "pitchwheel" and message.channel == channel:
                instrument.pitch_bends.append(pretty_midi.PitchBend(message.pitch, seconds))
    midi.instruments = list(instruments.values())
    return midi


def from_pretty_midi(midi: pretty_midi.PrettyMIDI) -> Track:
    """Make a track of a PrettyMIDI object, as `Track.from_pretty_midi` says."""
    file = io.BytesIO()
    midi.write(file)
    return read_midi(file.getvalue(), "the PrettyMIDI object")


def _conductor(track: Track) -> mido.MidiFile:
    """All but notes and controllers, in one track: pretty_midi finds tempi in the first one only.

    The messages are copies, because pretty_midi changes their times.
    """
    quarter_ticks = round(track.ticks_per_quarter)
    timed = sorted(_conductor_messages(track, quarter_ticks), key=lambda event: event[0])
    timed.append((track.end_ticks, mido.MetaMessage("end_of_track")))
    now = 0
    for tick, message in timed:
        message.time, now = tick - now, tick
    messages = mido.MidiTrack(message for _, message in timed)
    return mido.MidiFile(ticks_per_beat=quarter_ticks, tracks=[messages])


def _conductor_messages(track: Track, quarter_ticks: int) -> Iterator[tuple[int, mido.MetaMessage]]:
    """Tempi, meters, keys, lyrics and texts with their ticks."""
    rate = track.clock.ticks_per_second
    for tick, tempo in [(0, round(1e6 * quarter_ticks / rate))] if rate else track.tempi:
        yield tick, mido.MetaMessage("set_tempo", tempo=tempo)
    for tick, over, under in track.meters:
        yield tick, mido.MetaMessage("time_signature", numerator=over, denominator=under)
    for part in track.parts:
        for tick, _, message in part.events:
            if message.type in ("lyrics", "text"):
                yield tick, mido.MetaMessage(message.type, text=text_of(message.text))
            elif message.type == "key_signature":
                yield tick, thaw_message(message)
