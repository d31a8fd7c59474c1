"""Drums in MIDI files of every dress: sound ones, broken ones, and ones of other meters.

For every command that takes MIDI. To add a case is to add a line to a table.
"""

import struct

import numpy as np

DIVISION = 96
END = b"\x00\xff\x2f\x00"
PATTERN = ((0, 36, 110), (24, 42, 60), (96, 38, 100), (144, 42, 80), (288, 38, 90), (336, 46, 70))
"""Tick, pitch and velocity: a measure with hits on sixteenths."""


def file(*tracks, kind=0, division=DIVISION):
    """A MIDI file of track bodies."""
    chunks = (b"MTrk" + len(body).to_bytes(4, "big") + body for body in tracks)
    return b"MThd" + struct.pack(">IHHh", 6, kind, len(tracks), division) + b"".join(chunks)


def track(
    notes=PATTERN, *, head=b"", tail=b"", end=4 * DIVISION, ends=True, running=False, scale=1
):
    """A track body of notes 12 ticks long on channel 10, all ticks `scale` times.

    `head` and `tail` are events before and after the notes; the end mark comes last, at `end`.
    """
    events = [(tick, 0x99, pitch, velocity) for tick, pitch, velocity in notes]
    if ends:
        events += [(tick + 12, 0x99 if running else 0x89, pitch, 0) for tick, pitch, _ in notes]
    body, now, status = bytearray(head), 0, None
    for tick, *message in sorted(events, key=lambda event: event[0]):
        body += delta((tick - now) * scale)
        body += bytes(message[1:] if running and message[0] == status else message)
        now, status = tick, message[0]
    return bytes(body) + tail + delta(max(end - now, 0) * scale) + END[1:]


def delta(ticks):
    """Ticks as a variable-length quantity."""
    septets = [ticks & 0x7F]
    while ticks := ticks >> 7:
        septets.insert(0, ticks & 0x7F | 0x80)
    return bytes(septets)


def tempo(bpm, after=0):
    """A tempo event."""
    return delta(after) + b"\xff\x51\x03" + round(60e6 / bpm).to_bytes(3, "big")


def meter(numerator, denominator):
    """A meter event at the start."""
    return b"\x00\xff\x58\x04" + bytes([numerator, denominator.bit_length() - 1, 24, 8])


def meter_map(*changes):
    """A track body of meters by tick: (tick, numerator, denominator)."""
    body, now = b"", 0
    for tick, numerator, denominator in changes:
        body += delta(tick - now) + meter(numerator, denominator)[1:]
        now = tick
    return body + END


def smpte(frames, ticks):
    """The division of so many frames a second and ticks a frame."""
    return struct.unpack(">h", bytes([256 - frames, ticks]))[0]


def _noise():
    return np.random.default_rng(0).bytes(10_000_000)


WHOLE = file(track(head=tempo(100) + meter(4, 4)))
SOUND = {
    "format 0": WHOLE,
    "format 1": file(tempo(100) + meter(4, 4) + END, track(), kind=1),
    "format 2": file(track(head=tempo(100)), track(head=tempo(90)), kind=2),
    "running status": file(track(running=True)),
    "no tempo": file(track()),
    "a tempo of zero": file(track(head=b"\x00\xff\x51\x03\x00\x00\x00")),
    "a tempo map": file(tempo(90) + tempo(180, 100) + tempo(60, 150) + END, track(), kind=1),
    "SMPTE time": file(track(scale=5), division=smpte(25, 40)),
    "29.97 frames": file(track(scale=6), division=smpte(29, 40)),
    "notes without end": file(track(ends=False)),
    "note-offs without a note": file(b"\x00\x89\x24\x40" + track()),
    "notes all at once": file(track([(0, pitch, 100) for pitch in range(128)])),
    "bytes above 127": file(track([(0, 36, 255), (96, 38, 200)])),
    "no end mark": file(track()[:-4]),
    "odd division": file(track(), division=97),
    "one tick a quarter": file(track([(0, 36, 100), (1, 38, 90)]), division=1),
    "drums on channel 1": file(b"\x00\x90\x24\x64\x60\x80\x24\x00" + END),
    "long": file(track([(24 * step, 36 + 2 * (step % 2), 90) for step in range(512)])),
    "2/4": file(track(head=meter(2, 4))),
    "8/8": file(track(head=meter(8, 8))),
    "a length beyond the end mark": WHOLE.replace(b"MTrk\0\0\0", b"MTrk\0\0\1"),
    "junk after the end": WHOLE + b"\0" * 1000,
}
"""Files that every command takes."""

BROKEN = {
    "no note": (file(tempo(100) + END), "no notes"),
    "no track": (file(), "no MIDI track"),
    "header alone": (WHOLE[:14], "no MIDI track"),
    "half a header": (WHOLE[:11], "not a MIDI file"),
    "truncated in the notes": (WHOLE[:-30], "truncated"),
    "truncated in the end mark": (WHOLE[:-1], "truncated"),
    "no division": (file(track(), division=0), "time division"),
    "unknown format": (WHOLE[:9] + b"\x07" + WHOLE[10:], "broken MIDI header"),
    "a note after 70 hours": (file(b"\xff\xff\xff\x7f" + track()[1:]), "hours"),
    "junk of 10 MB": (_noise(), "not MIDI"),
    "a track of 10 MB of junk": (file(_noise()), "MIDI"),
    "10 MB of one event": (file(b"\x00\xc9\x00" * 3_300_000), "MIDI events"),
    "10 MB of notes": (file(b"\x01\x99\x24\x64" * 2_500_000), "MIDI events"),
}
"""Files that no command takes, and a word of what it says."""

OTHER_METERS = {
    name: file(track(head=meter(*map(int, name.split("/")))))
    for name in ("3/4", "7/8", "6/8", "5/4", "11/16", "12/8")
}
"""Files of measures of other than 16, 8, 4, 2 or 1 sixteenths, by their meter."""
