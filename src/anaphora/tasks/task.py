"""What a task is: the bridge between a person's rows and a network's arrays.

A task is a frozen object that holds the options and what was learned from the training rows (labels, vocabulary,
scales). It is NumPy throughout; what differs between training and running stands in the network that it is given.
"""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar, Protocol, Self

from anaphora.data.batch import Batch, Examples
from anaphora.networks.blocks import Spec
from anaphora.networks.network import Arrays


class Task(Protocol):
    name: ClassVar[str]
    Config: ClassVar[Any]
    """The class of its options."""
    unit: ClassVar[str]
    """What its targets are called: rows, tokens."""
    example: ClassVar[str]
    """What a model does, as a line of Python."""
    note: ClassVar[str]
    """What whoever passes a model on should know."""
    recipe: ClassVar[ModuleType]
    """The module in `networks/` whose `forward` this task trains."""

    @property
    def options(self) -> Any:
        """What the user chose."""

    def spec(self) -> Spec:
        """The blocks of the network, with all sizes."""

    def start(self, arrays: Arrays, training: Any) -> Arrays:
        """The network's first values: those drawn at random, or better ones that the training rows suggest."""

    def loss(self, net: Any, features: Any, batch: Batch) -> Any:
        """The mean loss of a batch, by the verbs that a training network has (`net.cross_entropy`, ...)."""

    def judge(self, net: Any, features: Any, batch: Batch) -> Any:
        """What `metrics` wants to know of a batch's targets, in NumPy, one entry a target."""

    def metrics(self, judged: Any, targets: Any) -> dict[str, Any]:
        """Scores of what `judge` said, against encoded targets."""

    def score(self, metrics: Mapping[str, Any]) -> float:
        """The one number that chooses the best epoch; larger is better."""

    def facts(self) -> dict[str, Any]:
        """What else a person should know of what was learned."""

    def learned(self) -> dict[str, Any]:
        """What `learn` found, as JSON; with `tokenizer()` and the options it makes the task again."""

    def tokenizer(self) -> str | None:
        """The tokenizer's own JSON, where the task has one."""

    @classmethod
    def restore(cls, options: Mapping[str, Any], learned: Mapping[str, Any], tokenizer: str | None) -> Self:
        """The task of a saved model. Raises ValueError, KeyError or TypeError where the data do not fit."""


class RowTask(Task, Protocol):
    """A task whose rows have one answer each, or one for each of their steps."""

    @classmethod
    def learn(cls, options: Any, rows: Sequence[Any], targets: Sequence[Any]) -> Self:
        """Learn what must be known before training, from the training rows and nothing else."""

    def encode(self, rows: Sequence[Any], targets: Sequence[Any] | None = None) -> Examples:
        """A person's rows -> the network's inputs."""

    def blank(self) -> Any:
        """A row with nothing in it."""

    def decode(self, net: Any, features: Any) -> Any:
        """Features -> predictions, one a row or one a place, in NumPy."""
