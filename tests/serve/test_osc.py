import struct

import pytest
from pythonosc.osc_message import OscMessage

from drumkit_cli.serve import osc
from drumkit_cli.serve.osc import Message, NotOscError
from tests.serve.packets import HOSTILE, PLAY, bundle, message, nested, random_packets

PLAYED = Message("/drumkit/play", ("kick", 0.5, -1.0, 0.0))


def test_a_message_is_its_address_and_arguments():
    assert osc.parse(PLAY) == [PLAYED]
    assert osc.parse(message("/a", "iTFN", struct.pack(">i", -3))) == [
        Message("/a", (-3, True, False, None))
    ]
    assert osc.parse(message("/a", "hd[i]", struct.pack(">qdi", 2**40, 0.25, 1))) == [
        Message("/a", (2**40, 0.25, [1]))
    ]


def test_a_message_without_types_has_no_arguments():
    assert osc.parse(b"/a\0\0") == [Message("/a")]


def test_the_messages_of_bundles_come_in_order_whatever_their_times():
    first, second, third = (message(f"/{n}") for n in "abc")
    late = bundle(first, bundle(second, when=2**63), third, when=2**64 - 1)
    assert [m.address for m in osc.parse(late)] == ["/a", "/b", "/c"]
    assert osc.parse(bundle()) == []


def test_bundles_may_be_nested_as_deeply_as_a_datagram_holds():
    assert osc.parse(nested(190, PLAY)) == [PLAYED]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_osc_is_refused_as_a_whole(name):
    with pytest.raises(NotOscError):
        osc.parse(HOSTILE[name])


def test_whatever_arrives_is_parsed_or_refused(caplog, capfd):
    parsed = 0
    for packet in random_packets(5000, seed=1):
        try:
            parsed += all(isinstance(found, Message) for found in osc.parse(packet))
        except NotOscError:
            continue
    assert 100 < parsed < 4000
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


def test_python_osc_reads_what_is_encoded():
    read = OscMessage(osc.encode(Message("/drumkit/sound-data/7", ("kick", b"RIFF\0\1"))))
    assert read.address == "/drumkit/sound-data/7"
    assert read.params == ["kick", b"RIFF\0\1"]
    assert osc.parse(osc.encode(Message("/drumkit/pong", ("é",)))) == [
        Message("/drumkit/pong", ("é",))
    ]
