"""What every test starts from, in whatever order and on whatever machine they run."""

import os
import sys

import hypothesis
import pytest

from drumkit_cli import console

# The same examples everywhere, and none that fails because the machine is busy.
hypothesis.settings.register_profile("reproducible", derandomize=True, deadline=None)
hypothesis.settings.load_profile("reproducible")


def pytest_collection_modifyitems(items):
    """Begin with slow tests, so that no worker is left with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session", autouse=True)
def exports_folder(tmp_path_factory):
    """A folder of exported graphs for all workers of this run; see `exports`."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # that of all workers
    folder /= "exports"
    folder.mkdir(exist_ok=True)
    if "drumkit_cli.learning.export" in sys.modules:
        from tests import exports

        exports.share(folder)
    return folder


@pytest.fixture(autouse=True)
def _same_start():
    console.configure(quiet=False, verbose=False)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
