import pytest

from drumkit_cli.grading.buckets import BUCKETS, NAMES, bucket_of


def test_buckets_are_those_of_the_paper():
    assert NAMES == ("0-3", "4-5", "6-7", "8-9")
    assert [b.low for b in BUCKETS[1:]] == [b.high + 1 for b in BUCKETS[:-1]]


@pytest.mark.parametrize(
    ("grade", "bucket"),
    [(0, 0), (3.4, 0), (3.5, 1), (5.4, 1), (5.5, 2), (7.4, 2), (7.5, 3), (9, 3)],
)
def test_a_grade_is_rounded_to_its_bucket(grade, bucket):
    assert bucket_of(grade) == bucket
