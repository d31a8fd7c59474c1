"""The stems stream: one WAV whose channels are stems, two a stem, named in its iXML chunk."""

from collections.abc import Sequence
from typing import Final

from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.arrays import Floats

STEM_ORDER: Final = ("drums", "bass", "other", "vocals")


def stem_track_names(stems: Sequence[str], channels: int = 2) -> tuple[str, ...]:
    """Return the channel names of a stems stream: drums.L, drums.R, bass.L, ..."""
    sides = ("L", "R") if channels == 2 else tuple(str(side + 1) for side in range(channels))
    if channels == 1:
        return tuple(stems)
    return tuple(f"{stem}.{side}" for stem in stems for side in sides)


def stem_owners(track_names: Sequence[str]) -> tuple[str, ...]:
    """Return the stem that each channel belongs to; () when the names are not those of stems.

    Stems are those of `STEM_ORDER`, and the rest beside one of them: no_drums and so on.
    """
    known = {*STEM_ORDER, *(f"no_{stem}" for stem in STEM_ORDER)}
    owners = tuple(name.partition(".")[0].strip().lower() for name in track_names)
    return owners if all(owner in known for owner in owners) else ()


def select_stem(reader: AudioReader, stem: str) -> slice | None:
    """Find the channels of one stem.

    Returns:
        The slice of channels that hold `stem`, or None when the input is no stems stream, but
        plain audio, which is then taken whole as that stem.

    Raises:
        BadDataError: it is a stems stream and lacks the stem.
    """
    owners = stem_owners(reader.track_names)
    if not owners:
        return None
    places = [index for index, owner in enumerate(owners) if owner == stem]
    if not places:
        stems = ", ".join(dict.fromkeys(owners))
        raise BadDataError(f"{reader.name} holds no {stem}; its stems are {stems}")
    if places != list(range(places[0], places[-1] + 1)):
        raise BadDataError(f"{reader.name}: the channels of {stem} do not lie together")
    return slice(places[0], places[-1] + 1)


def sum_stems(block: Floats, reader: AudioReader) -> Floats:
    """The sum ``[n]`` of the stems of a block, each the mean of its channels.

    Of plain audio it is the mean of the channels.
    """
    owners = stem_owners(reader.track_names)
    summed: Floats = block.mean(0) * len(set(owners or [""]))
    return summed
