"""A text classifier: embedding -> recurrent layers -> pooling -> one score a class."""

from dataclasses import dataclass
from typing import Any

from anaphora.config import DATA_DEPENDENT, option
from anaphora.net.blocks import (
    Dense,
    Dropout,
    Embedding,
    Hidden,
    LockedDropout,
    Pool,
    Spec,
    WordDropout,
)
from anaphora.net.losses import CrossEntropy
from anaphora.net.options import NetworkOptions


@dataclass(frozen=True)
class ClassifierOptions(NetworkOptions):
    """The network of a text classifier."""

    pool: str = DATA_DEPENDENT
    embedding_size: int = option(None, "width of a token's vector; that of --vectors, or 128", at_least=1)
    vectors: str = option("none", "a file of pretrained word vectors to start with (GloVe, word2vec, fastText, .npy)")
    freeze_vectors: bool = option(False, "do not train the vectors of --vectors")
    dense: tuple[int, ...] = option(
        (), "width of a dense layer with relu before the output layer; give it again to stack several", at_least=1
    )
    bayes_start: int = option(
        None,
        "how many numbers of a token's vector start as naive-Bayes weights of the labels, in addition to those of "
        "--pretrained; 0 is none",
        at_least=0,
    )
    word_dropout: float = option(
        None, "share of the tokens that are replaced by [UNK] in training", at_least=0, below=1
    )


def spec(options: ClassifierOptions, *, vocabulary: int, unknown: int, classes: int, loss: CrossEntropy) -> Spec:
    encoder = options.encoder(options.embedding_size)
    pool = Pool(options.pool, encoder.width, options.bidirectional)
    hidden = Hidden(pool.width, options.dense)
    return {
        "word_dropout": WordDropout(options.word_dropout, unknown),
        "embedding": Embedding(vocabulary, options.embedding_size, options.freeze_vectors, sparse=True),
        "locked_dropout": LockedDropout(options.locked_dropout),
        "encoder": encoder,
        "pool": pool,
        "dropout": Dropout(options.dropout),
        "hidden": hidden,
        "head": Dense(hidden.width, classes),
        "loss": loss,
    }


def forward(net: Any, ids_BT: Any, lengths_B: Any, state: Any = None) -> Any:
    """Logits `[B, classes]` and the state at the rows' ends."""
    x_BTD = net.locked_dropout(net.embedding(net.word_dropout(ids_BT)))
    y_BTH, state = net.encoder(x_BTD, lengths_B, state)
    return net.head(net.hidden(net.dropout(net.pool(y_BTH, lengths_B)))), state
