import pytest
from matplotlib.figure import Figure

from drumkit_cli.errors import OutputError, UsageError
from drumkit_cli.io.pictures import check_picture, write_figure

STARTS = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml", ".PDF": b"%PDF", "": b"\x89PNG"}


def figure():
    drawn = Figure(figsize=(2, 2))
    drawn.add_subplot().plot([0, 1], [1, 0])
    return drawn


@pytest.mark.parametrize("suffix", STARTS)
def test_a_picture_is_what_its_name_says_and_the_same_each_time(tmp_path, suffix):
    paths = [str(tmp_path / f"{name}{suffix}") for name in "ab"]
    made = []
    for path in paths:
        check_picture(path)
        write_figure(figure(), path)
        with open(path, "rb") as file:
            made.append(file.read())
    assert made[0].startswith(STARTS[suffix])
    assert made[0] == made[1]


@pytest.mark.parametrize("path", ["a.jpg", "a.npy", "a.wav", "-", "out"])
def test_what_is_no_picture_of_its_own_is_refused(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        check_picture(path, "./out")
    with pytest.raises(OutputError):
        check_picture("none/a.png")
    check_picture(None)
