"""A language model: embedding -> recurrent layers -> logits of the next token."""

from dataclasses import dataclass
from typing import Any

from anaphora.cells.options import CellOptions, make_cell
from anaphora.config import option
from anaphora.net.blocks import Embedding, Head, LockedDropout, Recurrent, Spec, WordDropout
from anaphora.net.losses import NextToken


@dataclass(frozen=True)
class LanguageOptions(CellOptions):
    """The network of a language model."""

    embedding_size: int = option(
        None, "width of a token's vector; with --tied it is the width of the state", at_least=1
    )
    hidden_size: int = option(None, "width of the state", at_least=1)
    layers: int = option(None, "recurrent layers, one above the other", at_least=1, at_most=100)
    tied: bool = option(None, "use the embedding matrix as the output matrix (Press & Wolf 2017)")
    dropout: float = option(
        None,
        "share of the top layer's outputs that is zeroed in training, the same at all steps",
        at_least=0,
        below=1,
    )
    layer_dropout: float = option(None, "the same between the layers", at_least=0, below=1)
    locked_dropout: float = option(None, "the same of the tokens' vectors", at_least=0, below=1)
    word_dropout: float = option(None, "share of the tokens that are read as [UNK] in training", at_least=0, below=1)
    weight_drop: float = option(
        None, "share of the recurrent weights that is zeroed in each training step", at_least=0, below=1
    )
    sampled_softmax: int = option(
        0,
        "in training, compute the softmax over so many sampled tokens and the batch's targets instead of the whole "
        "vocabulary: faster for large vocabularies; 0 uses the whole vocabulary",
        at_least=0,
    )

    def encoder(self) -> Recurrent:
        """The recurrent layers."""
        return Recurrent(
            make_cell(self),
            self.embedding_size,
            self.hidden_size,
            self.layers,
            dropout=self.layer_dropout,
            weight_drop=self.weight_drop,
        )


def spec(options: LanguageOptions, *, vocabulary: int, unknown: int, loss: NextToken) -> Spec:
    encoder = options.encoder()
    return {
        "word_dropout": WordDropout(options.word_dropout, unknown),
        "embedding": Embedding(vocabulary, options.embedding_size, sparse=True),
        "locked_dropout": LockedDropout(options.locked_dropout),
        "encoder": encoder,
        "dropout": LockedDropout(options.dropout),
        "head": Head(encoder.width, vocabulary, options.tied),
        "loss": loss,
    }


def forward(net: Any, ids_BT: Any, lengths_B: Any, state: Any = None) -> Any:
    """`(features [B, T, H], lengths [B], weight [V, H], bias [V])` and the state at the rows' ends. The loss applies
    the output layer, a few rows at a time: logits `[B, T, V]` would not fit into memory.
    """
    x_BTD = net.locked_dropout(net.embedding(net.word_dropout(ids_BT)))
    y_BTH, state = net.encoder(x_BTD, lengths_B, state)
    return (net.dropout(y_BTH), lengths_B, *head(net)), state


def head(net: Any) -> tuple[Any, Any]:
    """The output matrix `[V, H]`, which is the embedding's where the two are tied, and the bias `[V]`."""
    weights = net.head.weights
    return (weights if "weight" in weights else net.embedding.weights)["weight"], weights["bias"]
