"""A folder on a Dask cluster of this machine."""

import os
import signal
import time

import pytest

from drumkit_cli import cli
from tests.batch.songs import finish, make_songs, start, tree

distributed = pytest.importorskip("distributed", reason="needs the extra cluster")
COUNT = 12


@pytest.fixture
def cluster(monkeypatch):
    """A scheduler and two worker processes of one thread each."""
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__DAEMON", "False")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster


@pytest.fixture
def here(tmp_path, monkeypatch):
    make_songs(tmp_path / "songs", COUNT)
    monkeypatch.chdir(tmp_path)
    assert cli.run(["mel", "-q", "-r", "songs", "-o", "alone"]) == 0
    return tmp_path


def test_a_cluster_of_which_a_worker_is_killed_makes_the_same_files(here, cluster):
    with distributed.Client(cluster, set_as_default=False) as client:
        pids = client.run(os.getpid)
        run = start(here, "mel", "-r", "songs", "-o", "out", "--cluster", cluster.scheduler_address)
        while not (here / "out").exists() and run.poll() is None:
            time.sleep(0.005)
        os.kill(next(iter(pids.values())), signal.SIGKILL)
        status, _, err = finish(run)
    assert status == 0, err
    assert err.splitlines()[-1] == f"drumkit: {COUNT} done, 0 skipped, 0 failed"
    assert tree(here / "out") == tree(here / "alone")


def test_a_bad_input_fails_as_it_does_here(here, cluster):
    (here / "songs" / "bad.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    status, _, err = finish(
        start(here, "mel", "-r", "songs", "-o", "out", "--cluster", cluster.scheduler_address)
    )
    assert status == 65
    assert "bad.wav" in err
    assert tree(here / "out") == tree(here / "alone")


def test_no_scheduler_is_told_in_one_line(here):
    status, _, err = finish(
        start(here, "mel", "-r", "songs", "-o", "out", "--cluster", "tcp://127.0.0.1:9")
    )
    assert status == 69
    assert err.startswith("drumkit: error: no Dask scheduler answers at tcp://127.0.0.1:9; ")
    assert len(err.splitlines()) == 1
