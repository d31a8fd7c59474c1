"""The layout of outputs: which stems are written, and in which channels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import UnavailableError, UsageError

Samples = NDArray[np.float32]

VOCAL_MODEL = "htdemucs"


@dataclass(frozen=True)
class Layout:
    """Stems of the output.

    Attributes:
        names: their names.
        combine: function from the model's stems `[S, C, n]` to the output's `[len(names), C, n]`.
    """

    names: tuple[str, ...]
    combine: Callable[[Samples], Samples]


def choose_layout(
    sources: tuple[str, ...], stem: str | None, two_stems: str | None, model: str
) -> Layout:
    """The layout for a single stem, for a stem and the rest, or for all stems of a model.

    Raises:
        UnavailableError: vocals are requested of a model without vocals.
        UsageError: the model has no such stem.
    """
    wanted = stem or two_stems
    if not wanted:
        return Layout(sources, lambda stems: stems)
    if wanted == "vocals" and wanted not in sources:
        raise UnavailableError(f"the {model} model knows no vocals", f"--model {VOCAL_MODEL} does")
    if wanted not in sources:
        raise UsageError(
            f"the {model} model makes no stem {wanted!r}", f"one of {', '.join(sources)}"
        )
    index = sources.index(wanted)
    if stem:
        return Layout((wanted,), lambda stems: stems[index : index + 1])
    return Layout(
        (wanted, f"no_{wanted}"),
        lambda stems: np.stack([stems[index], stems.sum(0) - stems[index]]),
    )


def rest_index(sources: Sequence[str]) -> int:
    """The place of the stem that takes what no model claims: "other", else the last."""
    return sources.index("other") if "other" in sources else -1


def fold(block: Samples, channels: int, owners: Sequence[str] = ()) -> Samples:
    """Convert a block `[C, n]` to the number of channels of a stem.

    The channels of a stems stream, whose stems `owners` names, are summed to a stereo mix.
    """
    if owners:
        first = [owners.index(stem) for stem in dict.fromkeys(owners)]
        last = [len(owners) - 1 - owners[::-1].index(stem) for stem in dict.fromkeys(owners)]
        return np.stack([block[first].sum(0), block[last].sum(0)])
    if len(block) == channels:
        return block
    if len(block) == 1:
        return np.repeat(block, 2, axis=0)
    # Further channels are added to left and right at -3 dB; a gain keeps the sum in range.
    shared = block[2:].sum(0) * np.float32(0.5**0.5)
    gain = np.float32(1 / (1 + (len(block) - 2) * 0.5**0.5))
    return np.stack([block[0] + shared, block[1] + shared]) * gain
