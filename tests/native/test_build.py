"""The kernels outside of Python: under sanitizers, on emulated older processors, and as machine code."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[2] / "native"
WITH_BF16 = {"avx512_bf16", "amx"}
WIDE = {"%ymm": {"avx2", "avx512"} | WITH_BF16, "%zmm": {"avx512"} | WITH_BF16, "%tmm": {"amx"}}
OWN = {"vdpbf16ps": WITH_BF16, "vpdpbusd": WITH_BF16, "tdpbf16ps": {"amx"}, "tdpbusd": {"amx"}, "ldtilecfg": {"amx"}}
"""Which namespaces may touch which registers, and use which instructions."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the tools are Linux's"),
    pytest.mark.skipif(not NATIVE.is_dir(), reason="the sources are not here"),
]


def needs(*tools):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def has_bf16():
    cpu = Path("/proc/cpuinfo")
    return cpu.is_file() and {"avx512_bf16", "avx512_vnni"} <= set(cpu.read_text(encoding="utf-8").split())


def build(folder, *, flags="", optimize="-O3", model="OFF"):
    """The check; with a model of the tiles it covers their kernels wherever the rest of their instructions is."""
    settings = {
        "ANAPHORA_CHECK": "ON",
        "ANAPHORA_MODEL_TILES": model,
        "ANAPHORA_OPTIMIZE": optimize,
        "CMAKE_CXX_FLAGS": flags,
    }
    # Where a definition of one file changes, Make compiles all files of the target again, Ninja that one.
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    run("cmake", *generator, "-S", NATIVE, "-B", folder, *(f"-D{name}={value}" for name, value in settings.items()))
    run("cmake", "--build", folder, "--parallel", 2)
    return folder / "check"


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("check"))
    return built.rename(built.with_name("plain"))  # the model of the tiles is built in the same folder


@needs("cmake", "c++")
def test_every_instruction_set_computes_the_equations(check):
    assert run(check).splitlines()[-1].startswith("portable: int8 outputs within")


@needs("cmake", "c++")
def test_threads_and_children_compute_the_same(check):
    assert run(check, "--same") == ""


@needs("cmake", "c++")
@pytest.mark.skipif(not has_bf16(), reason="the model of the tiles needs AVX-512 with bfloat16 beside it")
def test_the_kernels_of_tiles_compute_the_equations_with_a_model_of_the_tiles(check):
    modelled = build(check.parent, model="ON")
    assert run(modelled).startswith("amx: float32 outputs within")
    assert run(modelled, "--same") == ""


@needs("cmake", "c++")
def test_the_sanitizers_find_nothing(tmp_path):
    flags = "-fsanitize=address,undefined -fno-sanitize-recover=all -g1"
    check = build(tmp_path, flags=flags, optimize="-O1", model="ON")
    assert run(check).startswith("amx:") == has_bf16()


@needs("cmake", "c++", "qemu-x86_64")
@pytest.mark.parametrize(("processor", "sets"), [("Nehalem", ["portable"]), ("Haswell", ["avx2", "portable"])])
def test_older_processors_use_what_they_have(check, processor, sets):
    lines = run("qemu-x86_64", "-cpu", processor, check).splitlines()
    assert list(dict.fromkeys(line.split(":")[0] for line in lines)) == sets


@needs("cmake", "c++", "objdump")
def test_no_register_or_instruction_is_used_outside_of_its_instruction_set(check):
    function, seen, wrong = "", set(), set()
    for line in run("objdump", "-dC", "--no-show-raw-insn", check).splitlines():
        if header := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            function = header.group(1)
            continue
        for word in filter(line.__contains__, WIDE | OWN):
            spaces = set(re.findall(r"\b(portable|avx2|avx512|avx512_bf16|amx)::", function))
            seen.add((word, *spaces))
            if not spaces or not spaces <= (WIDE | OWN)[word]:
                wrong.add((word, function))
    assert {("%ymm", "avx2"), ("%zmm", "avx512"), *((word, space) for word in OWN for space in OWN[word])} <= seen
    assert wrong == set()
