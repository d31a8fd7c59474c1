"""The four buckets of grades, on a scale of 0 to 9, that listeners gave drums in CycleDRUMS."""

from typing import Final, NamedTuple


class Bucket(NamedTuple):
    """Grades from `low` to `high`, both included, and what drums of these are like."""

    low: int
    high: int
    meaning: str

    @property
    def name(self) -> str:
        """The grades: "4-5"."""
        return f"{self.low}-{self.high}"


BUCKETS: Final = (
    Bucket(0, 3, "silent or very noisy"),
    Bucket(4, 5, "few sounds, not coherent"),
    Bucket(6, 7, "good, but not continuous: they follow the bass too closely"),
    Bucket(8, 9, "almost real, in sound and timing"),
)
NAMES: Final = tuple(bucket.name for bucket in BUCKETS)


def bucket_of(grade: float) -> int:
    """The number of the bucket of a grade, which is rounded to a whole one as in the paper."""
    return sum(int(grade + 0.5) > bucket.high for bucket in BUCKETS[:-1])
