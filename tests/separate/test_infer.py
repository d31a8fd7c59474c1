import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.errors import BadDataError
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.network import OnnxNetwork
from drumkit_cli.learning.torch_network import TorchNetwork, load_network
from drumkit_cli.separate import model
from drumkit_cli.separate.infer import (
    OFFSET_MIN,
    BuiltIn,
    segment_frames,
    share_out,
    split,
    split_segment,
    stream,
)
from tests.separate.tiny import write_tiny_separator


@pytest.fixture(scope="module")
def separator(tmp_path_factory):
    path = write_tiny_separator(tmp_path_factory.mktemp("weights") / "separate.safetensors")
    return BuiltIn(load_weights("separate", str(path)))


def separate(mix, rate, separator):
    return split(mix, rate, separator, segment_frames(separator, rate))


def noise(channels, frames, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, (channels, frames)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_stems_have_the_shape_of_the_mix_and_sum_to_it(separator, channels, rate):
    mix = noise(channels, rate * 5 + 17)
    stems = separate(mix, rate, separator)
    assert stems.shape == (4, *mix.shape)
    rest = mix - stems.sum(0)
    assert 10 * np.log10(np.square(rest).sum() / np.square(mix).sum()) < -60


@pytest.mark.parametrize("frames", [1, 2, 63, 1000, 44_100])
def test_any_short_length_is_kept(separator, frames):
    stems = separate(noise(2, frames), 44_100, separator)
    assert stems.shape == (4, 2, frames)
    assert np.isfinite(stems).all()


def test_a_sample_at_a_high_rate_is_kept(separator, recwarn):
    stems = separate(noise(2, 1), 192_000, separator)
    np.testing.assert_array_equal(stems[separator.sources.index("other")], noise(2, 1))
    assert np.count_nonzero(stems) == 2
    assert not recwarn.list


def test_no_samples_give_no_samples(separator):
    assert separate(np.zeros((2, 0), np.float32), 44_100, separator).shape == (4, 2, 0)


def test_silence_stays_silence(separator):
    assert not separate(np.zeros((1, 50_000), np.float32), 22_050, separator).any()


@pytest.mark.parametrize("offsets", [(0.05, 0.05), (0.3, -0.1), (0.0, 0.2)])
def test_an_offset_goes_to_other_and_leaves_the_rest_as_it_was(separator, offsets):
    mix = noise(2, 60_000)
    mix -= mix.mean(1, keepdims=True)
    offset = np.array(offsets, np.float32)[:, None]
    plain = split_segment(mix, 16_000, separator)
    stems = split_segment(mix + offset, 16_000, separator)
    plain[separator.sources.index("other")] += offset
    np.testing.assert_allclose(stems, plain, atol=1e-4)


def test_an_offset_that_drifts_leaves_no_seam(separator):
    rate = 16_000
    mix = noise(1, 10 * rate)
    drift = np.linspace(0.05, 0.2, mix.shape[1], dtype=np.float32)
    drums, bass, other, vocals = separate(mix + drift, rate, separator)[:, 0]
    np.testing.assert_allclose(drums + bass + other + vocals, (mix + drift)[0], atol=1e-5)
    for stem in (drums, bass, vocals):
        assert abs(stem.reshape(-1, rate).mean(1)).max() < 0.02


def test_an_offset_alone_is_other(separator):
    stems = separate(np.full((1, 50_000), 0.1, np.float32), 22_050, separator)
    np.testing.assert_allclose(stems[separator.sources.index("other")], 0.1, atol=1e-6)
    assert np.abs(np.delete(stems, separator.sources.index("other"), axis=0)).max() < 1e-6


def test_the_offset_of_a_good_recording_stays_where_it_is(separator):
    mix = noise(2, 60_000)
    mix += 0.5 * OFFSET_MIN * mix.std() - mix.mean(1, keepdims=True)
    plain = separator.split(mix, 16_000)
    np.testing.assert_array_equal(split_segment(mix, 16_000, separator), plain)


def test_the_same_mix_gives_the_same_stems(separator):
    mix = noise(2, 60_000)
    first, second = (separate(mix, 32_000, separator) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_the_number_of_threads_changes_no_sample(separator):
    mix = noise(2, 200_000)

    def run(threads):
        frames = segment_frames(separator, 16_000)
        return np.concatenate(
            list(stream([mix], *frames, lambda m: split_segment(m, 16_000, separator), threads)), 2
        )

    np.testing.assert_array_equal(run(1), run(3))


def test_graph_and_network_agree(tmp_path):
    checkpoint = load_weights("separate", str(write_tiny_separator(tmp_path / "w.safetensors")))
    mix = np.random.default_rng(0).normal(0, 1, 40_000).astype(np.float32)
    network = load_network(checkpoint, model)
    with torch.no_grad():
        expected = network(torch.from_numpy(mix)[None, None])[0, :, 0].numpy()
    for device in (OnnxNetwork(checkpoint), TorchNetwork(checkpoint, model, "cpu")):
        separator = BuiltIn(checkpoint)
        separator._network = device
        np.testing.assert_allclose(separator._masked(mix), expected, atol=1e-3)


def test_weights_of_another_network_are_refused(tmp_path):
    checkpoint = load_weights("separate", str(write_tiny_separator(tmp_path / "w.safetensors")))
    checkpoint.config["sources"] = ["drums", "rest"]
    with pytest.raises(BadDataError, match="of another network"):
        BuiltIn(checkpoint).split(noise(1, 30_000), 22_050)
    checkpoint.config["rate"] = 0
    with pytest.raises(BadDataError, match="another separate"):
        BuiltIn(checkpoint)


def test_shifts_change_the_estimate_but_not_the_sum(separator):
    mix = noise(1, 44_100)
    plain, shifted = separator.split(mix, 22_050), separator.split(mix, 22_050, shifts=2)
    assert not np.array_equal(plain, shifted)
    np.testing.assert_allclose(shifted.sum(0), mix, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 300), max_size=8),
    segment=st.integers(2, 200),
    overlap=st.floats(0, 0.9),
)
def test_streaming_an_identity_gives_back_the_blocks(lengths, segment, overlap):
    hop = max(round(segment * (1 - overlap)), 1)
    blocks = [noise(2, n, seed=n) for n in lengths]
    parts = list(stream(iter(blocks), segment, hop, lambda mix: mix[None].copy()))
    whole = np.concatenate([np.zeros((2, 0), np.float32), *blocks], axis=1)
    got = np.concatenate([np.zeros((1, 2, 0), np.float32), *parts], axis=2)
    assert got.shape == (1, *whole.shape)
    np.testing.assert_allclose(got[0], whole, rtol=1e-5, atol=1e-6)


def test_how_the_input_is_cut_into_blocks_does_not_matter():
    mix = noise(1, 1000)

    def run(size):
        blocks = (mix[:, i : i + size] for i in range(0, 1000, size))
        double = stream(blocks, 256, 192, lambda m: np.stack([m * 0.25, m * 0.75]))
        return np.concatenate(list(double), axis=2)

    np.testing.assert_allclose(run(7), run(1000), rtol=1e-6)


def test_perfect_mono_estimates_come_back_as_they_are():
    rate = 44_100
    time = np.arange(rate) / rate
    low = 0.5 * np.sin(2 * np.pi * 100 * time)
    high = 0.2 * np.sin(2 * np.pi * 3000 * time)
    sources = np.stack([high, low]).astype(np.float32)
    stems = share_out(sources.sum(0)[None], sources, rate, 11_025.0)
    np.testing.assert_allclose(stems[:, 0], sources, atol=1e-5)


def test_a_source_panned_to_one_side_stays_there():
    rate = 44_100
    time = np.arange(2 * rate) / rate
    left = (0.5 * np.sin(2 * np.pi * 100 * time)).astype(np.float32)
    right = (0.5 * np.sin(2 * np.pi * 2000 * time)).astype(np.float32)
    mix = np.stack([left, right])
    estimates = np.stack([left, right]) / 2  # what a mono network hears
    stems = share_out(mix, estimates, rate, 11_025.0)
    inner = slice(rate // 2, -rate // 2)
    leak = np.square(stems[0, 1, inner]).sum() / np.square(stems[0, 0, inner]).sum()
    assert 10 * np.log10(leak) < -30


def test_what_is_above_the_networks_band_follows_the_share_just_below_it():
    rate = 44_100
    rng = np.random.default_rng(0)
    wide = rng.normal(0, 0.1, rate).astype(np.float32)
    spectrum = np.fft.rfft(wide)
    spectrum[np.fft.rfftfreq(rate, 1 / rate) > 10_500] = 0
    narrow = np.fft.irfft(spectrum, rate).astype(np.float32)
    tone = (0.3 * np.sin(2 * np.pi * 60 * np.arange(rate) / rate)).astype(np.float32)
    mix = (wide + tone)[None]
    stems = share_out(mix, np.stack([narrow, tone]), rate, 11_025.0)
    error = np.square(stems[0, 0] - wide).sum() / np.square(wide).sum()
    assert 10 * np.log10(error) < -20
