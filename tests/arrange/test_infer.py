import math
import os

import numpy as np
import pytest

from drumkit_cli.arrange import infer, model, translation
from drumkit_cli.arrange.metre import PLANES, metre_planes
from drumkit_cli.audio.tape import Tape
from drumkit_cli.errors import BadDataError
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.torch_network import TorchNetwork
from drumkit_cli.listening.beats import steady_beats
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.onsets import MEL, gated_level, to_image
from tests.arrange.tiny import RATE, bass_line, write_tiny_arranger


@pytest.fixture(scope="module")
def arranger(tmp_path_factory):
    path = write_tiny_arranger(tmp_path_factory.mktemp("weights") / "arrange.safetensors")
    return infer.Arranger(load_weights("arrange", str(path)))


def tape_of(samples):
    tape = Tape()
    tape.append(samples)
    return tape


def play(arranger, samples, rate=RATE, block=10_000, **settings):
    blocks = (samples[i : i + block] for i in range(0, len(samples), block))
    with infer.play(blocks, rate, arranger, iterations=2, **settings) as tape:
        return tape.read(0, tape.length)


def test_an_image_and_its_power_are_inverse_within_a_sixth_of_a_decibel():
    levels = np.arange(256, dtype=np.float32)[:, None]
    image = levels / 127.5 - 1
    np.testing.assert_allclose(to_image(infer.from_image(image)), image, atol=1e-6)
    assert infer.from_image(np.full((256, 1), -1, np.float32)).max() == 0


def test_the_gated_level_ignores_rests():
    sound = bass_line(4)
    rests = np.concatenate([sound, np.zeros(4 * RATE, np.float32)])
    assert gated_level([rests]) == pytest.approx(gated_level([sound]), abs=0.1)
    sine = np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE).astype(np.float32)
    assert gated_level([0.1 * sine]) == pytest.approx(-23.01, abs=0.02)
    assert gated_level([sine[:3000], sine[3000:]]) == gated_level([sine])
    assert gated_level([np.zeros(9999, np.float32)]) == -math.inf
    assert gated_level([]) == -math.inf


@pytest.mark.parametrize("seconds", [0.01, 3.0, 5.94, 5.95, 11.0, 31.0])
def test_windows_join_to_exactly_the_whole(seconds):
    """A generator that changes nothing gives the image of the bass, whatever the windows."""
    bass = bass_line(seconds)
    with tape_of(bass) as tape:
        made = np.concatenate(
            list(translation.drum_images(tape, 1.0, lambda image, _: image, 256)), axis=1
        )
    whole = to_image(mel_spectrogram.mel_power(bass, MEL))
    assert made.shape == whole.shape
    edge = slice(2, -2)  # whose analysis reflects the signal where the tape is silent
    np.testing.assert_allclose(made[:, edge], whole[:, edge], atol=2 / 255)


def test_windows_that_differ_leave_no_seam():
    """Window by window another constant: from frame to frame it moves by a twenty-fifth at most."""
    values = iter(np.resize([-0.5, 0.5], 100))
    with tape_of(bass_line(40)) as tape:
        made = np.concatenate(
            list(
                translation.drum_images(tape, 1.0, lambda image, _: image * 0 + next(values), 256)
            ),
            axis=1,
        )
    row = made[0, : -translation.FADE_FRAMES]
    assert row.min() == -0.5
    assert row.max() == 0.5
    assert np.abs(np.diff(row)).max() < 2 / translation.OVERLAP_FRAMES


def test_drums_rest_two_seconds_after_the_bass():
    bass = np.concatenate([bass_line(3), np.zeros(10 * RATE, np.float32), bass_line(3)])
    with tape_of(bass) as tape:
        gate = translation.rest_gate(tape, 1.0)
    seconds = np.arange(len(gate)) * MEL.hop / RATE
    assert (gate[seconds < 4.9] == 1).all()
    assert not gate[(seconds > 5.4) & (seconds < 12.9)].any()
    assert (gate[seconds > 13.0] == 1).all()


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 192_000])
@pytest.mark.parametrize("samples", [0, 1, 700, 50_001])
def test_the_drums_are_as_long_as_the_bass(arranger, rate, samples):
    assert len(play(arranger, bass_line(samples / rate + 1, rate)[:samples], rate)) == samples


def test_drums_follow_the_beats_that_are_given(arranger):
    bass = bass_line(8)
    one, same, other = (
        play(arranger, bass, beats=steady_beats(bpm, 0.0, 8.0)) for bpm in (120, 120, 100)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    "beats", [[1.0, 2.0], [[0.0, 1, 2]], [[0.5, 1], [0.5, 2]], [[np.nan, 1]]], ids=str
)
def test_beats_that_are_none_are_refused(beats):
    with pytest.raises(BadDataError, match="beats"):
        infer.arrange(bass_line(1), RATE, beats=np.array(beats))


def test_silence_gives_silence(arranger):
    drums = play(arranger, np.zeros(7 * RATE, np.float32))
    assert len(drums) == 7 * RATE
    assert not drums.any()


def test_drums_are_as_loud_as_the_bass_at_any_level(arranger):
    bass = bass_line(8)
    drums = play(arranger, bass)
    assert gated_level([drums]) == pytest.approx(gated_level([bass]), abs=0.5)
    quiet = play(arranger, bass * np.float32(2**-5))
    np.testing.assert_allclose(quiet * 2**5, drums, atol=1e-3)


def test_the_same_input_and_seed_give_the_same_samples_however_it_arrives(arranger):
    bass = bass_line(9)
    drums = play(arranger, bass, seed=3)
    assert np.array_equal(drums, play(arranger, bass, seed=3))
    assert np.array_equal(drums, play(arranger, bass, seed=3, block=1 << 20))
    assert not np.array_equal(drums, play(arranger, bass, seed=4))


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_band_above_11_khz_is_added_where_the_rate_has_room(arranger, rate):
    drums = play(arranger, bass_line(5, rate), rate)
    power = np.square(np.abs(np.fft.rfft(drums)))
    hertz = np.fft.rfftfreq(len(drums), 1 / rate)
    below, above = (power[(hertz > low) & (hertz < low + 2000)].sum() for low in (8_500, 11_500))
    assert -25 < 10 * np.log10(above / below) < 0


def test_progress_adds_up_to_the_length(arranger):
    done = []
    play(arranger, bass_line(9), advance=done.append)
    assert sum(done) == pytest.approx(9, abs=0.05)


def test_a_bass_that_breaks_off_leaves_no_tape_open(arranger):
    def breaks():
        yield bass_line(1)
        raise BadDataError("it broke off")

    descriptors = len(os.listdir("/proc/self/fd"))
    with pytest.raises(BadDataError, match="it broke off") as caught:
        infer.play(breaks(), RATE, arranger)
    assert caught.tb is not None  # its frames still hold the tapes, which must be closed
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_the_number_of_threads_changes_no_sample(arranger):
    bass = bass_line(20)
    assert np.array_equal(play(arranger, bass, threads=1), play(arranger, bass, threads=3))


def test_graph_and_network_agree(tmp_path):
    checkpoint = load_weights("arrange", str(write_tiny_arranger(tmp_path / "a.safetensors")))
    image = np.random.default_rng(0).uniform(-1, 1, (256, 256)).astype(np.float32)
    metre = metre_planes(steady_beats(120, 0.0, 6.0), 0, 256)
    made = infer.Arranger(checkpoint).translate(image, metre)
    network = TorchNetwork(checkpoint, model, "cpu")
    (expected,) = network.run("generator", [image[None, None], metre[None]], [])
    np.testing.assert_allclose(made, expected[0, 0], atol=1e-5)


def test_a_graph_of_another_network_is_refused(tmp_path):
    checkpoint = load_weights("arrange", str(write_tiny_arranger(tmp_path / "a.safetensors")))
    with pytest.raises(BadDataError, match="of another network"):
        infer.Arranger(checkpoint).translate(
            np.zeros((64, 256), np.float32), np.zeros((PLANES, 256), np.float32)
        )


def test_weights_of_another_network_are_refused_on_a_device(tmp_path):
    checkpoint = load_weights("arrange", str(write_tiny_arranger(tmp_path / "a.safetensors")))
    checkpoint.config["width"] = 8
    with pytest.raises(BadDataError, match="another arrange"):
        TorchNetwork(checkpoint, model, "cpu")
