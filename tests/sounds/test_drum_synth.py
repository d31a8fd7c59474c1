import numpy as np
import pytest

from drumkit_cli.audio.loudness import start_loudness
from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.learning.checkpoint import load_weights, save_weights
from drumkit_cli.sounds import codes, drum_synth, finishing, texture
from drumkit_cli.sounds.classes import CLASSES, Inverter
from drumkit_cli.sounds.codes import Code, between
from drumkit_cli.sounds.drum_synth import DrumSynth
from drumkit_cli.sounds.mel_image import FRAMES, LENGTH, MEL
from tests.synth.tiny import TINY, write_tiny_synth

ANY_CODE = Code(np.zeros(TINY.latent, np.float32), codes.class_weights(0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_synth(tmp_path_factory.mktemp("weights")).parent


@pytest.fixture(scope="module")
def synth(folder):
    mcnn = load_weights("synth-mcnn", str(folder))
    return DrumSynth(load_weights("synth", str(folder)), mcnn=mcnn)


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_sounds(synth, name):
    (code,) = synth.space.sample(name, 1, seed=0)
    samples = synth.play(code)
    assert samples.dtype == np.float32
    assert 0 < len(samples) <= LENGTH
    assert 0 < np.abs(samples).max() < drum_synth.PEAK + 1e-3
    assert samples[-1] == 0


@pytest.mark.parametrize("inverter", Inverter)
def test_the_same_code_and_seed_give_the_same_samples(synth, inverter):
    (code,) = synth.space.sample("snare", 1, seed=3)
    first, second = (synth.play(code, seed=7, inverter=inverter) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_the_seed_says_which_noise(synth):
    codes = synth.space.sample("snare", 1, seed=3)
    first, other = (synth.levels(codes, seed=seed) for seed in (1, 2))
    assert not np.array_equal(first, other)
    smooth = [synth.levels(codes, seed=seed, texture=0.0) for seed in (1, 2)]
    assert np.array_equal(*smooth)


def test_many_codes_are_decoded_as_each_alone(synth):
    codes = synth.space.sample("tom", 20, seed=0)
    levels = synth.levels(codes)
    assert levels.shape == (20, MEL.mels, FRAMES)
    alone = np.concatenate([synth.levels([code]) for code in codes])
    np.testing.assert_allclose(levels, alone, atol=1e-4)


def test_a_softer_hit_is_quieter(synth):
    (code,) = synth.space.sample("kick", 1, seed=0)
    loud, soft = (start_loudness(synth.play(code, velocity=v), MEL.rate) for v in (1, 0.25))
    assert loud - soft == pytest.approx(-20 * np.log10(0.125), abs=0.5)


def test_a_sound_has_a_code_and_a_class(synth):
    noise = np.random.default_rng(0).normal(0, 0.3, 3000).astype(np.float32)
    code = synth.encode(noise, "shaker")
    assert code.latent.shape == (TINY.latent,)
    assert CLASSES[int(code.classes.argmax())] == "shaker"
    again = synth.encode(np.concatenate([np.zeros(500, np.float32), 0.1 * noise]), "shaker")
    np.testing.assert_allclose(again.latent, code.latent, atol=0.2)
    assert synth.encode(noise).classes.sum() == 1


@pytest.mark.parametrize("samples", [np.zeros(100), np.zeros(0), np.full(100, np.nan)])
def test_a_sound_that_is_none_is_told(synth, samples):
    with pytest.raises(BadDataError, match=r"silent|NaN"):
        synth.encode(samples.astype(np.float32))


def test_a_morph_between_classes_sounds_all_the_way(synth):
    first, second = (synth.space.sample(name, 1, seed=0)[0] for name in ("kick", "clap"))
    for code in between(first, second, 4):
        assert np.abs(synth.play(code)).max() > 0


def test_mcnn_is_told_to_be_missing(folder):
    synth = DrumSynth(load_weights("synth", str(folder)))
    codes = synth.space.sample("kick", 1, seed=0)
    with pytest.raises(UsageError, match="mcnn"):
        synth.play(codes[0], inverter=Inverter.MCNN)


@pytest.mark.parametrize("change", ["shape", "missing", "latent", "classes", "config"])
def test_foreign_weights_are_told(folder, tmp_path, change):
    checkpoint = load_weights("synth", str(folder))
    state, config = dict(checkpoint.tensors), dict(checkpoint.config)
    if change == "shape":
        state["cwae.mean"] = np.zeros(3, np.float32)
    elif change == "missing":
        del state["latent.mean"]
    elif change == "latent":
        state["latent.scale"] = np.zeros((3, 4), np.float32)
    elif change == "classes":
        config["classes"] = ["kick"]
    else:
        config["model"] = {"depth": 3}
    path = tmp_path / "synth.safetensors"
    graphs = checkpoint.graphs
    save_weights(path, state, feature="synth", config=config, card={}, graphs=graphs)
    with pytest.raises(BadDataError, match=r"another synth|decode is (refused|of anoth)"):
        DrumSynth(load_weights("synth", str(path))).levels([ANY_CODE])


def test_a_sound_is_cut_where_it_ends_and_fitted_to_a_length():
    samples = np.zeros(2000, np.float32)
    samples[:1000] = 0.5
    made = finishing.trimmed(samples, MEL.rate)
    assert len(made) == 1000
    assert made.max() == pytest.approx(0.5)
    assert made[-1] == 0
    assert len(finishing.fit_length(made, 3000)) == 3000
    short = finishing.fit_length(made, 500)
    assert len(short) == 500
    assert short[-1] == 0
    assert made[499] == pytest.approx(0.5)
    silent = np.zeros(10, np.float32)
    assert not finishing.levelled(silent, codes.class_weights(0), MEL.rate).any()


def test_tails_fall_twice_as_fast_and_do_not_come_back():
    below = np.array([40.0, 0.0, 20.0, 44.0, 68.0, 20.0], np.float32)
    made = texture.expanded(np.broadcast_to(0.9 - below / 80, (1, MEL.mels, 6)))
    expected = [0.4, 0.9, 0.65, 0.25, 0.0, 0.25]  # 44 dB becomes 36 + 2 * 8
    np.testing.assert_allclose(made[0, 0], expected, atol=1e-5)


def test_a_sound_that_jumps_to_its_peak_is_faded_in_and_keeps_the_peak():
    made = finishing.trimmed(np.full(1000, -0.5, np.float32), MEL.rate)
    assert made[0] == pytest.approx(-0.5 / 12)
    assert (np.diff(made[:11]) < 0).all()
    assert np.abs(made).max() == pytest.approx(0.5)
    assert made[-1] == 0
