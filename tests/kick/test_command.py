"""The command itself; what all commands share is in the contract."""

import numpy as np
import pytest
import soundfile

import drumkit_cli as drumkit
from drumkit_cli import cli
from drumkit_cli.audio.stems import stem_track_names
from drumkit_cli.audio.wav import WavWriter
from drumkit_cli.io.arrays import npy_bytes
from drumkit_cli.kick import sources
from drumkit_cli.kick.context import strength_of
from drumkit_cli.midi.files import read_midi, write_midi
from tests.kick.tiny import song_file, write_tiny_kick

RATE = 22_050


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(write_tiny_kick(tmp_path / "tiny.safetensors")))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.mid").write_bytes(song_file())
    return tmp_path


@pytest.fixture(autouse=True)
def fake_ear(monkeypatch):
    """An ear that takes all drums for snares, and hears a beat every half a second."""
    beats = np.stack([np.arange(8) / 2, np.arange(8) % 4 + 1], 1)
    monkeypatch.setattr(sources, "hear_beats", lambda _song, _rate: beats)
    monkeypatch.setattr(
        sources, "hear_snare", lambda drums, rate, frames: strength_of(drums, rate)[:frames]
    )


def kick(*arguments, status=0):
    assert cli.run(["kick", *map(str, arguments)]) == status


def plucks(seconds=4.0, period=0.5, hertz=80.0, phase=0.0):
    time = np.arange(int(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * hertz * time) * np.exp(-8 * ((time - phase) % period))) * 0.3


def write_stems(path, drums, bass):
    names = stem_track_names(("drums", "bass", "other"))
    block = np.stack([drums, drums, bass, bass, 0 * bass, 0 * bass]).astype(np.float32)
    with (
        path.open("wb") as sink,
        WavWriter(sink, RATE, 6, frames=block.shape[1], track_names=names) as writer,
    ):
        writer.write(block)
    return path


def onsets(path):
    return [note.onset_seconds for note in read_midi(path.read_bytes(), path.name).notes]


def test_a_song_gets_a_kick(folder):
    kick("song.mid", "-o", "kick.mid")
    track = read_midi((folder / "kick.mid").read_bytes(), "kick")
    assert track.notes
    assert all(note.drum and note.pitch == 36 for note in track.notes)


@pytest.mark.parametrize(("options", "how"), [([], {}), (["--mix"], {"mix": True})])
def test_the_function_plays_what_the_command_does(folder, options, how):
    kick("song.mid", "--seed", "2", "--no-provenance", *options, "-o", "kick.mid")
    track = drumkit.kick(drumkit.read_midi("song.mid"), seed=2, **how)
    assert write_midi(track) == (folder / "kick.mid").read_bytes()


def test_a_mix_has_the_song_too(folder):
    kick("song.mid", "-o", "kick.mid")
    kick("song.mid", "--mix", "-o", "mix.mid")
    mixed = read_midi((folder / "mix.mid").read_bytes(), "mix").notes
    kicks = [note.onset_seconds for note in mixed if note.drum and note.pitch == 36]
    assert kicks == onsets(folder / "kick.mid")
    assert sum(not note.drum for note in mixed) == 32


def test_the_kept_variations_are_of_those_drawn(folder):
    kick("song.mid", "--variations", "5", "-o", "all")
    kick("song.mid", "--variations", "5", "--keep", "2", "-o", "few")
    assert sorted(path.name for path in (folder / "all").iterdir()) == [
        f"song-0{number}.mid" for number in range(1, 6)
    ]
    every = [onsets(path) for path in (folder / "all").iterdir()]
    few = [onsets(path) for path in (folder / "few").iterdir()]
    assert len(few) == 2
    assert all(track in every for track in few)


def test_a_code_and_a_reference_are_read(folder):
    code = np.random.default_rng(3).standard_normal(4).astype(np.float32)
    (folder / "code.npy").write_bytes(npy_bytes(code))
    kick("song.mid", "--code", "code.npy", "-o", "a.mid")
    kick("song.mid", "--seed", "3", "-o", "b.mid")
    assert onsets(folder / "a.mid") == onsets(folder / "b.mid")
    kick("song.mid", "--like", "song.mid", "-o", "c.mid")
    assert onsets(folder / "c.mid")


def test_a_wav_has_the_sample_at_every_hit(folder):
    soundfile.write("shot.wav", np.full(10, 0.5), 44_100)
    kick("song.mid", "-o", "kick.mid")
    kick("song.mid", "--sample", "shot.wav", "-o", "kick.wav")
    sound, rate = soundfile.read("kick.wav")
    assert (rate, len(sound)) == (44_100, 8 * 44_100)
    starts = np.flatnonzero(np.diff(np.concatenate([[0], sound])) > 0.3)
    np.testing.assert_allclose(starts / rate, onsets(folder / "kick.mid"), atol=2e-3)


def test_stems_are_heard_at_a_given_tempo(folder):
    write_stems(folder / "stems.wav", plucks(hertz=3000, phase=0.25), plucks())
    kick("stems.wav", "--bpm", "120", "-o", "kick.mid")
    track = read_midi((folder / "kick.mid").read_bytes(), "kick")
    assert track.seconds == pytest.approx(4.0, abs=0.01)
    assert track.tempo_bpm == pytest.approx(120)
    assert track.notes


def test_the_beats_of_stems_are_heard_where_no_tempo_is_given(folder):
    write_stems(folder / "stems.wav", plucks(hertz=3000, phase=0.25), plucks())
    kick("stems.wav", "--bpm", "120", "-o", "given.mid")
    kick("stems.wav", "-o", "heard.mid")
    track = read_midi((folder / "heard.mid").read_bytes(), "kick")
    assert track.tempo_bpm == pytest.approx(120)
    assert track.seconds == pytest.approx(4.0, abs=0.01)
    np.testing.assert_allclose(
        onsets(folder / "heard.mid"), onsets(folder / "given.mid"), atol=2e-3
    )


def test_a_mix_of_stems_is_their_sum_and_the_kick(folder):
    drums, bass = plucks(hertz=3000, phase=0.25), plucks()
    write_stems(folder / "stems.wav", drums, bass)
    soundfile.write("shot.wav", np.full(10, 0.5), RATE)
    line = ["stems.wav", "--bpm", "120", "--sample", "shot.wav", "-o"]
    kick(*line, "kick.wav")
    kick(*line, "mix.wav", "--mix")
    alone, mix = soundfile.read("kick.wav")[0], soundfile.read("mix.wav")[0]
    np.testing.assert_allclose(mix[:, 0], drums + bass + alone, atol=1e-6)
    assert np.array_equal(mix[:, 0], mix[:, 1])


def test_bass_and_snare_are_taken_apart(folder):
    soundfile.write("bass.wav", plucks(), RATE)
    soundfile.write("snare.wav", plucks(hertz=400, phase=0.25), RATE)
    kick("--bass", "bass.wav", "--snare", "snare.wav", "--bpm", "120", "-o", "kick.mid")
    assert onsets(folder / "kick.mid")


def test_silent_stems_give_no_kick(folder, capfd):
    write_stems(folder / "stems.wav", 0 * plucks(), 0 * plucks())
    kick("stems.wav", "--bpm", "120", "-o", "kick.mid")
    assert onsets(folder / "kick.mid") == []
    assert "neither bass nor snare" in capfd.readouterr().err


def test_a_picture_is_drawn(folder):
    kick("song.mid", "-o", "kick.mid", "--plot", "kick.png")
    assert (folder / "kick.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize(
    ("line", "status", "told"),
    [
        (["song.mid", "--bass", "b.wav", "--snare", "s.wav"], 2, "either SONG"),
        (["--bass", "b.wav"], 2, "both --bass and --snare"),
        (["song.mid", "--variations", "3"], 2, "-o DIR"),
        (["song.mid", "--keep", "3"], 2, "--keep"),
        (["song.mid", "--like", "song.mid", "--code", "c.npy"], 2, "exclude"),
        (["song.mid", "--sample", "s.wav"], 2, "-o kick.wav"),
        (["stems.wav", "--bpm", "120", "--mix", "-o", "kick.mid"], 2, "-o mix.wav"),
        (["song.mid", "--mix", "-o", "mix.wav", "--sample", "plain.wav"], 2, "no sound to mix"),
        (["plain.wav", "--bpm", "120", "-o", "kick.mid"], 65, "no stems stream"),
        (["song.mid", "--like", "plain.wav", "-o", "kick.mid"], 65, "plain.wav is not MIDI"),
        (["nobass.mid", "-o", "kick.mid"], 65, "nobass.mid has no bass"),
        (["nosnare.mid", "-o", "kick.mid"], 65, "nosnare.mid has no snare"),
    ],
)
def test_what_cannot_be_is_told(folder, capfd, line, status, told):
    write_stems(folder / "stems.wav", plucks(hertz=3000), plucks())
    soundfile.write("plain.wav", plucks(), RATE)
    (folder / "nobass.mid").write_bytes(song_file(bass=False))
    (folder / "nosnare.mid").write_bytes(song_file(snare=False))
    kick(*line, status=status)
    assert told in capfd.readouterr().err
