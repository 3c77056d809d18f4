"""Options, declared once.

A task's options are the fields of one frozen dataclass; the metadata of a field holds its help text and its range. The
command line and the estimators' signatures are derived from these fields, and a saved model keeps their values.

    @dataclass(frozen=True)
    class MyOptions(Config):
        layers: int = option(1, "recurrent layers, one above the other", at_least=1)

A subclass that only changes a default writes `layers: int = 2`; the help and the range are the parent's.
"""

import dataclasses
import math
import numbers
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from anaphora.errors import OptionError, did_you_mean, in_words

DATA_DEPENDENT: Any = None
"""The default of an option whose value is chosen when the data are known."""


def option(
    default: Any,
    help: str,
    *,
    choices: Sequence[str] | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> Any:
    """A dataclass field with its help text and range. `below` excludes its own value.

    A default of None means that the value is chosen when the data are known.
    """
    return dataclasses.field(
        default=default,
        metadata={"help": help, "choices": choices, "at_least": at_least, "at_most": at_most, "below": below},
    )


@dataclass(frozen=True)
class Config:
    """Base of all option sets. Values are checked when an object is made."""

    RENAMED: ClassVar[Mapping[str, str]] = {}
    """Former names of options; the command line and saved models accept them."""
    REMOVED: ClassVar[Mapping[str, Any]] = {}
    """Options that no longer exist, with the default that they had; saved models may hold them at that value."""

    def __post_init__(self) -> None:
        for name, kind in kinds(type(self)).items():
            value = getattr(self, name)
            if value is None and fields_of(type(self))[name].default is None:
                continue  # chosen when the data are known
            object.__setattr__(self, name, _checked(name, value, kind, declared(type(self), name)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from names and values. Raises OptionError at an unknown name."""
        for name in values:
            if name not in fields_of(cls):
                raise OptionError(f"{name!r} is not an option{did_you_mean(name, fields_of(cls))}")
        return cls(**values)

    @classmethod
    def from_saved(cls, values: Mapping[str, Any]) -> Self:
        """Build from the options of a saved model, of this version or an earlier one. Raises OptionError."""
        current = {cls.RENAMED.get(name, name): value for name, value in values.items()}
        for name, default in cls.REMOVED.items():
            if current.get(name, default) == default:
                current.pop(name, None)
        return cls.from_dict(current)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def kinds(config: type[Config]) -> dict[str, type]:
    """The type of every field."""
    hints = typing.get_type_hints(config)
    return {name: hints[name] for name in fields_of(config)}


def declared(config: type[Config], name: str) -> Mapping[str, Any]:
    """What `option` said of a field: `help`, `choices`, `at_least`, `at_most`, `below`."""
    fields = (fields_of(base)[name] for base in config.__mro__ if issubclass(base, Config) and name in fields_of(base))
    return next(field.metadata for field in fields if field.metadata)


def fields_of(config: type[Config]) -> dict[str, dataclasses.Field[Any]]:
    """The options by name."""
    return {field.name: field for field in dataclasses.fields(config)}


MAX_INT = 2**31 - 1
"""The largest whole number of an option without an upper limit."""

_ACCEPTED: dict[type, tuple[type, str]] = {
    bool: (bool, "true or false"),
    int: (numbers.Integral, "a whole number"),
    float: (numbers.Real, "a number"),
    str: (str, "a text"),
}


def _checked(name: str, value: Any, kind: type, rules: Mapping[str, Any]) -> Any:
    if typing.get_origin(kind) is tuple:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise OptionError(f"{name}={value!r}: a list is needed")
        return tuple(_checked(name, item, typing.get_args(kind)[0], rules) for item in value)
    accepted, in_english = _ACCEPTED[kind]
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise OptionError(f"{name}={value!r}: {in_english} is needed")
    try:
        value = kind(value)
    except OverflowError:
        raise OptionError(f"{name}={str(value)[:20]}... is too large") from None
    if rules.get("choices") and value not in rules["choices"]:
        meant = did_you_mean(value, rules["choices"])
        raise OptionError(f"{name}={value!r} is not one of {in_words(rules['choices'])}{meant}")
    low, high, below = rules.get("at_least"), rules.get("at_most"), rules.get("below")
    if kind is int and high is None:
        high = MAX_INT
    # Written so that NaN, for which every comparison is false, is refused too.
    fits = not isinstance(value, float) or math.isfinite(value)
    fits = (
        fits and (low is None or value >= low) and (high is None or value <= high) and (below is None or value < below)
    )
    if not fits:
        bounds = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
        bounds += [f"below {below}"] * (below is not None)
        raise OptionError(f"{name}={value!r} is out of range: it must be {' and '.join(bounds) or 'finite'}")
    return value
