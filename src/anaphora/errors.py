"""Everything Anaphora raises on purpose.

AnaphoraError
├── UserError              what was given is wrong; the command line exits with 2
│   ├── OptionError        an option's name or value            (also ValueError, TypeError)
│   ├── DataError          a file or array that cannot be used  (also ValueError)
│   │   └── UnknownColumn  a column that the file does not have
│   ├── BundleError        a model folder that cannot be read   (also ValueError)
│   ├── OutputExists       an output that would be overwritten  (also FileExistsError)
│   ├── MissingExtra       an optional library is not installed (also ImportError)
│   └── NotFitted          predict before fit                   (also ValueError, AttributeError)
└── TrainingFailed         the training broke down; the command line exits with 1

A message is one line: what was wrong, with the value; what is allowed; what to do.
"""

import difflib
from collections.abc import Iterable


class AnaphoraError(Exception):
    """The root of the tree above."""


class UserError(AnaphoraError):
    """The input is wrong; nothing was changed."""


class OptionError(UserError, ValueError, TypeError):
    """An option is unknown, or its value is not allowed."""


class DataError(UserError, ValueError):
    """A file, a table or an array cannot be used as it is."""


class UnknownColumn(DataError):
    """A column is asked for that the file does not have."""


class BundleError(UserError, ValueError):
    """A model folder is missing, damaged, or from a newer version."""


class OutputExists(UserError, FileExistsError):
    """An output exists already and would be overwritten."""


class MissingExtra(UserError, ImportError):
    """An optional library is not installed."""


class NotFitted(UserError, ValueError, AttributeError):
    """A model is asked to predict before it was fitted."""


class TrainingFailed(AnaphoraError):
    """The training broke down (a loss that is not a number, for example)."""


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """`; did you mean 'label'?`, or nothing where no allowed word is near."""
    near = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def in_words(words: Iterable[object], most: int = 12) -> str:
    """A list for a message: `a, b, c`, cut where it grows long."""
    listed = [text if len(text) <= 60 else f"{text[:57]}..." for text in map(str, words)]
    more = f", ... ({len(listed)} in all)" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
