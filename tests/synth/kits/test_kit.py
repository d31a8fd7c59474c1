"""Kits: drawn, changed, and kept as text."""

import json

import numpy as np
import pytest

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.midi.drum_maps import DRUM_PITCHES, ROLAND_DRUMS, drum_name
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.drum_synth import DrumSynth
from drumkit_cli.sounds.mel_image import to_power
from drumkit_cli.synth.kits.kit import KitVoice, changed, draw_kit, kit_text, read_kit
from drumkit_cli.synth.kits.voices import HATS, VOICE_OF_PITCH, VOICES
from tests.synth.tiny import write_tiny_synth


@pytest.fixture(scope="module")
def synth(tmp_path_factory):
    path = write_tiny_synth(tmp_path_factory.mktemp("weights"))
    return DrumSynth(load_weights("synth", str(path)))


@pytest.fixture(scope="module")
def kit(synth):
    return draw_kit(synth, 0)


def same(one: KitVoice, other: KitVoice) -> bool:
    return (
        np.array_equal(one.sound.latent, other.sound.latent)
        and np.array_equal(one.sound.classes, other.sound.classes)
        and (one.gain_db, one.pan) == (other.gain_db, other.pan)
    )


def height(synth, voice):
    power = to_power(synth.levels([voice.sound]))[0].sum(1)
    return power @ np.arange(len(power)) / power.sum()


def test_every_class_is_a_voice_and_every_voice_of_a_class():
    assert {voice.sound for voice in VOICES.values()} == set(CLASSES)


def test_no_pitch_has_two_voices():
    pitches = [pitch for voice in VOICES for pitch in DRUM_PITCHES[voice]]
    assert len(pitches) == len(set(pitches)) == len(VOICE_OF_PITCH)


def test_drums_of_general_midi_and_of_the_groove_dataset_have_voices():
    voiceless = {drum_name(pitch) for pitch in range(35, 82) if pitch not in VOICE_OF_PITCH}
    for words in ("Whistle", "Guiro", "Cuica", "Triangle"):
        assert any(words in name for name in voiceless)
    assert len(voiceless) == 8
    assert set(ROLAND_DRUMS) <= set(VOICE_OF_PITCH)


def test_gains_and_pans_are_where_a_kit_has_them():
    assert all(voice.gain_db <= 0 and -1 <= voice.pan <= 1 for voice in VOICES.values())
    assert max(VOICES[name].gain_db for name in HATS) <= -6
    assert VOICES["kick"].pan == VOICES["snare"].pan == 0


def test_a_seed_is_a_kit(synth, kit):
    again, other = draw_kit(synth, 0), draw_kit(synth, 1)
    assert list(kit.voices) == list(VOICES)
    assert all(same(kit.voices[name], again.voices[name]) for name in VOICES)
    assert not any(same(kit.voices[name], other.voices[name]) for name in VOICES)


@pytest.mark.parametrize("seed", range(3))
def test_toms_congas_and_bongos_rise(synth, seed):
    voices = draw_kit(synth, seed).voices
    for names in (
        ("low-tom", "mid-tom", "high-tom"),
        ("low-conga", "high-conga"),
        ("low-bongo", "high-bongo"),
    ):
        heights = [height(synth, voices[name]) for name in names]
        assert heights == sorted(heights)
        assert len(set(heights)) == len(heights)


def test_a_kit_as_text_comes_back_exactly(kit):
    again = read_kit(kit_text(kit).encode(), "kit")
    assert again.weights_sha256 == kit.weights_sha256
    assert list(again.voices) == list(kit.voices)
    assert all(same(kit.voices[name], again.voices[name]) for name in VOICES)
    assert kit_text(again) == kit_text(kit)


def test_a_kit_is_a_line_a_voice(kit):
    lines = kit_text(kit).splitlines()
    assert sum(line.strip().startswith('"snare"') for line in lines) == 1
    assert len(lines) == len(VOICES) + 6


def test_changes_are_of_their_voices_alone(kit):
    code = kit.voices["snare"].sound
    new = changed(kit, {"kick": code}, {"ride": -3.0}, {"crash": 1.0}).voices
    assert np.array_equal(new["kick"].sound.latent, code.latent)
    assert new["kick"].gain_db == kit.voices["kick"].gain_db
    assert (new["ride"].gain_db, new["crash"].pan) == (-3.0, 1.0)
    rest = set(VOICES) - {"kick", "ride", "crash"}
    assert all(same(new[name], kit.voices[name]) for name in rest)


def test_a_code_adds_a_voice_and_a_level_does_not(kit):
    part = read_kit(text(kit, drop=("kick", "clap")), "kit")
    assert "kick" in changed(part, {"kick": kit.voices["kick"].sound}, {"kick": -1}, {}).voices
    with pytest.raises(UsageError, match="no clap"):
        changed(part, {}, {}, {"clap": 0.5})


def text(kit, *, drop=(), **changes):
    """A kit's text with other values of its kick, or other values on top."""
    content = json.loads(kit_text(kit))
    for name in drop:
        del content["voices"][name]
    for key, value in changes.items():
        place = content if key in content else content["voices"]["kick"]
        place[key] = value
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"code": [0.0] * 7}, "codes of 7 and of 8 numbers"),
        ({"code": []}, "lacks"),
        ({"code": [0.0] * 7 + [float("nan")]}, "kick: code is not within"),
        ({"code": [0.0] * 7 + [1e300]}, "not within"),
        ({"code": [0.0] * 7 + ["1"]}, "no number"),
        ({"code": "12345678"}, "lacks"),
        ({"classes": {"drum": 1.0}}, "class drum"),
        ({"classes": {"kick": 0.5}}, "sum to 0.5"),
        ({"classes": {"kick": -1, "snare": 2}}, "not within"),
        ({"gain_db": float("inf")}, "gain_db is not"),
        ({"gain_db": True}, "no number"),
        ({"gain_db": 10**400}, "gain_db"),
        ({"pan": 1.5}, "pan is not within -1 to 1"),
        ({"voices": {"drum": {}}}, "voice drum"),
        ({"voices": {"kick": []}}, "lacks"),
        ({"voices": []}, "no voices"),
        ({"weights": 1}, "no voices"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_kit_that_cannot_be_is_refused(kit, changes, words):
    with pytest.raises(BadDataError, match=words):
        read_kit(text(kit, **changes), "a.json")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"kick", "not a kit"),
        (b"\xff\xfe", "not a kit"),
        (b"[" * 100_000, "not a kit"),
        (b"[]", "not a kit"),
        (b'{"drumkit-kit": 2}', "version 2"),
        (b'{"drumkit-kit": 1}', "no voices"),
    ],
)
def test_what_is_no_kit_is_refused(data, words):
    with pytest.raises(BadDataError, match=words):
        read_kit(data, "a.json")
