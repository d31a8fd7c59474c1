import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.synth.kits.voices import VOICES
from tests.contract.midi_files import END, file, track
from tests.synth.drums import RATE, beat, sound
from tests.synth.tiny import TINY


def test_a_track_is_played_in_stereo_to_its_end(synth):
    synth("beat.mid", "-o", "a.wav")
    samples = sound("a.wav")
    seconds = read_midi(beat(), "beat").seconds
    assert samples.shape[0] == 2
    assert seconds <= samples.shape[1] / RATE <= seconds + 1
    assert 0.01 < np.abs(samples).max() < 1
    assert not np.array_equal(*samples)  # hats are to one side


def test_what_would_not_fit_is_turned_down_as_a_whole(synth):
    Path("loud.mid").write_bytes(beat(36, 38))
    synth("loud.mid", "-o", "a.wav", "--humanize", 0)
    message = synth("loud.mid", "-o", "b.wav", "--humanize", 0, "-v",
                    "--gain", "kick=30", "--gain", "snare=28")  # fmt: skip
    assert "scaled" in message
    assert np.abs(sound("b.wav")).max() == pytest.approx(1 - 2**-15, rel=1e-6)


def test_drums_without_a_voice_are_named_once(synth):
    Path("odd.mid").write_bytes(beat(36, 71, 80, 71))
    message = synth("odd.mid", "-o", "a.wav")
    assert message.count("warning") == 1
    assert "Short Whistle (8 notes), Mute Triangle (4 notes)" in message
    Path("none.mid").write_bytes(beat(80))
    assert "Mute Triangle (16 notes)" in synth("none.mid", "-o", "b.wav")
    assert not sound("b.wav").any()
    assert sound("b.wav").shape[1] == 4 * RATE


def test_other_instruments_are_left_out(synth):
    track = read_midi(beat(), "beat")
    bass = replace(track.note(0, 100, 40, 100), channel=0, drum=False)
    Path("both.mid").write_bytes(write_midi(track.with_notes([*track.notes, bass])))
    assert "1 notes that are no drums" in synth("both.mid", "-o", "a.wav", "-v")
    synth("beat.mid", "-o", "b.wav")
    assert np.array_equal(sound("a.wav"), sound("b.wav"))


def test_a_saved_kit_plays_the_same_under_any_seed(synth):
    synth("beat.mid", "--save-kit", "kit.json", "--humanize", 0, "-o", "a.wav", "--seed", 4)
    synth("beat.mid", "--kit", "kit.json", "--humanize", 0, "-o", "b.wav", "--seed", 5)
    synth("beat.mid", "--humanize", 0, "-o", "c.wav", "--seed", 5)
    assert set(json.loads(Path("kit.json").read_text())["voices"]) == set(VOICES)
    assert np.array_equal(sound("a.wav"), sound("b.wav"))
    assert not np.array_equal(sound("a.wav")[:, :9999], sound("c.wav")[:, :9999])


def test_a_kit_of_some_voices_plays_those(synth):
    synth("beat.mid", "--save-kit", "kit.json", "-o", "a.wav")
    kit = json.loads(Path("kit.json").read_text())
    del kit["voices"]["snare"]
    Path("less.json").write_text(json.dumps(kit))
    assert "Acoustic Snare" in synth("beat.mid", "--kit", "less.json", "-o", "b.wav")
    line = ["beat.mid", "--kit", "less.json", "--gain", "snare=3", "--weights", "none"]
    assert "the kit has no snare" in synth(*line, status=2)


def test_a_kit_of_other_weights_is_told(synth):
    synth("beat.mid", "--save-kit", "kit.json", "-o", "a.wav")
    kit = json.loads(Path("kit.json").read_text())
    Path("kit.json").write_text(json.dumps({**kit, "weights": "0" * 64}))
    assert "other weights" in synth("beat.mid", "--kit", "kit.json", "-o", "b.wav")


def test_drums_of_another_map_sound_as_what_they_are(synth):
    Path("own.mid").write_bytes(beat(36, 52, 43))
    Path("usual.mid").write_bytes(beat(36, 42, 38))
    Path("a.map").write_text("36 kick\n52 closed hat\n43 snare\n")
    synth("own.mid", "--map", "a.map", "-o", "own.wav")
    synth("usual.mid", "-o", "usual.wav")
    np.testing.assert_array_equal(sound("own.wav"), sound("usual.wav"))
    assert "--map plays drum tracks" in synth("kick", "--map", "gm", "-o", "a.wav", status=2)


def test_tracks_that_are_called_drums_are_played_and_named(synth):
    name = b"\x00\xff\x03\x05drums"
    second = name + b"\x00\x9a\x24\x64\x60\x8a\x24\x00"
    Path("two.mid").write_bytes(file(track([(0, 42, 90)]), second + END, kind=1))
    Path("one.mid").write_bytes(file(track([(0, 36, 100), (0, 42, 90)])))
    told = synth("two.mid", "--humanize", 0, "-o", "two.wav")
    assert "two.mid: drums are also read from track 2 'drums' (channel 11)" in told
    synth("one.mid", "--humanize", 0, "-o", "one.wav")
    np.testing.assert_allclose(sound("two.wav"), sound("one.wav"), atol=1e-6)


def test_a_code_of_ones_own_plays_a_voice_of_the_kit(synth):
    synth("clap", "--seed", 7, "-o", "clap.npy")
    line = ["beat.mid", "--voice", "kick=clap.npy", "--gain", "kick=-3.5", "--pan", "kick=-1"]
    synth(*line, "--save-kit", "kit.json", "-o", "a.wav")
    kick = json.loads(Path("kit.json").read_text())["voices"]["kick"]
    code = np.load("clap.npy")[0]
    assert kick["classes"] == {"clap": 1.0}
    assert np.array_equal(np.float32(kick["code"]), code[: TINY.latent])
    assert (kick["gain_db"], kick["pan"]) == (-3.5, -1.0)


def test_a_bad_kit_is_told_once_and_before_weights_are_loaded(synth):
    Path("k.json").write_text("[]")
    Path("other.mid").write_bytes(beat())
    line = ["beat.mid", "other.mid", "-o", "out", "--kit", "k.json", "--weights", "none"]
    assert synth(*line, status=65).count("not a kit") == 1


def test_sounds_of_ones_own_play_voices_beside_generated_ones(synth):
    soundfile.write("soft.wav", 0.1 * np.ones(400), 44_100)
    soundfile.write("hard.flac", np.ones((400, 2)) * [0.5, 0.0], 48_000)
    synth("snare", "-o", "code.npy")
    line = ["--voice", "kick=soft.wav,hard.flac", "--voice", "snare=code.npy", "--humanize", 0]
    Path("kicks.mid").write_bytes(beat(36, measures=1))
    synth("kicks.mid", *line, "--save-kit", "kit.json", "-o", "a.wav")
    synth("kicks.mid", "--kit", "kit.json", "--humanize", 0, "-o", "b.wav", "--seed", 9)
    samples = sound("a.wav")
    assert np.array_equal(samples, sound("b.wav"))
    assert samples[0, 20] == pytest.approx(samples[1, 20])  # the first hit is soft: mono
    loud = round(7 * 0.25 * RATE) + 20
    assert samples[0, loud] > 0.1
    assert abs(samples[1, loud]) < 1e-3


def test_sounds_of_a_repeated_voice_take_turns(synth):
    for name, frames in (("a", 500), ("b", 900)):
        soundfile.write(f"{name}.wav", np.ones(frames), RATE)
    Path("kicks.mid").write_bytes(beat(36, measures=1))
    synth("kicks.mid", "--voice", "kick=a.wav", "--voice", "kick=b.wav", "-o", "out.wav")
    starts = np.arange(8) * round(0.25 * RATE)
    sounding = [np.count_nonzero(sound("out.wav")[0, s : s + 4000]) for s in starts]
    assert sounding[0::2] == [500] * 4
    assert sounding[1::2] == [900] * 4


def test_a_kit_of_sounds_alone_needs_no_weights(synth):
    Path("kit").mkdir()
    soundfile.write("kit/kick.wav", np.ones(500), RATE)
    message = synth("beat.mid", "--kit", "kit", "--weights", "none", "-o", "a.wav")
    assert "no voice plays" in message
    assert sound("a.wav").any()


@pytest.mark.parametrize(
    ("line", "status", "word"),
    [
        ("--voice kick=a.wav,none.wav", 66, "none.wav"),
        ("--voice kick=a.wav,code.npy", 2, "a code plays a voice alone"),
        ("--voice kick=a.wav, --weights none", 2, "empty name"),
        ("--voice kick=a.wav --voice kick=a.wav,a.wav", 2, "2 layers and the first 1"),
        ("--voice kick=beat.mid", 65, "MIDI, not audio"),
        ("--kit none", 66, "none"),
        ("--kit empty", 65, "no sound named as a voice"),
        ("--kit lost.json", 66, "gone.wav"),
    ],
)
def test_sounds_that_cannot_be_are_told(synth, line, status, word):
    soundfile.write("a.wav", np.ones(500), RATE)
    np.save("code.npy", np.zeros(8, np.float32))
    Path("empty").mkdir()
    voices = {"kick": {"files": [{"path": "gone.wav"}]}}
    Path("lost.json").write_text(json.dumps({"drumkit-kit": 1, "voices": voices}))
    assert word in synth("beat.mid", *line.split(), "-o", "out.wav", status=status)
    assert not Path("out.wav").exists()
