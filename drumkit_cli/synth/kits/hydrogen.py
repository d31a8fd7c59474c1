"""Drum kits of Hydrogen: `drumkit.xml`, as far as files, velocities, levels and mute groups go."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from drumkit_cli.errors import BadDataError
from drumkit_cli.synth.kits.instruments import Instrument, decibels, kit_of, path_within
from drumkit_cli.synth.kits.kit import Kit
from drumkit_cli.synth.kits.names import voice_named
from drumkit_cli.synth.kits.recordings import VELOCITIES, Recording
from drumkit_cli.synth.kits.voices import VOICE_OF_PITCH

FILE: Final = "drumkit.xml"


def read_hydrogen(data: bytes, folder: Path, name: str) -> Kit:
    """Read a drum kit whose files lie in a folder; `name` is for messages.

    An instrument plays the voice that its name means, else that of its MIDI note; of several with
    one voice the first plays.

    Raises:
        BadDataError: it is no such kit, or a file lies elsewhere or is not there.
    """
    found: dict[str, Instrument] = {}
    for element in _parse(data, name).iter("instrument"):
        pitch = int(_number(element, "midiOutNote", -1, name))
        voice = voice_named(element.findtext("name", "")) or VOICE_OF_PITCH.get(pitch)
        if voice is None or voice in found:
            continue
        takes = tuple(_takes(element, folder, name))
        if takes:
            group = element.findtext("muteGroup", "-1").strip()
            group = "" if group == "-1" else group
            found[voice] = Instrument(takes, _pan(element, name), group, group)
    return kit_of(found, name)


def _takes(element: Element, folder: Path, name: str) -> Iterator[Recording]:
    """The recordings of an instrument, whose layers lie in it or in its first component."""
    component = element.find("instrumentComponent")
    owner = element if component is None else component
    layers = owner.findall("layer") or ([element] if element.find("filename") is not None else [])
    volumes = [_number(element, "volume", 1, name), _number(element, "gain", 1, name)]
    if component is not None:
        volumes.append(_number(component, "gain", 1, name))
    softest, hardest = VELOCITIES
    for layer in layers:
        file = (layer.findtext("filename") or "").strip()
        gains = [*volumes, *([] if layer is element else [_number(layer, "gain", 1, name)])]
        if not file or min(gains) <= 0:
            continue
        low, high = (_number(layer, bound, rest, name) for bound, rest in (("min", 0), ("max", 1)))
        yield Recording(
            path_within(folder, file, name),
            min(max(round(low * hardest) + (low > 0), softest), hardest),
            min(max(round(high * hardest), softest), hardest),
            decibels(gains),
        )


def _pan(element: Element, name: str) -> float:
    if element.find("pan") is not None:
        return _number(element, "pan", 0, name)
    return _number(element, "pan_R", 1, name) - _number(element, "pan_L", 1, name)


def _number(element: Element, tag: str, default: float, name: str) -> float:
    text = element.findtext(tag)
    if text is None or not text.strip():
        return default
    try:
        number = float(text)
    except ValueError as error:
        raise BadDataError(f"{name}: {tag} {text.strip()[:20]!r} is no number") from error
    if not abs(number) < 1e6:  # nor is NaN
        raise BadDataError(f"{name}: {tag} {number} is out of range")
    return number


def _parse(data: bytes, name: str) -> Element:
    """The tree of an XML document without a document type: entities could grow without end."""

    def refuse(*_: object) -> NoReturn:
        raise BadDataError(f"{name} declares a document type, which drumkit does not read")

    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda tag, _: builder.start(tag.rpartition("}")[2], {})
    parser.EndElementHandler = lambda tag: builder.end(tag.rpartition("}")[2])
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise BadDataError(f"{name} is damaged XML ({error})") from error
    root = builder.close()
    assert isinstance(root, Element)
    return root
