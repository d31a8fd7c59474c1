import pytest

from drumkit_cli.errors import BadDataError
from drumkit_cli.io.annotations import read_annotations, read_beats


def test_events_have_a_time_and_a_word(tmp_path):
    path = tmp_path / "class.txt"
    path.write_text("0.5 \t KD \n\n1 SD loud\n")
    assert read_annotations(path) == [(0.5, "KD"), (1.0, "SD")]


def test_beats_have_a_time_and_a_number(tmp_path):
    path = tmp_path / "beats.txt"
    path.write_text("0.5\t1\n1.0\t2\n")
    assert read_beats(path) == [(0.5, 1.0), (1.0, 2.0)]


@pytest.mark.parametrize("content", [b"kick at one\n", b"0.5\n", b"\xff\xfe\n"])
def test_a_text_of_other_lines_is_bad_data(tmp_path, content):
    path = tmp_path / "class.txt"
    path.write_bytes(content)
    with pytest.raises(BadDataError, match="not lines of a time and a word"):
        read_annotations(path)
    path.write_text("0.5 KD\n")
    with pytest.raises(BadDataError, match="not lines of a time and a number"):
        read_beats(path)
