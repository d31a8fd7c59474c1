"""The figures of the paper's Table 1 (4.2), as functions of windows ``[B, T, V]``."""

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.groove.network.windowing import BEAT_STEPS, Windows
from drumkit_cli.io.arrays import Floats


def note_f1(made: Floats, real: Floats) -> float:
    """Mean over steps of the F1 score over voices, 0..1.

    Steps without notes in both are left out; counting them as 1 would raise the score.
    """
    both = (made * real).sum(-1)
    either = made.sum(-1) + real.sum(-1)
    counted = either > 0
    return float(np.mean(2 * both[counted] / either[counted])) if counted.any() else 1.0


def micro_f1(made: Floats, real: Floats) -> float:
    """F1 score over all cells, 0..1, which the paper's published code averages."""
    total = made.sum() + real.sum()
    return float(2 * (made * real).sum() / total) if total else 1.0


def matrix_mse(made: Floats, real: Floats) -> float:
    """Mean squared error over all cells, with 0 for cells without a note."""
    return float(np.mean(np.square(made - real, dtype=np.float64)))


def hit_mse(made: Floats, real: Floats, notes: Floats) -> float:
    """Mean squared error over the cells where ``notes`` is 1; 0 without any."""
    count = notes.sum()
    return float((np.square(made - real, dtype=np.float64) * notes).sum() / count) if count else 0.0


def reconstruction(
    notes: Floats, velocities: Floats, timings: Floats, real: Windows
) -> dict[str, float]:
    """The table's figures of a reconstruction ``[B, T, V]``, except for the genre accuracy."""
    both = notes * real.notes
    return {
        "note_f1": note_f1(notes, real.notes),
        "velocity_kl": kl_distance(velocities, notes, real.velocities, real.notes),
        "velocity_mse": matrix_mse(velocities, real.velocities),
        "timing_kl": kl_distance(timings, notes, real.timings, real.notes),
        "timing_mse": matrix_mse(timings, real.timings),
        "micro_f1": micro_f1(notes, real.notes),
        "velocity_hit_mse": hit_mse(velocities, real.velocities, both),
        "timing_hit_mse": hit_mse(timings, real.timings, both),
    }


def metrical_moments(values: Floats, notes: Floats) -> NDArray[np.float64]:
    """Mean and deviation ``[4, 2]`` of values at notes on "1", "e", "&" and "a"; NaN without."""
    moments = np.full((BEAT_STEPS, 2), np.nan)
    for place in range(BEAT_STEPS):
        played = values[:, place::BEAT_STEPS][notes[:, place::BEAT_STEPS] > 0]
        if len(played):
            moments[place] = played.mean(dtype=np.float64), played.std(dtype=np.float64)
    return moments


def kl_distance(made: Floats, made_notes: Floats, real: Floats, real_notes: Floats) -> float:
    """Mean over the four metrical positions of KL(made || real), of Gaussian fits.

    This is the direction of the paper's published code.
    """
    mean, deviation = metrical_moments(made, made_notes).T
    real_mean, real_deviation = metrical_moments(real, real_notes).T
    deviation, real_deviation = np.maximum(deviation, 1e-6), np.maximum(real_deviation, 1e-6)
    divergence = (
        np.log(real_deviation / deviation)
        + (deviation**2 + (mean - real_mean) ** 2) / (2 * real_deviation**2)
        - 0.5
    )
    return float(np.nanmean(divergence))


def accuracy(found: NDArray[np.int64], real: NDArray[np.int64]) -> float:
    """Share of windows with a genre that are classified correctly; NaN without any."""
    known = real >= 0
    return float(np.mean(found[known] == real[known])) if known.any() else float("nan")
