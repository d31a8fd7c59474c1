"""Multinomial logistic regression over the buckets of grades, and what it makes of features."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.grading.buckets import BUCKETS, bucket_of
from drumkit_cli.grading.config import CONTEXTS, GraderConfig
from drumkit_cli.grading.model import CLIP
from drumkit_cli.io.arrays import Floats

PENALTY: Final = 30.0
"""Weight of half the squared coefficients, as much as so many examples."""
_ITERATIONS: Final = 300
_LEAST_SCALE: Final = 1e-3

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Regressions:
    """The buffers of `grading.model.GraderNetwork` that hold the regressions, by their names."""

    feature_mean: Floats
    feature_scale: Floats
    coefficients: Floats
    intercepts: Floats
    values: Floats


def fit_regressions(
    config: GraderConfig, features: Floats, grades: Floats, penalty: float = PENALTY
) -> Regressions:
    """Fit the regression of each context to graded features.

    Args:
        config: of the network.
        features: `[n, D]`, those of drums with reference and bass.
        grades: 0 to 9, `[n]`.
        penalty: weight of the coefficients.
    """
    mean, scale = features.mean(0), features.std(0) + _LEAST_SCALE
    scaled = np.clip((features - mean) / scale, -CLIP, CLIP).astype(np.float64)
    buckets = np.array([bucket_of(grade) for grade in grades])
    ends = np.cumsum(config.counts)
    place = np.arange(config.features)
    coefficients = np.zeros((len(CONTEXTS), config.features, len(BUCKETS)))
    intercepts = np.zeros((len(CONTEXTS), 1, len(BUCKETS)))
    likely = []
    for context in range(len(CONTEXTS)):
        has_reference, has_bass = bool(context & 1), bool(context & 2)
        known = (place < ends[0]) | (has_reference & (place < ends[1])) | (place >= ends[1])
        known &= has_bass | (place < ends[1])
        weights, bias = fit_softmax(scaled[:, known], buckets, len(BUCKETS), penalty)
        coefficients[context, known], intercepts[context, 0] = weights, bias
        likely.append(softmax(scaled[:, known] @ weights + bias))
    values = np.linalg.lstsq(np.concatenate(likely), np.tile(grades, len(CONTEXTS)), rcond=None)[0]
    values = np.clip(values, [b.low for b in BUCKETS], [b.high for b in BUCKETS])
    arrays = (mean, scale, coefficients, intercepts, values)
    return Regressions(*(array.astype(np.float32) for array in arrays))


def fit_softmax(
    features: Doubles, classes: NDArray[np.intp], count: int, penalty: float
) -> tuple[Doubles, Doubles]:
    """Coefficients `[D, count]` and intercepts `[count]` of the most likely classes `[n]`.

    The squared coefficients are penalised, so that the answer is unique but for the intercepts'
    common offset; it is found by L-BFGS.
    """
    from scipy.optimize import minimize

    size = features.shape[1]
    wanted = np.eye(count)[classes]

    def loss(point: Doubles) -> tuple[float, Doubles]:
        weights, bias = point[:-count].reshape(size, count), point[-count:]
        likely = softmax(features @ weights + bias)
        entropy = -np.log(np.maximum(likely[np.arange(len(classes)), classes], 1e-300)).sum()
        error = likely - wanted
        slope = np.concatenate([(features.T @ error + penalty * weights).ravel(), error.sum(0)])
        return float(entropy + penalty / 2 * (weights**2).sum()), slope

    start = np.zeros((size + 1) * count)
    options = {"maxiter": _ITERATIONS}
    point = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    return point[:-count].reshape(size, count), point[-count:]


def softmax(logits: Doubles) -> Doubles:
    """Probabilities `[n, k]`."""
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True))
