"""Single MIDI events: the bytes that a file holds of one, as a mido message, and back.

Messages are frozen, so that tracks can share them. Their `time` is 0: an event's tick stands beside
its message, in `drumkit_cli.midi.track.Event`.
"""

from functools import lru_cache
from typing import Final, TypeAlias

from mido import KeySignatureError
from mido.frozen import (
    Frozen,
    FrozenMessage,
    FrozenMetaMessage,
    FrozenUnknownMetaMessage,
    freeze_message,
)
from mido.messages import BaseMessage
from mido.midifiles.meta import build_meta_message, encode_variable_int

_NOTES: Final = {0x80: "note_off", 0x90: "note_on"}
META: Final = 0xFF
SYSEX: Final = 0xF0
SYSEX_END: Final = 0xF7
MAX_TICKS: Final = (1 << 28) - 1
"""The longest time between two events that a file can hold."""


class Packet(Frozen, BaseMessage):  # type: ignore[misc]  # mido has no types
    """A piece of a system exclusive message or an escape, for which mido has no message.

    `type` is "packet", `status` F0 or F7, and `data` the bytes that follow the length.
    """

    def __init__(self, status: int, data: bytes) -> None:
        self.__dict__.update(type="packet", status=status, data=data, time=0)

    def bytes(self) -> list[int]:
        """The event as it stands in a file."""
        return [self.status, *encode_variable_int(len(self.data)), *self.data]

    def _get_value_names(self) -> list[str]:
        return ["status", "data", "time"]


Message: TypeAlias = FrozenMessage | FrozenMetaMessage | FrozenUnknownMetaMessage | Packet


class MessageTable(dict[bytes, Message]):
    """Messages by their bytes: mido decodes each distinct event of a file once.

    A key is a status byte and what follows it, without the length of metas (FF, type, payload) and
    of system exclusives (F0 or F7, payload).
    """

    def __missing__(self, data: bytes) -> Message:
        """Decode an event that is new."""
        self[data] = message = _decode(data)
        return message


def encode(message: Message) -> bytes:
    """An event as it stands in a file, without the time before it."""
    data = message.bytes()
    if message.type == "sysex":
        data[1:1] = encode_variable_int(len(data) - 1)
    return bytes(data)


@lru_cache(maxsize=1 << 14)
def encode_note(kind: str, channel: int, pitch: int, velocity: int) -> bytes:
    """A "note_on" or "note_off" as it stands in a file.

    Raises:
        ValueError: the channel is not within 0..15, or the pitch or velocity within 0..127.
    """
    return bytes(FrozenMessage(kind, channel=channel, note=pitch, velocity=velocity).bytes())


@lru_cache(maxsize=1 << 14)
def encode_ticks(ticks: int) -> bytes:
    """The time before an event as it stands in a file.

    Raises:
        ValueError: it is not within 0..`MAX_TICKS`.
    """
    if ticks > MAX_TICKS:
        raise ValueError(f"{ticks} ticks between two events cannot be written as MIDI")
    return bytes(encode_variable_int(ticks))


def latin1_of(text: str) -> str:
    """A text as mido holds it: each byte of its UTF-8 as a character of Latin-1."""
    return text.encode("utf-8", "replace").decode("latin-1")


def text_of(latin1: str) -> str:
    """The text of a message: its bytes as UTF-8 where they are that, else as Latin-1."""
    try:
        return latin1.encode("latin-1").decode()
    except UnicodeDecodeError:
        return latin1


def _decode(data: bytes) -> Message:
    """The message of an event; what mido would not give back the same keeps its bytes."""
    if kind := _NOTES.get(data[0] & 0xF0):  # as `from_bytes` decodes it, in half the time
        channel, note, velocity = data[0] & 0x0F, data[1], data[2]
        return FrozenMessage(kind, skip_checks=True, channel=channel, note=note, velocity=velocity)
    if data[0] == META:
        unknown = FrozenUnknownMetaMessage(data[1], data[2:])
        try:
            message = freeze_message(build_meta_message(data[1], data[2:]))
        except (LookupError, ValueError, KeySignatureError):
            return unknown
        return message if message.bytes() == unknown.bytes() else unknown
    if data[0] == SYSEX_END or (
        data[0] == SYSEX and not (data[-1] == SYSEX_END and data[1:-1].isascii())
    ):
        return Packet(data[0], data[1:])
    return FrozenMessage.from_bytes(data)


END_MARK: Final = encode(FrozenMetaMessage("end_of_track"))
"""The event that ends a track."""
