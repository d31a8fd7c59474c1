import signal
import subprocess
import sys
import time

import pytest

from drumkit_cli.errors import MissingInputError, StreamError
from drumkit_cli.pipeline import evaluate as pipeline
from drumkit_cli.pipeline.evaluate import evaluate
from tests import signals
from tests.contract.commands import make_weights


def test_songs_keep_their_length_through_both_commands(tmp_path, monkeypatch):
    monkeypatch.delenv("DRUMKIT_WEIGHTS", raising=False)
    weights, songs = tmp_path / "weights", tmp_path / "songs"
    weights.mkdir()
    songs.mkdir()
    make_weights(weights)
    song = signals.sine(16_000, 2.0, 2, hertz=55.0)
    (songs / "song.wav").write_bytes(signals.encode(song, 16_000, "WAV", "PCM_16"))
    table = evaluate(songs, str(weights))
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert row["song"] == "song.wav"
    assert row["seconds"] == 2.0
    assert row["frames more"] == 0
    assert 0 <= row["F"] <= 1


def test_a_song_that_cannot_be_read_fails_the_evaluation(tmp_path, capfd):
    (tmp_path / "junk.wav").write_bytes(b"RIFF junk")
    with pytest.raises(StreamError, match="statuses"):
        evaluate(tmp_path, None)


def test_a_folder_without_songs_is_missing_input(tmp_path):
    with pytest.raises(MissingInputError, match="no audio files"):
        evaluate(tmp_path, None)


class Interrupted(BaseException):
    pass


@pytest.mark.parametrize("is_deaf", [False, True])
def test_no_command_outlives_an_evaluation_that_is_interrupted(tmp_path, monkeypatch, is_deaf):
    def interrupt(*_):
        raise Interrupted

    started = []

    def start(*arguments, popen=subprocess.Popen, **settings):
        started.append(popen(*arguments, **settings))
        if len(started) == 3:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
        return started[-1]

    sleep = "import time; time.sleep(300)"
    if is_deaf:
        sleep = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + sleep
    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(pipeline, "PROGRAM", (sys.executable, "-c", sleep))
    monkeypatch.setattr(pipeline, "GRACE_SECONDS", 0.2)
    (tmp_path / "song.wav").touch()
    old = signal.signal(signal.SIGALRM, interrupt)
    began = time.monotonic()
    try:
        with pytest.raises(Interrupted):
            evaluate(tmp_path, None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert time.monotonic() - began < 60
    assert len(started) == 3
    assert all(process.returncode is not None for process in started)
