"""Latent codes of drum sounds: sampling, control by principal components, variation, morphing.

No network runs here.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.sounds.classes import CLASSES

CONTROLS: Final = 3
"""P1, P2, P3: the paper's controls, the first principal components of a class."""
TRUNCATION: Final = 2.0
"""Largest normal number that is drawn: codes further out are no plausible drums."""
TEMPERATURE: Final = 0.85
"""Standard deviation of drawn components, as a share of that of the class: sounds vary a little
less, and more of them are heard as what they should be."""
SOFT_BRIGHTNESS: Final = 1.5
"""How much duller than velocity 1 a hit of velocity 0 is, in deviations of brightness."""
LATENT_MAX: Final = 1e6
"""Largest magnitude of a number in a code that is read: the networks stay finite."""
_PARALLEL: Final = 1e-4
_SUM_TOLERANCE: Final = 1e-3


@dataclass(frozen=True)
class Code:
    """A latent code ``[Z]`` with the class weights ``[K]`` that it is decoded with, of sum 1."""

    latent: Floats
    classes: Floats


class LatentSpace:
    """The distributions of the codes of each class."""

    def __init__(self, mean: Floats, components: Floats, scale: Floats, brighter: Floats) -> None:
        """Take the buffers of `model.Latent`.

        Raises:
            ValueError: they do not have its shapes.
        """
        latent = mean.shape[-1]
        if any(
            array.shape != (len(CLASSES), *shape)
            for array, shape in (
                (mean, (latent,)),
                (components, (latent, latent)),
                (scale, (latent,)),
                (brighter, (latent,)),
            )
        ):
            raise ValueError("shapes of another latent space")
        self._mean, self._components = mean, components
        self._scale, self._brighter = scale, brighter

    def sample(self, name: str, count: int, seed: int) -> list[Code]:
        """Sample codes of a class from its Gaussian, narrowed by `TEMPERATURE` and truncated.

        The first codes of a seed do not depend on the count.

        Raises:
            UsageError: no such class.
        """
        c, size = class_of(name), self._mean.shape[1]
        return [
            self._at(c, TEMPERATURE * _truncated(np.random.default_rng((seed, index)), size))
            for index in range(count)
        ]

    def from_controls(self, name: str, controls: tuple[float, float, float]) -> Code:
        """The code at P1, P2, P3 in standard deviations of the class, other components at 0.

        Positive controls make brighter sounds.

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
        """P1, P2, P3 of a code, in standard deviations of its class (the one of most weight)."""
        c = int(code.classes.argmax())
        places = self._components[c] @ (code.latent - self._mean[c])
        first, second, third = places[:CONTROLS] / np.maximum(self._scale[c, :CONTROLS], 1e-6)
        return float(first), float(second), float(third)

    def vary(self, code: Code, amount: float, count: int, seed: int) -> list[Code]:
        """Random variations of a code; `amount` scales the deviation of its class, 0 is the code.

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
        """The code of a softer and so duller hit; velocity 1 is the code itself.

        Raises:
            UsageError: the velocity is not within 0..1.
        """
        if not 0 <= velocity <= 1:
            raise UsageError(f"velocity {velocity} is not within 0 to 1")
        brighter = code.classes @ self._brighter
        moved = code.latent - SOFT_BRIGHTNESS * (1 - velocity) * brighter
        return replace(code, latent=moved.astype(np.float32))

    def _at(self, c: int, places: NDArray[np.float64]) -> Code:
        latent = self._mean[c] + (places * self._scale[c]) @ self._components[c]
        return Code(latent.astype(np.float32), class_weights(c))


def between(first: Code, second: Code, count: int) -> list[Code]:
    """A morph: codes from one to the other, both included; a count of 1 is the one halfway.

    Latent codes follow an arc, since a straight line would leave the distribution; its radius and
    the class weights change linearly.
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
    """The index of a class.

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
    """The codes of an array ``[n, Z + K]``, or of one code ``[Z + K]``, for Z of `latent`.

    Raises:
        BadDataError: another shape, numbers beyond `LATENT_MAX`, or invalid class weights.
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
    """Why numbers ``[K]`` are no class weights; "" where they are."""
    if not ((weights >= 0) & (weights <= 1)).all():
        return "a class weight is not within 0 to 1"
    if abs(float(weights.sum()) - 1) > _SUM_TOLERANCE:
        return f"the class weights sum to {weights.sum():g}, not 1"
    return ""


def _truncated(generator: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Standard normal numbers, redrawn while beyond `TRUNCATION`."""
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
