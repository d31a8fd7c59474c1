import numpy as np
import pytest

from drumkit_cli.learning.mapped import collect, mapped

ROWS = np.arange(24, dtype=np.int16).reshape(4, 2, 3)


def test_rows_come_together_in_memory_and_in_a_file(tmp_path):
    path = tmp_path / "folder" / "rows.npy"
    for array in (collect(iter(ROWS), 4), collect(iter(ROWS), 4, path), mapped(path)):
        assert array.dtype == np.int16
        assert np.array_equal(array, ROWS)


def test_rows_may_be_numbers(tmp_path):
    numbers = np.array([3, 1, 2])
    for path in (None, tmp_path / "numbers.npy"):
        assert collect(iter(numbers), 3, path).tolist() == [3, 1, 2]


def test_a_file_is_mapped_and_not_to_be_written_to(tmp_path):
    array = collect(iter(ROWS), 4, tmp_path / "rows.npy")
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable


def test_rows_are_taken_one_by_one(tmp_path):
    taken = []

    def rows():
        for row in ROWS:
            taken.append((tmp_path / "rows.npy").exists())
            yield row

    collect(rows(), 4, tmp_path / "rows.npy")
    assert taken == [False] * 4


@pytest.mark.parametrize("count", [3, 5])
def test_another_number_of_rows_is_a_mistake(count):
    with pytest.raises(ValueError, match="zip"):
        collect(iter(ROWS), count)
