"""Drums streamed to MIDI: what is written is what our reader and mido's read."""

import io
import tracemalloc

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drumkit_cli.errors import StreamError
from drumkit_cli.midi.drum_maps import SIX_VOICES, VOICE_PITCHES
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.midi.track import empty_track
from drumkit_cli.patterns import composer, drum_file
from drumkit_cli.patterns.drum_file import LATEST, TICKS_PER_STEP, write_drum_file, write_drums
from drumkit_cli.patterns.grid import read_grid
from drumkit_cli.swirl.infer import humanized, measures
from drumkit_cli.swirl.walk import Walk
from tests.patterns.written import grid_notes
from tests.swirl.tiny import FakeDrummer


def written(blocks, tempo_bpm=129.0, comment=""):
    sink = io.BytesIO()
    write_drum_file(sink, blocks, VOICE_PITCHES, tempo_bpm, comment)
    return sink.getvalue()


def cut(velocities, offsets=None, sizes=(16,)):
    """[V, T] as blocks of these sizes, over and over."""
    at, number = 0, 0
    while at < velocities.shape[1]:
        size = sizes[number % len(sizes)]
        part = slice(at, at + size)
        yield velocities[:, part], None if offsets is None else offsets[:, part]
        at, number = at + size, number + 1


levels = st.integers(0, 127).map(lambda level: np.float32(level / 127))
grids = arrays(np.float32, st.tuples(st.just(6), st.sampled_from([16, 48, 64])), elements=levels)


@settings(deadline=None, max_examples=50)
@given(grids, st.lists(st.integers(1, 40), min_size=1, max_size=3), st.floats(4, 1000))
def test_velocities_come_back_from_the_file(velocities, sizes, tempo):
    track = read_midi(written(cut(velocities, sizes=sizes), tempo), "a")
    assert track.tempo_bpm == pytest.approx(tempo, rel=1e-4)
    assert track.end_ticks == velocities.shape[1] * TICKS_PER_STEP
    if velocities.any():
        grid = read_grid(track, "a", SIX_VOICES, 6)
        np.testing.assert_array_equal(grid.velocities, velocities)
        assert not grid.offsets.any()


@settings(deadline=None, max_examples=50)
@given(grids.filter(np.any), st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_offsets_come_back_to_the_tick(velocities, seed, size):
    offsets = np.random.default_rng(seed).uniform(-LATEST, LATEST, velocities.shape)
    offsets = np.where(velocities > 0, offsets, 0).astype(np.float32)
    track = read_midi(written(cut(velocities, offsets, (size,))), "a")
    grid = read_grid(track, "a", SIX_VOICES, 6)
    np.testing.assert_array_equal(grid.velocities, velocities)
    expected = offsets.copy()
    expected[:, 0] = np.maximum(expected[:, 0], 0)  # nothing is before the start
    np.testing.assert_allclose(grid.offsets, expected, atol=0.51 / TICKS_PER_STEP)
    assert track.end_ticks == velocities.shape[1] * TICKS_PER_STEP
    onsets = [note.onset_ticks for note in track.notes]
    assert onsets == sorted(onsets)
    assert {note.duration_ticks for note in track.notes} == {TICKS_PER_STEP // 2}


def test_blocks_make_the_same_file_whatever_their_size():
    velocities = composer.compose("dnb", 3)
    offsets = np.random.default_rng(0).uniform(-LATEST, LATEST, velocities.shape)
    whole = written(cut(velocities, offsets, (64,)))
    for sizes in ((1,), (5, 16), (63,)):
        assert written(cut(velocities, offsets, sizes)) == whole


def test_mido_reads_the_same_notes_and_the_comment():
    velocities = composer.compose("dnb", 3)
    file = mido.MidiFile(file=io.BytesIO(written(cut(velocities), 120, "how: made")))
    assert (file.type, len(file.tracks), file.ticks_per_beat) == (0, 1, 480)
    assert file.length == pytest.approx(8)
    texts = [message.text for message in file.tracks[0] if message.type == "text"]
    assert texts == ["how: made"]
    now, notes, sounding = 0, [], set()
    for message in file.tracks[0]:
        now += message.time
        if message.type == "note_on" and message.velocity:
            assert message.note not in sounding
            sounding.add(message.note)
            notes.append((now // 120, message.note, message.velocity))
        elif message.type == "note_on":
            sounding.remove(message.note)
    assert not sounding
    expected = [
        (step, VOICE_PITCHES[voice], round(float(velocities[voice, step]) * 127))
        for voice, step in zip(*np.nonzero(velocities), strict=True)
    ]
    assert sorted(notes) == sorted(expected)


def test_the_notes_are_those_of_the_grid_as_a_track():
    velocities = composer.compose("idm", 9)
    streamed = read_midi(written(cut(velocities)), "a")
    empty = empty_track(129.0, end_ticks=64 * 120)
    plain = empty.with_notes(grid_notes(empty, velocities, 0 * velocities, VOICE_PITCHES))
    again = read_midi(write_midi(plain), "b")
    assert [n[:1] for n in notes_of(streamed)] == [n[:1] for n in notes_of(again)]
    assert sorted(notes_of(streamed)) == sorted(notes_of(again))


def notes_of(track):
    return [(note.onset_ticks, note.pitch, note.velocity) for note in track.notes]


def test_no_blocks_and_silent_blocks_are_files_too():
    assert read_midi(written([]), "a").end_ticks == 0
    assert read_midi(written(cut(np.zeros((6, 48), np.float32))), "a").end_ticks == 48 * 120


def test_a_silence_longer_than_one_quantity_of_ticks_is_written():
    rest, hit = np.zeros((6, 1 << 16), np.float32), np.ones((6, 16), np.float32)
    blocks = [(hit, None), *[(rest, None)] * 80, (hit, None), *[(rest, None)] * 40]
    now, onsets = 0, []
    for message in mido.MidiFile(file=io.BytesIO(written(blocks))).tracks[0]:
        now += message.time
        if message.type == "note_on" and message.velocity:
            onsets.append(now)
    assert len(onsets) == 2 * 6 * 16
    assert onsets[0] == 0
    assert onsets[6 * 16] == (16 + (80 << 16)) * TICKS_PER_STEP
    assert now == (32 + (120 << 16)) * TICKS_PER_STEP


def test_a_soft_hit_is_heard_and_none_is_too_loud():
    velocities = np.array([[1e-4, 0, 1.0, 0.5]], np.float32)
    sink = io.BytesIO()
    write_drum_file(sink, [(velocities, None)], (36,), 100.0)
    assert [note.velocity for note in read_midi(sink.getvalue(), "a").notes] == [1, 127, 64]


def test_a_tempo_that_midi_cannot_tell_is_refused():
    with pytest.raises(ValueError, match="cannot be written"):
        written([], 3.0)


class Forgetful(io.RawIOBase):
    """A sink that counts what it gets."""

    count = 0

    def writable(self):
        return True

    def write(self, data):
        self.count += len(data)
        return len(data)


@pytest.mark.parametrize(("count", "touch"), [(10_000, False), (1_500, True)])
def test_memory_does_not_grow_with_the_length(count, touch):
    """The bound holds a megabyte of the track and a batch of patterns; all of them are far more."""
    played = measures(FakeDrummer(), count, Walk())
    blocks = humanized(played) if touch else ((block, None) for block in played)
    sink = Forgetful()
    tracemalloc.start()
    try:
        write_drum_file(sink, blocks, VOICE_PITCHES, 129.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sink.count > 100 * count
    assert peak < 3_500_000


def test_an_array_is_streamed_in_order(tmp_path):
    velocities = composer.compose("dnb", 3)
    path = tmp_path / "a.NPY"
    write_drums(str(path), cut(velocities), (4, 6, 16), 129.0)
    array = np.load(path)
    assert array.dtype == np.float32
    np.testing.assert_array_equal(np.concatenate(list(array), axis=1), velocities)


def test_no_room_for_the_track_is_told(monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(drum_file.tempfile, "SpooledTemporaryFile", lambda size: Full())
    with pytest.raises(StreamError, match=r"cannot buffer the MIDI track.*No space left.*TMPDIR"):
        written(cut(composer.compose("dnb", 3)))
