import contextlib
import io

import numpy as np
import pytest

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.arrays import npy_header
from drumkit_cli.io.streams import open_input
from drumkit_cli.mel import infer
from drumkit_cli.mel.stored import StoredMel
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.mel_config import MelConfig

CONFIG = MelConfig(rate=8000, window=64, hop=16, fft=64, mels=6)


def power(frames, seed=0):
    return np.random.default_rng(seed).uniform(0, 9, (6, frames)).astype(np.float32)


@pytest.fixture
def stored(tmp_path):
    """Opens an array, or bytes, as a StoredMel."""
    with contextlib.ExitStack() as stack:

        def open_it(data, **options):
            path = tmp_path / "mel.npy"
            if isinstance(data, bytes):
                path.write_bytes(data)
            else:
                np.save(path, data, allow_pickle=True)
            source = stack.enter_context(open_input(str(path)))
            return StoredMel.open(source, CONFIG, **{"overlap": 2, **options})

        yield open_it


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f4", "<f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_floats_are_read_in_any_order_and_width(stored, dtype, order):
    wanted = power(30).astype(dtype)
    mel = stored(np.asarray(wanted, order=order))
    mel.check()
    assert mel.frames == 30
    assert mel.read(5, 17).dtype == np.float32
    assert np.array_equal(mel.read(5, 17), wanted[:, 5:17].astype(np.float32))


def test_bytes_are_levels_and_floats_are_when_told(stored):
    levels = mel_spectrogram.discretise(power(9), CONFIG)
    wanted = mel_spectrogram.undiscretise(levels, CONFIG)
    assert np.array_equal(stored(levels).read(0, 9), wanted)
    mel = stored(levels.astype(np.float32), are_levels=True)
    mel.check()
    assert np.array_equal(mel.read(0, 9), wanted)
    with pytest.raises(BadDataError, match="levels above 255"):
        stored(np.full((6, 2), 256.0), are_levels=True).check()


@pytest.mark.parametrize("overlap", [0, 2, 5])
@pytest.mark.parametrize("frames", [1, 10, 11, 18, 34, 40])
def test_windows_join_to_what_they_were_cut_from(stored, overlap, frames):
    whole = power(frames)
    parts = [whole[:, a : a + 7] for a in range(0, frames, 7)]
    cut = np.array(list(infer.windows(parts, 10, overlap)))
    assert len(cut) == infer.window_count(frames, 10, overlap)
    mel = stored(cut, overlap=overlap)
    mel.check()
    assert mel.frames >= frames
    joined = mel.read(0, mel.frames)
    assert joined[:, :frames] == pytest.approx(whole, rel=1e-5)
    assert not joined[:, frames:].any()  # the last window was filled up with silence
    middle = mel.read(frames // 3, frames)
    assert np.array_equal(middle, joined[:, frames // 3 : frames])


def test_no_frames_are_no_windows(stored):
    assert infer.window_count(0, 10, 2) == 0
    assert list(infer.windows([], 10, 2)) == []
    for shape in ((6, 0), (0, 6, 10), (0, 6, 10**15), (10**15, 6, 0)):
        mel = stored(npy_header(shape, np.float32, is_fortran=False), overlap=0)
        mel.check()
        assert mel.frames == 0
        assert mel.read(0, 0).shape == (6, 0)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (np.zeros(6, np.float32), "not \\(mels, frames\\)"),
        (np.float32(1), "a single number"),
        (np.zeros((1, 2, 6, 4), np.float32), "not \\(mels, frames\\)"),
        (np.zeros((7, 4), np.float32), "7 bands, not 6"),
        (np.zeros((2, 7, 4), np.float32), "7 bands, not 6"),
        (np.zeros((6, 4), np.int32), "int32"),
        (np.zeros((6, 4), np.complex64), "complex64, not numbers"),
        (np.array([[None] * 4] * 6), "object, not numbers"),
        (np.zeros((6, 4), [("a", "f4")]), "not numbers"),
        (npy(power(20))[:-1], "truncated"),
        (npy(power(20)) + b"\0", "after its array"),
        (npy(power(20))[:30], "damaged NPY header"),
        (npy(power(20)).replace(b"(6, 20)", b"(6,-20)"), "damaged NPY header"),
        (npy(power(20)).replace(b"(6, 20), ", b"(6, 9**9)"), "damaged NPY header"),
        (npy(power(20)).replace(b"(6, 20), }    ", b"(6, 99999999)}"), "truncated"),
        (npy(power(20)).replace(b"\x93NUMPY\x01", b"\x93NUMPY\x09"), "version 9"),
        (npy(power(20)).replace(b"(6, 20), }", b"(6, 20, }("), "damaged NPY header"),
        (npy(power(20)).replace(b"{'descr", b"  \n x'd"), "damaged NPY header"),
        (npy(power(20)).replace(b"'<f4'", b"{}[1]"), "damaged NPY header"),
        (b"junk" * 100, "not an NPY array"),
        (b"RIFF\0\0\0\0WAVEfmt ", "not an NPY array but WAV"),
    ],
)
def test_what_is_no_mel_is_refused_in_one_line(stored, bad, reason):
    with pytest.raises(BadDataError, match=reason) as caught:
        stored(bad)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [(-1e-9, "negative"), (np.nan, "NaN"), (np.inf, "NaN or infinite"), (1e31, "above 1e")],
)
@pytest.mark.parametrize("shape", [(6, 5000), (3, 6, 10)])
def test_what_is_no_power_is_refused(stored, value, reason, shape):
    bad = np.ones(shape)
    bad[(-1,) * len(shape)] = value
    with pytest.raises(BadDataError, match=reason):
        stored(bad).check()


def test_an_overlap_above_half_a_window_is_refused(stored):
    with pytest.raises(UsageError, match="overlap"):
        stored(np.zeros((2, 6, 10), np.float32), overlap=6)


def test_a_streamed_header_is_what_numpy_reads():
    array = power(5)
    header = npy_header((6, 5), np.float32, is_fortran=True)
    assert np.array_equal(np.load(io.BytesIO(header + array.T.tobytes())), array)
