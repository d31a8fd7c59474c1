"""The command itself, as other programs meet it: over a socket."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

from drumkit_cli import cli
from tests.serve.packets import HOSTILE, bundle, random_packets
from tests.synth.tiny import write_tiny_synth

ROOT = Path(__file__).resolve().parents[2]
KICK = ("kick", 0.5, -1.0, 0.0)
SECONDS = 120


def heed_interrupts():
    """Undo what shells do to their background jobs: these, and what they start, ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Server:
    """`drumkit serve` in a process of its own, ready."""

    def __init__(self, *arguments, temporary):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "drumkit_cli", "serve", "--port", "0", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": temporary},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heed_interrupts,
        )
        self.told = []
        for line in self.process.stderr:
            self.told.append(line)
            if found := re.search(r"listening on udp://(.*):(\d+)$", line):
                self.host, self.port = found[1].strip("[]"), int(found[2])
                return
        raise AssertionError(self.told)

    def end(self, number=signal.SIGTERM):
        """Send a signal; gives the status, stdout and stderr."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, "".join(self.told) + err

    @property
    def resident_kib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


class Client:
    def __init__(self, server):
        family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(SECONDS)
        self.place = server.host, server.port

    def send(self, data):
        self.socket.sendto(data, self.place)

    def receive(self):
        reply = OscMessage(self.socket.recv(65_536))
        return reply.address, tuple(reply.params)

    def ask(self, address, *arguments):
        self.send(build_msg(address, arguments).dgram)
        return self.receive()

    def ask_until(self, address, answer):
        """Ask, and pass over the answers to what came before."""
        self.send(build_msg(address, ()).dgram)
        while (found := self.receive())[0] != answer:
            pass
        return found


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return str(write_tiny_synth(tmp_path_factory.mktemp("weights")))


@pytest.fixture
def start(weights, tmp_path_factory):
    """Start a server with these arguments; it is ended with the test."""
    temporary = str(tmp_path_factory.mktemp("temporary"))
    with contextlib.ExitStack() as stack:

        def start(*arguments, temporary=temporary):
            server = Server("--weights", weights, *arguments, temporary=temporary)
            stack.callback(server.process.communicate)
            stack.callback(server.process.kill)
            return server

        yield start


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_it_plays_until_a_signal_ends_it_and_leaves_nothing(start, tmp_path, number, status):
    server = start(temporary=str(tmp_path))
    assert server.host == "127.0.0.1"
    client = Client(server)
    address, (name, path) = client.ask("/drumkit/play/9", *KICK)
    assert (address, name) == ("/drumkit/sound/9", "kick")
    assert soundfile.info(path).frames > 0
    assert Path(path).is_relative_to(tmp_path)
    assert Path(path).parent.stat().st_mode & 0o077 == 0
    assert client.ask("/drumkit/play-data", *KICK)[1][1] == Path(path).read_bytes()
    ended, out, err = server.end(number)
    assert (ended, out) == (status, "")
    assert len(err.splitlines()) == 2, err
    assert list(tmp_path.iterdir()) == []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((server.host, server.port))


def test_ten_thousand_hostile_packets_leave_it_answering(start, tmp_path):
    server = start("-o", tmp_path, "--keep", 5)
    client = Client(server)
    expected = client.ask("/drumkit/play-data", *KICK)
    for _ in range(2):
        unheard = 0
        for packet in [*HOSTILE.values(), *random_packets(5000 - len(HOSTILE), seed=2)]:
            client.send(packet)
            unheard += len(packet) + 1000
            if unheard > 30_000:  # no more than the socket's buffer takes: none may be lost
                client.ask_until("/drumkit/ping/x", "/drumkit/pong/x")
                unheard = 0
        resident_kib = server.resident_kib
    assert client.ask("/drumkit/play-data", *KICK) == expected
    assert server.resident_kib < resident_kib + 8 * 1024
    status, out, err = server.end()
    assert (status, out) == (143, "")
    assert len(err.splitlines()) == 2, err
    assert len(list(tmp_path.iterdir())) <= 5


def test_packets_that_are_no_osc_get_no_answer(start):
    client = Client(start("-v"))
    for packet in HOSTILE.values():
        client.send(packet)
        assert client.ask("/drumkit/ping")[0] == "/drumkit/pong"


def test_a_flood_of_requests_is_answered_in_order(start):
    client = Client(start())
    for n in range(100):
        client.send(build_msg(f"/drumkit/play/{n}", KICK).dgram)
    assert [client.receive()[0] for _ in range(100)] == [f"/drumkit/sound/{n}" for n in range(100)]


def test_with_latest_a_turning_knob_gets_the_sound_of_where_it_is(start):
    client = Client(start("--latest"))
    for n in range(101):
        client.send(build_msg("/drumkit/play-data", ("kick", n / 100, 0, 0)).dgram)
    client.send(build_msg("/drumkit/ping", ()).dgram)
    answers = []
    while (found := client.receive())[0] != "/drumkit/pong":
        answers.append(found)
    assert 0 < len(answers) < 101
    assert answers[-1] == client.ask("/drumkit/play-data", "kick", 1, 0, 0)


def test_answers_go_to_the_reply_port(start):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(SECONDS)
        client = Client(start("--reply-port", ear.getsockname()[1]))
        kit = [build_msg("/drumkit/random", (name, 1)).dgram for name in ("kick", "snare")]
        client.send(bundle(*kit, when=2**64 - 1))
        heard = [OscMessage(ear.recv(4096)).params[0] for _ in kit]
    assert heard == ["kick", "snare"]


def test_another_host_is_served_with_a_warning(start):
    server = start("--host", "0.0.0.0")
    assert any("warning: whoever reaches 0.0.0.0" in line for line in server.told)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_it_speaks_ipv6(start):
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6")
    server = start("--host", "::1")
    assert not any("warning" in line for line in server.told)
    assert Client(server).ask("/drumkit/ping")[0] == "/drumkit/pong"


def test_two_runs_give_the_same_bytes(start, tmp_path):
    made = [
        Client(start("--no-provenance", "-o", tmp_path / n)).ask("/drumkit/play", *KICK, 0.5, 7)
        for n in "ab"
    ]
    paths = [Path(arguments[1]) for _, arguments in made]
    assert paths[0].parent != paths[1].parent
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert b"drumkit" not in paths[0].read_bytes()


def test_the_readmes_client_works(start):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("### `drumkit serve`")[1].split("\n### ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    port = str(start().port)
    done = subprocess.run(
        [sys.executable, "-c", code.replace("8808", port)],
        capture_output=True, text=True, timeout=SECONDS, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("['kick', '/")


def refused(capsys, *arguments):
    status = cli.run(["serve", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return status, err.splitlines()[-1]


def test_a_port_in_use_is_unavailable(capsys, weights):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        status, line = refused(capsys, "--port", port, "--weights", weights)
    assert status == 69
    assert f"cannot listen on port {port} of 127.0.0.1: Address already in use; --port" in line


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--host", ""], 2, "--host is empty"),
        (["--host", "no such host"], 69, "no address no such host"),
        (["--host", "x" * 70], 69, "no address"),
        (["--host", "\0"], 69, "no address"),
        (["--host", "192.0.2.1"], 69, "cannot listen on port 0 of 192.0.2.1"),
        (["--port", 70000], 2, "drumkit serve --help"),
        (["--keep", 0], 2, "drumkit serve --help"),
        (["--port", 9000, "--reply-port", 9000], 2, "--reply-port is the port"),
        (["-o", "-"], 2, "name a folder"),
        (["-o", ""], 2, "name a folder"),
        (["-o", "file"], 73, "cannot make the folder file"),
        (["-o", "file/below"], 73, "cannot make the folder file/below"),
        (["-o", "a\udcffb"], 2, "no UTF-8 name"),
        (["--weights", "nothing"], 66, "nothing: no such weights file"),
        (["--weights", "file"], 65, "not a drumkit weights file"),
    ],
)
def test_what_cannot_be_is_refused(capsys, tmp_path, monkeypatch, arguments, status, words):
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"junk")
    first = [] if "--port" in arguments else ["--port", 0]
    found, line = refused(capsys, *first, *arguments)
    assert (found, words in line) == (status, True), line
