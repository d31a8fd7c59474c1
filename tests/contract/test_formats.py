"""Sound is written in the format and at the rate that are asked for."""

import io
from dataclasses import replace

import pytest
import soundfile

from tests.contract.commands import COMMANDS, ENCODED, SONG
from tests.contract.expect import assert_done, assert_refused, each, made_in

WHOLE = [command for command in COMMANDS if command.suffix == ".wav"]
SOUND = [
    replace(command, arguments=(*command.arguments, "--stem", "drums"))
    if command.name == "separate"
    else command
    for command in WHOLE
]
"""Commands that write sound; of separate a single stem, since a stream of stems is WAV."""
each_sound_command = pytest.mark.parametrize("command", SOUND, ids=lambda command: command.name)
each_batch_of_sounds = each(lambda command: command in WHOLE and command.takes_several)
each_format = pytest.mark.parametrize("form", [suffix[1:] for suffix in ENCODED])


def format_in(data):
    return soundfile.info(io.BytesIO(data)).format.lower()


def given(command, files):
    return [] if command.good is None else [files("in.x", command.short)]


@each_sound_command
def test_a_pipe_gets_the_format_that_is_asked_for(drumkit, files, command):
    result = drumkit(*command.line(*given(command, files)), "--format", "flac")
    assert_done(result)
    assert format_in(result.out) == "flac"


@each_format
def test_a_pipe_gets_any_format(drumkit, form):
    assert format_in(drumkit("synth", "kick", "--format", form).out) == form


@each_batch_of_sounds
def test_files_in_a_folder_have_the_format_that_is_asked_for(drumkit, files, command):
    paths = [files(name, command.short) for name in ("one.x", "two.x")]
    made = [*command.line(*paths), "-o", "out", "--format", "flac", "--encoding", "pcm16"]
    assert_done(drumkit(*made))
    sounds = made_in(drumkit.folder / "out")
    assert {path.suffix for path in sounds} == {".flac"}
    assert {soundfile.info(path).subtype for path in sounds} == {"PCM_16"}
    assert "0 done, 2 skipped" in drumkit(*made).err
    assert drumkit("verify", *sounds).status == 0


@each_sound_command
def test_a_name_of_another_format_is_refused(drumkit, files, command):
    result = drumkit(*command.line(*given(command, files)), "-o", "a.ogg", "--format", "flac")
    assert_refused(result, 2, "a.ogg", "--format ogg")


@each_sound_command
def test_the_rate_is_the_one_that_is_asked_for(drumkit, files, command):
    option = "--output-rate" if command.name == "mel-invert" else "--rate"
    usual = drumkit(*command.line(*given(command, files)))
    other = drumkit(*command.line(*given(command, files)), option, "32000")
    assert_done(other)
    before, after = (soundfile.info(io.BytesIO(result.out)) for result in (usual, other))
    assert after.samplerate == 32_000
    assert after.frames / 32_000 == pytest.approx(before.frames / before.samplerate, abs=1e-3)
    assert after.channels == before.channels


@each_sound_command
def test_a_rate_that_a_format_lacks_is_refused(drumkit, files, command):
    option = "--output-rate" if command.name == "mel-invert" else "--rate"
    result = drumkit(
        *command.line(*given(command, files)), option, "96000", "--format", "mp3", "-o", "made"
    )
    assert_refused(result, 2, "MP3 has no rate of 96000 Hz")
    assert not (drumkit.folder / "made").exists()


def test_stems_are_files_of_any_format(drumkit, files):
    song = files("song.wav", SONG)
    separate = ("separate", "--model", "built-in", song)
    assert_done(drumkit(*separate, "-o", "stems", "--format", "mp3", "--rate", "16000"))
    names = [path.name for path in made_in(drumkit.folder / "stems")]
    assert names == sorted(names)
    assert {"bass.mp3", "drums.mp3", "other.mp3"} <= set(names)
    assert soundfile.info(drumkit.folder / "stems" / "song" / "bass.mp3").samplerate == 16_000
    assert_done(drumkit(*separate, "-o", "flat", "--template", "{song} {stem}.flac"))
    assert (drumkit.folder / "flat" / "song drums.flac").is_file()
    result = drumkit(*separate, "-o", "flat", "--template", "{stem}.flac", "--format", "ogg")
    assert_refused(result, 2, "{stem}.flac")


@each_format
def test_a_stream_of_stems_is_wav(drumkit, files, form):
    separate = ("separate", "--model", "built-in", files("song.wav", SONG))
    assert_refused(
        drumkit(*separate, "--format", form), 2, f"cannot write .{form} files of several stems"
    )
    assert_refused(
        drumkit(*separate, "-o", f"stems.{form}"), 2, f"cannot write .{form} files of several stems"
    )


def test_a_pipe_of_another_rate_goes_on(drumkit):
    stems = drumkit("separate", "--model", "built-in", "--rate", "32000", stdin=SONG)
    drums = drumkit("arrange", "--rate", "44100", "--format", "flac", stdin=stems.out)
    assert_done(drums)
    found = soundfile.info(io.BytesIO(drums.out))
    assert (found.samplerate, found.format) == (44_100, "FLAC")
    assert found.duration == pytest.approx(soundfile.info(io.BytesIO(SONG)).duration, abs=1e-3)


def test_a_spectrogram_has_no_format(drumkit, files):
    song = files("song.wav", SONG)
    assert_refused(drumkit("mel", song, "--format", "flac"), 2, "--invert")
    assert_refused(drumkit("mel", song, "--output-rate", "48000"), 2, "--invert")
