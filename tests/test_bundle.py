import hashlib
import json
import math
import os
import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import Toy

from anaphora import TextClassifier, arrays, bundle, load
from anaphora.errors import BundleError, NotFitted, OutputExists, UserError

WHOLE = ("config.json", "model.safetensors", "tokenizer.json")


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy of the saved model, to be damaged."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


def refused(folder: Path) -> str:
    """The message of the BundleError that loading raises, which is one line and names the folder."""
    with pytest.raises(BundleError) as caught:
        load(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def edit(folder: Path, change: Callable[[dict[str, Any]], object], name: str = "config.json") -> Path:
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))
    return folder


# A round trip


def test_a_loaded_model_predicts_bit_by_bit_what_the_fitted_one_did(
    model: TextClassifier, toy: Toy, saved: Path
) -> None:
    texts = [*toy.texts, "", "unseen words", "good " * 100]
    np.testing.assert_array_equal(load(saved).predict_proba(texts), model.predict_proba(texts))


def test_saving_a_loaded_model_writes_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    load(saved).save(tmp_path / "again")
    files = {file.relative_to(saved): file.read_bytes() for file in saved.rglob("*") if file.is_file()}
    again = {file.relative_to(tmp_path / "again") for file in (tmp_path / "again").rglob("*") if file.is_file()}
    assert again == set(files)
    assert len(files) > 4
    assert {name: (tmp_path / "again" / name).read_bytes() for name in files} == files


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_any_memory_order_survive(order: str) -> None:
    array = np.asarray(np.arange(12, dtype=np.float32).reshape(3, 4), order=order)
    np.testing.assert_array_equal(arrays.from_bytes(arrays.to_bytes({"a": array}))["a"], array)


@pytest.mark.parametrize("view", [lambda a: a.T, lambda a: a[::-1], lambda a: a[:, 1:3], lambda a: a[0]])
def test_views_of_arrays_survive(view: Callable[[Any], Any]) -> None:
    array = view(np.arange(12, dtype=np.float32).reshape(3, 4))
    np.testing.assert_array_equal(arrays.from_bytes(arrays.to_bytes({"a": array}))["a"], array)


def test_the_model_card_shows_how_to_load(saved: Path) -> None:
    card = (saved / "README.md").read_text()
    assert 'model = anaphora.load("this folder")\nmodel.predict(' in card


def scored(fitted: TextClassifier) -> bundle.Bundle:
    """A model whose scores hold what no JSON can."""
    odd = {
        "r2": math.nan,
        "accuracy": 0.5,
        "verdict": "As good.",
        "comparison": {"low": -math.inf, "high": np.float64("inf")},
    }
    return replace(fitted.bundle_, training=fitted.bundle_.training | {"validation": odd})


def no_json(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def test_scores_that_are_no_finite_numbers_are_saved_as_null(model: TextClassifier, tmp_path: Path) -> None:
    bundle.write(scored(model), tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text(), parse_constant=no_json)
    nothing = {"low": None, "high": None}
    expected = {"r2": None, "accuracy": 0.5, "verdict": "As good.", "comparison": nothing}
    assert config["training"]["validation"] == expected
    assert "- validation: accuracy 0.5000. As good.\n" in (tmp_path / "model" / "README.md").read_text()
    load(tmp_path / "model").save(tmp_path / "again")
    for name in ("config.json", "README.md"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()


def test_a_model_that_was_saved_with_infinity_loads_and_is_saved_without(model: TextClassifier, tmp_path: Path) -> None:
    bundle.write(model.bundle_, tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    config = json.loads(file.read_text()) | {"training": scored(model).training}
    del config["sha256"]["config.json"]
    plain = {name: value for name, value in config.items() if name != "sha256"}
    config["sha256"]["config.json"] = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
    file.write_text(json.dumps(config))
    assert "Infinity" in file.read_text()
    load(tmp_path / "model").save(tmp_path / "again")
    json.loads((tmp_path / "again" / "config.json").read_text(), parse_constant=no_json)


# Damage


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    assert "no such folder" in refused(tmp_path / "absent")


def test_a_file_is_no_model_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "not a model folder" in refused(tmp_path / "file")


@pytest.mark.parametrize("name", WHOLE)
def test_a_missing_part_is_refused(name: str, folder: Path) -> None:
    (folder / name).unlink()
    assert name.partition(".")[0] in refused(folder)


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
@pytest.mark.parametrize("name", WHOLE)
def test_a_truncated_part_is_refused(name: str, share: float, folder: Path) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(share * len(content))])
    refused(folder)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[]", b"null", b"7", b"{}", b"[" * 100_000])
def test_a_part_of_other_content_is_refused(name: str, content: bytes, folder: Path) -> None:
    (folder / name).write_bytes(content)
    refused(folder)


def test_a_newer_format_says_how_to_upgrade(folder: Path) -> None:
    edit(folder, lambda config: config.update(format=bundle.FORMAT + 1))
    assert "pip install --upgrade anaphora" in refused(folder)


@pytest.mark.parametrize("number", [0, -1, "1", None, 1.5, True, [1]])
def test_a_format_that_is_no_number_of_a_format_is_refused(number: object, folder: Path) -> None:
    assert "format" in refused(edit(folder, lambda config: config.update(format=number)))


@pytest.mark.parametrize("key", ["format", "task", "options", "learned", "columns", "training"])
@pytest.mark.parametrize("value", [None, 3, "x", ["x"], "absent"])
def test_a_field_that_is_absent_or_of_another_type_is_refused(key: str, value: object, folder: Path) -> None:
    edit(folder, lambda config: config.pop(key) if value == "absent" else config.update({key: value}))
    refused(folder)


@pytest.mark.parametrize(
    "changed",
    [
        {"hiden_size": 8},
        {"hidden_size": "8"},
        {"hidden_size": -8},
        {"hidden_size": None},
        {"cell": "lstn"},
        {"layers": 2},
        {"hidden_size": 9},
    ],
)
def test_options_that_do_not_fit_are_refused(changed: dict[str, object], folder: Path) -> None:
    refused(edit(folder, lambda config: config["options"].update(changed)))


@pytest.mark.parametrize(
    "labels",
    [["pos"], ["neg", "pos", "odd"], ["pos", "pos"], [["a"], ["b"]], [{}, {}], "ab", None, 2, {"a": 1, "b": 2}],
)
def test_labels_that_do_not_fit_are_refused(labels: object, folder: Path) -> None:
    refused(edit(folder, lambda config: config["learned"].update(labels=labels)))


def test_a_label_that_is_null_is_refused(folder: Path) -> None:
    refused(edit(folder, lambda config: config["learned"].update(labels=[None, "pos"])))


@pytest.mark.parametrize("changed", [{"hidden_size": 10**9}, {"embedding_size": 10**9}, {"layers": 5_000}])
def test_a_huge_network_is_refused_without_making_room_for_it(changed: dict[str, int], folder: Path) -> None:
    edit(folder, lambda config: config["options"].update(changed))
    tracemalloc.start()
    try:
        refused(folder)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20e6


def test_a_tokenizer_of_another_size_is_refused(folder: Path) -> None:
    edit(folder, lambda tokenizer: tokenizer["model"]["vocab"].update(zebra=len(tokenizer["model"]["vocab"])), WHOLE[2])
    refused(folder)


def test_a_tokenizer_without_the_unknown_token_is_refused(folder: Path) -> None:
    def rename(tokenizer: dict[str, Any]) -> None:
        tokenizer["added_tokens"] = []
        tokenizer["model"]["vocab"]["zebra"] = tokenizer["model"]["vocab"].pop("[UNK]")

    refused(edit(folder, rename, "tokenizer.json"))


@pytest.mark.parametrize("change", ["shape", "kind", "missing", "extra"])
def test_arrays_that_do_not_fit_are_refused_by_name(change: str, folder: Path) -> None:
    file = folder / "model.safetensors"
    found = arrays.from_bytes(file.read_bytes())
    bias = found["head.bias"]
    changed: dict[str, dict[str, Any]] = {
        "shape": {"head.bias": bias[:, None]},
        "kind": {"head.bias": bias.astype(np.float64)},
        "missing": {},
        "extra": {"head.bias": bias, "other": bias},
    }
    del found["head.bias"]
    file.write_bytes(arrays.to_bytes(found | changed[change]))
    assert ("other" if change == "extra" else "head.bias") in refused(folder)


def swap_words(tokenizer: dict[str, Any]) -> None:
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["good"], vocabulary["bad"] = vocabulary["bad"], vocabulary["good"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("config.json", lambda config: config["learned"]["labels"].reverse()),
        ("config.json", lambda config: config["options"].update(lowercase=False)),
        ("tokenizer.json", swap_words),
    ],
)
def test_a_change_that_would_give_other_answers_is_refused(name: str, change: Any, folder: Path) -> None:
    assert f"{name} changed since it was saved" in refused(edit(folder, change, name))


def test_weights_that_were_changed_are_refused(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(arrays.to_bytes({name: -array for name, array in arrays.from_bytes(file.read_bytes()).items()}))
    assert "model.safetensors changed since it was saved" in refused(folder)


# Writing


def test_an_existing_folder_is_kept_without_force(model: TextClassifier, folder: Path) -> None:
    before = (folder / "config.json").read_bytes()
    with pytest.raises(OutputExists, match="--force"):
        model.save(folder)
    assert (folder / "config.json").read_bytes() == before


def test_force_replaces_a_model_and_leaves_nothing_of_it(model: TextClassifier, folder: Path) -> None:
    (folder / "report.html").write_text("x")
    model.save(folder, force=True)
    assert not (folder / "report.html").exists()
    assert load(folder).classes_.tolist() == ["neg", "pos"]
    assert [file.name for file in folder.parent.iterdir()] == ["model"]


def test_force_never_deletes_what_lies_beside_a_model(model: TextClassifier, folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputExists, match="leaves it alone"):
        model.save(folder, force=True)
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["notes.txt", "config.json"])
def test_force_never_replaces_a_folder_that_is_no_model(name: str, model: TextClassifier, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text('{"theme": "dark"}')
    with pytest.raises(OutputExists, match="leaves it alone"):
        model.save(tmp_path / "mine", force=True)
    assert (tmp_path / "mine" / name).is_file()


def test_force_never_replaces_a_file(model: TextClassifier, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(OutputExists):
        model.save(tmp_path / "mine", force=True)


def test_the_working_folder_itself_is_not_replaced(model: TextClassifier, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError):
        model.save(".", force=True)


def stop(*_: object) -> None:
    raise OSError("the disk is full")


@pytest.mark.parametrize("place", ["fsync", "rename 1", "rename 2"])
def test_an_interrupted_write_leaves_the_old_model(
    place: str, model: TextClassifier, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "report.html").write_text("old")
    rename, left = Path.rename, [int(place[-1])] if place != "fsync" else [0]

    def fail_in_time(file: Path, target: Path) -> Path:
        left[0] -= 1
        return rename(file, target) if left[0] != 0 else stop()

    monkeypatch.setattr(*((os, "fsync", stop) if place == "fsync" else (Path, "rename", fail_in_time)))
    with pytest.raises(OSError, match="the disk is full"):
        model.save(folder, force=True)
    assert (folder / "report.html").read_text() == "old"
    assert [file.name for file in folder.parent.iterdir()] == ["model"]


def test_an_interrupted_first_write_leaves_nothing(model: TextClassifier, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(OSError, match="the disk is full"):
        model.save(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_not_fitted_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(NotFitted):
        TextClassifier().save(tmp_path / "new")
    assert not (tmp_path / "new").exists()
