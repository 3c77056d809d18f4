"""A language model: embedding -> recurrent layers -> the scores of all tokens to be the next one."""

from dataclasses import dataclass
from typing import Any

from anaphora.cells import ACTIVATIONS, CELLS
from anaphora.config import Config, option
from anaphora.net.blocks import Candidates, Embedding, Head, LockedDropout, Recurrent, Spec, WordDropout


@dataclass(frozen=True)
class LanguageOptions(Config):
    """The network of a language model."""

    cell: str = option("lstm", "which recurrent cell", choices=tuple(CELLS))
    activation: str = option("tanh", "the cell's nonlinearity", choices=ACTIVATIONS)
    embedding_size: int = option(None, "width of a token's vector; with --tied that of the state", at_least=1)
    hidden_size: int = option(None, "width of the state", at_least=1)
    layers: int = option(None, "recurrent layers, one above the other", at_least=1, at_most=100)
    tied: bool = option(None, "score tokens by the vectors that they are read with (Press & Wolf 2017)")
    dropout: float = option(
        None,
        "share of the highest layer's outputs that is zeroed while training, the same at all places",
        at_least=0,
        below=1,
    )
    layer_dropout: float = option(None, "the same between the layers", at_least=0, below=1)
    locked_dropout: float = option(None, "the same of the tokens' vectors", at_least=0, below=1)
    word_dropout: float = option(None, "share of the tokens that are read as [UNK] while training", at_least=0, below=1)
    weight_drop: float = option(
        None, "share of the recurrent weights that is zeroed in each step of the training", at_least=0, below=1
    )
    sampled_softmax: int = option(
        0,
        "while training, score a target beside so many tokens drawn at random and the other targets, in the place of "
        "all tokens: quicker with large vocabularies; 0 scores it beside all",
        at_least=0,
    )

    def encoder(self) -> Recurrent:
        """The recurrent layers."""
        cell = CELLS[self.cell](self.activation)
        return Recurrent(
            cell,
            self.embedding_size,
            self.hidden_size,
            self.layers,
            dropout=self.layer_dropout,
            weight_drop=self.weight_drop,
        )


def spec(options: LanguageOptions, *, vocabulary: int, unknown: int) -> Spec:
    encoder = options.encoder()
    return {
        "word_dropout": WordDropout(options.word_dropout, unknown),
        "embedding": Embedding(vocabulary, options.embedding_size, by_rows=True),
        "locked_dropout": LockedDropout(options.locked_dropout),
        "encoder": encoder,
        "dropout": LockedDropout(options.dropout),
        "head": Head(encoder.width, vocabulary, options.tied),
        "candidates": Candidates(options.sampled_softmax),
    }


def forward(net: Any, ids_BT: Any, lengths_B: Any, state: Any = None) -> Any:
    """Features `[B, T, H]` and the state at the rows' ends; the head scores tokens by them, and is never applied here:
    `[B, T, V]` would not fit into memory.
    """
    x_BTD = net.locked_dropout(net.embedding(net.word_dropout(ids_BT)))
    y_BTH, state = net.encoder(x_BTD, lengths_B, state)
    return net.dropout(y_BTH), state


def head(net: Any) -> tuple[Any, Any]:
    """The head's matrix `[V, H]`, which is the embedding's where the two are tied, and its bias `[V]`."""
    own = net.head.weights
    return (own if "weight" in own else net.embedding.weights)["weight"], own["bias"]
