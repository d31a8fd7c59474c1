"""What each message is answered, without a socket."""

import errno
import io
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from drumkit_cli.audio.loudness import start_loudness
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.serve import osc, server
from drumkit_cli.serve.osc import Message
from drumkit_cli.serve.server import REPLIES, FileRing, Instrument
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.drum_synth import DrumSynth
from drumkit_cli.sounds.mel_image import LENGTH, MEL
from tests.synth.tiny import write_tiny_synth

KICK = ("kick", 0.5, -1.0, 0.0)


@pytest.fixture(scope="module")
def synth(tmp_path_factory):
    return DrumSynth(load_weights("synth", str(write_tiny_synth(tmp_path_factory.mktemp("w")))))


@pytest.fixture
def instrument(synth, tmp_path):
    return Instrument(synth, FileRing(tmp_path, "drumkit", 4))


@pytest.fixture
def ask(instrument):
    """Send a message; gives the answer's name and arguments."""

    def ask(name, *arguments):
        reply = instrument.answer(Message(f"/drumkit/{name}", arguments))
        return reply.address.removeprefix("/drumkit/"), reply.arguments

    return ask


def test_a_sound_is_a_wav_whose_place_is_answered(ask, synth):
    reply, (name, path) = ask("play", *KICK)
    samples, rate = soundfile.read(path)
    expected = synth.play(synth.space.from_controls("kick", KICK[1:]))
    assert (reply, name, rate) == ("sound", "kick", MEL.rate)
    assert samples == pytest.approx(expected, abs=1 / 32768)
    assert soundfile.info(path).subtype == "PCM_16"
    assert Path(path).is_absolute()


def test_the_data_of_a_sound_are_the_bytes_of_its_file(ask):
    _, (_, path) = ask("play", *KICK)
    assert ask("play-data", *KICK) == ("sound-data", ("kick", Path(path).read_bytes()))
    _, (_, path) = ask("random", "tom", 7)
    assert ask("random-data", "tom", 7) == ("sound-data", ("tom", Path(path).read_bytes()))


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_is_played_and_fits_in_a_datagram(ask, name):
    reply, (_, data) = ask("random-data", name, 3)
    assert reply == "sound-data"
    assert 0 < len(soundfile.read(io.BytesIO(data))[0]) <= LENGTH
    assert len(osc.encode(Message("/drumkit/sound-data", (name, data)))) < 65_507


def test_the_same_request_gives_the_same_bytes(ask):
    played = ask("play-data", *KICK, 0.7, 5)
    assert ask("play-data", *KICK, 0.7, 5) == played
    assert ask("play-data", *KICK, 0.7, 5.0) == played
    assert ask("random-data", "kick", 5) == ask("random-data", "kick", 5)


def test_controls_velocity_and_seed_are_heard(ask):
    plain = ask("play-data", *KICK)
    assert ask("play-data", *KICK, 1, 0) == plain
    assert ask("play-data", "kick", 1, -1, 0) != plain
    assert ask("play-data", "snare", *KICK[1:]) != plain
    assert ask("random-data", "kick", 1) != ask("random-data", "kick", 2)
    _, (_, soft) = ask("play-data", *KICK, 0.25)
    hard, softer = (
        start_loudness(*soundfile.read(io.BytesIO(data))) for data in (plain[1][1], soft)
    )
    assert hard - softer == pytest.approx(20 * np.log10(8), abs=0.5)


def test_integers_and_floats_are_numbers_alike(ask):
    assert ask("play-data", "kick", 1, 0, -1) == ask("play-data", "kick", 1.0, 0.0, -1.0)


def test_the_other_addresses(ask):
    assert ask("classes") == ("class-names", CLASSES)
    assert ask("ping")[0] == "pong"


@pytest.mark.parametrize("name", ["ping", "classes", "play-data", "play", "nothing"])
def test_a_tag_comes_back_with_the_answer(ask, name):
    plain, tagged = ask(name, *KICK), ask(f"{name}/take-2.b", *KICK)
    assert tagged[0] == f"{plain[0]}/take-2.b"


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("play", (), "number of arguments: 0; give CLASS P1 P2 P3"),
        ("play", ("kick", 1, 2), "number of arguments: 3"),
        ("play", (*KICK, 1, 0, 0), "number of arguments: 7"),
        ("play", ("kik", 0, 0, 0), "no class kik; one of kick, clap"),
        ("play", ("x\x1b[2J\n" * 1000, 0, 0, 0), "no class x\\x1b[2J\\n"),
        ("play", (0, 0, 0, 0), "the class is not text"),
        ("play", (["kick"], 0, 0, 0), "the class is not text"),
        ("play", ("kick", "0", 0, 0), "P1 is not a number"),
        ("play", ("kick", 0, True, 0), "P2 is not a number"),
        ("play", ("kick", 0, 0, None), "P3 is not a number"),
        ("play", ("kick", 0, 0, b"\0"), "P3 is not a number"),
        ("play", ("kick", 0, 4.01, 0), "P2 4.01 is not within -4 to 4"),
        ("play", ("kick", -(2**63), 0, 0), "P1 -9.22337e+18 is not within -4 to 4"),
        ("play", ("kick", math.nan, 0, 0), "P1 nan is not within"),
        ("play", ("kick", 0, 0, -math.inf), "P3 -inf is not within"),
        ("play", (*KICK, 100), "velocity 100 is not within 0 to 1"),
        ("play", (*KICK, math.nan), "velocity nan is not"),
        ("play", (*KICK, 1, -1), "the seed -1 is not within 0 to"),
        ("play", (*KICK, 1, 0.5), "the seed 0.5 is not a whole number"),
        ("random", ("kick",), "number of arguments: 1; give CLASS SEED"),
        ("random", ("kick", 2**32), "the seed 4.29497e+09 is not within"),
        ("random", ("kick", 1, 2), "velocity 2 is not"),
        ("", (), "no address /drumkit/; /drumkit/ and one of play,"),
        ("*", (), "no address /drumkit/*"),
        ("play/", KICK, "no address /drumkit/play/"),
        ("play/a/b", KICK, "no address /drumkit/play/a/b"),
        ("play/" + "x" * 33, KICK, "no address /drumkit/play/xxx"),
        ("ping\n", (), "no address /drumkit/ping\\n"),
    ],
)
@pytest.mark.parametrize("data", ["", "-data"])
def test_what_cannot_be_done_is_an_error_of_one_line(ask, tmp_path, name, arguments, words, data):
    name = f"{name}{data}" if name in ("play", "random") else name
    reply, (text,) = ask(name, *arguments)
    assert reply == "error"
    assert words in text
    assert text.isprintable()
    assert len(text) < 300
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address", ["/", "/drumkit", "/drumkits/ping", "/other/play", "/*", "drumkit/ping", ""]
)
def test_messages_to_others_get_no_answer(instrument, address):
    assert instrument.answer(Message(address, KICK)) is None


def test_no_answer_is_a_request(instrument, ask):
    """Else a sender who takes a server's own address could set it talking to itself."""
    for name in ("play", "play-data", "random", "random-data", "classes", "ping", "nothing"):
        reply = instrument.answer(Message(f"/drumkit/{name}", KICK))
        assert reply.address.split("/")[2] in REPLIES
        assert instrument.answer(reply) is None
    assert instrument.answer(Message("/drumkit/error/../x*", ())) is None


def test_a_folder_holds_the_newest_files(ask, tmp_path):
    paths = [ask("random", "kick", seed)[1][1] for seed in range(6)]
    assert [Path(path).name for path in paths[:5]] == [
        "drumkit-0.wav", "drumkit-1.wav", "drumkit-2.wav", "drumkit-3.wav", "drumkit-0.wav"
    ]  # fmt: skip
    assert len(list(tmp_path.iterdir())) == 4
    assert Path(paths[5]).read_bytes() == ask("random-data", "kick", 5)[1][1]


def test_a_wav_says_how_it_was_made(synth, tmp_path):
    talking = Instrument(synth, FileRing(tmp_path, "a", 1), "drumkit 1; command: drumkit serve")
    _, path = talking.answer(Message("/drumkit/play", (*KICK, 0.5, 3))).arguments
    told = b"command: drumkit serve; request: /drumkit/play kick 0.5 -1 0 0.5 3"
    assert told in Path(path).read_bytes()


def test_a_file_that_cannot_be_written_is_an_error_and_told_once(synth, tmp_path, capsys):
    lost = Instrument(synth, FileRing(tmp_path / "gone", "a", 1))
    for _ in range(3):
        reply = lost.answer(Message("/drumkit/play/3", KICK))
        assert reply.address == "/drumkit/error/3"
        assert "its folder does not exist" in reply.arguments[0]
    assert len(capsys.readouterr().err.splitlines()) == 1


class NarrowSocket:
    """Sends no more than 9,216 bytes, as a Mac does, and nothing to port 0."""

    def __init__(self):
        self.sent = []

    def sendto(self, data, receiver):
        if receiver[1] == 0:
            raise OSError(errno.EINVAL, "Invalid argument")
        if len(data) > 9216:
            raise OSError(errno.EMSGSIZE, "Message too long")
        self.sent += osc.parse(data)


def test_data_that_do_not_fit_in_a_datagram_are_an_error():
    endpoint = NarrowSocket()
    server._send(endpoint, Message("/drumkit/sound-data/2", ("kick", bytes(10_000))), ("::1", 9))
    assert [reply.address for reply in endpoint.sent] == ["/drumkit/error/2"]
    assert "/drumkit/play" in endpoint.sent[0].arguments[0]


def test_an_answer_that_cannot_be_sent_is_given_up():
    endpoint = NarrowSocket()
    server._send(endpoint, Message("/drumkit/pong", ("1",)), ("127.0.0.1", 0))
    assert not endpoint.sent


def test_the_requests_of_a_bundle_are_answered_in_order(instrument):
    class Endpoint(NarrowSocket):
        def recvfrom(self, size, flags):
            if self.sent:
                raise KeyboardInterrupt
            requests = [osc.encode(Message(f"/drumkit/{n}")) for n in ("ping/1", "x", "ping/2")]
            parts = b"".join(len(r).to_bytes(4, "big") + r for r in requests)
            return b"#bundle\0" + bytes(7) + b"\1" + parts, ("127.0.0.1", 9)

    endpoint = Endpoint()
    with pytest.raises(KeyboardInterrupt):
        server.serve_on(endpoint, instrument, None)
    addresses = [reply.address for reply in endpoint.sent]
    assert addresses == ["/drumkit/pong/1", "/drumkit/error", "/drumkit/pong/2"]


def test_the_newest_of_a_sender_an_address_and_a_class_replaces_those_before():
    one, other = ("127.0.0.1", 1), ("127.0.0.1", 2)

    def turned(name, value, sender=one, address="/drumkit/play"):
        return Message(address, (name, value, 0, 0)), sender

    kept = [
        turned("kick", 2, other),
        turned("kick", 3, address="/drumkit/play/b"),
        turned("snare", 4),
        (Message("/drumkit/play", ([[]],)), one),
        turned("kick", 6),
        (Message("/drumkit/ping"), one),
    ]
    stale = [turned("kick", 1), turned("snare", 1), (Message("/drumkit/ping"), one)]
    assert server.newest([*stale, *kept]) == kept
    assert server.newest([]) == []
