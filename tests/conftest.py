"""What the tests share: the toy set as lists and as a file, a model fitted on it once, the folder of real data."""

import csv
import os
from pathlib import Path

import pytest
from hypothesis import settings
from toy import TINY, Toy, make_toy

from anaphora import TextClassifier

# The same examples in every run, however slow the machine: a red test is a changed program.
settings.register_profile("anaphora", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("anaphora")


@pytest.fixture
def toy() -> Toy:
    return make_toy()


@pytest.fixture
def toy_csv(toy: Toy, tmp_path: Path) -> Path:
    """The toy set as a file with the columns text and label."""
    file = tmp_path / "toy.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("text", "label"), *zip(toy.texts, toy.labels, strict=True)])
    return file


@pytest.fixture
def tiny() -> dict[str, object]:
    """Options of a network that is fitted within a second."""
    return dict(TINY)


@pytest.fixture(scope="session")
def model() -> TextClassifier:
    """A fitted classifier. Nobody changes it."""
    return TextClassifier(**TINY).fit(*make_toy())


@pytest.fixture(scope="session")
def saved(model: TextClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `model`, which says the columns of its file, as the command line saves it. Nobody writes to it."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    named = TextClassifier.from_bundle(model.bundle_)
    named.annotate({"text": ["text"], "label": "label"})
    named.save(folder)
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets."""
    folder = os.environ.get("ANAPHORA_DATA")
    if not folder:
        pytest.skip("real data: set ANAPHORA_DATA to the folder of the data sets")
    if not Path(folder).is_dir():
        pytest.fail(f"ANAPHORA_DATA={folder} is not a folder")
    return Path(folder)
