import threading
import time

import pytest

from drumkit_cli.learning.parallel import MOST_THREADS, concurrently, thread_count


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads):
    def late(number):
        time.sleep(0.01 if number % 3 == 0 else 0)
        return number * number

    assert list(concurrently(late, range(20), threads)) == [n * n for n in range(20)]


def test_several_items_are_computed_at_once():
    both = threading.Barrier(2, timeout=30)
    assert list(concurrently(lambda _: both.wait() >= 0, range(2), 2)) == [True, True]


@pytest.mark.parametrize("threads", [1, 3])
def test_items_are_drawn_only_as_they_are_needed(threads):
    drawn = []

    def items():
        for number in range(1000):
            drawn.append(number)
            yield number

    results = concurrently(lambda number: number, items(), threads)
    for _ in range(10):
        next(results)
    assert len(drawn) <= 10 + threads + 1
    results.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_failure_reaches_the_caller_in_its_place(threads):
    results = concurrently(lambda number: 1 // (3 - number), range(10), threads)
    assert [next(results) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_an_open_number_of_threads_is_bounded():
    assert thread_count(7) == 7
    assert 1 <= thread_count(0) <= MOST_THREADS
