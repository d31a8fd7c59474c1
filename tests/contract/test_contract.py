"""The contract that every command keeps: correct output, or one line and the right exit status."""

import fcntl
import io
import os
import signal
import stat
import struct
import termios

import numpy as np
import pytest
import soundfile

from drumkit_cli.cli import COMMANDS as ALL_COMMANDS
from drumkit_cli.midi.files import read_midi
from tests import signals
from tests.contract import midi_files
from tests.contract.commands import COMMANDS, RATE, SONG, song


def each(of=lambda command: True):
    """Run a test with every command that is so."""
    chosen = [command for command in COMMANDS if of(command)]
    return pytest.mark.parametrize("command", chosen, ids=lambda command: command.name)


each_command = each()
each_reading_command = each(lambda command: command.good is not None)
each_batch_command = each(lambda command: command.takes_several)
each_lengthy_command = each(lambda command: not command.is_brief)
each_audio_command = each(lambda command: command.takes_audio)
each_midi_command = each(lambda command: command.takes_midi)
each_signal = pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
BAD_DATA, NO_INPUT, CANT_CREATE, IO_ERROR = 65, 66, 73, 74


def assert_refused(result, status, *words):
    """One line on stderr, the status, and nothing on stdout."""
    errors = [line for line in result.lines if line.startswith("drumkit: error: ")]
    assert result.status == status, result.err
    assert len(errors) == 1, result.err
    assert result.lines[-1] == errors[0]
    assert all(line.startswith("drumkit: ") for line in result.lines), result.err
    assert "Traceback" not in result.err
    assert "internal error" not in result.err
    assert result.out == b""
    for word in words:
        assert word in errors[0]


def assert_done(result):
    assert result.status == 0, result.err
    assert all(line.startswith("drumkit: ") for line in result.lines), result.err


def waiting_bytes(pipe):
    """How many bytes lie in a pipe, unread."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]


def left_behind(drumkit):
    return sorted(path.name for path in drumkit.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", ALL_COMMANDS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_goes_to_stdout(drumkit, name, option):
    result = drumkit(name, option)
    assert_done(result)
    assert result.out.startswith(f"Usage: drumkit {name} ".encode())
    assert result.err == ""


@pytest.mark.parametrize("name", ALL_COMMANDS)
@pytest.mark.parametrize("arguments", [["--no-such-option"], ["--seed", "-1"], ["--threads", "x"]])
def test_usage_errors_are_told_in_one_line(drumkit, name, arguments):
    assert_refused(drumkit(name, *arguments), 2, f"drumkit {name} --help")


@each_command
def test_a_pipe_through_gives_a_good_output(drumkit, command):
    result = drumkit(*command.line(), stdin=command.good)
    assert_done(result)
    assert command.is_good(result.out)


@each_command
def test_a_file_in_and_a_file_out_is_the_same_and_silent_on_stdout(drumkit, files, command):
    path = files("in", command.good or b"")
    result = drumkit(*command.line(path), "-o", "out" + command.suffix, "--no-provenance")
    assert_done(result)
    assert result.out == b""
    assert left_behind(drumkit) == ["out" + command.suffix]
    piped = drumkit(*command.line("-"), "--no-provenance", stdin=command.good)
    assert (drumkit.folder / ("out" + command.suffix)).read_bytes() == piped.out


@each_command
def test_quiet_says_nothing(drumkit, command):
    result = drumkit(*command.line(), "-q", stdin=command.good)
    assert_done(result)
    assert result.err == ""


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
    assert_refused(drumkit(*command.line(), "-o", "out", stdin=junk), BAD_DATA, "<stdin>")
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
        drumkit(*command.line(), "-o", "out" + command.suffix, stdin=whole[: len(whole) * 2 // 3]),
        BAD_DATA,
    )
    assert left_behind(drumkit) == []


@each_audio_command
@pytest.mark.parametrize("claimed", [0, 100_000_000, 0x7FFFF000, 0xFFFFFFFF])
def test_a_header_that_lies_is_seen_through(drumkit, command, claimed):
    """Streaming programs leave 0 or all; everything else beyond the end is a truncated file."""
    samples = signals.pcm16(song())
    data = signals.wave(samples, size=claimed, rate=RATE, channels=2)
    result = drumkit(*command.line(), "--no-provenance", stdin=data)
    if claimed == 100_000_000:
        assert_refused(result, BAD_DATA, "truncated")
        return
    assert_done(result)
    honest = signals.wave(samples, rate=RATE, channels=2)
    assert result.out == drumkit(*command.line(), "--no-provenance", stdin=honest).out


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
    result = drumkit(*command.line(), "-o", "out" + command.suffix, stdin=data)
    assert_refused(result, BAD_DATA, "channel 2")
    assert left_behind(drumkit) == []


@each_command
def test_a_full_disk_on_stdout_is_an_io_error(drumkit, command):
    with open("/dev/full", "wb") as full:
        result = drumkit(*command.line(), stdin=command.good, stdout=full.fileno())
    assert_refused(result, IO_ERROR, "No space left")


@each_lengthy_command
def test_no_space_for_a_file_leaves_the_old_one(drumkit, files, command):
    path, out = files("in", command.good or b""), drumkit.folder / ("out" + command.suffix)
    out.write_bytes(b"old")
    result = drumkit(*command.line(path), "-o", out, file_bytes_max=4096)
    assert_refused(result, IO_ERROR, "File too large")
    assert out.read_bytes() == b"old"
    assert left_behind(drumkit) == [out.name]


@each_command
def test_an_output_in_no_folder_cannot_be_made(drumkit, command):
    out = "none/out" + command.suffix
    result = drumkit(*command.line(), "-o", out, stdin=command.good)
    assert_refused(result, CANT_CREATE, "its folder does not exist")


@each_command
@pytest.mark.parametrize("kind", [".mp3", ".jpg", ".mid", ".wav", ".npy", ".safetensors"])
def test_a_name_of_another_kind_is_refused_before_any_work(drumkit, command, kind):
    if kind not in command.suffixes:
        result = drumkit(*command.line("missing"), "-o", "out" + kind)
        assert_refused(result, 2, f"cannot write {kind} files")


@each_command
def test_a_closed_pipe_ends_quietly(drumkit, command):
    reading, writing = os.pipe()
    os.close(reading)
    result = drumkit(*command.line(), stdin=command.good, stdout=writing)
    os.close(writing)
    assert result.status == 141
    assert not [line for line in result.lines if "error" in line], result.err


@each_command
def test_an_output_is_replaced_whole_with_its_permissions(drumkit, command):
    out = drumkit.folder / ("out" + command.suffix)
    out.write_bytes(b"old")
    out.chmod(0o640)
    with out.open("rb") as reader:
        assert_done(drumkit(*command.line(), "-o", out, stdin=command.good))
        assert reader.read() == b"old"
    assert command.is_good(out.read_bytes())
    assert stat.S_IMODE(out.stat().st_mode) == 0o640
    assert left_behind(drumkit) == [out.name]


@each_reading_command
@each_signal
def test_a_signal_while_reading_leaves_no_file(drumkit, command, number, status):
    out = drumkit.folder / ("out" + command.suffix)
    out.write_bytes(b"old")
    reading, writing = os.pipe()
    os.write(writing, command.good[:1000])
    result = drumkit(
        *command.line(), "-o", out,
        stdin=reading, signal_number=number, signal_when=lambda: waiting_bytes(reading) == 0,
    )  # fmt: skip
    os.close(writing)
    os.close(reading)
    assert_refused(result, status)
    assert out.read_bytes() == b"old"
    assert left_behind(drumkit) == [out.name]


@each_lengthy_command
@each_signal
def test_a_signal_while_writing_ends_it(drumkit, command, number, status):
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    result = drumkit(
        *command.line(), stdin=command.good, stdout=writing,
        signal_number=number, signal_when=lambda: waiting_bytes(reading) > 0,
    )  # fmt: skip
    os.close(writing)
    os.close(reading)
    assert result.status == status, result.err
    assert [line for line in result.lines if "error" in line] == [result.lines[-1]]


@each_signal
def test_a_signal_amid_a_file_removes_what_was_written(drumkit, number, status):
    data = signals.encode(song(seconds=60), RATE)

    def is_amid():
        return any(path.stat().st_size > 100_000 for path in drumkit.folder.iterdir())

    result = drumkit(
        "separate", "--model", "built-in", "--segment", "1", "-o", "out.wav",
        stdin=data, signal_number=number, signal_when=is_amid,
    )  # fmt: skip
    assert_refused(result, status)
    assert left_behind(drumkit) == []


@each_batch_command
def test_several_inputs_make_one_output_each(drumkit, files, command):
    paths = [files(name, command.good) for name in ("one.x", "two.x")]
    assert_done(drumkit(*command.line(*paths), "-o", "out"))
    made = [path for path in (drumkit.folder / "out").rglob("*") if path.is_file()]
    assert len({path.relative_to(drumkit.folder).parts[1].split(".")[0] for path in made}) == 2
    assert all(command.is_good(path.read_bytes()) for path in made)


@each_batch_command
def test_several_inputs_need_a_folder(drumkit, files, command):
    paths = [files(name, command.good) for name in ("one.x", "two.x")]
    assert_refused(drumkit(*command.line(*paths)), 2, "-o DIR")


@each_batch_command
def test_a_bad_input_among_good_ones_does_not_stop_them(drumkit, files, command):
    paths = [files("bad.x", b"junk"), files("good.x", command.good)]
    result = drumkit(*command.line(*paths), "-o", "out")
    assert result.status == BAD_DATA, result.err
    assert any("bad.x" in line for line in result.lines)
    made = [path for path in (drumkit.folder / "out").rglob("*") if path.is_file()]
    assert made
    assert all("good" in str(path) and command.is_good(path.read_bytes()) for path in made)


@each_command
def test_the_same_input_gives_the_same_bytes(drumkit, command):
    first = drumkit(*command.line(), stdin=command.good)
    assert first.out == drumkit(*command.line(), stdin=command.good).out


@each(lambda command: command.has_model)
@pytest.mark.parametrize(
    ("content", "status"), [(None, NO_INPUT), (b"junk", BAD_DATA), (b"", BAD_DATA)]
)
def test_unusable_weights_are_told(drumkit, files, command, content, status):
    path = "none.safetensors" if content is None else files("bad.safetensors", content)
    result = drumkit(*command.line(), "--weights", path, stdin=command.good)
    assert_refused(result, status, ".safetensors")


@each(lambda command: command.has_model)
def test_weights_of_another_model_are_told(drumkit, weights, command):
    other = "arrange" if command.name != "arrange" else "separate"
    path = weights / f"{other}.safetensors"
    assert_refused(drumkit(*command.line(), "--weights", path, stdin=command.good), BAD_DATA)


@each(lambda command: command.has_model and command.good is not None)
def test_inputs_are_checked_before_weights(drumkit, command):
    assert_refused(drumkit(*command.line(), "--weights", "none", stdin=b"junk"), BAD_DATA)


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
    result = drumkit(*command.line(), "-o", "out" + command.suffix, stdin=data)
    assert_refused(result, BAD_DATA, "<stdin>", word)
    assert left_behind(drumkit) == []


@each_midi_command
@pytest.mark.parametrize("name", midi_files.OTHER_METERS)
def test_a_meter_of_other_measures_is_played_or_told(drumkit, command, name):
    result = drumkit(
        *command.line(), "-o", "out" + command.suffix, stdin=midi_files.OTHER_METERS[name]
    )
    if command.takes_any_meter:
        assert_done(result)
        return
    assert_refused(result, BAD_DATA, "<stdin>", name)
    assert left_behind(drumkit) == []


def test_separate_pipes_into_arrange(drumkit):
    stems = drumkit("separate", "--model", "built-in", stdin=SONG)
    drums = drumkit("arrange", stdin=stems.out)
    assert_done(drums)
    samples, rate = soundfile.read(io.BytesIO(drums.out), always_2d=True)
    assert (rate, len(samples)) == (RATE, song().shape[1])


def test_swirl_pipes_into_groove(drumkit):
    drums = drumkit("swirl", "--measures", "8", "--bpm", "96")
    played = drumkit("groove", "-", "--genre", "funk", stdin=drums.out)
    assert_done(played)
    track = read_midi(played.out, "played")
    assert track.tempo_bpm == pytest.approx(96)
    assert track.end_ticks == 8 * 4 * track.division


def test_swirl_pipes_into_interpolate(drumkit):
    drums = drumkit("swirl", "--measures", "8", "--bpm", "96")
    path = drumkit("interpolate", "-", "techno:1", "-n", "5", stdin=drums.out)
    assert_done(path)
    track = read_midi(path.out, "path")
    assert track.tempo_bpm == pytest.approx(96)
    assert track.end_ticks == 6 * 4 * 4 * track.division


def test_stdin_may_be_the_goal_of_interpolate(drumkit):
    data = midi_files.WHOLE
    to = drumkit("interpolate", "techno:1", "-", "--path", "crossfade", stdin=data)
    back = drumkit("interpolate", "-", "techno:1", "--path", "crossfade", stdin=data)
    assert_done(to)
    assert len(read_midi(to.out, "to").notes) == len(read_midi(back.out, "back").notes)
    assert_refused(drumkit("interpolate", "-", "-", stdin=data), 2, "only once")
