"""Which stems go out, and in which channels: pure functions between the model and the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import UnavailableError, UsageError

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
        UnavailableError: vocals are asked of a model that does not know them.
        UsageError: the model makes no such stem.
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


def fold(block: Samples, channels: int, owners: Sequence[str] = ()) -> Samples:
    """Bring a block `[C, n]` to the channels of a stem.

    Channels of stems, `owners` naming the stem of each, are summed to their mix, left and right.
    """
    if owners:
        first = [owners.index(stem) for stem in dict.fromkeys(owners)]
        last = [len(owners) - 1 - owners[::-1].index(stem) for stem in dict.fromkeys(owners)]
        return np.stack([block[first].sum(0), block[last].sum(0)])
    if len(block) == channels:
        return block
    if len(block) == 1:
        return np.repeat(block, 2, axis=0)
    # Left and right, and every further channel to both at -3 dB; one gain keeps it in range.
    shared = block[2:].sum(0) * np.float32(0.5**0.5)
    gain = np.float32(1 / (1 + (len(block) - 2) * 0.5**0.5))
    return np.stack([block[0] + shared, block[1] + shared]) * gain
