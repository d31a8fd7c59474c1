"""Tiny weights for the tests of the command."""

import pytest

from tests.groove.tiny import write_tiny_groove


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    return write_tiny_groove(tmp_path_factory.mktemp("weights") / "groove.safetensors")
