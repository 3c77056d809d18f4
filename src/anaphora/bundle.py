"""The saved model: a folder of data, never code. Training writes it, everything else reads it.

config.json         format, task, options, what was learned, columns, training facts, digests
model.safetensors   the weights, named after the network's blocks
README.md           the model card
report.html         scores as a page, if rows were held out
baseline/           the baselines and what they need; predictions never read it
and the task's own files: tokenizer.json, linear/, ...

Digests detect damage. They are no defence against an attacker, who can recompute them.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import arrays
from anaphora.data.write import finite, to_json
from anaphora.errors import BundleError, OutputExists, in_words
from anaphora.net.build import shapes
from anaphora.task import Task, task_class
from anaphora.tasks import TASKS, package

FORMAT = 1
CONFIG, WEIGHTS = "config.json", "model.safetensors"
CARD, REPORT, BASELINE = "README.md", "report.html", "baseline/"
PARTIAL = ".partial"
"""What the folder of an unfinished training has after the model's name."""
MAX_MEMBERS = 100
MAX_FILES = 100
_FILE_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


@dataclass(frozen=True)
class Bundle:
    """A model in memory, as it is saved. `columns` name a file's columns; `training` holds facts of the training."""

    task: Task
    arrays: Mapping[str, NDArray[np.float32]]
    columns: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    baseline: Mapping[str, bytes] = field(default_factory=dict)
    report: str = ""
    members: int = 1
    """The number of networks in `arrays`; their answers are averaged."""

    def to_files(self) -> dict[str, bytes]:
        """File names and their contents."""
        config = {
            "format": FORMAT,
            "task": self.task.name,
            "members": self.members,
            "options": self.task.options.to_dict(),
            "learned": self.task.learned(),
            "columns": self.columns,
            "training": finite(self.training),
        }
        files = {WEIGHTS: arrays.to_bytes(self.arrays), **self.task.files()}
        config["sha256"] = _digests(config, files)
        files[CONFIG] = to_json(config).encode()
        files[CARD] = card(self).encode()
        if self.report:
            files[REPORT] = self.report.encode()
        return files | {BASELINE + name: content for name, content in self.baseline.items()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], name: str = "the model") -> "Bundle":
        """The model of `to_files`. Raises BundleError, which names it by `name`, where the files do not make one."""
        for needed in (CONFIG, WEIGHTS):
            if needed not in files:
                raise BundleError(f"{name} is not a whole model: {needed} is missing")
        config = _config(files[CONFIG], name)
        guarded = {file: files[file] for file in files if file in config["sha256"]}
        if changed := [file for file in _changed(config, guarded) if file not in (CONFIG, WEIGHTS)]:
            raise BundleError(f"{name} is damaged: {in_words(changed)} changed since it was saved")
        try:
            task = task_class(config["task"]).restore(config["options"], config["learned"], guarded)
            expected = shapes(task.spec())
        except Exception as error:  # the tokenizers library raises plain Exception at bad JSON
            raise BundleError(f"{name} is damaged: {CONFIG} or one of its files: {_one_line(error)}") from error
        members = config["members"]
        if members > 1:
            expected = {f"{index}.{key}": shape for index in range(members) for key, shape in expected.items()}
        weights = _weights(files[WEIGHTS], expected, name)
        if changed := _changed(config, guarded):
            raise BundleError(f"{name} is damaged: {in_words(changed)} changed since it was saved")
        baseline = {file.removeprefix(BASELINE): files[file] for file in files if file.startswith(BASELINE)}
        report = files.get(REPORT, b"").decode()
        return cls(task, weights, config["columns"], config["training"], baseline, report, members)


def write(bundle: Bundle, folder: Path, force: bool = False) -> None:
    """Save to `folder`: written under a temporary name, flushed and renamed, so that it is never incomplete.

    Raises OutputExists where the folder exists, unless `force` is given.
    """
    check_free(folder, force)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{os.urandom(4).hex()}")
    try:
        for name, content in bundle.to_files().items():
            file = temporary / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
        _put_in_place(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put_in_place(temporary: Path, folder: Path) -> None:
    """Rename `temporary` to `folder`; a model that was there is deleted after the new one has its name."""
    if not folder.exists():
        temporary.rename(folder)
        return
    aside = temporary.with_name(temporary.name + ".old")
    folder.rename(aside)
    try:
        temporary.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside)


def check_free(folder: Path, force: bool = False) -> None:
    """Raise OutputExists where `folder` may not be written to."""
    if folder.resolve() == Path.cwd():
        raise OutputExists(f"{folder} is the working folder; name one inside it")
    if not folder.exists():
        return
    if not force:
        raise OutputExists(f"{folder} exists already; choose another name, or replace it with --force (force=True)")
    if not _is_ours(folder):
        raise OutputExists(
            f"{folder} exists and is not a model of Anaphora, or holds more than one; even --force leaves it alone"
        )


def _is_ours(folder: Path) -> bool:
    """Whether a folder holds a model of Anaphora and nothing else, or nothing: only such a folder is ever replaced."""
    if not folder.is_dir():
        return False
    names = {file.name for file in folder.iterdir()}
    if not names:
        return True
    try:
        config = json.loads((folder / CONFIG).read_bytes())
        own = {CONFIG, WEIGHTS, CARD, REPORT, BASELINE.rstrip("/")}
        parts = {name.partition("/")[0] for name in config["sha256"]}
        return {"format", "task", "options"} <= set(config) and names <= own | parts
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


def read(folder: Path) -> Bundle:
    """Load from `folder`. Raises BundleError where there is no whole model of this version or an earlier one."""
    if not folder.is_dir():
        raise BundleError(f"{folder} is not a model folder: there is no such folder")
    files = {name: (folder / name).read_bytes() for name in (CONFIG, REPORT) if (folder / name).is_file()}
    if CONFIG in files:
        names = [WEIGHTS, *_config(files[CONFIG], str(folder))["sha256"]]
        files |= {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}
    return replace(Bundle.from_files(files, str(folder)), baseline=UnreadFiles(folder / BASELINE))


def task_name(folder: Path) -> str | None:
    """The task of the model in `folder`, as in TASKS; None where there is no readable model."""
    try:
        module = package(json.loads((folder / CONFIG).read_bytes())["task"]).__name__
        return next(name for name, known in TASKS.items() if known == module)
    except (OSError, ValueError, TypeError, KeyError):
        return None


@dataclass(frozen=True)
class UnreadFiles(Mapping[str, bytes]):
    """The files of a folder by name, each read on access."""

    folder: Path

    def __getitem__(self, name: str) -> bytes:
        if name not in set(self):
            raise KeyError(name)
        return (self.folder / name).read_bytes()

    def __iter__(self) -> Iterator[str]:
        files = self.folder.iterdir() if self.folder.is_dir() else ()
        return iter(sorted(file.name for file in files if file.is_file()))

    def __len__(self) -> int:
        return len(list(iter(self)))


def _config(content: bytes, name: str) -> dict[str, Any]:
    try:
        config = json.loads(content)
        made_by = config["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleError(f"{name} is damaged: {CONFIG}: {_one_line(error)}") from error
    if not isinstance(made_by, int) or isinstance(made_by, bool) or made_by < 1:
        raise BundleError(f"{name} is damaged: {CONFIG}: format={made_by!r}")
    if made_by > FORMAT:
        raise BundleError(
            f"{name} has format {made_by}, this version reads up to {FORMAT}: pip install --upgrade anaphora"
        )
    wanted = {"task": str, "options": dict, "learned": dict, "columns": dict, "training": dict, "sha256": dict}
    for key, kind in wanted.items():
        if not isinstance(config.get(key), kind):
            raise BundleError(f"{name} is damaged: {CONFIG}: {key!r} is missing or not a {kind.__name__}")
    members = config.get("members")
    if not isinstance(members, int) or isinstance(members, bool) or not 1 <= members <= MAX_MEMBERS:
        raise BundleError(f"{name} is damaged: {CONFIG}: members={members!r}")
    for column in config["columns"].values():
        if not isinstance(column, str | list) or not all(isinstance(name, str) for name in column):
            raise BundleError(f"{name} is damaged: {CONFIG}: columns={config['columns']!r}")
    digests = config["sha256"]
    if len(digests) > MAX_FILES or not all(map(_FILE_NAME.fullmatch, digests)):
        raise BundleError(f"{name} is damaged: {CONFIG}: sha256 names files that no model has")
    try:
        package(config["task"])
    except KeyError as error:
        raise BundleError(f"{name} is damaged: {CONFIG}: {error.args[0]}") from error
    return config


def _digests(config: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of the files that a model's answers depend on; for the config, of everything but these digests."""
    plain = json.dumps({key: value for key, value in config.items() if key != "sha256"}, sort_keys=True).encode()
    contents = {CONFIG: plain, **{name: files[name] for name in files if name != CONFIG}}
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def _changed(config: Mapping[str, Any], files: Mapping[str, bytes]) -> list[str]:
    """The files that are not as they were saved."""
    saved, actual = config["sha256"], _digests(config, files)
    return [name for name in sorted({*saved, *actual}) if saved.get(name) != actual.get(name)]


def _weights(content: bytes, expected: Mapping[str, tuple[int, ...]], name: str) -> dict[str, NDArray[np.float32]]:
    try:
        weights = arrays.from_bytes(content)
    except ValueError as error:
        raise BundleError(f"{name} is damaged: {WEIGHTS}: {_one_line(error)}") from error
    if differing := sorted(set(weights) ^ set(expected)):
        raise BundleError(f"{name} is damaged: {WEIGHTS} and {CONFIG} disagree about {in_words(differing)}")
    for key, shape in expected.items():
        array = weights[key]
        if array.shape != shape or array.dtype != np.float32:
            raise BundleError(
                f"{name} is damaged: {WEIGHTS}: {key} is {array.dtype} {array.shape}, {CONFIG} says float32 {shape}"
            )
    return weights


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def card(bundle: Bundle) -> str:
    """The model's README, as Markdown."""
    task, facts = bundle.task, finite(bundle.training)
    lines = [
        f"# A model for the task `{task.name}`",
        "",
        "Made with Anaphora. It runs without PyTorch:",
        "",
        "```python",
        "import anaphora",
        "",
        'model = anaphora.load("this folder")',
        task.example,
        "```",
        "",
        *([task.note, ""] if task.note else []),
        "## Training",
        "",
        *([f"- ensemble: {bundle.members} networks, whose answers are averaged"] if bundle.members > 1 else []),
        *(f"- {key.replace('_', ' ')}: {value}" for key, value in facts.items() if not isinstance(value, dict | list)),
        "",
        *_scores(task, facts),
        "## Options",
        "",
        *(f"- `{key}`: {value}" for key, value in task.options.to_dict().items()),
        "",
    ]
    return "\n".join(lines)


def _scores(task: Task, facts: Mapping[str, Any]) -> list[str]:
    """The scores on validation and test data, for the card."""
    lines = []
    for part in ("validation", "test"):
        scores = facts.get(part, {})
        if "verdict" in scores:
            shown = [name for name in task.card_scores if scores.get(name) is not None]
            values = ", ".join(f"{name.replace('_', ' ')} {scores[name]:.4f}" for name in shown)
            lines.append(f"- {part}: {values}. {scores['verdict']}")
    return ["## Scores", "", *lines, ""] if lines else []
