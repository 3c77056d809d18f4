"""The saved model: a folder of data, never code. Training only writes it, everything else only reads it.

config.json         format, task, options, what was learned, columns, training facts
tokenizer.json      the tokenizer, where the task has one (Hugging Face tokenizers)
model.safetensors   the weights, named as the network's parts
README.md           a model card that writes itself
report.html         scores as a page, where rows were held out
linear/             the linear model that answers together with the network, where the options want one
baseline/           the linear baseline (terms as text, arrays as safetensors); running the model never reads it
"""

import hashlib
import json
import os
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
from anaphora.task import TASKS, Task

FORMAT = 1
CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"
CARD, REPORT, LINEAR, BASELINE = "README.md", "report.html", "linear/", "baseline/"
PARTNER = tuple(LINEAR + name for name in ("linear.json", "terms.txt", "linear.safetensors"))
"""The files of the linear model that answers together with the network (`baselines/linear.py`)."""
MOST_MEMBERS = 100
SHOWN = ("accuracy", "macro_f1", "mae", "rmse", "r2", "mase", "perplexity", "bits_per_character")
"""Of the scores, what the card shows."""
READ = (CONFIG, TOKENIZER, WEIGHTS, *PARTNER, REPORT)


@dataclass(frozen=True)
class Bundle:
    """A model in memory, as it is saved. `columns` name a file's columns; `training` says how it was made."""

    task: Task
    arrays: Mapping[str, NDArray[np.float32]]
    columns: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    baseline: Mapping[str, bytes] = field(default_factory=dict)
    report: str = ""
    members: int = 1
    """How many networks `arrays` holds; they answer together."""
    linear: Mapping[str, bytes] = field(default_factory=dict)
    """The files of the linear model that answers together with them, if there is one."""

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
        files = {WEIGHTS: arrays.to_bytes(self.arrays)} | _under(LINEAR, self.linear)
        tokenizer = self.task.tokenizer()
        if tokenizer is not None:
            files[TOKENIZER] = tokenizer.encode()
        config["sha256"] = _digests(config, files)
        files[CONFIG] = to_json(config).encode()
        files[CARD] = card(self).encode()
        if self.report:
            files[REPORT] = self.report.encode()
        return files | _under(BASELINE, self.baseline)

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], name: str = "the model") -> "Bundle":
        """The model of `to_files`. Raises BundleError, with `name` in it, where the files do not make one."""
        for needed in (CONFIG, WEIGHTS):
            if needed not in files:
                raise BundleError(f"{name} is not a whole model: {needed} is missing")
        config = _config(files[CONFIG], name)
        try:
            tokenizer = files[TOKENIZER].decode() if TOKENIZER in files else None
            task = TASKS[config["task"]].restore(config["options"], config["learned"], tokenizer)
            expected = shapes(task.spec())
        except Exception as error:  # the tokenizers library raises plain Exception at bad JSON
            raise BundleError(f"{name} is damaged: {CONFIG} or {TOKENIZER}: {_in_one_line(error)}") from error
        members = config["members"]
        if members > 1:
            expected = {f"{place}.{key}": shape for place in range(members) for key, shape in expected.items()}
        weights = _weights(files[WEIGHTS], expected, name)
        if changed := _changed(config, files):
            raise BundleError(f"{name} is damaged: {in_words(changed)} changed since it was saved")
        baseline, linear = _within(BASELINE, files), _within(LINEAR, files)
        report = files.get(REPORT, b"").decode()
        return cls(task, weights, config["columns"], config["training"], baseline, report, members, linear)


def _under(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of a folder, as those of the one that it is in."""
    return {folder + name: content for name, content in files.items()}


def _within(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The other way round."""
    return {name.removeprefix(folder): content for name, content in files.items() if name.startswith(folder)}


def write(bundle: Bundle, folder: Path, force: bool = False) -> None:
    """Save to `folder`: written beside it, flushed, then renamed, so that it is never half there.

    Raises OutputExists where the folder exists, unless `force` says to replace it.
    """
    check_free(folder, force)
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.{os.urandom(4).hex()}")
    try:
        for name, content in bundle.to_files().items():
            file = beside / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
        _put_in_place(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put_in_place(beside: Path, folder: Path) -> None:
    """Rename `beside` to `folder`; a model that was there goes when the new one is in its place, and not before."""
    if not folder.exists():
        beside.rename(folder)
        return
    aside = beside.with_name(beside.name + ".old")
    folder.rename(aside)
    try:
        beside.rename(folder)
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
    """Whether a folder holds a model of Anaphora, or nothing, and nothing else: only such a one is ever replaced."""
    if not folder.is_dir():
        return False
    names = {file.name for file in folder.iterdir()}
    if not names <= {*READ, CARD, LINEAR.rstrip("/"), BASELINE.rstrip("/")}:
        return False
    try:
        return not names or {"format", "task", "options"} <= set(json.loads((folder / CONFIG).read_bytes()))
    except (OSError, ValueError, TypeError):
        return False


def read(folder: Path) -> Bundle:
    """Load from `folder`. Raises BundleError where there is no whole model of this version or an earlier one."""
    if not folder.is_dir():
        raise BundleError(f"{folder} is not a model folder: there is no such folder")
    files = {name: (folder / name).read_bytes() for name in READ if (folder / name).is_file()}
    return replace(Bundle.from_files(files, str(folder)), baseline=UnreadFiles(folder / BASELINE))


@dataclass(frozen=True)
class UnreadFiles(Mapping[str, bytes]):
    """The files of a folder by name, each read when it is asked for."""

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
        raise BundleError(f"{name} is damaged: {CONFIG}: {_in_one_line(error)}") from error
    if not isinstance(made_by, int) or isinstance(made_by, bool) or made_by < 1:
        raise BundleError(f"{name} is damaged: {CONFIG}: format={made_by!r}")
    if made_by > FORMAT:
        raise BundleError(
            f"{name} has format {made_by}, this version reads up to {FORMAT}: pip install --upgrade anaphora"
        )
    wanted = {"task": str, "options": dict, "learned": dict, "columns": dict, "training": dict}
    for key, kind in wanted.items():
        if not isinstance(config.get(key), kind):
            raise BundleError(f"{name} is damaged: {CONFIG}: {key!r} is missing or not a {kind.__name__}")
    members = config.get("members")
    if not isinstance(members, int) or isinstance(members, bool) or not 1 <= members <= MOST_MEMBERS:
        raise BundleError(f"{name} is damaged: {CONFIG}: members={members!r}")
    columns = config["columns"]
    text, label = columns.get("text", []), columns.get("label", "")
    if not (isinstance(text, list) and all(isinstance(name, str) for name in text) and isinstance(label, str)):
        raise BundleError(f"{name} is damaged: {CONFIG}: columns={columns!r}")
    if config["task"] not in TASKS:
        raise BundleError(f"{name} is damaged: {CONFIG}: task={config['task']!r} is not one of {in_words(TASKS)}")
    return config


def _digests(config: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of the files that a model's answers depend on; of the config, all but these digests."""
    plain = json.dumps({key: value for key, value in config.items() if key != "sha256"}, sort_keys=True).encode()
    contents = {CONFIG: plain, **{name: files[name] for name in (TOKENIZER, WEIGHTS, *PARTNER) if name in files}}
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def _changed(config: Mapping[str, Any], files: Mapping[str, bytes]) -> list[str]:
    """The files that are not as they were saved."""
    saved, found = config.get("sha256"), _digests(config, files)
    if not isinstance(saved, dict):
        return [CONFIG]
    return [name for name in sorted({*saved, *found}) if saved.get(name) != found.get(name)]


def _weights(content: bytes, expected: Mapping[str, tuple[int, ...]], name: str) -> dict[str, NDArray[np.float32]]:
    try:
        found = arrays.from_bytes(content)
    except ValueError as error:
        raise BundleError(f"{name} is damaged: {WEIGHTS}: {_in_one_line(error)}") from error
    if differing := sorted(set(found) ^ set(expected)):
        raise BundleError(f"{name} is damaged: {WEIGHTS} and {CONFIG} disagree about {in_words(differing)}")
    for key, shape in expected.items():
        array = found[key]
        if array.shape != shape or array.dtype != np.float32:
            raise BundleError(
                f"{name} is damaged: {WEIGHTS}: {key} is {array.dtype} {array.shape}, {CONFIG} says float32 {shape}"
            )
    return found


def _in_one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _scores_in_words(facts: Mapping[str, Any]) -> list[str]:
    """What the validation and the test rows showed, for the card."""
    lines = []
    for part in ("validation", "test"):
        scores = facts.get(part, {})
        if "verdict" in scores:
            shown = [f"{name.replace('_', ' ')} {scores[name]:.4f}" for name in SHOWN if scores.get(name) is not None]
            lines += [f"- {part}: {', '.join(shown)}. {scores['verdict']}"]
    return ["## Scores", "", *lines, ""] if lines else []


def card(bundle: Bundle) -> str:
    """The model's README, as Markdown."""
    facts = finite(bundle.training)
    lines = [
        f"# A model for the task `{bundle.task.name}`",
        "",
        "Made with Anaphora. It runs without PyTorch:",
        "",
        "```python",
        "import anaphora",
        "",
        'model = anaphora.load("this folder")',
        bundle.task.example,
        "```",
        "",
        *([bundle.task.note, ""] if bundle.task.note else []),
        "## How it was made",
        "",
        *([f"- networks: {bundle.members}, which answer together"] if bundle.members > 1 else []),
        *(f"- {key.replace('_', ' ')}: {value}" for key, value in facts.items() if not isinstance(value, dict | list)),
        "",
        *_scores_in_words(facts),
        "## Options",
        "",
        *(f"- `{key}`: {value}" for key, value in bundle.task.options.to_dict().items()),
        "",
    ]
    return "\n".join(lines)
