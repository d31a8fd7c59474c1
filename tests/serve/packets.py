"""Datagrams that nobody should send, seeded."""

import struct

import numpy as np


def text(value):
    """An OSC string of bytes or str."""
    data = value.encode() if isinstance(value, str) else value
    return data + b"\0" * (4 - len(data) % 4)


def message(address, types="", data=b""):
    return text(address) + text("," + types) + data


def bundle(*elements, when=1):
    """A bundle at an NTP time; 1 is at once."""
    return b"#bundle\0" + struct.pack(">Q", when) + b"".join(map(element, elements))


def element(data, size=None):
    return struct.pack(">i", len(data) if size is None else size) + data


def nested(depth, inner):
    for _ in range(depth):
        inner = bundle(inner)
    return inner


PLAY = message("/drumkit/play", "sfff", text("kick") + struct.pack(">3f", 0.5, -1, 0))
HEAD = b"#bundle\0" + struct.pack(">Q", 1)
HOSTILE = {
    "empty": b"",
    "zeros": bytes(64),
    "slash": b"/",
    "an address without an end": b"/drumkit/play",
    "no comma": text("/drumkit/play") + text("sfff"),
    "not UTF-8": message(b"/drumkit/\xff\xfe"),
    "a class that is not UTF-8": message("/drumkit/play", "s", text(b"\xc3\x28")),
    "types without data": message("/drumkit/play", "sfff"),
    "many types without data": message("/drumkit/play", "i" * 4000),
    "unknown types": message("/drumkit/play", "sSIc", bytes(64)),
    "an array without an end": message("/drumkit/play", "[[[["),
    "an array without a beginning": message("/drumkit/play", "]"),
    "a huge blob": message("/drumkit/play", "b", struct.pack(">i", 2**31 - 1)),
    "a negative blob": message("/drumkit/play", "bbbb", struct.pack(">i", -8) * 4),
    "a string after a negative blob": message("/drumkit/play", "bs", struct.pack(">i", -4000)),
    "a bundle without a time": b"#bundle\0",
    "a bundle with half a size": HEAD + b"\0\0",
    "a bundle whose element goes backwards": HEAD + element(b"", -4),
    "a bundle whose element is empty": HEAD + element(b"", 0),
    "a bundle whose element is huge": HEAD + element(PLAY, 2**31 - 1),
    "a bundle of junk": bundle(b"junk"),
    "bundles in bundles around junk": nested(190, b"junk"),
    "a bundle that is half good": bundle(PLAY, b"junk"),
    "too large": message("/drumkit/play", "s", text("x" * 60_000)),
    "as large as can be": b"/" * 65_507,
    "too deep": nested(3000, PLAY),
}
"""Datagrams that are no OSC, or more than a request needs."""


def random_packets(count, seed):
    """Junk, and messages and bundles that are damaged here and there."""
    chance = np.random.default_rng(seed)
    ends = struct.pack(">f", float("nan")), struct.pack(">f", float("inf")), b"\x7f\xff\xff\xff"
    whole = [
        *HOSTILE.values(),
        message("/*"),
        message("/drumkit/play", "b" * 2000, struct.pack(">i", -4) * 400),
        message("/drumkit/*"),
        message("/drumkit/play", "s[ff]f", text("kick") + bytes(12)),
        message("/drumkit/play", "sTFN", text("kick")),
        message("/drumkit/random", "sh", text("tom") + b"\x7f" + bytes(7)),
        message("/drumkit/random", "st", text("tom") + b"\xff" * 8),
        message("/drumkit/sound", "ss", text("kick") + text("/etc/passwd")),
        message("/drumkit/error", "s", text("an error")),
        bundle(message("/drumkit/ping"), bundle(message("/drumkit/classes")), when=2**64 - 1),
        *(message("/drumkit/play", "sfff", text("kick") + end * 3) for end in ends),
    ]
    for _ in range(count):
        if chance.random() < 0.2:
            yield chance.bytes(int(chance.integers(0, 200)))
            continue
        packet = bytearray(whole[chance.integers(len(whole))])
        for _ in range(int(chance.integers(0, 4))):
            if packet:
                packet[chance.integers(len(packet))] = chance.integers(256)
        if chance.random() < 0.2:
            packet = packet[: chance.integers(len(packet) + 1)]
        yield bytes(packet)
