import pytest

from drumkit_cli import errors


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.CheckFailed, 1),
        (errors.UsageError, 2),
        (errors.BadDataError, 65),
        (errors.MissingInputError, 66),
        (errors.UnavailableError, 69),
        (errors.OutputError, 73),
        (errors.StreamError, 74),
    ],
)
def test_each_failure_has_its_exit_status(kind, status):
    assert kind("cause").status == status


def test_message_is_cause_and_remedy_in_one_line():
    assert str(errors.UsageError("no  \n such thing", "try\tanother")) == (
        "no such thing; try another"
    )
    assert str(errors.UsageError("no such thing")) == "no such thing"
