"""Configs of networks as weights files keep them: plain values, back to dataclasses."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

Config = TypeVar("Config")


def restore(kind: type[Config], values: Mapping[str, Any]) -> Config:
    """Return the config whose plain values `dataclasses.asdict` and JSON made.

    Args:
        kind: a dataclass of numbers, strings, enums, tuples and further dataclasses.
        values: its fields; those that are left out have their defaults.

    Raises:
        TypeError: a field that it does not have, or a value of another type.
        ValueError: a value that its type or the dataclass does not allow.
    """
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints.get(name), value) for name, value in values.items()})


def _value(kind: Any, value: Any) -> Any:  # noqa: ANN401 - of any type
    if isinstance(kind, type) and is_dataclass(kind):
        return restore(kind, value)
    if get_origin(kind) is tuple:
        kinds = get_args(kind)
        if kinds[-1] is Ellipsis:
            kinds = (kinds[0],) * len(value)
        return tuple(_value(*pair) for pair in zip(kinds, value, strict=True))
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if type(value) is kind or (kind is float and type(value) is int):
        return value
    raise TypeError(f"{value!r} is not of the type {kind}")
