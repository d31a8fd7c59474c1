"""Which stems go out, and in which channels: pure functions between the model and the files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import UnavailableError

Samples = NDArray[np.float32]

VOCAL_MODEL = "htdemucs"


@dataclass(frozen=True)
class Layout:
    """Which stems come out of those that a model makes.

    Attributes:
        names: of the output.
        combine: `[S, C, n]` of the model -> `[len(names), C, n]`.
    """

    names: tuple[str, ...]
    combine: Callable[[Samples], Samples]


def choose_layout(
    sources: tuple[str, ...], stem: str | None, two_stems: str | None, model: str
) -> Layout:
    """Which stems go out.

    Raises:
        UnavailableError: the model does not make the stem that is asked for.
    """
    wanted = stem or two_stems
    if not wanted:
        return Layout(sources, lambda stems: stems)
    if wanted not in sources:
        remedy = (
            f"vocals need --model {VOCAL_MODEL}"
            if wanted == "vocals"
            else f"stems: {', '.join(sources)}"
        )
        raise UnavailableError(f"the {model} model makes no stem {wanted!r}", remedy)
    index = sources.index(wanted)
    if stem:
        return Layout((wanted,), lambda stems: stems[index : index + 1])
    return Layout(
        (wanted, f"no_{wanted}"),
        lambda stems: np.stack([stems[index], stems.sum(0) - stems[index]]),
    )


def fold(block: Samples, channels: int, *, stems: bool) -> Samples:
    """Bring a block `[C, n]` to the channels of a stem; `stems` are summed to their mix."""
    if stems:
        return np.stack([block[0::2].sum(0), block[1::2].sum(0)])
    if len(block) == channels:
        return block
    if len(block) == 1:
        return np.repeat(block, 2, axis=0)
    # Left and right, and every further channel to both at -3 dB; one gain keeps it in range.
    shared = block[2:].sum(0) * np.float32(0.5**0.5)
    gain = np.float32(1 / (1 + (len(block) - 2) * 0.5**0.5))
    return np.stack([block[0] + shared, block[1] + shared]) * gain
