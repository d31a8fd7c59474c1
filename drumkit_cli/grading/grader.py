"""The trained grader: sounds in, a grade and what explains it out, in constant memory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from drumkit_cli.grading.buckets import BUCKETS, NAMES
from drumkit_cli.grading.config import CONTEXTS, GraderConfig, context_of
from drumkit_cli.grading.features import PARTS, WINDOW_SECONDS, Window, correlations, parts_of
from drumkit_cli.grading.vector import features_of
from drumkit_cli.grading.windows import Sound, sound_of, windows_of
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.checkpoint import Checkpoint
from drumkit_cli.learning.network import open_network
from drumkit_cli.learning.parallel import concurrently

DEFINITION: Final = "drumkit_cli.grading.model"


@dataclass(frozen=True)
class Grade:
    """How good drums are.

    Attributes:
        grade: 0 to 9, the mean over windows.
        bucket: "0-3", "4-5", "6-7" or "8-9": the likeliest.
        probabilities: of each bucket; they sum to 1.
        parts: what explains it, by the names of `grading.features.PARTS`, the means over windows;
            None for those whose sounds were not given.
    """

    grade: float
    bucket: str
    probabilities: dict[str, float]
    parts: dict[str, float | None]


class Grader:
    """The trained network and its regressions, from NumPy to NumPy."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Open the network of a checkpoint.

        Raises:
            BadDataError: the weights are of another network.
        """
        self._config = checkpoint.restore(GraderConfig)
        self._network = open_network(checkpoint, device, DEFINITION)
        self.weights_sha256 = checkpoint.sha256

    def grade(
        self, generated: Floats, reference: Floats | None = None, bass: Floats | None = None
    ) -> Grade:
        """Grade mono drums `[n]` at `MEL.rate`, beside the real drums and the bass where given."""
        return self.grade_sound(lambda: [generated], sound_of(reference), sound_of(bass))

    def grade_sound(
        self,
        generated: Sound,
        reference: Sound | None = None,
        bass: Sound | None = None,
        *,
        threads: int = 1,
        advance: Callable[[float], None] = lambda _: None,
    ) -> Grade:
        """Grade a sound of any length; see `Grade`.

        It is as long as the longer one of drums and reference; the others are silent after their
        end. Windows in which neither sounds do not count, unless none does.

        Args:
            generated: the drums.
            reference: the real drums of the song.
            bass: the bass that they play to.
            threads: windows that are measured at once.
            advance: is told of seconds that are done.
        """
        found = []
        windows = windows_of(generated, reference, bass)
        for measured in concurrently(lambda window: self.measure(*window), windows, threads):
            found.append(measured)
            advance(WINDOW_SECONDS)
        given = context_of(reference is not None, bass is not None)
        features = np.stack([features for features, _ in found])
        probabilities, grades = self.judge(features, given)
        likely = probabilities.astype(np.float64).mean(0)
        parts = np.stack([parts for _, parts in found]).astype(np.float64).mean(0)
        return Grade(
            round(float(grades.mean(dtype=np.float64)), 4),
            NAMES[int(likely.argmax())],
            {name: round(float(share), 4) for name, share in zip(NAMES, likely, strict=True)},
            {
                name: None if np.isnan(value) else round(float(value), 4)
                for name, value in zip(PARTS, parts, strict=True)
            },
        )

    def measure(
        self, made: Window, reference: Window | None, bass: Window | None
    ) -> tuple[Floats, Floats]:
        """Features `[D]` of a window and its `PARTS`."""
        parts = parts_of(made, reference, bass)
        if reference is None:
            (embedded,) = self._embed(made.image[None])
            return features_of(self._config, parts, embedded), parts
        embedded, wanted = self._embed(np.stack([made.image, reference.image]))
        same = correlations(made.image, reference.image)
        return features_of(self._config, parts, embedded, wanted, same), parts

    def judge(self, features: Floats, context: int) -> tuple[Floats, Floats]:
        """Probabilities `[B, buckets]` and grades `[B]` of features `[B, D]` in a context."""
        shape = len(CONTEXTS), len(features)
        probabilities, grades = self._network.run(
            "judge", [features.astype(np.float32)], [(*shape, len(BUCKETS)), shape]
        )
        return probabilities[context], grades[context]

    def _embed(self, images: Floats) -> Floats:
        width = sum(self._config.channels)
        (made,) = self._network.run("embed", [images[:, None]], [(len(images), width)])
        return made
