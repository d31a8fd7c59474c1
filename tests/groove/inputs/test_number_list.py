import pytest

from drumkit_cli.errors import BadDataError, MissingInputError, UsageError
from drumkit_cli.groove.inputs.number_list import read_number_list


def read(text, *, whole=True):
    return read_number_list(text, "--velocity-pattern", 0, 5, whole=whole)


@pytest.mark.parametrize("text", ["5,2,4,2", "5 2 4 2", " 5, 2,4 ,2 "])
def test_a_list_is_read(text):
    assert read(text) == (5, 2, 4, 2)


def test_a_file_is_read(tmp_path):
    path = tmp_path / "pattern.txt"
    path.write_text("# loud, soft\n5,2\n\n4 # and\n2.0\n")
    assert read(str(path)) == (5, 2, 4, 2)


def test_a_file_goes_before_a_list(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "5,2").write_text("3")
    assert read("5,2") == (3,)


@pytest.mark.parametrize(
    ("text", "message"),
    [("6", "6 is not within 0 and 5"), ("-1", "-1 is not"), ("1,2.5", "no whole number"),
     ("1.2.3", "'1.2.3' is no number")],
)  # fmt: skip
def test_a_wrong_list_is_wrong_usage(text, message):
    with pytest.raises(UsageError, match=f"--velocity-pattern: .*{message}"):
        read(text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"# nothing\n", "has 0 values"),
        (b"1\n2 x\n", "line 2: 'x' is no number"),
        (b"1\n\n9", "line 3: 9 is not within"),
        (b"nan", "line 1: nan is not within"),
        (b"\xff\xfe", "is no text"),
    ],
)
def test_a_wrong_file_is_bad_data(tmp_path, content, message):
    path = tmp_path / "pattern.txt"
    path.write_bytes(content)
    with pytest.raises(BadDataError, match=rf"pattern\.txt.*{message}"):
        read(str(path))


def test_a_missing_file_is_named():
    with pytest.raises(MissingInputError, match="none"):
        read("none.txt")


@pytest.mark.parametrize("text", ["Pushed", "", "0,x", "nan"])
def test_what_is_neither_list_nor_file_is_told_what_would_be(text):
    with pytest.raises(MissingInputError, match="--feel takes pushed, on, a list of numbers or"):
        read_number_list(text, "--feel", -1, 1, words=("pushed", "on"))


def test_fractions_are_taken_where_they_mean_something():
    assert read_number_list("-1,0.25,1", "--feel", -1, 1) == (-1, 0.25, 1)
