import io
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumkit_cli import console


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _usual_verbosity():
    yield
    console.configure(quiet=False, verbose=False)


@pytest.fixture
def terminal(monkeypatch):
    """Make stderr a terminal when called: pytest sets its own between set-up and test."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def attach():
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return attach


def tell_everything():
    console.error("e")
    console.warn("w")
    console.info("i")
    console.detail("d")


@pytest.mark.parametrize(
    ("quiet", "verbose", "told"),
    [
        (False, False, ["error: e", "warning: w", "i"]),
        (True, False, ["error: e"]),
        (False, True, ["error: e", "warning: w", "i", "d"]),
        (True, True, ["error: e"]),
    ],
)
def test_verbosity_decides_what_is_told(capsys, quiet, verbose, told):
    console.configure(quiet=quiet, verbose=verbose)
    tell_everything()
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [f"drumkit: {line}" for line in told]
    assert captured.out == ""


def test_configure_leaves_what_is_not_named():
    console.configure(verbose=True)
    console.configure(quiet=False)
    assert console.is_verbose()


@given(st.text())
def test_every_message_is_one_printable_line(text):
    escaped = console.escape(text)
    assert escaped.isprintable()
    assert "\x1b" not in escaped


def test_undecodable_file_names_are_escaped():
    assert console.escape(os.fsdecode(b"a\xff\x1b[2Jb")) == r"a\udcff\x1b[2Jb"


def test_colour_marks_errors_on_a_terminal(terminal):
    screen = terminal()
    console.error("e")
    assert "\x1b[1;31m" in screen.getvalue()


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colour_can_be_refused(terminal, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    screen = terminal()
    console.error("e")
    assert screen.getvalue() == "drumkit: error: e\n"


def test_bar_is_drawn_on_a_terminal_only(terminal, monkeypatch):
    screen = terminal()
    with console.progress(2, "job") as bar:
        bar.advance(1)
    assert "job" in screen.getvalue()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with console.progress(2, "job") as bar:
        bar.advance(1)
    assert sys.stderr.getvalue() == ""


def test_quiet_draws_no_bar(terminal):
    screen = terminal()
    console.configure(quiet=True)
    with console.progress(2, "job") as bar:
        bar.advance(1)
    assert screen.getvalue() == ""


def test_an_inner_bar_gives_way_to_the_outer_one(terminal):
    screen = terminal()
    with console.progress(2, "outer"), console.progress(2, "inner") as inner:
        inner.advance(2)
    assert "inner" not in screen.getvalue()


@pytest.mark.parametrize("stream", [None, "closed", "full"])
def test_an_unusable_stderr_is_no_failure(monkeypatch, stream):
    broken = {"full": lambda: open("/dev/full", "w"), "closed": io.StringIO, None: lambda: None}
    file = broken[stream]()
    if stream == "closed":
        file.close()
    monkeypatch.setattr(sys, "stderr", file)
    console.error("nobody hears")
    if stream == "full":
        with pytest.raises(OSError, match="No space"):
            file.close()


def test_what_an_ascii_stderr_cannot_show_is_escaped():
    code = "from drumkit_cli import console; console.error('sn\\u00e4re \\u2603')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert done.stderr == b"drumkit: error: sn\\xe4re \\u2603\n"


def test_native_noise_is_dropped_only_while_wanted(capfd):
    with console.native_stderr_dropped():
        os.write(2, b"noise")
    with console.native_stderr_dropped(wanted=False):
        os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
