import json
import math

import pytest

from drumkit_cli.io.tables import Table

TABLE = Table(
    "SDR in dB",
    ["model", "drums", "songs"],
    [["built-in", 5.123, 8], ["mix as\nestimate", None, 80], ["none", math.nan, 0]],
    ["median over songs"],
)


def test_text_aligns_columns_with_numbers_to_the_right_and_notes_below():
    assert TABLE.to_text() == (
        "SDR in dB\n"
        "\n"
        "model            drums  songs\n"
        "---------------  -----  -----\n"
        "built-in          5.12      8\n"
        "mix as estimate      -     80\n"
        "none                 -      0\n"
        "\n"
        "median over songs\n"
    )


def test_json_keeps_figures_unrounded_and_turns_missing_ones_into_null():
    assert json.loads(TABLE.to_json()) == {
        "title": "SDR in dB",
        "columns": ["model", "drums", "songs"],
        "rows": [["built-in", 5.123, 8], ["mix as\nestimate", None, 80], ["none", None, 0]],
        "notes": ["median over songs"],
    }
    assert "\n" not in TABLE.to_json()


def test_small_figures_do_not_read_as_zero():
    assert "0.0042" in Table("t", ["x"], [[0.0042]]).to_text()
    assert "0.00" in Table("t", ["x"], [[0.0]]).to_text()


def test_a_table_without_rows_has_its_header():
    assert Table("t", ["a", "b"], []).to_text() == "t\n\na  b\n-  -\n"


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="2 cells under 1 columns"):
        Table("t", ["a"], [[1, 2]])
