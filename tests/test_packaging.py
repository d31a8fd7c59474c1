"""What the wheel carries."""

import re
import zipfile
from pathlib import Path

import pytest
from hatchling import build

from drumkit_cli import __version__
from drumkit_cli.cli import COMMANDS

ROOT = Path(__file__).parent.parent


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
