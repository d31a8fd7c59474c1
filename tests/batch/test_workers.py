"""Several processes over one folder: the same files as one makes, whatever happens to them."""

import os
import random
import signal
import time
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from drumkit_cli import cli
from drumkit_cli.batch import workers
from drumkit_cli.errors import StreamError, UsageError
from drumkit_cli.io.calls import Call
from tests.batch.songs import finish, make_songs, start, tree

COUNT = 9
MEL = ("mel", "-r", "songs", "-o", "out")


@pytest.fixture
def here(tmp_path):
    make_songs(tmp_path / "songs", COUNT)
    return tmp_path


@pytest.fixture
def whole(here, monkeypatch):
    """What one process makes of the songs."""
    monkeypatch.chdir(here)
    assert cli.run(["mel", "-q", "-r", "songs", "-o", "alone"]) == 0
    return tree(here / "alone")


def children(pid):
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def workers_of(process):
    """Wait for the worker processes: those children that load drumkit."""
    while process.poll() is None:
        found = []
        for child in children(process.pid):
            with_line = Path(f"/proc/{child}/cmdline")
            if with_line.exists() and b"spawn_main" in with_line.read_bytes():
                found.append(child)
        if len(found) == 2:
            return found
        time.sleep(0.01)
    return []


def test_workers_make_the_same_files(here, whole):
    status, _, err = finish(start(here, *MEL, "-j", 2))
    assert (status, err) == (0, f"drumkit: {COUNT} done, 0 skipped, 0 failed\n")
    assert tree(here / "out") == whole


def test_each_worker_loads_the_model_once(here):
    status, _, err = finish(start(here, "separate", "-v", "-r", "songs", "-o", "out", "-j", 2))
    assert status == 0
    assert err.count("loading the model of separate") == 2
    assert len(tree(here / "out")) == 4 * COUNT


def test_a_bad_input_among_good_ones_does_not_stop_the_workers(here, whole):
    (here / "songs" / "bad.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    status, _, err = finish(start(here, *MEL, "-j", 2))
    assert status == 65
    assert f"(1 of {COUNT + 1} inputs failed)" in err
    assert "bad.wav" in err
    assert tree(here / "out") == whole


@pytest.mark.parametrize("options", [("--cluster", "tcp://127.0.0.1:1"), ("-j", "2")])
def test_workers_need_a_folder(here, options):
    status, _, err = finish(start(here, "mel", "songs/s0.wav", *options))
    assert (status, "-o DIR" in err) == (2, True)


def test_a_killed_worker_is_replaced(here, whole):
    process = start(here, *MEL, "-j", 2)
    for pid in workers_of(process)[:1]:
        os.kill(pid, signal.SIGKILL)
    status, _, _ = finish(process)
    assert status == 0
    assert tree(here / "out") == whole


def test_a_run_killed_at_random_moments_and_restarted_leaves_the_same_files(here, whole):
    moments = random.Random(0)
    for _ in range(20):
        process = start(here, *MEL, "-j", 2)
        time.sleep(moments.uniform(0.0, 0.8))
        os.killpg(process.pid, signal.SIGKILL)
        finish(process)
    status, _, err = finish(start(here, *MEL, "-j", 2))
    assert status == 0, err
    assert tree(here / "out") == whole
    assert not [path for path in here.rglob("*") if path.suffix == ".tmp"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_whole_files_and_no_worker(here, whole, number, status):
    process = start(here, *MEL, "-j", 2)
    pids = workers_of(process)
    os.kill(process.pid, number)
    ended, _, err = finish(process)
    assert ended in (status, 0), err
    assert tree(here / "out").items() <= whole.items()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_workers_end_with_a_killed_parent(here):
    process = start(here, *MEL, "-j", 2)
    pids = workers_of(process)
    process.kill()
    finish(process)
    for _ in range(1000):
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            break
        time.sleep(0.01)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_two_runs_over_one_folder_do_not_disturb_each_other(here, whole):
    runs = [start(here, *MEL, "-j", 2) for _ in range(2)]
    assert [finish(run)[0] for run in runs] == [0, 0]
    assert tree(here / "out") == whole


class Fatal(Executor):
    """An executor whose process dies at one input."""

    def __init__(self, name):
        self.name = name
        self.calls = []

    def submit(self, _function, task):
        self.calls.append(task.path)
        future = Future()
        if task.path == "deadly":
            future.set_exception(BrokenProcessPool("died"))
        elif task.path == "misused":
            future.set_result((task.path, False, [], 0.0, ("UsageError", "no such thing", "")))
        else:
            future.set_result((task.path, False, [], 0.0, None))
        return future


def test_an_input_that_ends_three_workers_is_reported_and_the_rest_is_done():
    paths = ["one", "deadly", "two", "three"]
    tasks = [workers.Task(Call(), path, "", "", False, False, 1) for path in paths]
    slots = [Fatal("a"), Fatal("b")]
    made = []
    outcomes = list(workers._drive(tasks, slots, lambda lost: made.append(Fatal("c")) or made[-1]))
    failed = [outcome for outcome in outcomes if outcome.failure]
    assert sorted(outcome.path for outcome in outcomes) == sorted(paths)
    assert [outcome.path for outcome in failed] == ["deadly"]
    assert isinstance(failed[0].failure, StreamError)
    assert "3 workers died" in str(failed[0].failure)
    assert sum(slot.calls.count("deadly") for slot in [*slots, *made]) == 3


def test_wrong_usage_ends_all_at_once():
    tasks = [workers.Task(Call(), path, "", "", False, False, 1) for path in ("misused", "one")]
    slot = Fatal("a")
    with pytest.raises(UsageError, match="no such thing"):
        list(workers._drive(tasks, [slot], lambda lost: lost))
    assert slot.calls == ["misused"]
