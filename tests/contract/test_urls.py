"""URLs stand where paths do, in every command."""

import pytest

from tests.contract.expect import (
    CANT_CREATE,
    NO_INPUT,
    assert_done,
    assert_refused,
    each_reading_command,
    each_writing_command,
    left_behind,
)

pytest.importorskip("fsspec", reason="needs the extra remote")


@each_reading_command
@pytest.mark.parametrize("scheme", ["file", "local"])
def test_a_url_gives_what_its_path_gives(drumkit, files, command, scheme):
    path = files("in", command.short)
    url, out = f"{scheme}://{path}", f"{scheme}://{drumkit.folder}/url{command.suffix}"
    options = ("-o", out) if command.suffix else ()
    result = drumkit(*command.line(url), *options)
    assert_done(result)
    plain = drumkit(*command.line(path), *command.to("path"))
    assert_done(plain)
    if command.suffix:
        assert command.is_good((drumkit.folder / f"url{command.suffix}").read_bytes())
    else:
        assert result.out.replace(b"local://", b"") == plain.out


@each_reading_command
def test_a_url_of_nothing_is_a_missing_input(drumkit, command):
    result = drumkit(*command.line(f"local://{drumkit.folder}/none"), *command.to("out"))
    assert_refused(result, NO_INPUT, "No such file")
    assert left_behind(drumkit) == []


@each_reading_command
def test_a_url_of_no_known_store_is_wrong_usage(drumkit, command):
    assert_refused(drumkit(*command.line("nosuch://in"), *command.to("out")), 2, "nosuch")


@each_writing_command
def test_an_output_by_url_in_no_bucket_cannot_be_made(drumkit, command):
    out = "local:///no such place/out" + command.suffix
    result = drumkit(*command.line(), "-o", out, stdin=command.short)
    assert_refused(result, CANT_CREATE, "No such file")
