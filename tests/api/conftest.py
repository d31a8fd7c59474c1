import pytest

from tests.contract.commands import make_weights


@pytest.fixture(scope="module", autouse=True)
def weights(tmp_path_factory):
    """Tiny weights of every feature in the place of those that ship."""
    folder = tmp_path_factory.mktemp("weights")
    make_weights(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRUMKIT_WEIGHTS", str(folder))
        yield folder


@pytest.fixture
def shipped(monkeypatch):
    """The weights that ship: tiny untrained ones play no note."""
    monkeypatch.delenv("DRUMKIT_WEIGHTS")
