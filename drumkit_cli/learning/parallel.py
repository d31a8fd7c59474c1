"""Work on several items at once, in threads: for the parts of an input that do not need each other.

ONNX Runtime, NumPy's transforms and soxr let other threads run meanwhile. A network itself computes
with one thread, so that the number of threads changes no byte of an output.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_THREADS: Final = 4
"""Threads that are used where their number is left open; each needs memory of its own."""


class _State:
    cores = os.cpu_count() or 1


def share_cores(processes: int) -> None:
    """Let this process take its share of the cores that so many processes work on."""
    _State.cores = max(1, (os.cpu_count() or 1) // processes)


def thread_count(threads: int) -> int:
    """The number of threads that is meant: 0 stands for the processor's, at most `MOST_THREADS`."""
    return threads or min(_State.cores, MOST_THREADS)


def concurrently(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int = 1
) -> Iterator[Result]:
    """Yield ``function(item)`` of each item in order, up to `threads` of them computed at once.

    Items are drawn as they are needed, never more than ``threads + 1`` ahead of the results.

    Args:
        function: is called from several threads; its exceptions are raised here.
        items: anything iterable, of any length.
        threads: 0 as `thread_count` says.
    """
    count = thread_count(threads)
    if count == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(count) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
