import numpy as np
import pytest
import soundfile

from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.mel_image import FRAMES, LENGTH, MEL
from drumkit_cli.synth import data
from tests.synth.tiny import write_one_shots


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_one_shots(tmp_path_factory.mktemp("data") / "oneshots")


def test_a_split_has_its_sounds_alone_at_full_level(folder):
    sounds = data.load_sounds(folder, "valid")
    assert len(sounds) == 2 * len(CLASSES)
    assert sounds.samples.shape == (len(sounds), LENGTH)
    assert sounds.samples.dtype == np.float32
    np.testing.assert_allclose(np.abs(sounds.samples).max(1), 1, atol=1e-6)
    assert sorted(set(sounds.classes)) == list(range(len(CLASSES)))


def test_the_folder_above_serves_too(folder):
    assert len(data.load_sounds(folder.parent, "test")) == 2 * len(CLASSES)


def test_sounds_of_another_rate_and_length_are_brought_to_ours(tmp_path):
    time = np.arange(2 * 44_100) / 44_100
    tone = np.sin(2 * np.pi * 1000 * time)
    soundfile.write(tmp_path / "long.wav", np.stack([tone, tone], 1), 44_100)
    soundfile.write(tmp_path / "short.wav", tone[:4410], 44_100)
    (tmp_path / "index.csv").write_text(
        "file,class,group,split\nlong.wav,kick,a,train\nshort.wav,tom,b,train\n"
    )
    sounds = data.load_sounds(tmp_path, "train")
    peaks = np.abs(np.fft.rfft(sounds.samples)).argmax(1) * MEL.rate / LENGTH
    np.testing.assert_allclose(peaks, 1000, atol=10)
    assert sounds.samples[0, -1] == 0
    assert not sounds.samples[1, 2300:].any()


@pytest.mark.parametrize("split", ["train", "none"])
def test_data_that_is_not_there_is_told(tmp_path, folder, split):
    if split == "none":
        with pytest.raises(BadDataError, match="no none sounds"):
            data.load_sounds(folder, split)
        return
    with pytest.raises(MissingInputError, match="index"):
        data.load_sounds(tmp_path, split)
    (tmp_path / "index.csv").write_text("file,class,group,split\na.wav,kick,a,train\n")
    with pytest.raises(MissingInputError, match=r"a\.wav"):
        data.load_sounds(tmp_path, split)
    (tmp_path / "a.wav").write_bytes(b"junk")
    with pytest.raises(BadDataError, match=r"a\.wav"):
        data.load_sounds(tmp_path, split)


def test_a_pool_is_balanced_seeded_and_has_the_images_of_its_sounds(folder):
    sounds = data.load_sounds(folder, "train")
    pool, again, other = (data.make_pool(sounds, 3, seed, images=True) for seed in (0, 0, 1))
    assert np.bincount(pool.classes).tolist() == [3] * len(CLASSES)
    assert np.array_equal(pool.samples, again.samples)
    assert not np.array_equal(pool.samples, other.samples)
    index = np.arange(4)
    levels = pool.batch_levels(index)
    assert levels.shape == (4, MEL.mels, FRAMES)
    images = data.images_of(pool.batch_samples(index).numpy())
    np.testing.assert_allclose(levels, images, atol=0.6 * 1.2 / 255)
    assert pool.batch_classes(index).sum(1).tolist() == [1] * 4


def test_a_pool_in_a_folder_is_the_one_in_memory_and_mapped(folder, tmp_path):
    sounds = data.load_sounds(folder, "train")
    pool = data.make_pool(sounds, 3, 0, images=True)
    data.make_pool(sounds, 3, 0, images=True, folder=tmp_path)
    there = data.load_pool(tmp_path, images=True)
    for name in ("samples", "levels", "classes"):
        assert np.array_equal(getattr(pool, name), getattr(there, name))
    assert isinstance(there.samples, np.memmap)
    assert data.load_pool(tmp_path, images=False).levels is None


def test_balanced_batches_hold_every_class_as_often():
    classes = np.array([0] * 50 + [3] * 2 + [7] * 9)
    batches = data.balanced(classes, 4, np.random.default_rng(0))
    seen = [next(batches) for _ in range(25)]
    for index in seen:
        assert np.bincount(classes[index], minlength=8).tolist() == [4, 0, 0, 4, 0, 0, 0, 4]
    assert set(np.concatenate(seen)) == set(range(61))


def test_a_varied_sound_differs_and_stays_in_range(folder):
    sounds = data.load_sounds(folder, "train")
    generator = np.random.default_rng(0)
    for c in range(len(CLASSES)):
        first, second = sounds.samples[sounds.classes == c]
        made = data.augment(first, second, CLASSES[c], generator)
        assert made.shape == first.shape
        assert made.dtype == np.float32
        assert 0.5 < np.abs(made).max() <= 1.0001
        assert not np.array_equal(made, first)
