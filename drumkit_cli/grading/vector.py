"""The features of a window in one vector, as the regressions take them."""

import itertools
from typing import Final

import numpy as np

from drumkit_cli.grading.config import GraderConfig
from drumkit_cli.grading.features import ALONE, OF_REFERENCE
from drumkit_cli.io.arrays import Floats

_TINY: Final = 0.01


def features_of(
    config: GraderConfig,
    parts: Floats,
    embedded: Floats,
    wanted: Floats | None = None,
    correlations: Floats | None = None,
) -> Floats:
    """Features `[D]` of a window; 0 for those whose sounds are not given.

    * the drums alone: for each layer, the logarithm of the squared Mahalanobis distance of its
      activations from real drums, which is their log density but for a constant and a square; the
      activations; the parts of the drums alone.
    * beside a reference: logarithms of the squared differences of the activations; correlations of
      the mel bins; parts.
    * beside a bass: parts.

    Args:
        config: of the network.
        parts: those of `features.parts_of`.
        embedded: activations of the drums, `[sum of channels]`, as `embed` gives them.
        wanted: those of the reference; None without one.
        correlations: with the reference, `[F]`.
    """
    alone, beside, low = np.split(
        np.nan_to_num(parts), [len(ALONE), len(ALONE) + len(OF_REFERENCE)]
    )
    ends = list(itertools.accumulate(config.channels))[:-1]
    densities = [float(np.log1p((layer**2).mean())) for layer in np.split(embedded, ends)]
    activations = np.sign(embedded) * np.log1p(np.abs(embedded))
    of_reference: list[Floats] = [np.zeros(config.counts[1], np.float32)]
    if wanted is not None and correlations is not None:
        of_reference = [np.log(_TINY + (embedded - wanted) ** 2), correlations, beside]
    vector = np.concatenate([densities, activations, alone, *of_reference, low])
    return vector.astype(np.float32)
