"""What every test starts from, in whatever order and on whatever machine they run."""

import sys

import hypothesis
import pytest

from drumkit_cli import console

# The same examples everywhere, and none that fails because the machine is busy.
hypothesis.settings.register_profile("reproducible", derandomize=True, deadline=None)
hypothesis.settings.load_profile("reproducible")


@pytest.fixture(autouse=True)
def _same_start():
    console.configure(quiet=False, verbose=False)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
