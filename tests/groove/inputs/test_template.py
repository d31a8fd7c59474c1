"""A file's drums taken out and put back, played: what changes, and what must not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.errors import BadDataError
from drumkit_cli.groove.inputs.performance import Controls, Performance
from drumkit_cli.groove.inputs.swing import STRAIGHT
from drumkit_cli.groove.network.windowing import CLOSED, OPEN, SNARE, VOICE_OF_PITCH
from drumkit_cli.groove.playing import play_template
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.midi.track import Event, empty_track
from drumkit_cli.patterns.grid import read_grid
from tests.contract import midi_files
from tests.groove.tracks import read_template

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
    assert write_midi(play_template(template, played_of(seed, steps), Controls(amount=0))) == data


@settings(max_examples=60, deadline=None)
@given(notes_of_any_kind, st.integers(0, 1000), st.sampled_from([0.3, 1.0]))
def test_what_is_played_keeps_to_the_rules(notes, seed, amount):
    template = template_of([*notes, (0, 10, 36, 90)], 2)
    steps = template.performance.velocities.shape[1]
    played = played_of(seed, steps)
    data = write_midi(play_template(template, played, Controls(amount=amount), STRAIGHT))
    track = read_midi(data, "out")
    onsets = [note.onset_ticks for note in track.notes]
    assert onsets == sorted(onsets)
    assert track.end_ticks == template.track.end_ticks
    known = read_grid(track, "out", VOICE_OF_PITCH, 7)
    struck = known.velocities > 0
    if amount == 1:
        of_file = played.velocities[:, :32]  # a last early note would be in a measure of its own
        np.testing.assert_array_equal(struck[:, :32], of_file > 0)
        made = known.velocities[:, :32]
        assert np.abs(made - of_file).max() <= 0.5 / 127 + 1e-6
        late = known.offsets - played.offsets[:, : struck.shape[1]]
        for (voice, step), strokes in template.cells.items():
            if len(strokes) > 1 and step < late.shape[1]:
                late[voice, step] = 0  # a flam moves as far as all of it stays in its sixteenth
        # The first step has no before.
        assert np.abs(late[:, 1:32]).max() <= 1 / STEP + 1e-6
    else:
        assert len(track.notes) >= len(template.track.notes)
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
    (note,) = play_template(template, played, Controls(amount=amount)).notes
    assert (note.onset_ticks, note.velocity) == (4 * STEP + onset, velocity)


@pytest.mark.parametrize(("amount", "left", "new"), [(0, 100, None), (0.5, 50, 40), (1, None, 80)])
def test_notes_fade_out_and_in(amount, left, new):
    template = template_of([(0, 60, 38, 100)])
    played = Performance(np.zeros((7, 16), np.float32), np.zeros((7, 16), np.float32))
    played.velocities[SNARE, 2] = 80 / 127
    made = {
        note.onset_ticks: note.velocity
        for note in play_template(template, played, Controls(amount=amount)).notes
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


def test_from_their_place_notes_keep_triplets_and_swing():
    triplets = [(160 * number, 50, 42, 90) for number in range(12)]
    template = template_of([(0, 60, 36, 90), *triplets])
    played = still(template)
    hat = played.velocities[CLOSED] > 0
    played.offsets[CLOSED, hat] = 0.1
    moved = play_template(template, played, from_place=True)
    onsets = [note.onset_ticks for note in moved.notes if note.pitch == 42]
    assert onsets == [160 * number + round(0.1 * STEP) for number in range(12)]
    assert rows(play_template(template, played)) == rows(moved)
    on_grid = play_template(template, played, swing=STRAIGHT)
    assert all(note.onset_ticks % STEP == 12 for note in on_grid.notes if note.pitch == 42)


def test_from_its_place_a_note_stays_in_its_sixteenth():
    template = template_of([(4 * STEP + 50, 60, 38, 100)])
    played = still(template)
    played.offsets[SNARE, 4] = 0.4
    (note,) = play_template(template, played, from_place=True).notes
    assert note.onset_ticks == 5 * STEP - STEP // 2 - 1


def controls(track, control=4):
    """Tick and value of each change of a controller."""
    return [
        (event.tick, event.message.value)
        for part in track.parts
        for event in part.events
        if event.message.type == "control_change" and event.message.control == control
    ]


def test_the_pedal_of_the_hi_hat_moves_with_its_hats():
    pedal = b"\x00\xb9\x04\x0a" + b"\x5a\xb9\x04\x5a" + b"\x00\xb9\x07\x40"
    other = pedal + b"\x00\xba\x04\x7f" + b"\x26\xb9\x04\x28" + midi_files.END
    hats = midi_files.track([(0, 46, 90), (96, 42, 80)])
    template = read_template(midi_files.file(other, hats, kind=1), "a.mid")
    assert controls(template.track) == [(0, 10), (90, 90), (90, 127), (128, 40)]
    played = still(template)
    played.offsets[OPEN, 0], played.offsets[CLOSED, 4] = 0.25, -0.375
    made = play_template(template, played)
    assert [note.onset_ticks for note in made.notes] == [6, 87]
    # The pedal of another channel stays, and one in a sixteenth without a hat.
    assert controls(made) == [(6, 10), (84, 90), (90, 127), (128, 40)]
    assert controls(made, 7) == [(90, 64)]
    assert write_midi(play_template(template, played, Controls(amount=0))) == write_midi(
        template.track
    )


def song_in(meters, notes, end):
    """MIDI of meters (tick, numerator, denominator) and notes (tick, pitch, velocity)."""
    return midi_files.file(midi_files.meter_map(*meters), midi_files.track(notes, end=end), kind=1)


@pytest.mark.parametrize(
    ("meters", "alone", "end"),
    [
        (((0, 1, 4), (96, 4, 4)), (0, 96), 96 + 8 * 384),
        (((0, 4, 4), (1152, 5, 4), (1632, 4, 4)), (1152, 1632), 1632 + 4 * 384),
        (((0, 3, 4), (1152, 7, 32), (1236, 3, 4)), (1152, 1236), 1236 + 4 * 288),
    ],
)
def test_a_pickup_and_an_odd_measure_stay_as_they_are(meters, alone, end):
    notes = [(tick, pitch, 90) for tick in range(0, end - 24, 48) for pitch in (36, 42)]
    template = read_template(song_in(meters, notes, end), "a.mid")
    played = played_of(3, template.performance.velocities.shape[1], 0.5)
    made = play_template(template, played)

    def within(track):
        first, last = alone[0] - 12, alone[1] - 12  # nearest sixteenths
        return [row for row in rows(track) if first <= row[0] < last]

    assert within(made) == within(template.track)
    assert len(within(made)) >= 2
    assert rows(made) != rows(template.track)
    assert len(template.remarks) == 1
    assert "left alone" in template.remarks[0]


def test_an_early_downbeat_after_a_pickup_alone_is_all_that_is_played():
    template = read_template(song_in(((0, 1, 4), (96, 4, 4)), [(90, 36, 90)], 94), "a.mid")
    everything = Performance(np.full((7, 16), 0.5, np.float32), np.zeros((7, 16), np.float32))
    (note,) = play_template(template, everything).notes
    assert (note.pitch, note.velocity) == (36, 64)


@pytest.mark.parametrize("meter", [(3, 4), (6, 8), (12, 8), (5, 4), (7, 8), (2, 4), (3, 8)])
def test_measures_of_any_sixteenths_are_played_and_no_note_is_lost(meter):
    measure = 384 * meter[0] // meter[1]
    notes = [(tick, 42, 90) for tick in range(0, 8 * measure, 24)]
    template = read_template(song_in(((0, *meter),), notes, 8 * measure), "a.mid")
    assert template.remarks == ()
    struck = template.performance.velocities[CLOSED] > 0
    assert struck.sum() == len(notes)
    assert struck[::16].any()
    everything = Performance(
        np.full((7, len(struck)), 0.5, np.float32), np.full((7, len(struck)), 0.25, np.float32)
    )
    made = play_template(template, everything)
    assert len(made.notes) == 7 * len(notes)  # none where the model's measure has no time
    assert {note.onset_ticks % 24 for note in made.notes} == {6}
    assert made.end_ticks == 8 * measure


def test_values_a_sixteenth_follow_the_files_measures():
    notes = [(tick, 42, 90) for tick in range(0, 2 * 288, 24)]
    template = read_template(song_in(((0, 3, 4),), notes, 2 * 288), "a.mid")
    values = template.by_column(tuple(range(1, 13)))
    assert values[:12] == values[16:28] == tuple(range(1, 13))
    assert template.by_column(()) == ()
    assert template_of([(0, 10, 36, 90)]).by_column((1, 2, 3)) == (1, 2, 3)


def test_a_drum_map_says_what_is_read_and_what_is_added():
    notes = [(0, 60, 52, 90), (0, 60, 36, 90), (480, 60, 43, 90), (960, 60, 46, 90)]
    drum_map = {36: 36, 43: 38, 52: 42, 60: 49, 61: 49}
    template = read_template(file_of(notes), "a.mid", drum_map)
    assert template.performance.velocities[CLOSED, 0] > 0
    assert template.performance.velocities[SNARE, 4] > 0
    assert template.unknown == {46: 1}
    everything = Performance(np.full((7, 16), 0.5, np.float32), np.zeros((7, 16), np.float32))
    made = play_template(template, everything)
    added = {n.pitch for n in made.notes if n.onset_ticks == 3 * STEP}
    assert added == {36, 43, 52, 60}  # the map has no open hat, ride or tom


def test_a_file_without_the_seven_drums_is_bad_data():
    with pytest.raises(BadDataError, match=r"no notes to play; a groove has kick, snare"):
        template_of([(0, 10, 56, 100)])
    with pytest.raises(BadDataError, match=r"a\.mid"):
        read_template(b"junk", "a.mid")
