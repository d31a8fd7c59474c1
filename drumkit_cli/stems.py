"""The stems stream: one WAV whose channels are stems, two a stem, named in its iXML chunk."""

from collections.abc import Sequence
from typing import Final

from drumkit_cli.audio import AudioReader
from drumkit_cli.errors import BadDataError

STEM_ORDER: Final = ("drums", "bass", "other", "vocals")


def stem_track_names(stems: Sequence[str], channels: int = 2) -> tuple[str, ...]:
    """Return the channel names of a stems stream: drums.L, drums.R, bass.L, ..."""
    sides = ("L", "R") if channels == 2 else tuple(str(side + 1) for side in range(channels))
    if channels == 1:
        return tuple(stems)
    return tuple(f"{stem}.{side}" for stem in stems for side in sides)


def select_stem(reader: AudioReader, stem: str) -> slice | None:
    """Find the channels of one stem.

    Returns:
        The slice of channels that hold `stem`, or None when the input is no stems stream, but
        plain audio, which is then taken whole as that stem.

    Raises:
        BadDataError: it is a stems stream and lacks the stem.
    """
    owners = [name.partition(".")[0].strip().lower() for name in reader.track_names]
    stems = list(dict.fromkeys(owner for owner in owners if owner in STEM_ORDER))
    if not stems:
        return None
    places = [index for index, owner in enumerate(owners) if owner == stem]
    if not places:
        raise BadDataError(f"{reader.name} holds no {stem}; its stems are {', '.join(stems)}")
    if places != list(range(places[0], places[-1] + 1)):
        raise BadDataError(f"{reader.name}: the channels of {stem} do not lie together")
    return slice(places[0], places[-1] + 1)


def is_stems_stream(track_names: tuple[str, ...]) -> bool:
    """Whether the channels are stems, left and right in turn, as this command writes them."""
    pairs = zip(track_names[0::2], track_names[1::2], strict=False)
    return (
        len(track_names) > 1
        and len(track_names) % 2 == 0
        and all(
            left.endswith(".L") and right == f"{left.removesuffix('.L')}.R" for left, right in pairs
        )
    )
