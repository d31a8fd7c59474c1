"""What every command reads or refuses: audio and MIDI of all sorts, damaged and absurd."""

import numpy as np
import pytest

from tests import signals
from tests.contract import midi_files
from tests.contract.commands import RATE, song
from tests.contract.expect import (
    BAD_DATA,
    NO_INPUT,
    assert_done,
    assert_refused,
    each_audio_command,
    each_midi_command,
    each_reading_command,
    left_behind,
)


@each_reading_command
def test_empty_stdin_is_bad_data(drumkit, command):
    assert_refused(drumkit(*command.line(), stdin=b""), BAD_DATA, "<stdin> is empty")
    assert_refused(drumkit(*command.line()), BAD_DATA, "<stdin> is empty")


@each_reading_command
@pytest.mark.parametrize(
    "junk",
    [
        b"\0",
        b"hello\n" * 1000,
        np.random.default_rng(0).bytes(5000),
        b"MThd\0\0\0\6\0\0\0\1\0\x60",
        b"\x93NUMPY\1\0\xff\xff{",
        b"RIFF\xff\xff\xff\xffWAVE" + bytes(range(256)) * 20,
        b"\xff\xfb\x90\x64" + np.random.default_rng(1).bytes(5000),
    ],
    ids=["zero", "text", "noise", "midi", "npy", "wav", "mp3"],
)
def test_junk_is_bad_data(drumkit, command, junk):
    assert_refused(drumkit(*command.line(), *command.to("out"), stdin=junk), BAD_DATA, "<stdin>")
    assert left_behind(drumkit) == []


@each_reading_command
def test_a_missing_file_is_named(drumkit, command):
    assert_refused(drumkit(*command.line("no\x1b[2Jsuch")), NO_INPUT, r"no\x1b[2Jsuch")


@each_reading_command
def test_a_folder_is_no_input(drumkit, command):
    assert_refused(drumkit(*command.line(".")), NO_INPUT, "is a folder")


@each_audio_command
@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_a_truncated_file_is_bad_data(drumkit, files, command, container):
    whole = signals.encode(song(seconds=3), RATE, container)
    path = files("cut", whole[: len(whole) * 2 // 3])
    assert_refused(drumkit(*command.line(path)), BAD_DATA, "cut")
    assert_refused(
        drumkit(*command.line(), *command.to("out"), stdin=whole[: len(whole) * 2 // 3]), BAD_DATA
    )
    assert left_behind(drumkit) == []


@each_audio_command
@pytest.mark.parametrize("claimed", [0, 100_000_000, 0x7FFFF000, 0xFFFFFFFF])
def test_a_header_that_lies_is_seen_through(drumkit, command, claimed):
    """Streaming programs leave 0 or all; everything else beyond the end is a truncated file."""
    samples = signals.pcm16(song())
    data = signals.wave(samples, size=claimed, rate=RATE, channels=2)
    plain = ["--no-provenance"] if command.suffix else []
    result = drumkit(*command.line(), *plain, stdin=data)
    if claimed == 100_000_000:
        assert_refused(result, BAD_DATA, "truncated")
        return
    assert_done(result)
    honest = signals.wave(samples, rate=RATE, channels=2)
    assert result.out == drumkit(*command.line(), *plain, stdin=honest).out


@each_audio_command
@pytest.mark.parametrize(
    "lie", [{"channels": 0, "frame_bytes": 4}, {"rate": 0}, {"rate": 0x7FFFFFF0}, {"bits": 64}]
)
def test_an_absurd_header_is_bad_data(drumkit, command, lie):
    data = signals.wave(bytes(4096), **lie)
    assert_refused(drumkit(*command.line(), stdin=data), BAD_DATA, "<stdin>")


@each_audio_command
@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        *(("WAV", f"PCM_{bits}") for bits in ("U8", "16", "24", "32")),
        *(("WAV", subtype) for subtype in ("FLOAT", "DOUBLE", "ULAW")),
        ("FLAC", "PCM_24"),
        ("OGG", "VORBIS"),
        ("MP3", None),
        ("AIFF", "PCM_S8"),
    ],
)
def test_every_sample_format_is_read(drumkit, command, container, subtype):
    data = signals.encode(song(), RATE, container, subtype)
    result = drumkit(*command.line(), stdin=data)
    assert_done(result)
    assert command.is_good(result.out)


@each_audio_command
@pytest.mark.parametrize("channels", [1, 3, 8])
def test_every_channel_count_is_read(drumkit, command, channels):
    data = signals.encode(song(channels=channels), RATE)
    result = drumkit(*command.line(), stdin=data)
    assert_done(result)
    assert command.is_good(result.out)


@each_audio_command
@pytest.mark.parametrize("rate", [8000, 44100, 96000, 192000])
def test_every_rate_is_read(drumkit, command, rate):
    data = signals.encode(song(rate, 0.5), rate)
    result = drumkit(*command.line(), stdin=data)
    assert_done(result)
    assert command.is_good(result.out)


@each_audio_command
@pytest.mark.parametrize("frames", [0, 1, 100])
def test_hardly_any_sound_is_no_crash(drumkit, command, frames):
    data = signals.encode(song()[:, :frames], RATE)
    result = drumkit(*command.line(), stdin=data)
    if result.status:
        assert_refused(result, BAD_DATA, "<stdin>")
    else:
        assert len(result.out) > 40


@each_audio_command
@pytest.mark.parametrize("value", [np.nan, np.inf, 2e6])
def test_samples_that_cannot_be_computed_with_are_bad_data(drumkit, command, value):
    samples = song()
    samples[1, -1] = value
    data = signals.encode(samples, RATE, "WAV", "FLOAT")
    result = drumkit(*command.line(), *command.to("out"), stdin=data)
    assert_refused(result, BAD_DATA, "channel 2")
    assert left_behind(drumkit) == []


@each_midi_command
@pytest.mark.parametrize("name", midi_files.SOUND)
def test_every_dress_of_midi_is_taken(drumkit, command, name):
    result = drumkit(*command.line(), stdin=midi_files.SOUND[name])
    assert_done(result)
    assert command.is_good(result.out)


@each_midi_command
@pytest.mark.parametrize("name", midi_files.BROKEN)
def test_broken_midi_is_told_in_one_line_and_makes_nothing(drumkit, command, name):
    data, word = midi_files.BROKEN[name]
    result = drumkit(*command.line(), *command.to("out"), stdin=data)
    assert_refused(result, BAD_DATA, "<stdin>", word)
    assert left_behind(drumkit) == []


@each_midi_command
@pytest.mark.parametrize("name", midi_files.OTHER_METERS)
def test_a_meter_of_other_measures_is_played_or_told(drumkit, command, name):
    result = drumkit(*command.line(), *command.to("out"), stdin=midi_files.OTHER_METERS[name])
    if command.takes_any_meter:
        assert_done(result)
        return
    assert_refused(result, BAD_DATA, "<stdin>", name)
    assert left_behind(drumkit) == []
