"""Every kind of output of every command can be made again, and says so when it was changed."""

import numpy as np
import pytest

from tests.contract.commands import ENCODED, SONG
from tests.contract.expect import assert_done, each, each_batch_command, made_in

RECORDED = {"DRUMKIT_RECORD": "1"}


def changed(data):
    """The bytes with one bit of the last quarter flipped: of sound, notes or numbers."""
    place = len(data) * 7 // 8
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def assert_verified_until_changed(drumkit, path):
    result = drumkit("verify", path)
    assert result.status == 0, result.err
    assert result.out.decode() == f"{path}: the same\n"
    whole = path.read_bytes()
    path.write_bytes(changed(whole))
    result = drumkit("verify", path)
    assert result.status == 1, result.err
    assert len(result.lines) == 1
    path.write_bytes(whole)


@each(lambda command: command.suffix)
def test_a_recorded_file_is_verified_until_a_byte_of_it_changes(drumkit, files, command):
    given = [] if command.good is None else [files("in.x", command.short)]
    for suffix in command.suffixes:
        path = drumkit.folder / f"made{suffix}"
        assert_done(drumkit(*command.line(*given), "-o", path, environment=RECORDED))
        assert_verified_until_changed(drumkit, path)


@each(lambda command: command.suffix in (".wav", ".mid"))
def test_sound_and_notes_say_themselves_how_they_were_made(drumkit, files, command):
    given = [] if command.good is None else [files("in.x", command.short)]
    result = drumkit(*command.line(*given))
    path = files(f"piped{command.suffix}", result.out)
    verified = drumkit("verify", path)
    assert verified.status == 0, verified.err
    files(f"piped{command.suffix}", changed(result.out))
    assert drumkit("verify", path).status != 0


@pytest.mark.parametrize("suffix", ENCODED)
def test_encoded_sound_says_itself_how_it_was_made(drumkit, suffix):
    path = drumkit.folder / f"made{suffix}"
    assert_done(drumkit("synth", "kick", "-o", path))
    assert drumkit("verify", path).status == 0
    path.write_bytes(changed(path.read_bytes()))
    assert drumkit("verify", path).status != 0


@each_batch_command
def test_files_of_a_folder_are_verified(drumkit, files, command):
    paths = [files(name, command.short) for name in ("one.x", "two.x")]
    assert_done(drumkit(*command.line(*paths), "-o", "out"))
    result = drumkit("verify", *made_in(drumkit.folder / "out"))
    assert result.status == 0, result.err
    assert_verified_until_changed(drumkit, made_in(drumkit.folder / "out")[-1])


def test_an_input_of_a_pipe_is_given(drumkit, files):
    made = files("drums.wav", drumkit("arrange", stdin=SONG).out)
    result = drumkit("verify", made)
    assert (result.status, "--input" in result.err) == (65, True)
    song = files("song.wav", SONG)
    assert drumkit("verify", made, "--input", song).status == 0
    other = files("other.wav", SONG[:-2] + b"\1\1")
    result = drumkit("verify", made, "--input", other)
    assert (result.status, "an input has changed" in result.err) == (65, True)


def test_a_changed_input_is_told(drumkit, files):
    song = files("song.wav", SONG)
    assert_done(drumkit("arrange", song, "-o", "drums.wav"))
    files("song.wav", SONG[:-2] + b"\1\1")
    result = drumkit("verify", "drums.wav")
    assert (result.status, "an input has changed" in result.err) == (65, True)


@pytest.mark.parametrize("tolerance", ["-60", "-100"])
def test_sounds_may_differ_within_a_tolerance(drumkit, files, tolerance):
    song = files("song.wav", SONG)
    assert_done(drumkit("arrange", song, "-o", "drums.wav"))
    path = drumkit.folder / "drums.wav"
    data = path.read_bytes()
    place = data.index(b"data") + 8
    samples = np.frombuffer(data[place:], "<f4") + np.float32(1e-4)
    path.write_bytes(data[:place] + samples.tobytes())
    assert drumkit("verify", path).status == 1
    assert drumkit("verify", path, "--tolerance", tolerance).status == (tolerance == "-100")


def test_a_file_that_says_nothing_is_refused(drumkit, files):
    result = drumkit("verify", files("song.txt", b"nothing"))
    assert result.status == 65
    assert "nothing says how it was made" in result.err
