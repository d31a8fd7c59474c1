"""Hits to sound: on time, choked, louder and softer, each a little different."""

from itertools import pairwise

import numpy as np
import pytest

from drumkit_cli.audio.loudness import start_loudness
from drumkit_cli.learning.checkpoint import load_weights, shipped_folder
from drumkit_cli.midi.track import empty_track
from drumkit_cli.sounds.drum_synth import PEAK, DrumSynth
from drumkit_cli.sounds.finishing import FADE, LOUDNESS_LUFS
from drumkit_cli.sounds.mel_image import LENGTH, MEL
from drumkit_cli.synth.evaluate import onset_f
from drumkit_cli.synth.kits import rendering
from drumkit_cli.synth.kits.kit import Kit, changed, draw_kit
from drumkit_cli.synth.kits.rendering import BLOCK, SoundBank, natural_frames, read_hits, render
from drumkit_cli.synth.kits.voices import VOICES
from drumkit_cli.synth.metrics import attacks
from tests.synth.tiny import write_tiny_synth

RATE = MEL.rate
SHIPPED = shipped_folder() / "synth.safetensors"
KICK, SNARE, CLOSED, PEDAL, OPEN = 36, 38, 42, 44, 46


@pytest.fixture(scope="module")
def synth(tmp_path_factory):
    path = write_tiny_synth(tmp_path_factory.mktemp("weights"))
    return DrumSynth(load_weights("synth", str(path)))


@pytest.fixture(scope="module")
def kit(synth):
    """Every voice in the middle, at one level."""
    drawn = draw_kit(synth, 0)
    return changed(drawn, {}, dict.fromkeys(VOICES, 0.0), dict.fromkeys(VOICES, 0.0))


def notes(*hits):
    """Notes of (seconds, pitch, velocity), to a tenth of a millisecond."""
    track = empty_track(60.0, ticks_per_quarter=10_000)
    made = [track.note(round(s * 10_000), 100, pitch, velocity) for s, pitch, velocity in hits]
    return track.with_notes(made).notes


def play(synth, kit, *hits, frames=None, humanize=0.0, seed=0):
    """Samples ``[2, N]``."""
    bank = SoundBank(synth, kit, humanize=humanize)
    found, _ = read_hits(notes(*hits), kit, humanize=humanize, seed=seed)
    frames = natural_frames(found, bank) if frames is None else frames
    blocks = list(render(found, bank, frames))
    return np.concatenate(blocks, 1) if blocks else np.zeros((2, 0), np.float32)


@pytest.mark.parametrize(
    "which",
    [
        "tiny",
        pytest.param(
            "shipped", marks=pytest.mark.skipif(not SHIPPED.is_file(), reason="no weights ship")
        ),
    ],
)
def test_onsets_are_those_of_the_notes_within_three_milliseconds(synth, which):
    if which == "shipped":
        synth = DrumSynth(load_weights("synth"))
    assert onset_f(synth, 0) >= 0.99


def test_attacks_are_found_to_the_sample_and_missed_where_they_are_late():
    samples = np.zeros((2, 3 * RATE), np.float32)
    decay = np.exp(-np.arange(RATE // 2) / 2000).astype(np.float32)
    for start in (1000, 1000 + RATE):
        samples[:, start : start + len(decay)] += decay
    assert attacks(samples) == pytest.approx([1000 / RATE, 1000 / RATE + 1], abs=1e-3)


def test_a_hit_begins_at_its_nearest_sample(synth, kit):
    made = play(synth, kit, (0.1234, KICK, 127))
    first = int(np.flatnonzero(made[0])[0])
    assert first == round(0.1234 * RATE)


@pytest.mark.parametrize("velocity", [1, 5, 40, 63, 64, 100, 126, 127])
def test_the_loudness_follows_the_velocity_exactly(synth, kit, velocity):
    made = play(synth, kit, (0, SNARE, velocity))[0]
    wanted = LOUDNESS_LUFS["snare"] + 20 * np.log10(PEAK * (velocity / 127) ** 1.5)
    assert start_loudness(made, RATE) == pytest.approx(wanted, abs=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_a_voice_is_as_loud_in_every_kit(synth, seed):
    made = play(synth, draw_kit(synth, seed), (0, KICK, 127))[0]
    wanted = LOUDNESS_LUFS["kick"] + 20 * np.log10(PEAK)
    assert start_loudness(made, RATE) == pytest.approx(wanted, abs=0.01)


def test_a_softer_hit_has_another_timbre(synth, kit):
    loud, soft = (play(synth, kit, (0, SNARE, v))[0] for v in (127, 30))
    count = min(len(loud), len(soft))
    assert not np.allclose(loud[:count] / loud.max(), soft[:count] / soft.max(), atol=1e-3)


def test_without_humanizing_every_hit_is_the_same(synth, kit):
    made = play(synth, kit, *((1.5 * n, SNARE, 90) for n in range(4)))[0]
    first = made[: round(1.5 * RATE)]
    for n in range(1, 4):
        start = round(1.5 * n * RATE)
        again = made[start : start + len(first)]
        assert np.array_equal(first[: len(again)], again)


def test_humanized_hits_differ_from_the_one_before_in_sound_and_level(synth, kit):
    made = play(synth, kit, *((1.5 * n, SNARE, 90) for n in range(12)), humanize=0.2)[0]
    hits = [made[s : s + LENGTH] for s in (round(1.5 * n * RATE) for n in range(11))]
    loudness = np.array([start_loudness(hit, RATE) for hit in hits])
    assert len(set(loudness.round(5))) > 5
    middle = LOUDNESS_LUFS["snare"] + 20 * np.log10(PEAK * (90 / 127) ** 1.5)
    assert np.abs(loudness - middle).max() <= 0.2 * rendering.LEVEL_DB + 0.01
    shapes = [hit / np.abs(hit).max() for hit in hits]
    for one, other in pairwise(shapes):
        assert not np.allclose(one, other, atol=1e-4)


def test_humanizing_leaves_the_timing_alone(kit):
    hits = [(0.13 * n, KICK, 90) for n in range(50)]
    plain, human = (read_hits(notes(*hits), kit, humanize=h)[0].starts for h in (0.0, 1.0))
    assert np.array_equal(plain, human)


def test_another_seed_humanizes_in_another_way(synth, kit):
    hits = [(0.2 * n, KICK, 90) for n in range(8)]
    one, again, other = (play(synth, kit, *hits, humanize=0.1, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert one.shape != other.shape or not np.array_equal(one, other)


@pytest.mark.parametrize("closing", [CLOSED, PEDAL, OPEN])
def test_a_hat_ends_an_open_one(synth, kit, closing):
    alone = play(synth, kit, (0, OPEN, 127), frames=2 * RATE)[0]
    cut = round(0.05 * RATE)
    assert np.abs(alone[cut + FADE : LENGTH // 2]).max() > 0
    both = play(synth, kit, (0, OPEN, 127), (0.05, closing, 1), frames=2 * RATE)[0]
    later = play(synth, kit, (0.05, closing, 1), frames=2 * RATE)[0]
    rest = both - later
    assert np.allclose(rest[:cut], alone[:cut], atol=1e-6)
    assert np.abs(rest[cut : cut + FADE]).max() > 0
    assert np.abs(rest[cut + FADE :]).max() < 1e-6


def test_other_drums_and_earlier_hats_choke_nothing(synth, kit):
    alone = play(synth, kit, (0.5, OPEN, 127), frames=2 * RATE)
    with_them = play(
        synth, kit, (0.1, OPEN, 0 + 1), (0.5, OPEN, 127), (0.6, KICK, 1), frames=2 * RATE
    )
    place = round(0.7 * RATE)
    kick = play(synth, kit, (0.6, KICK, 1), frames=2 * RATE)
    assert np.allclose(with_them[:, place:], (alone + kick)[:, place:], atol=1e-6)


def test_hits_add_up_across_the_edges_of_blocks(synth, kit):
    edge = BLOCK / RATE
    hits = [(edge - 0.3, KICK, 100), (edge - 0.0001, SNARE, 90), (edge, KICK, 80), (3.7, SNARE, 70)]
    together = play(synth, kit, *hits, frames=3 * BLOCK)
    apart = sum(play(synth, kit, hit, frames=3 * BLOCK) for hit in hits)
    assert np.allclose(together, apart, atol=1e-5)


def test_blocks_are_of_one_size_whatever_the_length(synth, kit):
    bank = SoundBank(synth, kit)
    hits, _ = read_hits(notes((0, KICK, 100), (30, KICK, 100)), kit)
    blocks = [block.shape for block in render(hits, bank, natural_frames(hits, bank))]
    assert set(blocks[:-1]) == {(2, BLOCK)}
    assert 0 < blocks[-1][1] <= BLOCK


def test_what_is_cut_fades_out(synth, kit):
    whole = play(synth, kit, (0, KICK, 127))
    cut = play(synth, kit, (0, KICK, 127), frames=3000)
    assert np.array_equal(whole[:, : 3000 - FADE], cut[:, : 3000 - FADE])
    assert np.abs(cut[:, -1]).max() <= np.abs(whole).max() / FADE
    longer = play(synth, kit, (0, KICK, 127), frames=60_000)
    assert longer.shape == (2, 60_000)
    assert np.array_equal(longer[:, : whole.shape[1]], whole)
    assert not longer[:, whole.shape[1] :].any()


@pytest.mark.parametrize("pan", [-1.0, -0.4, 0.0, 0.7, 1.0])
def test_a_pan_keeps_the_power(synth, kit, pan):
    middle = play(synth, kit, (0, KICK, 127))
    left, right = play(synth, changed(kit, {}, {}, {"kick": pan}), (0, KICK, 127))
    power = np.square(middle).sum()
    assert np.square(left).sum() + np.square(right).sum() == pytest.approx(power, rel=1e-4)
    assert np.sign(np.square(right).sum() - np.square(left).sum()) == np.sign(pan)


def test_a_gain_is_in_decibels(synth, kit):
    plain = play(synth, kit, (0, KICK, 127))
    softer = play(synth, changed(kit, {}, {"kick": -20.0}, {}), (0, KICK, 127))
    assert np.allclose(plain / 10, softer, atol=1e-6)


def test_a_sound_is_the_same_whatever_else_plays(synth, kit):
    alone = SoundBank(synth, kit, humanize=0.1)
    after = SoundBank(synth, kit, humanize=0.1)
    after.prepare(read_hits(notes((0, SNARE, 20), (0, KICK, 127), (1, KICK, 30)), kit)[0])
    assert np.array_equal(alone.sound(0, 5, 1), after.sound(0, 5, 1))


def test_drums_without_a_voice_are_counted(kit):
    some = Kit({"kick": kit.voices["kick"]})
    hits, unknown = read_hits(notes((0, KICK, 9), (1, SNARE, 9), (2, 80, 9), (3, 80, 9)), some)
    assert len(hits.starts) == 1
    assert unknown == {SNARE: 1, 80: 2}


def test_no_hits_are_silence(synth, kit):
    made = play(synth, kit, frames=1000)
    assert made.shape == (2, 1000)
    assert not made.any()
