"""Maps of drums by name and from text."""

import pytest

from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.midi.drum_maps import DRUM_MAPS, ROLAND_DRUMS, SIX_VOICES
from drumkit_cli.midi.map_file import read_drum_map, translate


@pytest.fixture
def read(tmp_path):
    def read_text(text):
        path = tmp_path / "a.map"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return dict(read_drum_map(str(path)))

    return read_text


def test_pitches_are_mapped_to_drums_by_name_or_number(read):
    text = "# my sampler\n36 kick\n 43=Snare # rim too\n\n52: closed-hat\n10, Acoustic Snare\n11 56"
    assert read(text) == {36: 36, 43: 38, 52: 42, 10: 38, 11: 56}
    assert read("\N{ZERO WIDTH NO-BREAK SPACE}1\tOpen Hi-Hat\r\n") == {1: 46}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("36 kick\n43 gong bath\n", r"a\.map, line 2: '43 gong bath' is no pitch and drum"),
        ("128 kick", "line 1"),
        ("36 128", "line 1"),
        ("kick 36", "line 1"),
        ("36", "line 1"),
        ("36kick", "line 1"),
        ("36 kick\n36 snare", "line 2: pitch 36 has a drum already"),
        ("# nothing\n", "maps no pitch"),
        (b"36 kick\xff", "not UTF-8"),
    ],
)
def test_what_maps_nothing_is_bad_data_with_its_line(read, text, message):
    with pytest.raises(BadDataError, match=message):
        read(text)


def test_neither_a_map_nor_a_file_is_told_with_the_names():
    with pytest.raises(MissingInputError, match="--map takes gm, roland, xg, alesis or a file"):
        read_drum_map("ezdrummer")


@pytest.mark.parametrize("name", DRUM_MAPS)
def test_common_maps_agree_on_the_plain_kit(name):
    drums = read_drum_map(name)
    for pitch in (36, 38, 42, 46, 49, 51):
        assert drums[pitch] == pitch


def test_common_maps_differ_where_the_devices_do():
    six = {name: translate(SIX_VOICES, drums) for name, drums in DRUM_MAPS.items()}
    assert 22 in six["roland"]  # the edge of the hat
    assert 22 not in six["gm"]
    assert six["xg"][31] == six["gm"][38]
    assert 31 not in six["gm"]
    assert six["alesis"][23] == six["gm"][46]
    assert set(DRUM_MAPS["roland"]) == set(ROLAND_DRUMS)


def test_without_a_map_voices_are_those_of_the_table():
    assert translate(SIX_VOICES, None) is SIX_VOICES
    assert translate(SIX_VOICES, {52: 42, 1: 99}) == {52: SIX_VOICES[42]}
