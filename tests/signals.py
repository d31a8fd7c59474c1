"""Sounds and files made for the tests: closed form or seeded, in every dress a file can wear."""

import io
import struct

import numpy as np
import soundfile


def sine(rate=8000, seconds=0.5, channels=1, hertz=220.0, gain=0.5):
    """Sines [C, N], an octave further up in each channel."""
    time = np.arange(round(rate * seconds)) / rate
    octaves = 2.0 ** np.arange(channels)[:, None]
    return (gain * np.sin(2 * np.pi * hertz * octaves * time)).astype(np.float32)


def encode(samples, rate=8000, container="WAV", subtype=None):
    """Samples [C, N] as the bytes of a file that libsndfile writes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples.T, rate, format=container, subtype=subtype)
    return buffer.getvalue()


def wave(data, *, size=None, rate=8000, channels=1, bits=16, tag=1, after=b"", frame_bytes=None):
    """A WAV by hand: `size` is what its data chunk claims, by default the truth."""
    size = len(data) if size is None else size
    frame_bytes = channels * bits // 8 if frame_bytes is None else frame_bytes
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * frame_bytes, frame_bytes, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", size) + data + after
    return b"RIFF" + struct.pack("<I", min(len(body), 0xFFFFFFFF)) + body


def pcm16(samples):
    """Samples [C, N] as interleaved 16-bit integers."""
    return np.rint(samples.T * 32767).astype("<i2").tobytes()
