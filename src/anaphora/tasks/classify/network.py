"""A text classifier: embedding -> recurrent layers -> pooling -> one score a class."""

from dataclasses import dataclass
from typing import Any

from anaphora.config import SUITED, option
from anaphora.net.blocks import (
    Adversary,
    Dense,
    Dropout,
    Embedding,
    Hidden,
    LockedDropout,
    Pool,
    Spec,
    WordDropout,
)
from anaphora.net.options import NetworkOptions


@dataclass(frozen=True)
class ClassifierOptions(NetworkOptions):
    """The network of a text classifier."""

    pool: str = SUITED
    embedding_size: int = option(None, "width of a token's vector; that of --vectors, or 128", at_least=1)
    vectors: str = option("none", "a file of ready-made word vectors to begin with (GloVe, word2vec, fastText, .npy)")
    freeze_vectors: bool = option(False, "leave the vectors of --vectors as they are")
    dense: tuple[int, ...] = option(
        (), "width of a dense layer with relu before the labels; several stand one after the other", at_least=1
    )
    bayes_start: int = option(
        None,
        "how many numbers of a token's vector begin as naive-Bayes weights of the labels, beside those of "
        "--pretrained; 0 is none",
        at_least=0,
    )
    word_dropout: float = option(
        None, "share of the tokens that are replaced by [UNK] while training", at_least=0, below=1
    )
    adversarial: float = option(
        0.0,
        "learn from each text a second time with its tokens' vectors moved to where the loss is higher, together by so "
        "many lengths of one; 0.3 is Miyato et al.'s, 0 leaves it out and takes half the time",
        at_least=0,
        at_most=100,
    )


def spec(options: ClassifierOptions, *, vocabulary: int, unknown: int, classes: int) -> Spec:
    encoder = options.encoder(options.embedding_size)
    pool = Pool(options.pool, encoder.width, options.bidirectional)
    hidden = Hidden(pool.width, options.dense)
    return {
        "word_dropout": WordDropout(options.word_dropout, unknown),
        "embedding": Embedding(vocabulary, options.embedding_size, options.freeze_vectors, by_rows=True),
        "adversary": Adversary(options.adversarial),
        "locked_dropout": LockedDropout(options.locked_dropout),
        "encoder": encoder,
        "pool": pool,
        "dropout": Dropout(options.dropout),
        "hidden": hidden,
        "head": Dense(hidden.width, classes),
    }


def forward(net: Any, ids_BT: Any, lengths_B: Any, state: Any = None) -> Any:
    """Features `[B, width]` and the state at the rows' ends; the loss or decode applies the head, never this."""
    x_BTD = net.locked_dropout(net.adversary(net.embedding(net.word_dropout(ids_BT))))
    y_BTH, state = net.encoder(x_BTD, lengths_B, state)
    return net.hidden(net.dropout(net.pool(y_BTH, lengths_B))), state
