"""Latent codes: drawn from a class, set by three controls, varied, played softer, morphed.

Everything here is arithmetic on a few dozen numbers: no network runs, and a code for every note of
a song costs nothing beside the sounds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.model import Latent

CONTROLS: Final = 3
"""P1, P2, P3: the paper's principal components."""
TRUNCATION: Final = 2.0
"""No component is drawn further out than this many deviations: the far ends are nobody's drum."""
SOFT_BRIGHTNESS: Final = 1.5
"""Deviations of brightness by which the softest hit is duller than the loudest."""
LATENT_MAX: Final = 1e6
"""Of a number of a code that is read: far beyond any drum, and what the networks still take."""
_PARALLEL: Final = 1e-4
_SUM_TOLERANCE: Final = 1e-3

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Code:
    """A sound to be: a latent code ``[Z]``, and the weights ``[K]`` of the classes, sum 1."""

    latent: Floats
    classes: Floats


class LatentSpace:
    """Where the classes lie, as `Latent` measured it."""

    def __init__(self, latent: Latent) -> None:
        self._mean = latent.mean.numpy()
        self._components = latent.components.numpy()
        self._scale = latent.scale.numpy()
        self._brighter = latent.brighter.numpy()

    def sample(self, name: str, count: int, seed: int) -> list[Code]:
        """Draw codes of a class: Gaussian along its components, cut at `TRUNCATION`.

        The first codes of a seed are the same whatever the count.

        Raises:
            UsageError: no such class.
        """
        c = class_of(name)
        return [
            self._at(c, _truncated(np.random.default_rng((seed, index)), len(self._mean[c])))
            for index in range(count)
        ]

    def from_controls(self, name: str, controls: tuple[float, float, float]) -> Code:
        """The code at P1, P2, P3, in deviations of the class; the other components are at 0.

        Positive controls are brighter sounds.

        Raises:
            UsageError: no such class, or a control that is not finite.
        """
        c = class_of(name)
        if not np.isfinite(controls).all():
            raise UsageError(f"controls {controls} are not finite numbers")
        places = np.zeros(len(self._mean[c]))
        places[:CONTROLS] = controls
        return self._at(c, places)

    def controls(self, code: Code) -> tuple[float, float, float]:
        """P1, P2, P3 of a code, in deviations of its (strongest) class."""
        c = int(code.classes.argmax())
        places = self._components[c] @ (code.latent - self._mean[c])
        first, second, third = places[:CONTROLS] / np.maximum(self._scale[c, :CONTROLS], 1e-6)
        return float(first), float(second), float(third)

    def vary(self, code: Code, amount: float, count: int, seed: int) -> list[Code]:
        """Codes around one: `amount` 1 is as far as two sounds of the class are apart; 0 is itself.

        Raises:
            UsageError: the amount is negative or not finite.
        """
        if not (np.isfinite(amount) and amount >= 0):
            raise UsageError(f"a variation of {amount} is not 0 or more")
        c = int(code.classes.argmax())
        varied = []
        for index in range(count):
            generator = np.random.default_rng((seed, index))
            places = _truncated(generator, len(code.latent)) * self._scale[c]
            moved = code.latent + amount * (places @ self._components[c])
            varied.append(replace(code, latent=moved.astype(np.float32)))
        return varied

    def at_velocity(self, code: Code, velocity: float) -> Code:
        """The code of a softer hit: duller, as drums are; velocity 1 is the code itself.

        Raises:
            UsageError: the velocity is not within 0..1.
        """
        if not 0 <= velocity <= 1:
            raise UsageError(f"velocity {velocity} is not within 0 to 1")
        way = code.classes @ self._brighter
        moved = code.latent - SOFT_BRIGHTNESS * (1 - velocity) * way
        return replace(code, latent=moved.astype(np.float32))

    def _at(self, c: int, places: NDArray[np.float64]) -> Code:
        latent = self._mean[c] + (places * self._scale[c]) @ self._components[c]
        return Code(latent.astype(np.float32), class_weights(c))


def between(first: Code, second: Code, count: int) -> list[Code]:
    """Codes on the way from one to the other, both included; a count of 1 is halfway.

    The latent codes turn on an arc (a straight line would pass where no sound lies), the classes
    and the length of the arc's radius go straight.
    """
    shares = np.linspace(0, 1, count) if count > 1 else np.full(count, 0.5)
    codes = []
    for share in shares:
        if share in (0, 1):
            codes.append(second if share else first)
            continue
        classes = (1 - share) * first.classes + share * second.classes
        codes.append(
            Code(_arc(first.latent, second.latent, float(share)), classes.astype(np.float32))
        )
    return codes


def class_of(name: str) -> int:
    """The place of a class.

    Raises:
        UsageError: no such class.
    """
    if name not in CLASSES:
        raise UsageError(f"no class {name}", f"one of {', '.join(CLASSES)}")
    return CLASSES.index(name)


def class_weights(c: int) -> Floats:
    """One-hot weights ``[K]``."""
    weights = np.zeros(len(CLASSES), np.float32)
    weights[c] = 1
    return weights


def to_array(codes: list[Code]) -> Floats:
    """Codes as an array ``[n, Z + K]``."""
    return np.stack([np.concatenate([code.latent, code.classes]) for code in codes])


def from_array(array: Floats, latent: int) -> list[Code]:
    """The codes of an array ``[n, Z + K]`` or of one code ``[Z + K]``.

    Raises:
        BadDataError: another shape, numbers beyond `LATENT_MAX`, or weights that are none.
    """
    rows = np.atleast_2d(np.asarray(array, np.float32))
    if rows.ndim != 2 or rows.shape[1] != latent + len(CLASSES):
        raise BadDataError(f"codes of shape {array.shape} are not [n, {latent + len(CLASSES)}]")
    if not (np.abs(rows) <= LATENT_MAX).all():  # nor NaN
        raise BadDataError(f"codes hold numbers that are not within {LATENT_MAX:g}")
    for number, row in enumerate(rows, 1):
        if fault := classes_fault(row[latent:]):
            raise BadDataError(f"code {number}: {fault}")
    return [Code(row[:latent], row[latent:]) for row in rows]


def classes_fault(weights: Floats) -> str:
    """What is wrong with weights ``[K]`` of classes; "" where nothing is."""
    if not ((weights >= 0) & (weights <= 1)).all():
        return "a weight of its classes is not within 0 to 1"
    if abs(float(weights.sum()) - 1) > _SUM_TOLERANCE:
        return f"the weights of its classes sum to {weights.sum():g}, not 1"
    return ""


def _truncated(generator: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Normal numbers within `TRUNCATION`; those outside are drawn again."""
    numbers = generator.standard_normal(size)
    while (outside := np.abs(numbers) > TRUNCATION).any():
        numbers[outside] = generator.standard_normal(int(outside.sum()))
    return numbers


def _arc(first: Floats, second: Floats, share: float) -> Floats:
    first, second = first.astype(np.float64), second.astype(np.float64)  # equal ones stay equal
    lengths = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    straight = (1 - share) * first + share * second
    if min(lengths) < _PARALLEL:
        return straight.astype(np.float32)
    a, b = first / lengths[0], second / lengths[1]
    angle = float(np.arccos(np.clip(a @ b, -1, 1)))
    if angle < _PARALLEL or angle > np.pi - _PARALLEL:
        return straight.astype(np.float32)
    turned = (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)
    radius = (1 - share) * lengths[0] + share * lengths[1]
    return np.asarray(radius * turned, np.float32)
