"""Kits of recorded sounds: by file names, of Hydrogen, of SFZ, and what is refused of them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from drumkit_cli.errors import BadDataError
from drumkit_cli.synth.kits.kit import kit_text, read_kit
from drumkit_cli.synth.kits.loading import load_kit
from drumkit_cli.synth.kits.names import dynamics_named, voice_named
from drumkit_cli.synth.kits.recordings import Recording, by_velocity, read_recording
from drumkit_cli.synth.kits.voices import VOICES

HYDROGEN = """<?xml version="1.0" encoding="UTF-8"?>
<drumkit_info xmlns="http://www.hydrogen-music.org/drumkit"><name>K</name><instrumentList>
<instrument><name>Bass Drum</name><volume>0.5</volume><pan_L>1</pan_L><pan_R>1</pan_R>
  <instrumentComponent><gain>1</gain>
    <layer><filename>soft.wav</filename><min>0</min><max>0.5</max><gain>1</gain></layer>
    <layer><filename>hard.wav</filename><min>0.5</min><max>1</max><gain>2</gain></layer>
  </instrumentComponent></instrument>
<instrument><name>One</name><midiOutNote>42</midiOutNote><muteGroup>1</muteGroup>
  <layer><filename>hat.wav</filename></layer></instrument>
<instrument><name>Two</name><midiOutNote>46</midiOutNote><muteGroup>1</muteGroup><pan>0.5</pan>
  <filename>hat.wav</filename></instrument>
<instrument><name>Whale</name><midiOutNote>99</midiOutNote><filename>hat.wav</filename></instrument>
</instrumentList></drumkit_info>"""
SFZ = """// a kit
<control> default_path=sounds/
<global> volume=-6
<group> key=36 pan=-50
<region> sample=soft kick.wav lovel=1 hivel=63
<region> sample=hard.wav lovel=64 hivel=127 volume=2 /* louder */
<group> group=1 off_by=2
<region> key=g#2 sample=hat.wav
<group> group=2
<region> lokey=42 hikey=42 sample=hat.wav seq_length=2 seq_position=1
<region> lokey=42 hikey=42 sample=hard.wav seq_length=2 seq_position=2
<region> key=38 sample=*sine
<region> key=38 sample=hat.wav trigger=release
"""


def write(path, level=0.5, frames=1000, rate=44_100, channels=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = level * np.sin(np.arange(frames) / 5)[:, None] * np.ones(channels)
    soundfile.write(path, samples, rate)
    return str(path)


@pytest.fixture
def hydrogen(tmp_path):
    for name in ("soft", "hard", "hat"):
        write(tmp_path / f"{name}.wav")
    (tmp_path / "drumkit.xml").write_text(HYDROGEN)
    return tmp_path


@pytest.fixture
def sfz(tmp_path):
    for name in ("soft kick", "hard", "hat"):
        write(tmp_path / "sounds" / f"{name}.wav")
    (tmp_path / "kit.sfz").write_text(SFZ)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "voice"),
    [
        ("kick", "kick"), ("BassDrum-02", "kick"), ("808 BD", "kick"), ("snare rim", "rimshot"),
        ("SD_hard", "snare"), ("Hat_Open 2", "open-hat"), ("hihatClosed", "closed-hat"),
        ("OHH", "open-hat"), ("Hi-Hat Pedal", "closed-hat"), ("floor tom", "low-tom"),
        ("Tom1", "high-tom"), ("tom", "mid-tom"), ("low-conga", "low-conga"),
        ("bongo hi", "high-bongo"), ("ride bell", "ride"), ("china", "crash"), ("guitar", None),
        ("kickstart", None),
    ],
)  # fmt: skip
def test_names_mean_voices(name, voice):
    assert voice_named(name) == voice


def test_every_voice_is_named_by_its_name():
    assert all(voice_named(name) == name for name in VOICES)


def test_names_say_how_hard_a_hit_was():
    ranks = [dynamics_named(name) for name in ("snare pp", "snare-soft", "snare_mf", "Snare Hard")]
    assert ranks == sorted(ranks)
    assert [dynamics_named(name) for name in ("snare_v3", "vel 12", "snare")] == [3, 12, None]


def test_layers_share_the_velocities_and_every_velocity_has_one():
    sound = by_velocity([["a"], ["b", "c"], ["d"]])
    played = [sound.layers[sound.layer(velocity)][0].path for velocity in range(1, 128)]
    assert played == sorted(played)
    assert [played.count(path) for path in "abd"] == [42, 42, 43]
    gaps = by_velocity([["a"]]).__class__((Recording("a", 10, 20), Recording("b", 60, 70)))
    assert [gaps.layer(velocity) for velocity in (1, 15, 39, 41, 127)] == [0, 0, 0, 1, 1]


def test_a_folder_is_a_kit_by_names(tmp_path):
    for name in ("Kick.wav", "snare-soft.flac", "snare-hard.flac", "hats/open 2.wav", "x/ride1.wav",
                 "x/ride2.wav", "noise.wav"):  # fmt: skip
        write(tmp_path / name)
    (tmp_path / "clap.txt").write_text("clap")
    kit, sha256 = load_kit(str(tmp_path))
    assert list(kit.voices) == ["kick", "snare", "open-hat", "ride"]
    assert sha256 == ""
    snare, ride = kit.voices["snare"], kit.voices["ride"]
    assert [(Path(take.path).stem, take.low, take.high) for take in snare.takes] == [
        ("snare-soft", 1, 63), ("snare-hard", 64, 127),
    ]  # fmt: skip
    assert len(ride.sound.layers) == 1
    assert (ride.gain_db, ride.pan) == (VOICES["ride"].gain_db, VOICES["ride"].pan)
    assert kit.voices["open-hat"].ended_by == ("closed-hat", "open-hat")


def test_a_folder_without_a_voice_is_no_kit(tmp_path):
    write(tmp_path / "noise.wav")
    with pytest.raises(BadDataError, match="no sound named as a voice"):
        load_kit(str(tmp_path))


@pytest.mark.parametrize("path", ["", "drumkit.xml"])
def test_a_kit_of_hydrogen_has_its_layers_levels_and_mute_groups(hydrogen, path):
    kit, _ = load_kit(str(hydrogen / path))
    assert list(kit.voices) == ["kick", "closed-hat", "open-hat"]
    kick = kit.voices["kick"]
    assert [(Path(take.path).name, take.low, take.high) for take in kick.takes] == [
        ("soft.wav", 1, 64), ("hard.wav", 65, 127),
    ]  # fmt: skip
    np.testing.assert_allclose([take.gain_db for take in kick.takes], [-6.02, 0], atol=0.01)
    assert set(kit.voices["closed-hat"].ended_by) == {"closed-hat", "open-hat"}
    assert kit.voices["open-hat"].pan == 0.5


@pytest.mark.parametrize("path", ["", "kit.sfz"])
def test_an_sfz_has_its_regions_levels_and_groups(sfz, path):
    kit, _ = load_kit(str(sfz / path))
    assert list(kit.voices) == ["kick", "closed-hat"]
    kick, hat = kit.voices["kick"], kit.voices["closed-hat"]
    assert [(Path(take.path).name, take.high, take.gain_db) for take in kick.takes] == [
        ("soft kick.wav", 63, -6.0), ("hard.wav", 127, 2.0),
    ]  # fmt: skip
    assert kick.pan == -0.5
    assert len(hat.sound.layers[0]) == 2


def test_a_group_ends_the_voices_that_it_is_said_to(sfz):
    text = "<region> key=42 sample=hat.wav group=1 <region> key=46 sample=hat.wav off_by=1"
    (sfz / "sounds" / "two.sfz").write_text(text)
    kit, _ = load_kit(str(sfz / "sounds" / "two.sfz"))
    assert kit.voices["open-hat"].ended_by == ("closed-hat",)
    assert kit.voices["closed-hat"].ended_by == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<region> key=36 sample=../hat.wav", "outside its folder"),
        ("<region> key=36 sample=/etc/passwd", "outside its folder"),
        ("<region> key=36 sample=C:\\hat.wav", "outside its folder"),
        ("<region> key=36 sample=none.wav", "not there"),
        ("<region> key=99 sample=hat.wav", "no drum"),
        ("<region> key=h2 sample=hat.wav", "no key"),
        ("<region> key=36 sample=hat.wav volume=loud", "volume=loud is no number"),
        ("<region> key=36 sample=hat.wav pan=nan", "out of range"),
        ("#include \"a.sfz\"\n<region> key=36 sample=hat.wav", "#include"),
        ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        ('<?xml version="1.0"?><a>', "damaged XML"),
        ('<?xml version="1.0"?><a/>', "no drum"),
        (HYDROGEN.replace("soft.wav", "../soft.wav"), "outside its folder"),
        (HYDROGEN.replace("soft.wav", "none.wav"), "not there"),
        (HYDROGEN.replace("<max>0.5", "<max>half"), "no number"),
    ],
    ids=range(15),
)  # fmt: skip
def test_a_kit_that_cannot_be_played_is_told(hydrogen, text, words):
    (hydrogen / "other.kit").write_text(text)
    with pytest.raises(BadDataError, match=words) as told:
        load_kit(str(hydrogen / "other.kit"))
    assert "other.kit" in told.value.cause


def test_recordings_are_kept_by_path_relative_to_a_kit_above_them(hydrogen, tmp_path):
    kit, _ = load_kit(str(hydrogen))
    near, far = kit_text(kit, hydrogen), kit_text(kit, tmp_path / "elsewhere")
    assert '"path": "soft.wav"' in near
    assert f'"path": "{hydrogen}/soft.wav"' in far
    for text, folder in ((near, hydrogen), (far, tmp_path / "elsewhere")):
        assert read_kit(text.encode(), str(folder / "kit.json")) == kit


@pytest.mark.parametrize(
    ("voice", "words"),
    [
        ('{"files": []}', "no files"),
        ('{"files": [{}]}', "without a path"),
        ('{"files": [{"path": "a", "velocities": [1]}]}', "lowest and a highest"),
        ('{"files": [{"path": "a", "velocities": [0, 9]}]}', "not within 1 to 127"),
        ('{"files": [{"path": "a", "gain_db": 99}]}', "not within"),
        ('{"files": [{"path": "a"}], "ended_by": ["drum"]}', "no list of voices"),
    ],
)
def test_recordings_that_cannot_be_are_refused(voice, words):
    with pytest.raises(BadDataError, match=words):
        read_kit(f'{{"drumkit-kit": 1, "voices": {{"kick": {voice}}}}}'.encode(), "a.json")


def test_a_recording_is_read_at_any_rate_to_full_scale_or_at_its_own_level(tmp_path):
    path = write(tmp_path / "a.wav", 0.25, frames=4800, rate=48_000, channels=2)
    full = read_recording(Recording(path), 22_050)
    own = read_recording(Recording(path, gain_db=6.0), 22_050)
    assert full.shape == own.shape
    assert full.shape[0] == 2
    assert full.shape[1] == pytest.approx(2205, abs=2)
    assert np.abs(full).max() == pytest.approx(1)
    assert np.abs(own).max() == pytest.approx(0.25 * 10**0.3, rel=0.06)


def test_silence_around_a_recording_is_cut_off(tmp_path):
    samples = np.pad(np.sin(np.arange(500)), (3000, 2000))
    soundfile.write(tmp_path / "a.wav", samples, 22_050)
    assert read_recording(Recording(str(tmp_path / "a.wav")), 22_050).shape[1] <= 500
