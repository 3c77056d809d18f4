"""A bundle that was changed in any way gives one clear error: no crash, no other answer."""

import json
import random
import shutil

import numpy as np
import pytest

from anaphora import load
from anaphora.errors import BundleError

STRANGE = [None, -1, 0, 10**12, 1e308, "", [], {}, "x" * 1_000, True, -0.5, "lstm"]


def truncated(content, rng):
    return content[: rng.randrange(len(content))]


def flipped(content, rng):
    changed = bytearray(content)
    changed[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def edited(content, rng):
    tree = json.loads(content)
    node, key = tree, rng.choice(list(tree))
    while isinstance(node[key], dict | list) and node[key] and rng.random() < 0.9:
        node = node[key]
        key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
    node[key] = rng.choice(STRANGE)
    return json.dumps(tree).encode()


@pytest.mark.parametrize("mutate", [truncated, flipped, edited])
@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_changed_file_is_refused_or_changes_nothing(file, mutate, saved, tmp_path):
    if mutate is edited and not file.endswith(".json"):
        pytest.skip("the weights are no JSON")
    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    content, answers = (saved / file).read_bytes(), load(saved).predict_proba(["good", ""])
    rng = random.Random(f"{file} {mutate.__name__}")
    refused = unchanged = 0
    for _ in range(40):
        (folder / file).write_bytes(mutate(content, rng))
        try:
            same = load(folder).predict_proba(["good", ""])
        except BundleError as error:
            refused += "\n" not in str(error)
        else:
            unchanged += np.array_equal(same, answers)
    assert refused + unchanged == 40
    assert refused > 20
