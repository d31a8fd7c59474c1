import sys
from itertools import pairwise

import numpy as np
import pytest

from drumkit_cli.errors import UsageError
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.mel_config import PRESETS, MelConfig
from drumkit_cli.spectral.melscale import band_edges, filter_bank, triangles
from tests.spectral.torchaudio_transforms import mel_transform

ARRANGE = PRESETS["arrange"]
SMALL = MelConfig(rate=8000, window=256, hop=64, fft=256, mels=40)
CONFIGS = {
    **PRESETS,
    "small": SMALL,
    "speech": MelConfig(rate=44100, window=1024, hop=256, fft=1024, mels=80, f_min=30, f_max=16000),
    "uneven": MelConfig(rate=11025, window=500, hop=150, fft=600, mels=33),
    "more bands than bins": MelConfig(rate=8000, window=256, hop=64, fft=256, mels=512),
}


def noise(samples, seed=0, gain=0.1):
    return np.random.default_rng(seed).normal(0, gain, samples).astype(np.float32)


def sine(hertz, samples, rate=22050, gain=0.5):
    return (gain * np.sin(2 * np.pi * hertz * np.arange(samples) / rate)).astype(np.float32)


def convergence(wanted, got):
    """Spectral convergence of magnitudes: the Frobenius norm of the difference over that wanted."""
    wanted, got = np.sqrt(wanted), np.sqrt(got)
    return np.linalg.norm(wanted - got) / np.linalg.norm(wanted)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
def test_power_is_that_of_torchaudio(config):
    import torch

    samples = noise((2, 7000))
    wanted = mel_transform(config)(torch.from_numpy(samples)).numpy()
    got = mel_spectrogram.mel_power(samples, config)
    assert got.dtype == np.float32
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() < 1e-4 * wanted.max()


@pytest.mark.parametrize("samples", [0, 1, 2, 64, 127, 128, 129, 130, 256, 1000, 64 * 128 + 128])
def test_frames_are_as_promised_for_any_length(samples):
    power = mel_spectrogram.mel_power(noise(samples), SMALL)
    assert power.shape == (40, 1 + samples // 64 if samples else 0)
    assert SMALL.frames(SMALL.samples(power.shape[1])) == power.shape[1]
    assert SMALL.samples(power.shape[1]) >= samples
    assert np.isfinite(power).all()


def test_leading_axes_are_kept():
    samples = noise((2, 3, 500))
    power = mel_spectrogram.mel_power(samples, SMALL)
    assert power.shape == (2, 3, 40, 8)
    assert np.array_equal(power[1, 2], mel_spectrogram.mel_power(samples[1, 2], SMALL))
    assert mel_spectrogram.mel_power(np.zeros((0, 500), np.float32), SMALL).shape == (0, 40, 8)


@pytest.mark.parametrize(
    "cuts", [(), (1,), (0, 0, 3, 128, 129, 20_000), tuple(range(0, 29_000, 97))]
)
@pytest.mark.parametrize("config", [SMALL, CONFIGS["uneven"]])
def test_a_stream_gives_the_bits_of_the_whole(cuts, config):
    samples = noise(30_001)
    edges = [0, *cuts, 30_001]
    parts = [samples[a:b] for a, b in pairwise(edges)]
    streamed = np.concatenate(list(mel_spectrogram.mel_blocks(parts, config)), axis=1)
    assert np.array_equal(streamed, mel_spectrogram.mel_power(samples, config))


@pytest.mark.parametrize("hertz", [110.0, 440.0, 5000.0])
def test_a_sine_is_loudest_in_the_band_of_its_frequency(hertz):
    power = mel_spectrogram.mel_power(sine(hertz, 22050, gain=1.0), ARRANGE)[:, 10:-10]
    band = int(power.mean(axis=1).argmax())
    edges = band_edges(ARRANGE)
    assert edges[band] - 11 < hertz < edges[band + 2] + 11
    decibels = 10 * np.log10(power.max() / ARRANGE.full_scale)
    assert -3 < decibels < 1.8  # all of the line's lobe: 1.5 of its peak at most


def test_a_click_is_in_the_frames_that_see_it_and_as_loud_in_all_bins():
    samples = np.zeros(8000, np.float32)
    samples[64 * 50] = 1
    power = mel_spectrogram.mel_power(samples, SMALL)
    seen = np.flatnonzero(power.max(axis=0) > 1e-9)
    assert seen.tolist() == [49, 50, 51]
    # |X| is 1 in each bin, so a band's power is the sum of its triangle.
    assert power[:, 50] == pytest.approx(filter_bank(SMALL).sum(axis=0), rel=1e-4)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_fast_bank_is_the_dense_one(config):
    bank = filter_bank(config)
    chance = np.random.default_rng(0)
    linear = chance.random((config.bins, 3), dtype=np.float32)
    mel = chance.random((config.mels, 3), dtype=np.float32)
    assert triangles(config).sum_bins(linear) == pytest.approx(bank.T @ linear, abs=1e-4)
    assert triangles(config).spread(mel) == pytest.approx(bank @ mel, abs=1e-4)


def test_levels_come_back_within_half_a_level():
    decibels = np.linspace(-80, 5, 1001)
    power = (ARRANGE.full_scale * 10 ** (decibels / 10)).astype(np.float32)
    levels = mel_spectrogram.discretise(power, ARRANGE)
    assert levels.dtype == np.uint8
    assert (levels[0], levels[-1]) == (0, 255)
    back = mel_spectrogram.undiscretise(levels, ARRANGE)
    kept = levels > 0
    error = 10 * np.log10(back[kept] / power[kept])
    assert np.abs(error).max() <= 0.5 / 3 + 1e-4
    assert not back[~kept].any()


def test_every_level_comes_back_as_itself():
    levels = np.arange(256, dtype=np.uint8)
    power = mel_spectrogram.undiscretise(levels, ARRANGE)
    assert np.array_equal(mel_spectrogram.discretise(power, ARRANGE), levels)
    between = mel_spectrogram.undiscretise(np.float32([0.4, 99.5]), ARRANGE)
    assert between[0] == 0
    assert power[99] < between[1] < power[100]


def test_power_beyond_the_levels_is_clipped():
    assert mel_spectrogram.discretise(np.float32([0, 1e12]), ARRANGE).tolist() == [0, 255]


def test_a_full_scale_square_wave_stays_under_the_top_level():
    square = np.sign(sine(1000, 11025))
    assert (
        mel_spectrogram.discretise(mel_spectrogram.mel_power(square, ARRANGE), ARRANGE).max() < 255
    )


def weighted_residual(magnitude, power):
    error = filter_bank(ARRANGE).T @ magnitude**2 - power
    return float((error**2 / np.maximum(power, 1e-9)).sum())


def test_least_squares_lowers_the_residual_to_almost_nothing():
    samples = noise(22050) + sine(440, 22050)
    power = mel_spectrogram.mel_power(samples, ARRANGE)
    found = [
        mel_spectrogram.mel_to_linear(power, ARRANGE, iterations=count)
        for count in (0, 1, 2, 4, 8, 16, 30)
    ]
    residuals = [weighted_residual(magnitude, power) for magnitude in found]
    assert all(after < before for before, after in pairwise(residuals))
    assert all((magnitude >= 0).all() for magnitude in found)
    assert found[-1].shape == (1025, power.shape[1])
    again = filter_bank(ARRANGE).T @ found[-1] ** 2
    assert np.linalg.norm(again - power) < 0.01 * np.linalg.norm(power)


def test_least_squares_takes_silence_holes_and_no_frames():
    assert mel_spectrogram.mel_to_linear(np.zeros((256, 0), np.float32), ARRANGE).shape == (1025, 0)
    assert not mel_spectrogram.mel_to_linear(np.zeros((256, 2), np.float32), ARRANGE).any()
    power = mel_spectrogram.mel_power(noise(4000), ARRANGE)
    power[::5] = 0
    magnitude = mel_spectrogram.mel_to_linear(power, ARRANGE)
    again = filter_bank(ARRANGE).T @ magnitude**2
    assert np.isfinite(magnitude).all()
    assert again.sum() > 0.5 * power.sum()


@pytest.mark.parametrize(("hertz", "tolerance"), [(110.0, 11), (440.0, 11), (3000.0, 50)])
def test_a_sine_comes_back_at_its_frequency(hertz, tolerance):
    power = mel_spectrogram.mel_power(sine(hertz, 22050), ARRANGE)
    audio = mel_spectrogram.mel_to_audio(power, ARRANGE, 22050, iterations=8)
    spectrum = np.abs(np.fft.rfft(audio[2048:-2048] * np.hanning(22050 - 4096)))
    peak = np.fft.rfftfreq(22050 - 4096, 1 / 22050)[spectrum.argmax()]
    assert abs(peak - hertz) < tolerance


@pytest.mark.parametrize("config", [ARRANGE, SMALL, CONFIGS["uneven"]])
def test_mel_of_the_audio_of_a_mel_is_that_mel(config):
    # White noise is the hardest case; songs give 0.05 to 0.07.
    power = mel_spectrogram.mel_power(noise(2 * config.rate), config)
    audio = mel_spectrogram.mel_to_audio(power, config)
    again = mel_spectrogram.mel_power(audio, config)
    assert again.shape == power.shape
    assert convergence(power[:, 4:-4], again[:, 4:-4]) < 0.2


def test_more_rounds_of_griffin_lim_come_closer():
    samples = noise(2 * SMALL.rate)
    power = mel_spectrogram.mel_power(samples, SMALL)
    errors = [
        convergence(
            power,
            mel_spectrogram.mel_power(
                mel_spectrogram.mel_to_audio(power, SMALL, iterations=n), SMALL
            ),
        )
        for n in (0, 4, 32)
    ]
    assert errors[0] > errors[1] > errors[2]


def test_audio_is_seeded():
    power = mel_spectrogram.mel_power(noise(4000), SMALL)
    first = mel_spectrogram.mel_to_audio(power, SMALL, iterations=2, seed=1)
    assert np.array_equal(first, mel_spectrogram.mel_to_audio(power, SMALL, iterations=2, seed=1))
    assert not np.array_equal(
        first, mel_spectrogram.mel_to_audio(power, SMALL, iterations=2, seed=2)
    )


def test_chunks_join_without_a_seam():
    samples = sine(440, 64 * 700, rate=8000)  # three chunks, which join after frames 240 and 480
    audio = mel_spectrogram.mel_to_audio(
        mel_spectrogram.mel_power(samples, SMALL), SMALL, len(samples)
    )
    assert audio.shape == samples.shape
    peaks = np.abs(audio[2000:-2000]).reshape(-1, 80).max(axis=1)
    around = [(join * 64 - 2000) // 80 for join in (240, 480)]
    middle = np.median(peaks)
    for join in around:
        assert np.abs(peaks[join : join + 12] / middle - 1).max() < 0.15


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 239, 240, 256, 257, 300, 496, 497])
def test_audio_has_the_length_that_is_asked_for(frames):
    power = np.ones((40, frames), np.float32)
    audio = mel_spectrogram.mel_to_audio(power, SMALL, iterations=1)
    assert audio.shape == (max(0, 64 * frames - 1),)
    assert audio.dtype == np.float32
    assert np.isfinite(audio).all()
    short = mel_spectrogram.mel_to_audio(power, SMALL, len(audio) // 2, iterations=1)
    assert np.array_equal(short, audio[: len(audio) // 2])


def test_silence_comes_back_as_silence():
    assert not mel_spectrogram.mel_to_audio(np.zeros((40, 20), np.float32), SMALL).any()


@pytest.mark.parametrize(
    "sizes",
    [
        {"rate": 0},
        {"window": 4096},
        {"fft": 2049},
        {"hop": 0},
        {"hop": 2049},
        {"mels": 0},
        {"f_min": -1.0},
        {"f_min": 9000.0, "f_max": 8000.0},
        {"f_max": 12000.0},
        {"f_max": float("nan")},
    ],
)
def test_sizes_that_do_not_go_together_are_refused(sizes):
    base = {"rate": 22050, "window": 2048, "hop": 512, "fft": 2048, "mels": 256}
    with pytest.raises(UsageError):
        MelConfig(**{**base, **sizes})


@pytest.mark.parametrize("hop", [1, 129, 256])
def test_a_hop_that_cannot_be_inverted_is_refused(hop):
    config = MelConfig(rate=8000, window=256, hop=hop, fft=256, mels=40)
    with pytest.raises(UsageError, match="hop"):
        mel_spectrogram.mel_to_audio(np.ones((40, 4), np.float32), config)


def test_spectral_imports_no_torch(python_without):
    python_without(
        "torch", "torchaudio", "librosa", code="import drumkit_cli.spectral.mel_spectrogram"
    )


@pytest.fixture
def python_without():
    import subprocess

    def run(*modules, code):
        program = f"import sys; {code}; assert not set({modules!r}) & set(sys.modules)"
        subprocess.run([sys.executable, "-c", program], check=True)

    return run


def test_bands_in_octaves_are_equally_wide_on_a_keyboard():
    config = MelConfig(22050, 4096, 1024, 4096, 23, 220.0, 880.0, in_octaves=True)
    np.testing.assert_allclose(band_edges(config), 220 * 2 ** (np.arange(25) / 12))
    sine = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    assert mel_spectrogram.mel_power(sine, config)[:, 10].argmax() == 11
