import subprocess
import sys

import pytest

from drumkit_cli.errors import UnavailableError
from drumkit_cli.io.extras import EXTRAS, require_extra

ALL = sorted({module for modules in EXTRAS.values() for module in modules})


def python_without(modules, code, *arguments, **options):
    """Run code in an interpreter where modules are not installed."""
    block = f"import sys\nfor name in {modules!r}: sys.modules[name] = None\n"
    command = [sys.executable, "-c", block + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize(
    ("extra", "module"),
    [(extra, module) for extra, modules in EXTRAS.items() for module in modules],
)
def test_a_missing_module_is_named_with_the_line_to_type(monkeypatch, extra, module):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == module else sys)
    line = "--no-deps tinysoundfont" if extra == "render" else f"'drumkit[{extra}]'"
    with pytest.raises(UnavailableError) as failure:
        require_extra(extra, "this")
    assert str(failure.value) == f"this needs {module}; pip install {line}"


@pytest.mark.parametrize(
    ("arguments", "extra", "modules"),
    [
        (["mel", "missing.wav", "--plot", "a.png"], "plot", ["matplotlib"]),
        (["swirl", "--plot", "a.png"], "plot", ["matplotlib"]),
        (["evaluate", "synth", ".", "--plot", "a.png"], "plot", ["matplotlib"]),
        (["train", "swirl", "missing"], "train", ["lightning_fabric"]),
        (["train", "groove", "."], "train", ["matplotlib"]),
        (["train", "arrange", "."], "train", ["mir_eval"]),
        (["evaluate", "groove", "missing"], "evaluate", ["lightning_fabric"]),
        (["evaluate", "arrange", "."], "evaluate", ["librosa", "mir_eval"]),
    ],
)
def test_a_missing_extra_is_told_before_any_work(tmp_path, arguments, extra, modules):
    code = (
        "from drumkit_cli import cli; status = cli.run(sys.argv[1:])\n"
        "print(*{'numpy', 'torch', 'soundfile'} & set(sys.modules)); sys.exit(status)"
    )
    done = python_without(modules, code, *arguments, cwd=tmp_path)
    purpose = "--plot" if extra == "plot" else arguments[0]
    assert done.returncode == 69
    assert done.stderr == (
        f"drumkit: error: {purpose} needs {', '.join(modules)}; pip install 'drumkit[{extra}]'\n"
    )
    assert done.stdout == "\n"
    assert not list(tmp_path.iterdir())


def test_what_runs_a_model_imports_nothing_of_an_extra():
    code = (
        "import importlib, pkgutil, drumkit_cli\n"
        "for module in pkgutil.walk_packages(drumkit_cli.__path__, 'drumkit_cli.'):\n"
        "    if module.name.endswith(('.command', '.infer', '.model')):\n"
        "        importlib.import_module(module.name)\n"
    )
    done = python_without(ALL, code)
    assert done.returncode == 0, done.stderr
