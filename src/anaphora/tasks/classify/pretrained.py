"""A language model that a classifier starts from (ULMFiT, Howard & Ruder 2018)."""

import hashlib
from dataclasses import dataclass, fields, replace
from typing import Any

from anaphora import arrays
from anaphora.errors import OptionError
from anaphora.net.build import Arrays
from anaphora.tasks.language.task import Language
from anaphora.text.clean import CleanOptions
from anaphora.text.encode import TextEncoder, TextOptions

INHERITED = (
    *(field.name for field in fields(CleanOptions)),
    *("level", "vocab_size", "min_count"),
    *("cell", "activation", "embedding_size", "hidden_size", "layers"),
)
"""A classifier's options that have the language model's values."""
FIXED = {
    "encode": "vocabulary",
    "bidirectional": False,
    "vectors": "none",
    "freeze_vectors": False,
}
"""Options that have one value with any language model."""
PARTS = ("embedding.", "encoder.")
"""The arrays that a classifier starts from."""


@dataclass(frozen=True)
class Pretrained:
    """The parts of a language model that a classifier starts from."""

    task: Language
    arrays: Arrays

    @classmethod
    def of(cls, task: Language, arrays: Arrays) -> "Pretrained":
        return cls(task, {name: array for name, array in arrays.items() if name.startswith(PARTS)})

    def adapted(self, options: Any) -> Any:
        """A classifier's options with the language model's values.

        Raises OptionError at an option that is neither at its default nor at the language model's value.
        """
        values = {name: getattr(self.task.options, name) for name in INHERITED} | FIXED
        for name, value in values.items():
            given = getattr(options, name)
            if given not in (value, options.__dataclass_fields__[name].default):
                raise OptionError(
                    f"{name}={given!r}, but the pretrained language model {options.pretrained} has {name}={value!r}: "
                    f"leave out {name}, or pretrained"
                )
        return replace(options, **values)

    def encoder(self, options: TextOptions) -> TextEncoder:
        return TextEncoder(options, self.task.codec.tokenizer, self.task.stopwords, documents=True)

    def within(self, arrays: Arrays) -> Arrays:
        """A classifier's initial arrays with the language model's copied in: into the last columns, where a token's
        vector is wider than the language model's.
        """
        initial = {name: array.copy() for name, array in arrays.items()}
        for name, pretrained in self.arrays.items():
            initial[name][..., initial[name].shape[-1] - pretrained.shape[-1] :] = pretrained
        return initial

    def sha256(self) -> str:
        """Of arrays and tokenizer."""
        return hashlib.sha256(arrays.to_bytes(self.arrays) + self.task.codec.tokenizer.to_str().encode()).hexdigest()
