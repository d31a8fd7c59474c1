"""`import drumkit_cli as drumkit`: functions on arrays and tracks, whatever was imported before."""

import inspect
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import drumkit_cli as drumkit
from drumkit_cli import cli
from drumkit_cli.learning import checkpoint, models
from tests.api.calls import noise

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = [name for name in drumkit.__all__ if name in cli.COMMANDS]


@pytest.fixture
def not_imported():
    """While a test runs, nothing of drumkit has been imported."""
    ours = {name: sys.modules.pop(name) for name in _our_modules()}
    yield
    for name in _our_modules():
        del sys.modules[name]
    sys.modules.update(ours)


def _our_modules():
    return [name for name in sys.modules if name.partition(".")[0] == "drumkit_cli"]


def run_python(program: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_importing_the_package_imports_nothing_heavy():
    heavy = run_python(
        "import sys, drumkit_cli\n"
        "print(sorted({'numpy', 'torch', 'scipy', 'mido', 'typer'} & set(sys.modules)))"
    )
    assert heavy == "[]"


@pytest.mark.parametrize(
    "before",
    [
        "import drumkit_cli.{name}",
        "import drumkit_cli.{name}.infer",
        "import drumkit_cli.{name}.command as command; assert command.{name}",
        "import drumkit_cli.{name}.infer as infer; assert infer.{name}",
        "from drumkit_cli.{name} import infer; assert infer.{name}",
        "from drumkit_cli import {name}; import drumkit_cli.{name}.infer as infer; assert infer",
        "import drumkit_cli; drumkit_cli.{name}; import drumkit_cli.{name}.command",
        "import drumkit_cli.{name}.infer; assert drumkit_cli.{name}.infer.{name}",
        "import importlib; importlib.import_module('drumkit_cli.{name}.infer').{name}",
    ],
)
@pytest.mark.usefixtures("not_imported")
def test_a_function_is_not_hidden_by_the_folder_of_its_name(before):
    for name in FUNCTIONS:
        scope = {}
        exec(before.format(name=name), scope)
        exec(f"import drumkit_cli as drumkit\nfrom drumkit_cli import {name} as imported", scope)
        assert inspect.isfunction(scope["imported"])
        assert scope["imported"] is getattr(scope["drumkit"], name)
        assert scope["imported"].__module__ == f"drumkit_cli.{name}.infer"


@pytest.mark.parametrize("name", drumkit.__all__)
def test_a_public_name_is_listed_documented_and_can_be_pickled(name):
    assert name in dir(drumkit)
    value = getattr(drumkit, name)
    if callable(value):
        assert inspect.getdoc(value)
        assert pickle.loads(pickle.dumps(value)) is value


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_documents_its_arguments_and_has_an_example(name):
    function = getattr(drumkit, name)
    text = inspect.getdoc(function)
    for section in ("Args:", "Returns:", "Raises:", "Example:"):
        assert f"\n{section}\n" in text
    for argument in inspect.signature(function).parameters:
        assert f"    {argument}: " in text


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'seperate'"):
        drumkit.seperate  # noqa: B018


def test_weights_are_read_once_a_file_and_again_when_it_changes(weights, monkeypatch):
    read = []

    def counted(feature, path):
        read.append(path)
        return checkpoint.load_weights(feature, path)

    models._build.cache_clear()
    monkeypatch.setattr(models, "load_weights", counted)
    path = weights / "separate.safetensors"
    for _ in range(2):
        drumkit.separate(noise(2000), 8000)
        drumkit.separate(noise(2000), 8000, weights=path)
    assert len(read) == 1
    os.utime(path, ns=(0, 0))
    drumkit.separate(noise(2000), 8000)
    assert len(read) == 2
