"""The instrument behind the socket: what each message asks for, and the loop that answers.

After the paper's interface, in which a server that holds the model gets P1, P2, P3 and a class over
UDP, writes a WAV and returns where it is.
"""

import errno
import re
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

from drumkit_cli import __version__, console
from drumkit_cli.arguments import SEED_MAX
from drumkit_cli.audio.encoding import Encoding
from drumkit_cli.audio.wav import wav_bytes
from drumkit_cli.errors import OutputError, StreamError, UsageError
from drumkit_cli.io.streams import open_output
from drumkit_cli.serve import osc
from drumkit_cli.serve.osc import Message
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.codes import Code
from drumkit_cli.sounds.drum_synth import DrumSynth
from drumkit_cli.sounds.mel_image import MEL

CONTROL_MAX: Final = 4.0
"""How far out P1, P2 and P3 may be, in deviations of the class: beyond there is no drum."""
REPLIES: Final = ("sound", "sound-data", "class-names", "pong", "error")
"""Never taken for requests, so that two servers, or one and itself, cannot talk for ever."""

_ADDRESS: Final = re.compile(r"/drumkit/([a-z-]+)(/[A-Za-z0-9._-]{1,32})?")
_WARNING_SECONDS: Final = 10.0
_SHOWN: Final = 40
_WAITING_MAX: Final = 256

Answer = tuple[str, tuple[object, ...]]
Request = tuple[Message, tuple[Any, ...]]


class FileRing:
    """WAV files in a folder: the newest `keep`, whose names come round."""

    def __init__(self, folder: Path, stem: str, keep: int) -> None:
        self._folder = folder
        self._stem = stem
        self._keep = keep
        self._next = 0

    def write(self, data: bytes) -> str:
        """Write a file, over the oldest where there are `keep`; returns its path.

        Raises:
            OutputError, StreamError: as `open_output`.
        """
        digits = len(str(self._keep - 1))
        path = str(self._folder / f"{self._stem}-{self._next:0{digits}d}.wav")
        self._next = (self._next + 1) % self._keep
        with open_output(path) as sink:
            sink.write(data)
        return path


class Instrument:
    """Answers messages, with the sounds of one synthesiser."""

    def __init__(self, synth: DrumSynth, files: FileRing, comment: str = "") -> None:
        """Take the synthesiser, where WAVs go, and what they say of how they were made, or ""."""
        self._synth = synth
        self._files = files
        self._comment = comment
        self._warned_seconds = -_WARNING_SECONDS
        self._handlers: dict[str, Callable[[tuple[object, ...]], Answer]] = {
            "play": lambda arguments: self._file(self._played(arguments)),
            "play-data": lambda arguments: self._data(self._played(arguments)),
            "random": lambda arguments: self._file(self._drawn(arguments)),
            "random-data": lambda arguments: self._data(self._drawn(arguments)),
            "classes": lambda _: ("class-names", CLASSES),
            "ping": lambda _: ("pong", (__version__,)),
        }

    def warm_up(self) -> None:
        """Make a few sounds for nothing: the first ones are slow."""
        for seed in range(3):
            self._drawn((CLASSES[0], seed))

    def answer(self, request: Message) -> Message | None:
        """The answer to a message; None where it is not for us.

        What follows the address after a slash comes back with the answer: ``/drumkit/ping/7`` gets
        ``/drumkit/pong/7``. What cannot be done gets ``/drumkit/error`` with one line of text.
        """
        if not request.address.startswith("/drumkit/"):
            return None
        name = request.address.split("/")[2]
        if name in REPLIES:
            return None
        known = _ADDRESS.fullmatch(request.address)
        tag = known[2] or "" if known else ""
        try:
            if known is None or name not in self._handlers:
                raise UsageError(
                    f"no address {_shown(request.address)}",
                    f"/drumkit/ and one of {', '.join(self._handlers)}, perhaps / and a tag",
                )
            reply, arguments = self._handlers[name](request.arguments)
        except UsageError as failure:
            reply, arguments = "error", (str(failure),)
        except (OutputError, StreamError) as failure:
            self._warn(str(failure))
            reply, arguments = "error", (str(failure),)
        return Message(f"/drumkit/{reply}{tag}", arguments)

    def _played(self, arguments: tuple[object, ...]) -> tuple[str, bytes]:
        """The class and the WAV of CLASS P1 P2 P3 [VELOCITY [SEED]]."""
        if not 4 <= len(arguments) <= 6:
            raise UsageError(
                f"number of arguments: {len(arguments)}",
                "give CLASS P1 P2 P3, perhaps VELOCITY and SEED",
            )
        name = _class(arguments[0])
        first, second, third = (
            _number(argument, f"P{place}", -CONTROL_MAX, CONTROL_MAX)
            for place, argument in enumerate(arguments[1:4], 1)
        )
        velocity = _velocity(arguments[4]) if len(arguments) > 4 else 1.0
        seed = _seed(arguments[5]) if len(arguments) > 5 else 0
        code = self._synth.space.from_controls(name, (first, second, third))
        asked = f"play {name} {first:.9g} {second:.9g} {third:.9g} {velocity:.9g} {seed}"
        return name, self._wav(code, velocity, seed, asked)

    def _drawn(self, arguments: tuple[object, ...]) -> tuple[str, bytes]:
        """The class and the WAV of CLASS SEED [VELOCITY]."""
        if not 2 <= len(arguments) <= 3:
            raise UsageError(
                f"number of arguments: {len(arguments)}", "give CLASS SEED, perhaps VELOCITY"
            )
        name, seed = _class(arguments[0]), _seed(arguments[1])
        velocity = _velocity(arguments[2]) if len(arguments) > 2 else 1.0
        (code,) = self._synth.space.sample(name, 1, seed)
        return name, self._wav(code, velocity, seed, f"random {name} {seed} {velocity:.9g}")

    def _wav(self, code: Code, velocity: float, seed: int, asked: str) -> bytes:
        samples = self._synth.play(code, velocity=velocity, seed=seed)[None]
        comment = f"{self._comment}; request: /drumkit/{asked}" if self._comment else ""
        return wav_bytes(samples, MEL.rate, encoding=Encoding.PCM16, comment=comment)

    def _file(self, sound: tuple[str, bytes]) -> Answer:
        name, data = sound
        return "sound", (name, self._files.write(data))

    def _data(self, sound: tuple[str, bytes]) -> Answer:
        return "sound-data", sound

    def _warn(self, message: str) -> None:
        """Tell at most every ten seconds: requests may come by the hundred."""
        now = time.monotonic()
        if now - self._warned_seconds >= _WARNING_SECONDS:
            self._warned_seconds = now
            console.warn(message)


def serve_on(
    endpoint: socket.socket, instrument: Instrument, reply_port: int | None, *, latest: bool = False
) -> NoReturn:
    """Answer what arrives at a bound UDP socket, one message after the other, without end.

    Answers go to the sender, at its own port or at `reply_port`. What is no OSC gets none. What
    arrives meanwhile waits in the system's buffer, which drops what it cannot hold; with `latest`
    only the `newest` of what waits is answered.
    """
    while True:
        requests = _arrived(endpoint, 0)
        with suppress(BlockingIOError):  # until none waits
            for _ in range(_WAITING_MAX if latest else 0):
                requests += _arrived(endpoint, socket.MSG_DONTWAIT)
        for request, sender in newest(requests) if latest else requests:
            reply = instrument.answer(request)
            if reply is not None:
                port = sender[1] if reply_port is None else reply_port
                _send(endpoint, reply, (sender[0], port, *sender[2:]))


def newest(requests: list[Request]) -> list[Request]:
    """Those that no later one of the same sender, address (with its tag) and class replaces."""
    last = {_control(request): place for place, request in enumerate(requests)}
    return [request for place, request in enumerate(requests) if last[_control(request)] == place]


def _control(request: Request) -> tuple[object, ...]:
    """What a request sets: a knob that is turned sends many of one."""
    message, sender = request
    first = message.arguments[0] if message.arguments else None
    return sender, message.address, first if isinstance(first, str) else None


def _arrived(endpoint: socket.socket, flags: int) -> list[Request]:
    """The messages of the next datagram, each with its sender."""
    datagram, sender = endpoint.recvfrom(osc.REQUEST_BYTES_MAX + 1, flags)
    try:
        return [(message, sender) for message in osc.parse(datagram)]
    except osc.NotOscError as failure:
        console.detail(f"nothing for us from {sender[0]}: {failure}")
        return []


def _send(endpoint: socket.socket, reply: Message, receiver: tuple[Any, ...]) -> None:
    try:
        endpoint.sendto(osc.encode(reply), receiver)
    except OSError as failure:
        if failure.errno == errno.EMSGSIZE and reply.address.startswith("/drumkit/sound-data"):
            tag = reply.address.removeprefix("/drumkit/sound-data")
            words = "the sound does not fit in a datagram here; ask for its file, /drumkit/play"
            _send(endpoint, Message(f"/drumkit/error{tag}", (words,)), receiver)
            return
        console.detail(f"cannot answer {receiver[0]}:{receiver[1]}: {failure.strerror}")


def _class(value: object) -> str:
    if not isinstance(value, str):
        raise UsageError("the class is not text", f"one of {', '.join(CLASSES)}")
    if value not in CLASSES:
        raise UsageError(f"no class {_shown(value)}", f"one of {', '.join(CLASSES)}")
    return value


def _number(value: object, what: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{what} is not a number")
    if not low <= value <= high:  # nor NaN
        raise UsageError(f"{what} {value:g} is not within {low:g} to {high:g}")
    return float(value)


def _velocity(value: object) -> float:
    return _number(value, "velocity", 0, 1)


def _seed(value: object) -> int:
    """A whole number; clients without integers send it as a float."""
    seed = _number(value, "the seed", 0, SEED_MAX)
    if seed != int(seed):
        raise UsageError(f"the seed {seed:g} is not a whole number")
    return int(seed)


def _shown(text: str) -> str:
    return console.escape(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
