"""A language model that a classifier begins as (ULMFiT, Howard & Ruder 2018)."""

import hashlib
from dataclasses import dataclass, fields, replace
from typing import Any

from anaphora import arrays
from anaphora.errors import OptionError
from anaphora.net.build import Arrays
from anaphora.tasks.language.task import Language
from anaphora.text.clean import CleanOptions
from anaphora.text.encode import TextEncoder, TextOptions

TAKEN = (
    *(field.name for field in fields(CleanOptions)),
    *("level", "vocab_size", "min_count"),
    *("cell", "activation", "embedding_size", "hidden_size", "layers"),
)
"""A classifier's options whose values are the language model's."""
FIXED = {
    "encode": "vocabulary",
    "bidirectional": False,
    "vectors": "none",
    "freeze_vectors": False,
}
"""Those that have one value beside any language model."""
PARTS = ("embedding.", "encoder.")
"""The arrays that a classifier takes."""


@dataclass(frozen=True)
class Pretrained:
    """A language model, as far as a classifier begins as it."""

    task: Language
    arrays: Arrays

    @classmethod
    def of(cls, task: Language, arrays: Arrays) -> "Pretrained":
        return cls(task, {name: array for name, array in arrays.items() if name.startswith(PARTS)})

    def adapted(self, options: Any) -> Any:
        """A classifier's options with the language model's values.

        Raises OptionError at an option with a third value, neither its own default nor the language model's.
        """
        values = {name: getattr(self.task.options, name) for name in TAKEN} | FIXED
        for name, value in values.items():
            own = getattr(options, name)
            if own not in (value, options.__dataclass_fields__[name].default):
                raise OptionError(
                    f"{name}={own!r}, but a classifier that begins as the language model {options.pretrained} has "
                    f"{name}={value!r}: leave out {name}, or pretrained"
                )
        return replace(options, **values)

    def encoder(self, options: TextOptions) -> TextEncoder:
        return TextEncoder(options, self.task.codec.tokenizer, self.task.stopwords, documents=True)

    def within(self, arrays: Arrays) -> Arrays:
        """A classifier's first arrays with the language model's in their places: where a token's vector has more
        numbers than the language model's, in its last ones.
        """
        begun = {name: array.copy() for name, array in arrays.items()}
        for name, theirs in self.arrays.items():
            begun[name][..., begun[name].shape[-1] - theirs.shape[-1] :] = theirs
        return begun

    def sha256(self) -> str:
        """Of arrays and tokenizer."""
        return hashlib.sha256(arrays.to_bytes(self.arrays) + self.task.tokenizer().encode()).hexdigest()
