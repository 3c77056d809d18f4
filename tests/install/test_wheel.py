"""The built wheel, in an environment that has neither the sources, nor a compiler, nor torch."""

import importlib.util
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEGABYTE = 2**20
MOST_PACKAGES, MOST_MEGABYTES = 24, 135
BUILDING = ("scikit_build_core", "nanobind", "cmake")
COUNT = """
from importlib.metadata import distributions
found = [own for own in distributions() if own.name not in ("pip", "setuptools")]
files = {file.locate() for own in found for file in own.files or ()}
print(len(found), sum(file.stat().st_size for file in files if file.exists()))
"""
"""Anaphora and all that it brings, as `pip list` has them, and their files with what Python compiled of them."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "native").is_dir(), reason="the sources are not here"),
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in BUILDING), reason=f"needs {', '.join(BUILDING)}"
    ),
]


def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)


def build(out: Path, *more: object, **options: object) -> subprocess.CompletedProcess[str]:
    wheel = ("-m", "pip", "wheel", ROOT, "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", out)
    return run(sys.executable, *wheel, *more, **options)


def bare(*path: Path) -> dict[str, str]:
    """The environment of this process, less what leads to the sources, and with this PATH alone."""
    leading = {"PATH", "PYTHONPATH", "CC", "CXX", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in leading}
    if "PIP_CONSTRAINT" not in kept:
        kept["PIP_CONSTRAINT"] = str(ROOT / "constraints.txt")
    return kept | {"PATH": os.pathsep.join(map(str, path))}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    done = build(out)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = out.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with the wheel, and what it depends on, in it."""
    folder = tmp_path_factory.mktemp("base")
    venv.create(folder, with_pip=True)
    places = folder / ("Scripts" if os.name == "nt" else "bin")
    python = places / "python"
    install = ("-m", "pip", "install", "--quiet", "--only-binary", ":all:", wheel)
    done = run(python, *install, cwd=folder, env=bare(places))
    assert done.returncode == 0, done.stdout + done.stderr
    return python


def test_the_wheel_is_a_few_megabytes(wheel: Path) -> None:
    size = wheel.stat().st_size / MEGABYTE
    print(f"{size:.1f} MB in {wheel.name}")
    assert 0.2 < size < 5


def test_the_wheel_predicts_without_sources_compiler_and_torch(python: Path, tmp_path: Path) -> None:
    for name in ("predict.py", "golden"):
        source = ROOT / "tests" / ("install" if name.endswith(".py") else "") / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    done = run(python, "predict.py", "golden", cwd=tmp_path, env=bare(python.parent))
    assert done.returncode == 0, done.stdout + done.stderr
    answer = run(python.parent / "anaphora", "predict", "golden/v1-lstm", "fine", cwd=tmp_path, env=bare(python.parent))
    assert answer.stdout.endswith("\tfine\n"), answer.stderr
    how = ("--prompt", "h", "--length", "10", "--temperature", "0")
    text = run(python.parent / "anaphora", "generate", "golden/v1-writer", *how, cwd=tmp_path, env=bare(python.parent))
    assert text.stdout == "hello world\n", text.stderr


def test_the_base_install_is_small(python: Path) -> None:
    counted = run(python, "-c", COUNT, cwd=python.parent)
    packages, size = map(int, counted.stdout.split())
    print(f"{packages} packages, {size / MEGABYTE:.0f} MB")
    assert packages <= MOST_PACKAGES
    assert size / MEGABYTE <= MOST_MEGABYTES


def test_without_a_compiler_the_error_says_what_to_install(tmp_path: Path) -> None:
    done = build(tmp_path, "--config-settings", f"build-dir={tmp_path / 'build'}", env=bare(tmp_path))
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "no C++17 compiler is here" in said
    for remedy in ("apt install g++", "xcode-select --install", "Build Tools for Visual Studio", "wheel"):
        assert remedy in said
