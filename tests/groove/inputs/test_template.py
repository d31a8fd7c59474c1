"""A file's drums taken out and put back, played: what changes, and what must not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.errors import BadDataError
from drumkit_cli.groove.inputs.performance import Performance
from drumkit_cli.groove.inputs.template import play_template, read_template
from drumkit_cli.groove.network.windowing import SNARE
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.midi.track import Event, empty_track
from tests.contract import midi_files

STEP = 120


def file_of(notes, measures=1):
    """MIDI of notes (tick, duration, pitch, velocity) at 480 ticks a quarter."""
    track = empty_track(end_ticks=measures * 16 * STEP)
    return write_midi(track.with_notes(track.note(*note) for note in notes))


def template_of(notes, measures=1):
    return read_template(file_of(notes, measures), "a.mid")


def still(template):
    """The template's own performance, on time."""
    return Performance(template.performance.velocities, 0 * template.performance.offsets)


def rows(track):
    return [(n.onset_ticks, n.duration_ticks, n.pitch, n.velocity) for n in track.notes]


notes_of_any_kind = st.lists(
    st.tuples(
        st.integers(0, 32 * STEP - 1),
        st.integers(0, 300),
        st.sampled_from([35, 36, 38, 40, 42, 46, 49, 45, 51, 56, 75]),
        st.integers(1, 127),
    ),
    min_size=1,
    max_size=40,
)


def played_of(seed, steps, share=0.3):
    chance = np.random.default_rng(seed)
    notes = chance.random((7, steps)) < share
    velocities = np.where(notes, chance.uniform(1 / 127, 1, (7, steps)), 0)
    offsets = np.where(notes, chance.uniform(-0.5, 0.5, (7, steps)), 0)
    return Performance(velocities.astype(np.float32), offsets.astype(np.float32))


@settings(max_examples=60, deadline=None)
@given(notes_of_any_kind, st.integers(0, 1000))
def test_an_amount_of_0_gives_the_file_back_byte_for_byte(notes, seed):
    data = file_of([*notes, (0, 10, 36, 90)], 2)
    template = read_template(data, "a.mid")
    steps = template.performance.velocities.shape[1]
    assert write_midi(play_template(template, played_of(seed, steps), 0.0)) == data


@settings(max_examples=60, deadline=None)
@given(notes_of_any_kind, st.integers(0, 1000), st.sampled_from([0.3, 1.0]))
def test_what_is_played_keeps_to_the_rules(notes, seed, amount):
    template = template_of([*notes, (0, 10, 36, 90)], 2)
    steps = template.performance.velocities.shape[1]
    played = played_of(seed, steps)
    data = write_midi(play_template(template, played, amount))
    track = read_midi(data, "out")
    onsets = [note.onset_ticks for note in track.notes]
    assert onsets == sorted(onsets)
    assert track.end_ticks == template.track.end_ticks
    known = read_template(data, "out")
    struck = known.performance.velocities > 0
    if amount == 1:
        of_file = played.velocities[:, :32]  # a last early note would be in a measure of its own
        np.testing.assert_array_equal(struck[:, :32], of_file > 0)
        made = known.performance.velocities[:, :32]
        assert np.abs(made - of_file).max() <= 0.5 / 127 + 1e-6
        late = known.performance.offsets - played.offsets[:, : struck.shape[1]]
        for (voice, step), strokes in template.cells.items():
            if len(strokes) > 1 and step < late.shape[1]:
                late[voice, step] = 0  # a flam moves as far as all of it stays in its sixteenth
        # The first step has no before.
        assert np.abs(late[:, 1:32]).max() <= 1 / STEP + 1e-6
    else:
        assert (struck | (template.performance.velocities[:, : struck.shape[1]] == 0)).all()
    for pitch in (56, 75):
        assert [row for row in rows(track) if row[2] == pitch] == [
            row for row in rows(template.track) if row[2] == pitch
        ]


def test_a_kept_note_keeps_its_pitch_length_and_release():
    template = template_of([(4 * STEP, 77, 40, 100)])
    template = read_template(
        write_midi(
            template.track.with_notes([replace(template.track.notes[0], release_velocity=33)])
        ),
        "a.mid",
    )
    played = still(template)
    played.velocities[SNARE, 4], played.offsets[SNARE, 4] = 50 / 127, 0.25
    (note,) = play_template(template, played).notes
    assert (note.onset_ticks, note.velocity) == (4 * STEP + 30, 50)
    assert (note.pitch, note.duration_ticks, note.release_velocity) == (40, 77, 33)


@pytest.mark.parametrize(
    ("amount", "onset", "velocity"), [(0.5, 15, 75), (0.1, 3, 95), (1, 30, 50)]
)
def test_a_note_goes_the_asked_part_of_the_way(amount, onset, velocity):
    template = template_of([(4 * STEP, 60, 38, 100)])
    played = still(template)
    played.velocities[SNARE, 4], played.offsets[SNARE, 4] = 50 / 127, 0.25
    (note,) = play_template(template, played, amount).notes
    assert (note.onset_ticks, note.velocity) == (4 * STEP + onset, velocity)


@pytest.mark.parametrize(("amount", "left", "new"), [(0, 100, None), (0.5, 50, 40), (1, None, 80)])
def test_notes_fade_out_and_in(amount, left, new):
    template = template_of([(0, 60, 38, 100)])
    played = Performance(np.zeros((7, 16), np.float32), np.zeros((7, 16), np.float32))
    played.velocities[SNARE, 2] = 80 / 127
    made = {
        note.onset_ticks: note.velocity for note in play_template(template, played, amount).notes
    }
    assert made == {tick: v for tick, v in ((0, left), (2 * STEP, new)) if v is not None}


def test_a_flam_moves_as_one():
    template = template_of([(4 * STEP - 20, 10, 38, 40), (4 * STEP, 60, 38, 100)])
    played = still(template)
    played.velocities[SNARE, 4], played.offsets[SNARE, 4] = 50 / 127, 0.25
    grace, stroke = play_template(template, played).notes
    assert (grace.onset_ticks, grace.velocity) == (4 * STEP + 10, 20)
    assert (stroke.onset_ticks, stroke.velocity) == (4 * STEP + 30, 50)


@pytest.mark.parametrize(
    ("late", "velocity", "onsets"), [(-0.49, 80, (-60, -20)), (0.49, 100, (19, 59))]
)
def test_the_strokes_of_a_flam_never_meet_at_the_border_of_their_sixteenth(late, velocity, onsets):
    template = template_of([(4 * STEP - 20, 10, 38, velocity), (4 * STEP + 20, 60, 38, 90)])
    played = still(template)
    played.offsets[SNARE, 4] = late
    made = play_template(template, played).notes
    assert tuple(note.onset_ticks - 4 * STEP for note in made) == onsets
    assert all(note.duration_ticks for note in made)


def test_an_added_note_is_of_the_drum_that_the_template_plays():
    notes = [(0, 60, 35, 90), (480, 60, 40, 90), (960, 60, 40, 90), (1440, 60, 37, 90)]
    template = template_of(notes)
    played = still(template)
    played.velocities[:, 3] = 0.5
    added = {n.pitch for n in play_template(template, played).notes if n.onset_ticks == 3 * STEP}
    assert added == {35, 40, 42, 46, 51, 49, 45}


def test_a_note_does_not_run_into_the_next_nor_beyond_the_end():
    template = template_of([(step * STEP, STEP, 42, 90) for step in range(16)])
    played = still(template)
    played.offsets[2, ::2], played.offsets[2, 1::2] = -0.2, 0.2
    played.offsets[2, 0] = 0
    made = play_template(template, played)
    assert rows(made)[1][:2] == (STEP + 24, 72)
    assert rows(made)[2][:2] == (2 * STEP - 24, STEP)
    assert made.end_ticks == 16 * STEP


def test_an_early_downbeat_at_the_end_makes_no_measure():
    """A loop whose last note is the next round's first, a little early."""
    template = template_of([(0, 60, 36, 90), (16 * STEP - 9, 9, 36, 90)])
    steps = template.performance.velocities.shape[1]
    assert steps == 32
    played = Performance(np.full((7, 32), 0.5, np.float32), np.full((7, 32), 0.4, np.float32))
    made = play_template(template, played)
    assert made.end_ticks == 16 * STEP
    assert len(made.notes) == 7 * 16 + 1
    assert max(note.onset_ticks for note in made.notes) == 16 * STEP - 1


def test_other_tracks_channels_and_events_stay():
    data = midi_files.file(
        midi_files.tempo(90) + midi_files.tempo(180, 100) + midi_files.END,
        midi_files.track(head=b"\x00\xc9\x10\x00\xb9\x07\x50"),
        b"\x00\x90\x24\x64\x60\x80\x24\x40" + midi_files.END,
        kind=1,
    )
    template = read_template(data, "a.mid")
    steps = template.performance.velocities.shape[1]
    made = play_template(template, played_of(0, steps))
    assert [note for note in made.notes if note.channel == 0] == [
        note for note in template.track.notes if note.channel == 0
    ]
    assert made.parts == template.track.parts
    assert all(isinstance(event, Event) for event in made.parts[1].events)
    assert {note.part for note in made.notes if note.channel == 9} == {1}


def test_drums_on_another_channel_stay_there():
    template = read_template(midi_files.SOUND["drums on channel 1"], "a.mid")
    made = play_template(template, played_of(0, 16))
    assert len(made.notes) > 10
    assert {note.channel for note in made.notes} == {0}


def test_a_file_without_the_seven_drums_is_bad_data():
    with pytest.raises(BadDataError, match=r"no notes to play; a groove has kick, snare"):
        template_of([(0, 10, 56, 100)])
    with pytest.raises(BadDataError, match=r"a\.mid"):
        read_template(b"junk", "a.mid")
