"""Events become mido messages with names, and give back the bytes that they came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido.frozen import FrozenMessage
from mido.midifiles.meta import encode_variable_int

from drumkit_cli.midi.messages import (
    MAX_TICKS,
    MessageTable,
    encode,
    encode_note,
    encode_ticks,
    latin1_of,
    text_of,
)


def with_length(data: bytes) -> bytes:
    """An event of the table's kind as it stands in a file."""
    head = {0xFF: 2, 0xF0: 1, 0xF7: 1}.get(data[0])
    if head is None:
        return data
    return data[:head] + bytes(encode_variable_int(len(data) - head)) + data[head:]


@given(st.integers(0, 127), st.binary(max_size=300))
def test_a_meta_event_of_any_type_and_payload_keeps_its_bytes(kind, payload):
    data = bytes([0xFF, kind]) + payload
    assert encode(MessageTable()[data]) == with_length(data)


@given(st.integers(0, 127), st.integers(0, 8).flatmap(lambda n: st.binary(min_size=n, max_size=n)))
def test_a_meta_event_of_a_short_payload_keeps_its_bytes(kind, payload):
    data = bytes([0xFF, kind]) + payload
    assert encode(MessageTable()[data]) == with_length(data)


@given(st.sampled_from([0xF0, 0xF7]), st.binary(max_size=20), st.booleans())
def test_a_system_exclusive_keeps_its_bytes_whole_or_in_pieces(status, payload, ended):
    data = bytes([status]) + payload + (b"\xf7" if ended else b"")
    assert encode(MessageTable()[data]) == with_length(data)


@pytest.mark.parametrize(
    ("data", "kind", "values"),
    [
        (b"\xb9\x04\x40", "control_change", {"channel": 9, "control": 4, "value": 64}),
        (b"\xc0\x21", "program_change", {"program": 33}),
        (b"\xe0\x00\x40", "pitchwheel", {"pitch": 0}),
        (b"\xff\x51\x07\xa1\x20", "set_tempo", {"tempo": 500_000}),
        (b"\xff\x58\x06\x03\x24\x08", "time_signature", {"numerator": 6, "denominator": 8}),
        (b"\xff\x03Schl\xe4ger", "track_name", {"name": "Schläger"}),
        (b"\xff\x58\x06\x03", "unknown_meta", {"type_byte": 0x58, "data": (6, 3)}),
        (b"\xff\x59\x63\x09", "unknown_meta", {"type_byte": 0x59, "data": (0x63, 9)}),
        (b"\xf0\x7e\x7f\x09\x01\xf7", "sysex", {"data": (0x7E, 0x7F, 9, 1)}),
        (b"\xf0\x7e\x7f", "packet", {"status": 0xF0, "data": b"\x7e\x7f"}),
        (b"\xf7\xf3\x01", "packet", {"status": 0xF7, "data": b"\xf3\x01"}),
    ],
)
def test_events_have_names_and_values(data, kind, values):
    message = MessageTable()[data]
    assert message.type == kind
    assert {name: getattr(message, name) for name in values} == values
    assert kind in repr(message) or kind == "unknown_meta"


@pytest.mark.parametrize("data", [b"\x99\x24\x55", b"\x80\x3c\x00", b"\x9f\x7f\x7f"])
def test_notes_are_decoded_as_mido_decodes_them(data):
    assert MessageTable()[data] == FrozenMessage.from_bytes(data)


def test_messages_cannot_be_changed_and_can_be_compared():
    first, second = MessageTable(), MessageTable()
    for data in (b"\xb9\x04\x40", b"\xff\x01a", b"\xff\x60", b"\xf7\xf3\x01"):
        assert first[data] == second[data]
        assert hash(first[data]) == hash(second[data])
        assert first[data] != first[b"\xb9\x04\x41"]
        with pytest.raises(ValueError, match="immutable"):
            first[data].time = 1


@given(st.text(max_size=30))
def test_a_text_survives_its_way_through_latin1(text):
    assert text_of(latin1_of(text)) == text


def test_bytes_that_are_no_utf8_are_read_as_latin1():
    assert text_of("Schl\xe4ger") == "Schläger"


def test_the_longest_time_has_four_bytes():
    assert encode_ticks(MAX_TICKS) == b"\xff\xff\xff\x7f"
    for ticks in (MAX_TICKS + 1, -1):
        with pytest.raises(ValueError, match=r"cannot be written|non-negative"):
            encode_ticks(ticks)


@pytest.mark.parametrize("wrong", [(16, 36, 64), (9, 128, 64), (9, 36, 128)])
def test_a_note_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match="range"):
        encode_note("note_on", *wrong)
