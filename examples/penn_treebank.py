"""A word language model of Penn Treebank, in less than two hours on two cores.

    python examples/penn_treebank.py FOLDER            ptb.train.txt, ptb.valid.txt and ptb.test.txt lie there
    python examples/penn_treebank.py FOLDER --steps 4000

Two LSTM layers of 650 with tied embedding and softmax, regularised as in Merity et al. 2018 (dropout locked over time,
weight-drop, penalties on activations), trained by AdamW along one cycle. Then dynamic evaluation (Krause et al. 2018).
On 2026-11-28 (AMD EPYC) test perplexity was 74.95, the n-gram model's 141.1; learning while it is scored: 66.38.
"""

import argparse
from pathlib import Path
from typing import Any

from anaphora import LanguageModel
from anaphora.events import Epoch
from anaphora.tasks.language.documents import TextFiles

RECIPE: dict[str, Any] = {
    "level": "word",
    "split": "blanks",
    "min_count": 1,
    "hidden_size": 650,
    "layers": 2,
    "tied": True,
    "batch_size": 20,
    "window": 70,
    "steps": 14_608,  # 22 epochs
    "dropout": 0.5,
    "layer_dropout": 0.3,
    "locked_dropout": 0.4,
    "word_dropout": 0.05,
    "weight_drop": 0.3,
    "activation_penalty": 2.0,
    "change_penalty": 2.0,
    "weight_decay": 0.02,
    "patience": 100,
}


def main(folder: Path, **options: Any) -> dict[str, Any]:
    train, valid, test = (TextFiles([folder / f"ptb.{part}.txt"]) for part in ("train", "valid", "test"))
    model = LanguageModel(**RECIPE | options)
    for event in model.fit_events(train, valid):
        if isinstance(event, Epoch):
            print(f"epoch {event.epoch}: perplexity {event.metrics['perplexity']:.2f}, {event.seconds / 60:.0f} min")
    scores = model.evaluate(test, dynamic=True)
    print(scores["verdict"])
    print(f"Learning while it is scored: {scores['dynamic']['perplexity']:.2f}.")
    return scores


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=RECIPE["steps"])
    given = parser.parse_args()
    main(given.folder, steps=given.steps)
