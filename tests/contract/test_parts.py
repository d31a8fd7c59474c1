"""Every command that reads MIDI reads a part of it, and the patterns that ship by their names."""

import io
import os
import subprocess
import sys

import pytest
import soundfile

from drumkit_cli.midi.files import read_midi
from drumkit_cli.patterns.genres import GENRES
from tests.contract import midi_files
from tests.contract.commands import COMMANDS
from tests.contract.conftest import ROOT
from tests.contract.expect import assert_done, assert_refused, each, each_midi_command, made_in

each_song_command = each(lambda command: command.takes_midi or command.name == "kick")
each_batch_of_songs = each(lambda command: command.takes_midi and command.takes_several)


@each_midi_command
@pytest.mark.parametrize("name", ["format 1", "format 2", "SMPTE time", "2/4"])
def test_the_first_bar_of_any_file_is_read(drumkit, command, name):
    result = drumkit(*command.line("-"), "--bars", "1", stdin=midi_files.SOUND[name])
    assert_done(result)
    assert command.is_good(result.out)


@each_song_command
@pytest.mark.parametrize("bars", ["0", "3-2", "1-2-3", "two", "", "2,1", "1-,3", "1,"])
def test_bars_that_cannot_be_are_told(drumkit, files, command, bars):
    song = files("song.mid", command.good)
    assert_refused(drumkit(*command.line(song), f"--bars={bars}"), 2, "measures")


@each_song_command
def test_a_bar_that_is_not_there_is_told_with_how_many_are(drumkit, files, command):
    song = files("song.mid", command.good)
    assert_refused(drumkit(*command.line(song), "--bars", "1-9999"), 2, "no measure 9999; it has")


@each_song_command
def test_a_drum_that_is_none_is_told_with_those_that_are(drumkit, files, command):
    song = files("song.mid", command.good)
    assert_refused(drumkit(*command.line(song), "--voices", "kick,gong"), 2, "'gong'", "open-hat")


@each_song_command
def test_a_file_without_the_chosen_drums_is_bad_data(drumkit, files, command):
    song = files("song.mid", command.good)
    assert_refused(drumkit(*command.line(song), "--voices", "shaker"), 65, "none of the drums")


@each_midi_command
def test_a_pattern_is_read_by_its_name_and_verified(drumkit, command):
    path = drumkit.folder / f"made{command.suffix}"
    assert_done(drumkit(*command.line("techno:3"), "--bars", "2-3", "-o", path))
    assert command.is_good(path.read_bytes())
    if command.suffix != ".groove":
        assert drumkit("verify", path).status == 0
    assert_refused(drumkit(*command.line("techno:99999")), 2, "no pattern techno:99999")


@each_batch_of_songs
def test_patterns_are_made_into_a_folder_once(drumkit, command):
    made = [*command.line("techno:3", "dnb:1"), "--voices", "kick,snare", "-o", "out"]
    assert_done(drumkit(*made))
    names = [path.name for path in made_in(drumkit.folder / "out")]
    assert names == [f"dnb:1{command.suffix}", f"techno:3{command.suffix}"]
    assert "0 done, 2 skipped" in drumkit(*made).err
    assert "2 done, 0 skipped" in drumkit(*made, "--bars", "1").err
    assert drumkit("verify", *made_in(drumkit.folder / "out")).status == 0


def test_a_pipe_takes_a_part_of_a_pattern(drumkit):
    (groove,) = (command for command in COMMANDS if command.name == "groove")
    played = drumkit(*groove.line("dnb:1"), "--bars", "2", "--voices", "kick,snare")
    track = read_midi(played.out, "played")
    assert track.end_ticks == 4 * track.division
    sound = drumkit("synth", "--bars", "1-", "--voices", "snare", stdin=played.out)
    assert_done(sound)


def test_processes_pass_a_part_of_a_pattern_on(tmp_path):
    drumkit = [sys.executable, "-m", "drumkit_cli"]
    first = [*drumkit, "groove", "dnb:1", "--bars", "2,4", "--keep-notes"]
    second = [*drumkit, "synth", "--bars", "2", "--voices", "kick,snare"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    options = {"stdout": subprocess.PIPE, "cwd": tmp_path, "env": environment}
    with (
        subprocess.Popen(first, **options) as groove,
        subprocess.Popen(second, stdin=groove.stdout, **options) as synth,
    ):
        groove.stdout.close()
        sound = synth.communicate()[0]
    assert (groove.returncode, synth.returncode) == (0, 0)
    samples, rate = soundfile.read(io.BytesIO(sound))
    bar_seconds = 4 * 60 / GENRES["dnb"].tempo_bpm
    assert abs(samples).max() > 0
    assert bar_seconds - 0.05 < len(samples) / rate < 2 * bar_seconds


def test_a_pattern_has_no_bass_for_a_kick(drumkit):
    assert_refused(drumkit("kick", "dnb:1"), 65, "the pattern dnb:1 has no bass; give a song")
    assert_refused(drumkit("kick", "dnb:99999"), 2, "no pattern dnb:99999")


def test_workers_read_the_same_part_of_the_files_of_a_folder(drumkit):
    folder = drumkit.folder / "songs"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.mid").write_bytes(midi_files.SOUND["long"])
    assert_done(drumkit("groove", "-r", "songs", "-j", "2", "--bars", "3-4", "-o", "out"))
    first, second = made_in(drumkit.folder / "out")
    track = read_midi(first.read_bytes(), "played")
    assert track.end_ticks == 2 * 4 * track.division
    assert track.notes == read_midi(second.read_bytes(), "played").notes
    assert drumkit("verify", first, second).status == 0


def test_a_part_is_of_notes_alone(drumkit, files):
    (separate,) = (command for command in COMMANDS if command.name == "separate")
    song = files("song.wav", separate.good)
    result = drumkit("kick", "--bass", song, "--snare", song, "--bars", "2")
    assert_refused(result, 2, "--bars and --voices are of MIDI")
    assert_refused(drumkit("synth", "kick", "--bars", "2"), 2, "--bars plays drum tracks")
