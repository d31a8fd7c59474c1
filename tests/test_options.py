import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from drumkit_cli import options


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90m", 5400),
        ("1h30m", 5400),
        ("5400s", 5400),
        ("5400", 5400),
        ("1.5h", 5400),
        ("1H 0".replace(" ", ""), 3600),
    ],
)
def test_durations_are_read(text, seconds):
    assert options.parse_duration(text) == seconds


@given(st.integers(0, 99), st.integers(0, 99), st.integers(1, 99))
def test_units_add_up(hours, minutes, seconds):
    text = f"{hours}h{minutes}m{seconds}s"
    assert options.parse_duration(text) == 3600 * hours + 60 * minutes + seconds


@pytest.mark.parametrize(
    "text", ["", " ", "0", "-1", "1x", "m", "h", "nan", "inf", "1e9", "9999h", "1m2h"]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(typer.BadParameter):
        options.parse_duration(text)
