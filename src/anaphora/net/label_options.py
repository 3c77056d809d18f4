"""The options of networks that answer with a label, and the loss that follows from them."""

from dataclasses import dataclass

from anaphora.config import Config, option
from anaphora.data.labels import Labels
from anaphora.net.losses import CrossEntropy


@dataclass(frozen=True)
class LabelOptions(Config):
    """How labels are learned."""

    label_smoothing: float = option(
        None, "share of each training label's probability that is spread over all labels", at_least=0, below=1
    )
    class_weights: str = option(
        "none", "none weights all rows alike, balanced weights all labels alike", choices=("none", "balanced")
    )

    def loss(self, labels: Labels) -> CrossEntropy:
        """The loss block for these labels."""
        weights = labels.class_weights() if self.class_weights == "balanced" else None
        return CrossEntropy(self.label_smoothing, weights)
