import numpy as np
import pytest

from drumkit_cli.errors import UnavailableError
from drumkit_cli.separate.layout import choose_layout, fold
from drumkit_cli.stems import is_stems_stream

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
    with pytest.raises(UnavailableError, match="drums, bass, other"):
        choose_layout(SOURCES, None, "piano", "built-in")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("drums.L", "drums.R", "bass.L", "bass.R"), True),
        (("drums.L", "drums.R", "no_drums.L", "no_drums.R"), True),
        (("Boom", "Lav"), False),
        (("drums.L", "bass.R"), False),
        ((), False),
    ],
)
def test_a_stems_stream_is_known_by_its_track_names(names, expected):
    assert is_stems_stream(names) is expected


def test_stems_fold_to_their_mix():
    block = np.ones((6, 3), np.float32)
    np.testing.assert_array_equal(fold(block, 2, stems=True), np.full((2, 3), 3))


def test_mono_folds_to_both_sides():
    block = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(fold(block, 2, stems=False), np.ones((2, 3)))


@pytest.mark.parametrize("channels", [3, 6, 8])
def test_many_channels_fold_within_range(channels):
    out = fold(np.ones((channels, 3), np.float32), 2, stems=False)
    np.testing.assert_allclose(out, 1, rtol=1e-6)
