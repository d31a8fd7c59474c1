"""What the wheel carries, and what it declares that it needs."""

import ast
import re
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from hatchling import build

from drumkit_cli import __version__
from drumkit_cli.cli import COMMANDS
from drumkit_cli.io.extras import EXTRAS

ROOT = Path(__file__).parent.parent
LOADED_BY_NAME = {"s3fs"}
"""Declared, and imported by another package: by fsspec, when it meets ``s3://``."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DISTRIBUTIONS = packages_distributions()


def distribution(module):
    """The normalised name of the package that installs a module."""
    return re.sub("[-_.]+", "-", DISTRIBUTIONS.get(module, [module])[0]).lower()


def declared(*extras):
    """The normalised names of the requirements of extras; without extras, those of the package."""
    groups = [PROJECT["optional-dependencies"][extra] for extra in extras]
    names = [
        re.split(r"[^\w.-]", line)[0]
        for group in groups or [PROJECT["dependencies"]]
        for line in group
    ]
    return {re.sub("[-_.]+", "-", name).lower() for name in names}


def modules_of(node):
    """Top-level modules that code imports or looks for, but what only type checkers read."""
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return set()
        case ast.Import():
            return {alias.name.split(".")[0] for alias in node.names}
        case ast.ImportFrom(level=0):
            return {node.module.split(".")[0]}
        case ast.Call(func=ast.Name(id="find_spec"), args=[ast.Constant(value=name)]):
            return {name}
    return set().union(*map(modules_of, ast.iter_child_nodes(node)))


def needed(*folders):
    """Normalised names of the packages of other projects that the code of folders imports."""
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    modules = set().union(*(modules_of(ast.parse(path.read_bytes())) for path in paths))
    scripts = {path.stem for path in (ROOT / "bench").glob("*.py")}
    own = {"drumkit_cli", "tests", "tools", "bench", "examples", *scripts}
    return {distribution(module) for module in modules - own - sys.stdlib_module_names}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        name = build.build_wheel(str(folder))
    with zipfile.ZipFile(folder / name) as file:
        yield file


def test_the_wheel_carries_the_weights_and_their_manifest(wheel):
    shipped = {
        name.removeprefix("drumkit_cli/weights/")
        for name in wheel.namelist()
        if name.startswith("drumkit_cli/weights/")
    }
    assert {"manifest.json", "MODELS.md", "separate.safetensors", "arrange.safetensors"} <= shipped
    weights = [
        info.file_size for info in wheel.infolist() if info.filename.endswith(".safetensors")
    ]
    assert max(weights) < 25e6
    assert sum(weights) < 80e6


def test_the_wheel_carries_a_manual_page_for_every_command(wheel):
    pages = {Path(name).name for name in wheel.namelist() if "/share/man/man1/" in name}
    assert pages == {"drumkit.1", *(f"drumkit-{name}.1" for name in COMMANDS)}


def test_the_wheel_carries_no_tests_and_says_that_it_is_typed(wheel):
    names = wheel.namelist()
    assert "drumkit_cli/py.typed" in names
    assert all(name.startswith(("drumkit_cli/", f"drumkit-{__version__}.")) for name in names)


def test_the_wheel_has_the_entry_point_and_the_licence(wheel):
    folder = f"drumkit-{__version__}.dist-info"
    entry_points = wheel.read(f"{folder}/entry_points.txt").decode()
    assert "drumkit = drumkit_cli.cli:main" in entry_points
    assert "MIT License" in wheel.read(f"{folder}/licenses/LICENSE").decode()


def test_the_changelog_has_the_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{re.escape(__version__)}\b", text)


def test_what_the_package_imports_is_declared_and_what_is_declared_is_imported():
    assert needed("drumkit_cli") == (declared() | declared(*EXTRAS)) - LOADED_BY_NAME


def test_the_extras_are_those_that_the_commands_ask_for():
    for extra, modules in EXTRAS.items():
        assert declared(extra) - LOADED_BY_NAME == {distribution(module) for module in modules}
    assert {"all", "dev", *EXTRAS} == set(PROJECT["optional-dependencies"])
    assert PROJECT["optional-dependencies"]["all"] == [
        "drumkit[plot,train,evaluate,cluster,remote]"
    ]
    assert "drumkit[all]" in PROJECT["optional-dependencies"]["dev"]


def test_what_tests_and_tools_import_is_declared():
    known = declared() | declared(*EXTRAS) | declared("dev")
    assert needed("tests", "tools", "bench", "examples") <= known
