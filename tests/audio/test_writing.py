"""Files in the format that their name says."""

import io

import numpy as np
import pytest
import soundfile

from drumkit_cli.audio.encoding import Encoding, Format, format_of
from drumkit_cli.audio.writing import open_writer
from drumkit_cli.errors import UsageError
from drumkit_cli.io.streams import open_output


@pytest.mark.parametrize(
    ("name", "encoding", "kind", "atol"),
    [
        ("a.wav", Encoding.FLOAT32, ("WAV", "FLOAT"), 0),
        ("a.flac", Encoding.FLOAT32, ("FLAC", "PCM_24"), 2**-22),
        ("a.FLAC", Encoding.PCM16, ("FLAC", "PCM_16"), 2**-14),
        ("a.ogg", Encoding.PCM16, ("OGG", "VORBIS"), 0.1),
        ("a.mp3", Encoding.FLOAT32, ("MP3", "MPEG_LAYER_III"), None),
    ],
)
def test_a_name_says_the_format_and_the_comment_is_kept(tmp_path, name, encoding, kind, atol):
    path = str(tmp_path / name)
    time = np.arange(20_000) / 44_100
    samples = np.stack([0.5 * np.sin(2 * np.pi * f * time) for f in (440, 660)]).astype(np.float32)
    with (
        open_output(path) as sink,
        open_writer(
            sink,
            format_of(path),
            44_100,
            2,
            frames=20_000,
            encoding=encoding,
            comment="how it was made",
        ) as writer,
    ):
        for start in range(0, 20_000, 3000):
            writer.write(samples[:, start : start + 3000])
    file = soundfile.SoundFile(path)
    assert (file.format.replace("WAVEX", "WAV"), file.subtype, file.samplerate) == (*kind, 44_100)
    assert "how it was made" in file.comment
    read = file.read(dtype="float32").T
    if atol is not None:
        np.testing.assert_allclose(read[:, :20_000], samples, atol=atol)
    else:
        assert np.abs(read).max() == pytest.approx(0.5, abs=0.05)


def test_what_cannot_seek_gets_the_whole_at_the_end():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    pipe = Pipe()
    with open_writer(pipe, Format.FLAC, 44_100, 1, frames=100) as writer:
        writer.write(np.zeros((1, 100), np.float32))
    assert pipe.getvalue()[:4] == b"fLaC"


def test_names_of_other_kinds_and_pipes_are_wav():
    assert [format_of(path) for path in (None, "-", "out", "a.mid", "a.MP3")] == [
        "wav", "wav", "wav", "wav", "mp3",
    ]  # fmt: skip


def test_a_format_is_chosen_where_no_name_says_another():
    assert format_of(None, Format.OGG) is format_of("out", Format.OGG) is Format.OGG
    assert format_of("a.ogg", Format.OGG) is Format.OGG
    with pytest.raises(UsageError, match=r"a\.ogg is not the name of a FLAC file; --format ogg"):
        format_of("a.ogg", Format.FLAC)


def test_a_rate_that_mp3_does_not_have_is_told():
    Format.MP3.require_rate(48_000)
    Format.FLAC.require_rate(96_000)
    with pytest.raises(UsageError, match="96000"):
        Format.MP3.require_rate(96_000)


def test_channels_that_a_format_does_not_have_are_told():
    with pytest.raises(UsageError, match="MP3 takes no 3 channels"):
        open_writer(io.BytesIO(), Format.MP3, 44_100, 3, frames=1)


def test_what_is_clipped_is_counted():
    with open_writer(io.BytesIO(), Format.FLAC, 44_100, 1, frames=3) as writer:
        writer.write(np.array([[0.5, 1.5, -2.0]], np.float32))
    assert writer.clipped_samples == 2
