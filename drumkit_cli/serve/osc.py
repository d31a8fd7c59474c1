"""OSC 1.0 datagrams to messages and back; whatever is sent, parsing ends, soon and quietly."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message import ParseError as MessageError
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.parsing import osc_types

REQUEST_BYTES_MAX: Final = 4096
"""Of a datagram that is parsed: a request is some 50 bytes, a bundle of a whole kit some 1,000."""

_BUNDLE: Final = b"#bundle\0"
_HEAD_BYTES: Final = len(_BUNDLE) + 8  # and the time
_TYPES: Final = frozenset("ihfdsbrmtTFN[]")


class NotOscError(ValueError):
    """A datagram is no OSC, or more of it than a request needs; `str` says why."""


@dataclass(frozen=True)
class Message:
    """An OSC message: str, int, float, bool, bytes, None and lists of them to an address."""

    address: str
    arguments: tuple[object, ...] = ()


def parse(datagram: bytes) -> list[Message]:
    """The messages of a datagram: those of a bundle in its order, its time tags disregarded.

    Raises:
        NotOscError: any part of it is no OSC 1.0, or it has more than `REQUEST_BYTES_MAX`.
    """
    if len(datagram) > REQUEST_BYTES_MAX:
        raise NotOscError(f"more than {REQUEST_BYTES_MAX} bytes")
    messages = []
    waiting = [datagram]
    while waiting:  # no recursion: bundles may be nested as deeply as they like
        part = waiting.pop()
        if part.startswith(_BUNDLE):
            waiting += reversed(list(_elements(part)))
        else:
            messages.append(_message(part))
    return messages


def encode(message: Message) -> bytes:
    """The datagram of a message of text and bytes."""
    builder = OscMessageBuilder(message.address)
    for argument in message.arguments:
        assert isinstance(argument, str | bytes)
        builder.add_arg(argument)
    return builder.build().dgram


def _elements(bundle: bytes) -> Iterator[bytes]:
    """The elements of a bundle. python-osc's own reader never ends where a size is negative."""
    if len(bundle) < _HEAD_BYTES:
        raise NotOscError("a bundle without a time")
    start = _HEAD_BYTES
    while start < len(bundle):
        if start + 4 > len(bundle):
            raise NotOscError("a bundle is cut off")
        (size,) = struct.unpack_from(">i", bundle, start)
        start += 4
        if not 0 < size <= len(bundle) - start:
            raise NotOscError("a bundle's element has another size than it says")
        yield bundle[start : start + size]
        start += size


def _message(data: bytes) -> Message:
    if not data.startswith(b"/"):
        raise NotOscError("no address")
    try:
        _, start = osc_types.get_string(data, 0)
        types = osc_types.get_string(data, start)[0] if start < len(data) else ","
        if not types.startswith(",") or not _TYPES.issuperset(types[1:]):
            # python-osc would leave out what it does not know, and take what follows for another.
            raise NotOscError("unknown types")
        parsed = OscMessage(data)
    except (MessageError, osc_types.ParseError, UnicodeDecodeError) as error:
        raise NotOscError("a damaged message") from error
    return Message(parsed.address, tuple(parsed.params))
