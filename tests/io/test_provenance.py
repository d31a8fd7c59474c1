from hypothesis import given
from hypothesis import strategies as st

from drumkit_cli import __version__
from drumkit_cli.io import provenance
from drumkit_cli.io.provenance import Provenance


def test_everything_known_is_told_in_one_line():
    made = Provenance(7, "aa", "bb", ("arrange", "my song.wav"))
    assert made.comment() == (
        f"drumkit {__version__}; command: drumkit arrange 'my song.wav'; "
        "weights sha256: aa; input sha256: bb; seed: 7"
    )


def test_what_is_not_known_is_left_out():
    assert (
        Provenance(arguments=("mel",)).comment() == f"drumkit {__version__}; command: drumkit mel"
    )


def test_the_command_line_is_that_of_the_process():
    kept = provenance.command_line()
    provenance.record_command_line(["separate", "x"])
    assert "drumkit separate x" in Provenance().comment()
    provenance.record_command_line(kept)


@given(st.lists(st.text()))
def test_any_command_line_is_one_printable_line(arguments):
    assert Provenance(arguments=tuple(arguments)).comment().isprintable()
