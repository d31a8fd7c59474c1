import pytest

from drumkit_cli.errors import OutputError, UsageError
from drumkit_cli.io.outputs import Destination, check_file


@pytest.mark.parametrize("output", [None, "-", "drums.wav", "/dev/null"])
def test_these_are_no_folders(output):
    assert not Destination(output, ".wav").is_folder


def test_any_other_name_is_a_folder_that_is_made(tmp_path):
    destination = Destination(str(tmp_path / "new" / "out"), ".wav", "{song}/{stem}")
    destination.check(["a/b.mp3"], {"stem": "drums"})
    place = destination.place("a/b.mp3", stem="drums")
    assert place == str(tmp_path / "new" / "out" / "b" / "drums.wav")
    assert (tmp_path / "new" / "out" / "b").is_dir()


def test_stdin_is_called_stdin_in_a_folder(tmp_path):
    assert Destination(str(tmp_path), ".wav").place("<stdin>") == str(tmp_path / "stdin.wav")


def test_a_folder_that_ends_like_a_file_is_a_folder_when_it_is_there(tmp_path):
    (tmp_path / "my.flac").mkdir()
    destination = Destination(str(tmp_path / "my.flac"), ".wav")
    destination.check(["x.wav"])
    assert destination.place("x.wav") == str(tmp_path / "my.flac" / "x.wav")


def test_another_kind_of_file_is_refused():
    with pytest.raises(UsageError, match=r"cannot write \.flac"):
        Destination("out.flac", ".wav").check(["x.wav"])


def test_a_file_of_another_kind_stays_what_it_is(tmp_path):
    (tmp_path / "beat.mid").write_bytes(b"MThd")
    with pytest.raises(UsageError, match=r"cannot write \.mid"):
        Destination(str(tmp_path / "beat.mid"), ".wav").check(["x.wav"])
    (tmp_path / "pattern.wav").write_bytes(b"RIFF")
    Destination(str(tmp_path / "pattern.wav"), ".wav").check(["x.mid"])


@pytest.mark.parametrize("output", [None, "out.wav"])
def test_several_inputs_need_a_folder(output):
    with pytest.raises(UsageError, match="-o DIR"):
        Destination(output, ".wav").check(["a.wav", "b.wav"])


def test_two_inputs_of_one_name_are_refused(tmp_path):
    with pytest.raises(UsageError, match="would both write"):
        Destination(str(tmp_path), ".wav").check(["a/x.wav", "b/x.mp3"])


@pytest.mark.parametrize("template", ["{nope}", "{", "{0}", "{song.a}"])
def test_a_template_with_unknown_fields_is_refused(tmp_path, template):
    with pytest.raises(UsageError, match=r"\{song\}, \{stem\}"):
        Destination(str(tmp_path), ".wav", template).check(["a.wav"], {"stem": "bass"})


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make the folder"):
        Destination(str(tmp_path / "file" / "sub"), ".wav").place("x.wav")


def test_an_empty_name_is_refused():
    with pytest.raises(UsageError, match="empty"):
        Destination("", ".wav").check(["a.wav"])


@pytest.mark.parametrize("output", ["song.wav", "."])
def test_an_input_is_never_overwritten(tmp_path, monkeypatch, output):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.wav").write_bytes(b"sound")
    with pytest.raises(UsageError, match="an input itself"):
        Destination(output, ".wav").check(["song.wav"])


@pytest.mark.parametrize("output", ["song.wav", "."])
def test_a_reference_is_never_overwritten(tmp_path, monkeypatch, output):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.wav").write_bytes(b"sound")
    with pytest.raises(UsageError, match="an input itself"):
        Destination(output, ".wav").check(["a/song.wav"], references=["-", "song.wav"])


def test_references_need_no_folder():
    Destination(None, ".wav").check(["a.wav"], references=["b.wav", "c.wav"])


def test_a_template_that_names_all_outputs_alike_is_refused(tmp_path):
    with pytest.raises(UsageError, match="several outputs of a"):
        Destination(str(tmp_path), ".wav", "{song}").check(["a"], {"stem": "x"}, {"stem": "y"})


@pytest.mark.parametrize("template", ["/tmp/{song}", "../{song}"])
def test_a_template_stays_in_its_folder(tmp_path, template):
    with pytest.raises(UsageError, match="leaves the folder"):
        Destination(str(tmp_path), ".wav", template).check(["a.wav"])


def test_suffixes_may_be_upper_case_and_midi_is_mid():
    assert not Destination("OUT.WAV", ".wav").is_folder
    assert not Destination("take.Midi", ".mid").is_folder
    Destination("take.midi", ".mid").check(["beat.mid"])


def test_a_file_may_be_of_the_kinds_that_can_be_written_or_of_none(tmp_path):
    for name in ("a.mid", "a.MIDI", "a.npy", "a", "a.b", "a.v2"):
        check_file(str(tmp_path / name), ".mid", ".npy")
    for path in (None, "-", "/dev/null"):
        check_file(path, ".mid")


@pytest.mark.parametrize("name", ["a.wav", "a.MP3", "a.json", "a.png", "a.mid.gz"])
def test_a_file_that_says_another_kind_is_refused(name):
    with pytest.raises(UsageError, match=r"name a \.mid or \.npy file"):
        check_file(name, ".mid", ".npy")
