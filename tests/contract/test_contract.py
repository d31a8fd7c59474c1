"""The contract that every command keeps: correct output, or one line and the right exit status."""

import pytest

from drumkit_cli.cli import COMMANDS as ALL_COMMANDS
from tests.contract.expect import (
    BAD_DATA,
    NO_INPUT,
    assert_done,
    assert_refused,
    each,
    each_batch_command,
    each_command,
    each_writing_command,
    left_behind,
    made_in,
)


@pytest.mark.parametrize("name", ALL_COMMANDS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_goes_to_stdout(drumkit, name, option):
    result = drumkit(name, option)
    assert_done(result)
    assert result.out.startswith(f"Usage: drumkit {name} ".encode())
    assert result.err == ""


@pytest.mark.parametrize("name", ALL_COMMANDS)
@pytest.mark.parametrize("arguments", [["--no-such-option"], ["--seed", "-1"], ["--threads", "x"]])
def test_usage_errors_are_told_in_one_line(drumkit, name, arguments):
    assert_refused(drumkit(name, *arguments), 2, f"drumkit {name} --help")


@each_command
def test_a_pipe_through_gives_a_good_output(drumkit, command):
    result = drumkit(*command.line(), stdin=command.good)
    assert_done(result)
    assert command.is_good(result.out)


@each_writing_command
def test_a_file_in_and_a_file_out_is_the_same_and_silent_on_stdout(drumkit, files, command):
    path = files("in", command.good or b"")
    result = drumkit(*command.line(path), "-o", "out" + command.suffix, "--no-provenance")
    assert_done(result)
    assert result.out == b""
    assert left_behind(drumkit) == ["out" + command.suffix]
    piped = drumkit(*command.line("-"), "--no-provenance", stdin=command.good)
    assert (drumkit.folder / ("out" + command.suffix)).read_bytes() == piped.out


@each_command
def test_quiet_says_nothing(drumkit, command):
    result = drumkit(*command.line(), "-q", stdin=command.good)
    assert_done(result)
    assert result.err == ""


@each_batch_command
def test_several_inputs_make_one_output_each(drumkit, files, command):
    paths = [files(name, command.good) for name in ("one.x", "two.x")]
    assert_done(drumkit(*command.line(*paths), "-o", "out"))
    made = made_in(drumkit.folder / "out")
    assert len({path.relative_to(drumkit.folder).parts[1].split(".")[0] for path in made}) == 2
    assert all(command.is_good(path.read_bytes()) for path in made)


@each_batch_command
def test_several_inputs_need_a_folder(drumkit, files, command):
    paths = [files(name, command.good) for name in ("one.x", "two.x")]
    assert_refused(drumkit(*command.line(*paths)), 2, "-o DIR")


@each_batch_command
def test_a_bad_input_among_good_ones_does_not_stop_them(drumkit, files, command):
    paths = [files("bad.x", b"junk"), files("good.x", command.good)]
    result = drumkit(*command.line(*paths), "-o", "out")
    assert result.status == BAD_DATA, result.err
    assert any("bad.x" in line for line in result.lines)
    made = made_in(drumkit.folder / "out")
    assert made
    assert all("good" in str(path) and command.is_good(path.read_bytes()) for path in made)


@each_command
def test_the_same_input_gives_the_same_bytes(drumkit, command):
    first = drumkit(*command.line(), stdin=command.good)
    assert first.out == drumkit(*command.line(), stdin=command.good).out


@each(lambda command: command.has_model)
@pytest.mark.parametrize(
    ("content", "status"), [(None, NO_INPUT), (b"junk", BAD_DATA), (b"", BAD_DATA)]
)
def test_unusable_weights_are_told(drumkit, files, command, content, status):
    path = "none.safetensors" if content is None else files("bad.safetensors", content)
    result = drumkit(*command.line(), "--weights", path, stdin=command.good)
    assert_refused(result, status, ".safetensors")


@each(lambda command: command.has_model)
def test_weights_of_another_model_are_told(drumkit, weights, command):
    other = "arrange" if command.name != "arrange" else "separate"
    path = weights / f"{other}.safetensors"
    assert_refused(drumkit(*command.line(), "--weights", path, stdin=command.good), BAD_DATA)


@each(lambda command: command.has_model and command.good is not None)
def test_inputs_are_checked_before_weights(drumkit, command):
    assert_refused(drumkit(*command.line(), "--weights", "none", stdin=b"junk"), BAD_DATA)
