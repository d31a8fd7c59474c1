"""Help, man pages and README say the same."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from drumkit_cli.cli import COMMANDS, load_command, root
from drumkit_cli.errors import ExitStatus

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAN = ROOT / "man"
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
FOREIGN_OPTIONS = {"--no-deps", "--editable", "--nworkers", "--nthreads"}  # of pip and dask


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_man", ROOT / "tools" / "make_man.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_man"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def make_man() -> ModuleType:
    return load_generator()


def options_of(command) -> set[str]:
    context = command.make_context(command.name, [], resilient_parsing=True)
    return {
        option
        for param in command.get_params(context)
        for option in (*param.opts, *param.secondary_opts)
        if option.startswith("-")
    }


def test_the_committed_man_pages_are_those_of_the_command_line(make_man):
    made = make_man.pages()
    assert sorted(path.name for path in MAN.glob("*")) == sorted(made)
    for name, text in made.items():
        committed = (MAN / name).read_text(encoding="utf-8")
        assert committed == text, f"{name} is out of date: run make man"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_man_page_has_every_option_of_its_command(name):
    page = (MAN / f"drumkit-{name}.1").read_text(encoding="utf-8").replace("\\-", "-")
    for option in options_of(load_command(name)):
        assert option in page


def test_the_man_pages_tell_every_exit_status(make_man):
    told = {status for status, _ in make_man.EXIT_STATUSES}
    assert told == {int(status) for status in ExitStatus}


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("-o -", r"\-o \-"), ("a\\b", r"a\eb"), (".start", r"\&.start"), ("'quote", r"\&'quote")],
)
def test_man_pages_escape_what_roff_takes_as_its_own(make_man, text, escaped):
    assert make_man._line(text) == escaped


def test_generating_into_a_folder_removes_pages_of_former_commands(make_man, tmp_path):
    (tmp_path / "drumkit-former.1").write_text("")
    assert make_man.main([str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(make_man.pages())
    assert make_man.main([]) == 2


def test_the_summary_of_a_command_is_one_sentence():
    for _, summary in COMMANDS.values():
        assert summary.endswith(".")
        assert "\n" not in summary


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_has_a_section_and_an_example_of_every_command(name):
    assert re.search(rf"^#+ `drumkit {name}`", README, re.MULTILINE)
    assert re.search(rf"^(.*\| )?drumkit {name} ", README, re.MULTILINE)


def test_every_option_that_the_readme_names_exists():
    known = options_of(root()) | FOREIGN_OPTIONS
    for name in COMMANDS:
        known |= options_of(load_command(name))
    assert set(OPTION.findall(README)) <= known


def test_an_example_in_the_readme_uses_options_of_its_own_command():
    lines = re.sub(r"\\\n", " ", README).splitlines()
    for line in lines:
        for call in re.findall(r"(?:^|\| )drumkit ([a-z]+)([^|`#]*)", line):
            name, rest = call
            if name in COMMANDS:
                assert set(OPTION.findall(rest)) <= options_of(load_command(name)), line


def test_the_readme_tells_every_exit_status():
    section = README.split("## Exit status", 1)[1].split("\n## ", 1)[0]
    assert {int(n) for n in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)} == {
        int(status) for status in ExitStatus
    }


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_between_documents_lead_somewhere(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not target.startswith("https://"):
            assert (ROOT / target).exists(), f"{document} -> {target}"


def test_every_target_of_the_makefile_that_documents_name_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE))
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        assert set(re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE)) <= targets
