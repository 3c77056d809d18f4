"""Imports point down: the layers as literal tables, and every import in the source checked against them.

There are two dimensions: the folders, and within a task's folder the files. Between tasks only the edges in
BETWEEN_TASKS are allowed.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import anaphora
from anaphora.tasks import TASKS

ROOT = Path(anaphora.__file__).parent
LAYERS = (
    {"errors", "events", "arrays", "_native"},
    {"extras", "config", "tasks"},
    {"cells"},
    {"metrics"},
    {"engine", "text", "data"},
    {"net"},
    {"task"},
    {"bundle"},
    {"runtime", "train", "report"},
    {"estimators", "nn"},
    {"a task"},
    {"cli", "a task's commands"},
)
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
# Two of one layer that may meet: the first imports the second.
NEIGHBOURS = {("arrays", "errors"), ("text", "data"), ("cli", "a task's commands"), ("a task's commands", "cli")}
BETWEEN_TASKS = {("classify", "language")}
COMMANDS = {"commands", "demo", "generate_command", "train_command"}
"""The modules of a task that belong to the command line, and use its helpers."""
WITHIN_A_TASK = (
    {"scale", "times", "naive_bayes", "documents", "summaries"},
    {"series", "inputs", "corpus", "windows", "linear", "table"},
    {"overlap", "ngram", "outputs", "table", "linear_fit", "network", "autoregression"},
    {"task", "pretrained"},
    {"sample", "baseline", "runner", "scorer", "dynamic"},
    {"calibration", "generate", "plots", "scores"},
    {"estimator", "page"},
    {"classifier", "regressor"},
    {"commands", "demo", "generate_command", "train_command"},
)
TASK_LEVEL = {file: level for level, files in enumerate(WITHIN_A_TASK) for file in files}
TASK_NEIGHBOURS = {
    ("windows", "corpus"),
    ("task", "pretrained"),
    ("scores", "plots"),
    ("page", "scores"),
    ("demo", "commands"),
}
TORCH_STANDS_IN = {
    "anaphora.engine.torch",
    "anaphora.engine.op",
    "anaphora.engine.linear_op",
    "anaphora.nn",
    "anaphora.cli.benchmark",
    "anaphora.tasks.language.dynamic",
}
COMPILED = "anaphora._native"
ALLOWED_ROOTS = {"anaphora.cells"}
"""Packages whose table a module of theirs reads."""
HEAVY = {"torch", "accelerate", "sklearn", "scipy", "polars", "matplotlib"}


class Import(NamedTuple):
    """`importer` imports `target`, a module or a name in one; `nested` says that it does so within a function."""

    importer: str
    target: str
    nested: bool


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(file): file for file in sorted(ROOT.rglob("*.py"))}


def imports_of(importer: str) -> Iterator[Import]:
    tree = ast.parse(FILES[importer].read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    nested = {node for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(importer, alias.name, node in nested) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{importer} has a relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield Import(importer, whole if whole in {*FILES, COMPILED} else str(node.module), node in nested)


IMPORTS = [found for importer in FILES for found in imports_of(importer)]
OURS = [found for found in IMPORTS if found.target.split(".")[0] == "anaphora"]


def part(module: str) -> str:
    """The part of the house that a module belongs to; "" for the front door."""
    _, *names = module.split(".")
    if len(names) > 1 and names[0] == "tasks":
        return "a task's commands" if names[-1] in COMMANDS else "a task"
    return names[0] if names else ""


def task_of(module: str) -> str:
    """The task whose folder a module is in; "" for others."""
    names = module.split(".")
    return names[2] if len(names) > 2 and names[1] == "tasks" else ""


def allowed(importer: str, target: str) -> bool:
    above, below = part(importer), part(target)
    ours, theirs = task_of(importer), task_of(target)
    if ours and theirs:
        if ours != theirs:
            return (ours, theirs) in BETWEEN_TASKS
        first, second = importer.rpartition(".")[2], target.rpartition(".")[2]
        if second == theirs:  # the folder itself, of which a file is imported
            return True
        return TASK_LEVEL[second] < TASK_LEVEL[first] or (first, second) in TASK_NEIGHBOURS
    return above == below or LEVEL[below] < LEVEL[above] or (above, below) in NEIGHBOURS


def test_the_imports_are_found() -> None:
    assert Import("anaphora.bundle", "anaphora.arrays", False) in OURS
    assert len(OURS) > 50


def test_every_part_of_the_house_has_a_layer() -> None:
    assert {part(module) for module in FILES} - {""} <= set(LEVEL)
    files = {module.rpartition(".")[2] for module in FILES if task_of(module)}
    assert files - set(TASKS) <= set(TASK_LEVEL)


def test_no_shared_file_asks_which_task_it_has() -> None:
    names = {
        module
        for module, file in FILES.items()
        if not task_of(module) and module not in ("anaphora", "anaphora.tasks", "anaphora.nn")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in TASKS
    }
    imports = {found for found in OURS if task_of(found.target) and not task_of(found.importer)}
    assert names == set()
    assert {found for found in imports if found.importer != "anaphora"} == set()


def test_imports_point_down() -> None:
    inside = [found for found in OURS if part(found.importer)]
    assert [found for found in inside if not part(found.target) or not allowed(found.importer, found.target)] == []


def test_nothing_imports_the_front_door() -> None:
    assert [found for found in OURS if found.target == "anaphora"] == []


def test_train_and_runtime_never_import_each_other() -> None:
    pairs = {(part(found.importer), part(found.target)) for found in OURS}
    assert not pairs & {("train", "runtime"), ("runtime", "train")}


def test_a_leaf_never_imports_its_own_package_root() -> None:
    own = [
        found for found in OURS if found.importer.startswith(found.target + ".") and found.target not in ALLOWED_ROOTS
    ]
    assert own == []


def test_torch_is_imported_at_the_top_only_where_one_learns() -> None:
    users = {found.importer for found in IMPORTS if found.target.split(".")[0] in ("torch", "accelerate")}
    assert {user for user in users if part(user) != "train"} <= TORCH_STANDS_IN


def test_only_the_estimators_base_reaches_training_and_only_within_a_function() -> None:
    reaching = {found for found in OURS if part(found.target) == "train" and part(found.importer) != "train"}
    assert {(found.importer, found.nested) for found in reaching} == {
        ("anaphora.estimators.base", True),
        ("anaphora.tasks.language.dynamic", False),  # it learns, and is itself loaded within a function
    }


def test_nothing_else_of_ours_is_imported_within_a_function() -> None:
    nested = [found for found in OURS if found.nested and part(found.target) != "train"]
    assert {(found.importer, found.target) for found in nested} <= {
        ("anaphora.tasks.language.estimator", "anaphora.tasks.language.dynamic")
    }


def test_optional_libraries_are_reached_through_the_one_helper() -> None:
    optional = {"sklearn", "scipy", "polars", "matplotlib"}
    assert [found for found in IMPORTS if found.target.split(".")[0] in optional] == []


def test_the_engines_front_imports_no_engine() -> None:
    assert [found for found in IMPORTS if found.importer == "anaphora.engine"] == []


def test_a_source_file_has_under_400_lines() -> None:
    lines = {module: len(file.read_text(encoding="utf-8").splitlines()) for module, file in FILES.items()}
    assert {module: count for module, count in lines.items() if count >= 400} == {}


def modules_after(program: str, *arguments: object) -> set[str]:
    """The top-level modules that a new interpreter has loaded after `program`."""
    program += "\nimport sys; print('\\n' + ' '.join({name.partition('.')[0] for name in sys.modules}))"
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_no_numpy() -> None:
    assert "numpy" not in modules_after("import anaphora")


def test_loading_and_predicting_load_no_heavy_library(saved: Path) -> None:
    loaded = modules_after("import sys, anaphora; print(anaphora.load(sys.argv[1]).predict(['x']))", saved)
    assert "numpy" in loaded
    assert not loaded & HEAVY


def test_predicting_on_the_command_line_loads_no_heavy_library(saved: Path) -> None:
    program = (
        "import sys; from anaphora.cli import main\n"
        "try: main(['predict', sys.argv[1], 'x'])\n"
        "except SystemExit as stop: assert not stop.code, stop.code"
    )
    assert not modules_after(program, saved) & HEAVY


def test_the_models_of_regressors_load_without_heavy_libraries(tmp_path: Path) -> None:
    regressor = anaphora.SequenceRegressor(hidden_size=4, epochs=1)
    regressor.fit([[1.0, 2.0], [2.0, 3.0], [3.0, 5.0]], [3.0, 4.0, 7.0]).save(tmp_path / "model")
    loaded = modules_after("import sys, anaphora; anaphora.load(sys.argv[1]).predict([[1., 2.]])", tmp_path / "model")
    assert not loaded & HEAVY


def test_the_models_of_sequence_classifiers_and_their_baselines_answer_without_heavy_libraries(tmp_path: Path) -> None:
    classifier = anaphora.SequenceClassifier(hidden_size=4, epochs=1, targets="step")
    classifier.fit([[1.0, 2.0], [2.0, 3.0], [3.0, 5.0]], [["a", "b"]] * 3).save(tmp_path / "model")
    program = (
        "import sys, numpy, anaphora\nfrom anaphora.tasks.sequences.baseline import SequenceBaselines\n"
        "model = anaphora.load(sys.argv[1]); model.predict([[1., 2.]]); model.live()\n"
        "SequenceBaselines.from_files(model.bundle_.baseline).predict([numpy.ones((2, 1))])"
    )
    assert not modules_after(program, tmp_path / "model") & HEAVY
