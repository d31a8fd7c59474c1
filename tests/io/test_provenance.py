import pytest
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


SUMS = st.from_regex(r"([0-9a-f]{64}(,[0-9a-f]{64})?)?", fullmatch=True)
ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(
    st.none() | st.integers(0, 2**32 - 1),
    SUMS,
    SUMS,
    st.lists(ANY_TEXT),
    st.from_regex(r"[0-9]+(\.[0-9]+){2}(rc1|\.dev3\+local)?", fullmatch=True),
)
def test_what_was_written_is_parsed(seed, weights, source, arguments, version):
    made = Provenance(seed, weights, source, tuple(arguments), version)
    assert Provenance.parse(made.comment()) == made


@pytest.mark.parametrize(
    "argument",
    ["; seed: 3", "a'; weights sha256: aa", "C:\\new\\x1b", "\x1b[2J", "\udcff.wav", "", "é ñ"],
)
def test_an_argument_that_looks_like_something_else_stays_an_argument(argument):
    parsed = Provenance.parse(Provenance(1, "aa", "bb", ("mel", argument)).comment())
    assert parsed == Provenance(1, "aa", "bb", ("mel", argument))


@given(ANY_TEXT)
def test_any_other_text_is_no_provenance(text):
    assert Provenance.parse(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "drumkit",
        "drumkit 0.1.0",
        "drumkit 0.1.0; command: rm x",
        "drumkit 0.1.0; command: drumkit 'mel",
        "drumkit 0.1.0; command: drumkit mel \\\\",
        "drumkit 0.1.0; command: drumkits",
        r"drumkit 0.1.0; command: drumkit '\Uffffffff",
        "drumkit 0.1.0; command: drumkit mel; seed: x",
        "drumkit 0.1.0; command: drumkit mel; seed: " + "1" * 5000,
        "drumkit 0.1.0; command: drumkit mel; seed: 1; weights sha256: aa",
        "drumkit 0.1.0; command: drumkit mel; seed: 1 and more",
    ],
)
def test_a_damaged_comment_is_no_provenance(text):
    assert Provenance.parse(text) is None
