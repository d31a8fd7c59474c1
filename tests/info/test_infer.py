"""Facts have closed forms, and what drumkit made says how."""

import io
import json
import math

import mido
import numpy as np
import pytest

import drumkit_cli as drumkit
from drumkit_cli.audio.stems import stem_track_names
from drumkit_cli.audio.wav import WavWriter, wav_bytes
from drumkit_cli.groove.inputs.groove_file import COLUMNS, GrooveTable, write_groove
from drumkit_cli.io.arrays import npy_bytes
from drumkit_cli.io.provenance import Provenance
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.sounds.codes import Code
from drumkit_cli.synth.kits.kit import Kit, KitVoice, kit_text
from tests import signals
from tests.contract import midi_files
from tests.swirl.tiny import write_tiny_drummer

RATE = 44_100
MADE = Provenance(7, "ab" * 32, "cd" * 32, ("mel", "a file; seed: 3.wav"), "0.1.0")
MADE_FACTS = {
    "version": "0.1.0",
    "arguments": ["mel", "a file; seed: 3.wav"],
    "weights_sha256": "ab" * 32,
    "input_sha256": "cd" * 32,
    "seed": 7,
}


@pytest.fixture
def facts(tmp_path):
    """The facts of a file of these bytes."""

    def tell(data):
        path = tmp_path / "file"
        path.write_bytes(data)
        told = drumkit.info(path)
        assert told.pop("file") == str(path)
        assert json.loads(json.dumps(told)) == told
        return told

    return tell


@pytest.mark.parametrize(
    ("container", "subtype", "format_name"),
    [("WAV", "PCM_24", "WAV"), ("FLAC", "PCM_16", "FLAC"), ("OGG", "VORBIS", "Ogg")],
)
def test_audio_has_its_format_length_peak_and_loudness(facts, container, subtype, format_name):
    sine = np.tile(signals.sine(RATE, 2.0, hertz=997.0, gain=10 ** (-23 / 20)), (2, 1))
    told = facts(signals.encode(sine, RATE, container, subtype))
    assert told.pop("peak_dbfs") == pytest.approx(-23, abs=0.5 if container == "OGG" else 0.01)
    assert told.pop("loudness_lufs") == pytest.approx(-23, abs=0.1)
    assert told == {
        "kind": "audio",
        "format": format_name,
        "encoding": subtype,
        "rate_hz": RATE,
        "channels": 2,
        "frames": 2 * RATE,
        "seconds": 2.0,
        "stems": [],
        "provenance": [],
    }


@pytest.mark.parametrize("frames", [0, 1, RATE])
def test_silence_has_no_level(facts, frames):
    told = facts(signals.encode(np.zeros((1, frames)), RATE))
    assert told["frames"] == frames
    assert told["peak_dbfs"] is None
    assert told["loudness_lufs"] is None


def test_a_stems_stream_has_the_levels_of_each_stem_and_of_their_sum(facts):
    drums = np.tile(signals.sine(RATE, 2.0, hertz=997.0, gain=0.5), (2, 1))
    sink = io.BytesIO()
    names = stem_track_names(["drums", "bass"])
    with WavWriter(
        sink, RATE, 4, frames=drums.shape[1], track_names=names, comment=MADE.comment()
    ) as writer:
        writer.write(np.concatenate([drums, -drums / 2]))
    told = facts(sink.getvalue())
    levels = {stem["name"]: (stem["channels"], stem["loudness_lufs"]) for stem in told["stems"]}
    half = 20 * math.log10(0.5)
    assert levels["drums"] == (2, pytest.approx(half, abs=0.01))
    assert levels["bass"] == (2, pytest.approx(2 * half, abs=0.01))
    assert told["loudness_lufs"] == pytest.approx(2 * half, abs=0.01)
    assert told["peak_dbfs"] == pytest.approx(2 * half, abs=0.01)
    assert told["channels"] == 4
    assert told["provenance"] == [MADE_FACTS]


def test_a_wav_has_the_comment_of_whatever_length(facts):
    made = Provenance(1, "", "ef" * 32, ("separate", *map(str, range(5000))), "0.1.0")
    told = facts(wav_bytes(np.zeros((1, 10), np.float32), RATE, comment=made.comment()))
    assert told["provenance"][0]["arguments"] == list(made.arguments)


@pytest.mark.parametrize("cut", [1, 4, 5, 8, 12])
def test_a_damaged_list_chunk_is_no_provenance(facts, cut):
    after = (b"LIST\xff\xff\xff\x7fINFOICMT\xff\xff\xff\x7fdrumkit")[:-cut]
    assert facts(signals.wave(bytes(2000), after=after))["provenance"] == []


def test_midi_has_its_tempo_map_meters_tracks_and_drums(facts):
    told = facts(midi_files.SOUND["a tempo map"])
    assert told["tempo_bpm"] == pytest.approx(90)
    assert told["tempo_min_bpm"] == pytest.approx(60, abs=1e-3)
    assert told["tempo_max_bpm"] == pytest.approx(180, abs=1e-3)
    assert told["tempo_changes"] == 2
    assert (told["format"], told["ticks_per_quarter"], told["ticks_per_second"]) == (1, 96, None)
    beats = ((100, 90), (150, 180), (384 - 250, 60))
    assert told["seconds"] == pytest.approx(sum(t / 96 * 60 / bpm for t, bpm in beats), abs=1e-4)
    assert told["meters"] == [{"meter": "4/4", "seconds": 0.0}]
    assert [track["notes"] for track in told["tracks"]] == [0, len(midi_files.PATTERN)]
    assert told["tracks"][1]["channels"] == [10]
    assert {drum["pitch"]: drum["hits"] for drum in told["drums"]} == {36: 1, 38: 2, 42: 2, 46: 1}
    assert told["drums"][0]["name"] == "Bass Drum 1"


@pytest.mark.parametrize(
    ("events", "tempo_bpm", "changes"),
    [
        (b"", 120, 0),
        (midi_files.tempo(100), 100, 0),
        (midi_files.tempo(100) + midi_files.tempo(100, 50), 100, 0),
        (midi_files.tempo(100, 50), 120, 1),
    ],
)
def test_a_tempo_that_is_named_again_is_no_change(facts, events, tempo_bpm, changes):
    told = facts(midi_files.file(midi_files.track(head=events)))
    assert told["tempo_bpm"] == pytest.approx(tempo_bpm, abs=1e-3)
    assert told["tempo_changes"] == changes


def test_a_pitched_track_has_its_program(facts):
    head = b"\0\xff\x03\4Lead\0\xc0\x21\0\x90\x24\x64\x60\x80\x24\0"
    told = facts(midi_files.file(midi_files.track(head=head)))
    assert told["tracks"][0] == {"name": "Lead", "channels": [1, 10], "programs": [33], "notes": 7}
    assert sum(drum["hits"] for drum in told["drums"]) == 6


def test_smpte_time_has_ticks_a_second(facts):
    told = facts(midi_files.SOUND["SMPTE time"])
    assert (told["ticks_per_quarter"], told["ticks_per_second"]) == (None, 1000)


@pytest.mark.parametrize("name", midi_files.SOUND)
def test_every_dress_of_midi_is_told(facts, name):
    told = facts(midi_files.SOUND[name])
    assert told["notes"] == sum(track["notes"] for track in told["tracks"]) > 0


@pytest.mark.parametrize("name", sorted({*midi_files.BROKEN} - {"no note", "junk of 10 MB"}))
def test_broken_midi_is_bad_data(facts, name):
    data, word = midi_files.BROKEN[name]
    with pytest.raises(drumkit.BadDataError, match=word):
        facts(data)


def test_midi_without_notes_has_none(facts):
    told = facts(midi_files.BROKEN["no note"][0])
    assert (told["notes"], told["drums"]) == (0, [])


def test_midi_keeps_the_provenance_of_every_command_in_their_order(facts):
    first = write_midi(read_midi(midi_files.WHOLE, ""), MADE.comment())
    second = Provenance(None, "", "", ("groove",), "0.2.0")
    data = write_midi(read_midi(first, ""), second.comment())
    assert mido.MidiFile(file=io.BytesIO(data)).tracks
    assert [made["arguments"] for made in facts(data)["provenance"]] == [
        MADE_FACTS["arguments"],
        ["groove"],
    ]


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "uint64", "bool", ">f8", ">i2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_has_its_shape_type_and_range(facts, dtype, order):
    numbers = np.arange(6).reshape(2, 3).astype(dtype, order=order)
    buffer = io.BytesIO()
    np.save(buffer, numbers)
    assert facts(buffer.getvalue()) == {
        "kind": "array",
        "shape": [2, 3],
        "dtype": np.dtype(dtype).name,
        "min": 0,
        "max": 1 if dtype == "bool" else 5,
        "not_finite": 0,
    }


def test_a_large_array_is_read_in_parts_and_nan_is_no_number(facts):
    numbers = np.zeros(3_000_000, np.float32)
    numbers[[5, 1_500_000, -1]] = np.nan, -2, 3
    told = facts(npy_bytes(numbers))
    assert (told["min"], told["max"], told["not_finite"]) == (-2, 3, 1)


@pytest.mark.parametrize("numbers", [np.zeros((0, 5)), np.full(3, np.inf)])
def test_an_array_without_numbers_has_no_range(facts, numbers):
    told = facts(npy_bytes(numbers))
    assert (told["min"], told["max"], told["not_finite"]) == (None, None, len(numbers))


def test_a_groove_has_its_drums(facts):
    velocities = np.zeros((len(COLUMNS), 32), np.int64)
    velocities[0, [0, 8, 16]] = 100
    text = write_groove(GrooveTable(velocities, 0 * velocities), MADE.comment())
    assert facts(text.replace("\n", "\r\n").encode()) == {
        "kind": "groove",
        "drums": [{"name": COLUMNS[0], "steps": 3}],
        "provenance": [MADE_FACTS],
    }


def test_a_kit_has_its_voices(facts):
    code = Code(np.zeros(4, np.float32), np.eye(15, dtype=np.float32)[0])
    kit = Kit({"kick": KitVoice(code, -2.0, 0.25)}, "ab" * 32)
    assert facts(kit_text(kit).encode()) == {
        "kind": "kit",
        "voices": [{"name": "kick", "gain_db": -2.0, "pan": 0.25}],
        "weights_sha256": "ab" * 32,
    }


def test_weights_have_their_feature_card_and_size(facts, tmp_path):
    path = tmp_path / "swirl.safetensors"
    write_tiny_drummer(path)
    told = facts(path.read_bytes())
    assert (told["kind"], told["feature"], told["format"]) == ("weights", "swirl", 2)
    assert len(told["sha256"]) == 64
    assert told["parameters"] > 1000


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"hello", "not audio"),
        (b'{"drumkit": 1}', "not a kit"),
        (b"{'a'", "not audio"),
        (b"drumkit groove 9\n", "version 9"),
        (b"\x10\0\0\0\0\0\0\0" + b'{"a": {}}' + bytes(50), "weights"),
        (b"\x93NUMPY\1\0\xff\xff{", "damaged NPY"),
    ],
)
def test_what_is_damaged_or_unknown_is_bad_data(facts, data, word):
    with pytest.raises(drumkit.BadDataError, match=word):
        facts(data)
