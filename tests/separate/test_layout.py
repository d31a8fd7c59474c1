import numpy as np
import pytest

from drumkit_cli.audio.stems import stem_owners
from drumkit_cli.errors import UnavailableError, UsageError
from drumkit_cli.separate.layout import choose_layout, fold

SOURCES = ("drums", "bass", "other")
STEMS = np.arange(24, dtype=np.float32).reshape(3, 2, 4)


def test_all_stems_go_out_by_default():
    layout = choose_layout(SOURCES, None, None, "toy")
    assert layout.names == SOURCES
    assert layout.combine(STEMS) is STEMS


def test_one_stem_goes_out_alone():
    layout = choose_layout(SOURCES, "bass", None, "toy")
    assert layout.names == ("bass",)
    np.testing.assert_array_equal(layout.combine(STEMS), STEMS[1:2])


def test_two_stems_are_one_and_the_sum_of_the_rest():
    layout = choose_layout(SOURCES, None, "drums", "toy")
    assert layout.names == ("drums", "no_drums")
    np.testing.assert_array_equal(layout.combine(STEMS), [STEMS[0], STEMS[1] + STEMS[2]])


def test_vocals_tell_which_model_has_them():
    with pytest.raises(UnavailableError, match="htdemucs"):
        choose_layout(SOURCES, "vocals", None, "built-in")


def test_an_unknown_stem_tells_the_known_ones():
    with pytest.raises(UsageError, match="drums, bass, other"):
        choose_layout(SOURCES, None, "piano", "built-in")


@pytest.mark.parametrize(
    ("names", "owners"),
    [
        (("drums.L", "drums.R", "bass.L", "bass.R"), ("drums", "drums", "bass", "bass")),
        (("drums.L", "no_drums.L"), ("drums", "no_drums")),
        (("Boom", "Lav"), ()),
        (("drums.L", "Lav"), ()),
        ((), ()),
    ],
)
def test_a_stems_stream_is_known_by_its_track_names(names, owners):
    assert stem_owners(names) == owners


def test_stems_fold_to_their_mix():
    block = np.arange(12, dtype=np.float32).reshape(6, 2)
    folded = fold(block, 2, ("drums", "drums", "bass", "bass", "other", "other"))
    np.testing.assert_array_equal(folded, [block[0::2].sum(0), block[1::2].sum(0)])


def test_stems_of_one_channel_fold_to_both_sides():
    folded = fold(np.ones((3, 2), np.float32), 2, ("drums", "bass", "other"))
    np.testing.assert_array_equal(folded, np.full((2, 2), 3))


def test_mono_folds_to_both_sides():
    block = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(fold(block, 2), np.ones((2, 3)))


@pytest.mark.parametrize("channels", [3, 6, 8])
def test_many_channels_fold_within_range(channels):
    out = fold(np.ones((channels, 3), np.float32), 2)
    np.testing.assert_allclose(out, 1, rtol=1e-6)
