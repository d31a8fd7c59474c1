"""Grooves as text: there and back, averages in closed form, and every way to get a line wrong."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.errors import BadDataError
from drumkit_cli.groove.inputs.groove_file import (
    COLUMNS,
    GrooveTable,
    extract_groove,
    impose,
    is_groove,
    read_groove,
    write_groove,
)
from drumkit_cli.groove.inputs.performance import Performance
from drumkit_cli.groove.playing import play_template
from drumkit_cli.midi.files import write_midi
from drumkit_cli.midi.track import empty_track
from tests.groove.tracks import read_template

HEAD = "drumkit groove 1\nstep kick snare\n"


@st.composite
def tables(draw):
    cells = st.one_of(st.just((0, 0)), st.tuples(st.integers(1, 127), st.integers(-50, 50)))
    values = draw(st.lists(cells, min_size=224, max_size=224))
    array = np.array(values).reshape(7, 32, 2)
    array[0, 31] = 100, 0  # the second measure has a value
    return GrooveTable(array[..., 0], array[..., 1])


def same(one, other):
    return np.array_equal(one.velocities, other.velocities) and np.array_equal(
        one.percents, other.percents
    )


def read(text):
    return read_groove(text.encode(), "a.groove")


@settings(max_examples=30, deadline=None)
@given(tables())
def test_what_is_written_is_read_back_and_written_the_same(table):
    text = write_groove(table, "how it was made")
    back = read(text)
    assert same(back, table)
    assert write_groove(back, "how it was made") == text
    assert read(text.replace("\n", "\r\n")).velocities.tobytes() == back.velocities.tobytes()


@settings(max_examples=30, deadline=None)
@given(tables())
def test_a_groove_that_is_played_is_extracted_again(table):
    """In MIDI of 480 ticks a quarter or more, and where nothing would sound before the start."""
    table.percents[:, 0] = np.maximum(table.percents[:, 0], 0)
    table.percents[:] = np.minimum(table.percents, 49)  # half a sixteenth late is the next one's
    notes = [
        (int(step) * 120, 60, (36, 38, 42, 46, 51, 49, 45)[voice], 64)
        for voice, step in zip(*np.nonzero(table.velocities), strict=True)
    ]
    track = empty_track(end_ticks=32 * 120)
    data = write_midi(track.with_notes(track.note(*note) for note in notes))
    template = read_template(data, "a.mid")
    played = play_template(template, impose(table, template.performance))
    back = read_template(write_midi(played), "b.mid").performance
    assert hits(extract_groove(back)) == hits(table)


def hits(table):
    """Voice, place in percent of a sixteenth, and velocity: a late eighth is an early sixteenth."""
    return sorted(
        (int(voice), 100 * int(step) + int(table.percents[voice, step]), int(velocity))
        for (voice, step), velocity in np.ndenumerate(table.velocities)
        if velocity
    )


def test_lines_are_as_the_readme_shows_them():
    table = GrooveTable(np.zeros((7, 32), np.int64), np.zeros((7, 32), np.int64))
    table.velocities[[0, 2], 0], table.percents[2, 0] = (112, 96), -4
    lines = write_groove(table).splitlines()
    assert lines[0] == "drumkit groove 1"
    assert lines[2].split() == ["step", *COLUMNS]
    assert lines[3] == "1.1.1  112+0   .       96-4        .         .       .       ."
    assert len(lines) == 3 + 32
    assert lines[-1].startswith("2.4.4 ")


def test_values_are_means_over_the_hits_at_a_step():
    velocities, offsets = np.zeros((7, 64), np.float32), np.zeros((7, 64), np.float32)
    velocities[1, [4, 36]] = 100 / 127, 50 / 127
    offsets[1, [4, 36]] = 0.3, -0.1
    velocities[0, 32] = 90 / 127  # once in two
    table = extract_groove(Performance(velocities, offsets))
    assert (table.velocities[1, 4], table.percents[1, 4]) == (75, 10)
    assert table.velocities[0, 0] == 90
    assert np.count_nonzero(table.velocities) == 2


def test_a_stray_hit_is_no_groove():
    """Once in five pairs of measures is an accident; two rests at the end do not count."""
    velocities = np.zeros((7, 7 * 32), np.float32)
    velocities[1, 4:160:32] = 0.9
    velocities[1, 8] = 0.1
    table = extract_groove(Performance(velocities, 0 * velocities))
    assert np.flatnonzero(table.velocities[1]).tolist() == [4]


@pytest.mark.parametrize("measures", [1, 3, 5])
def test_an_odd_number_of_measures_is_averaged_too(measures):
    velocities = np.zeros((7, 16 * measures), np.float32)
    velocities[0, ::16] = 0.5
    table = extract_groove(Performance(velocities, 0 * velocities))
    assert np.flatnonzero(table.velocities[0]).tolist() == [0, 16]


def test_a_table_is_imposed_where_it_has_a_value_and_there_is_a_note():
    table = read(HEAD + "1.1.1 127+50 .\n1.2.1 . 64-25\n2.1.1 10+0 .\n")
    velocities = np.zeros((7, 48), np.float32)
    velocities[0, [0, 16, 32]] = velocities[1, [0, 4]] = 0.5
    played = Performance(velocities, np.where(velocities > 0, 0.125, 0).astype(np.float32))
    made = impose(table, played)
    assert made.velocities[0, [0, 16, 32]] == pytest.approx([1, 10 / 127, 1])
    assert made.offsets[0, [0, 16, 32]] == pytest.approx([0.5, 0, 0.5])
    assert (made.velocities[1, 4], made.offsets[1, 4]) == pytest.approx((64 / 127, -0.25))
    assert (made.velocities[1, 0], made.offsets[1, 0]) == (0.5, 0.125)
    assert np.array_equal(made.velocities > 0, velocities > 0)


def test_rows_and_columns_may_be_few_and_in_any_order():
    table = read("drumkit groove 1 # mine\n\nstep snare kick\n1.2.1 90 .\n# loud\n1.1.1 . 80+1\n")
    assert table.velocities[1, [4, 20]].tolist() == [90, 90]
    assert (table.velocities[0, 0], table.percents[0, 0]) == (80, 1)
    assert np.count_nonzero(table.velocities) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("drumkit groove 2\n", "line 1: a groove of version 2"),
        ("drumkit groovy\n", "line 1: not 'drumkit groove 1'"),
        ("drumkit groove 1\n", "no values"),
        (HEAD, "no values"),
        (HEAD + "1.1.1 . .\n", "no values"),
        ("drumkit groove 1\n1.1.1 90 90\n", "line 2: no head line"),
        ("drumkit groove 1\nstep\n", "line 2: no head line"),
        ("drumkit groove 1\nstep kick cow\n", "line 2: 'cow' is not one of kick, snare"),
        ("drumkit groove 1\nstep kick kick\n", "line 2: kick has two columns"),
        (HEAD + "1.1.5 90 90\n", "line 3: '1.1.5' is no step"),
        (HEAD + "3.1.1 90 90\n", "line 3: '3.1.1' is no step"),
        (HEAD + "\n1.1.1 90 .\n1.1.1 90 .\n", "line 5: step 1.1.1 stands here a second time"),
        (HEAD + "1.1.1 90\n", "line 3: 1 values under 2 drums"),
        (HEAD + "1.1.1 90 90 90\n", "line 3: 3 values under 2 drums"),
        (HEAD + "1.1.1 90 x\n", "line 3: 'x' is no velocity"),
        (HEAD + "1.1.1 90 -4\n", "line 3: '-4' is no velocity"),
        (HEAD + "1.1.1 90 0+0\n", "line 3: velocity 0 is not within"),
        (HEAD + "1.1.1 128+0 .\n", "line 3: velocity 128"),
        (HEAD + "1.1.1 90+86 .\n", r"line 3: \+86 percent"),
        (HEAD + "1.1.1 90-51 .\n", r"line 3: -51 percent"),
    ],
)
def test_a_wrong_line_is_told_by_its_number(text, message):
    with pytest.raises(BadDataError, match=rf"a\.groove.*{message}"):
        read(text)


@pytest.mark.parametrize(
    "start", ["drumkit groove ", "drumkit groove 1\nstep ", HEAD, HEAD + "1.1.1 . "]
)
def test_of_a_long_word_the_message_has_only_the_start(start):
    with pytest.raises(BadDataError) as caught:
        read(start + "x" * 5000)
    assert "x" * 20 in str(caught.value)
    assert len(str(caught.value)) < 200


def test_other_bytes_are_told():
    with pytest.raises(BadDataError, match=r"a\.groove, line 2: not UTF-8 text"):
        read_groove(b"drumkit groove 1\n\xff\xfe\n", "a.groove")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_told(text):
    for start in ("", HEAD, HEAD + "1.1.1 "):
        with suppress(BadDataError):
            read(start + text)


def test_a_groove_is_known_by_its_first_line():
    assert is_groove(b"drumkit groove 1\n")
    assert is_groove("\ufeffdrumkit groove 9".encode())
    assert not is_groove(b"MThd")
    assert not is_groove(b"")
