"""The kernels outside of Python: under sanitizers, on emulated older processors, and as machine code."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[2] / "native"
WIDE = {"ymm": {"avx2", "avx512"}, "zmm": {"avx512"}, "tmm": set()}
"""Which namespaces may touch which registers."""

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


def build(folder, *, flags="", optimize="-O3"):
    settings = {"ANAPHORA_CHECK": "ON", "ANAPHORA_OPTIMIZE": optimize, "CMAKE_CXX_FLAGS": flags}
    run("cmake", "-S", NATIVE, "-B", folder, *(f"-D{name}={value}" for name, value in settings.items()))
    run("cmake", "--build", folder, "--parallel", 2)
    return folder / "check"


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    return build(tmp_path_factory.mktemp("plain"))


@needs("cmake", "c++")
def test_every_instruction_set_computes_the_equations(check):
    assert run(check).splitlines()[-1].startswith("portable: outputs within")


@needs("cmake", "c++")
def test_the_sanitizers_find_nothing(tmp_path):
    flags = "-fsanitize=address,undefined -fno-sanitize-recover=all -g1"
    run(build(tmp_path, flags=flags, optimize="-O1"))


@needs("cmake", "c++", "qemu-x86_64")
@pytest.mark.parametrize(("processor", "sets"), [("Nehalem", ["portable"]), ("Haswell", ["avx2", "portable"])])
def test_older_processors_use_what_they_have(check, processor, sets):
    lines = run("qemu-x86_64", "-cpu", processor, check).splitlines()
    assert [line.split(":")[0] for line in lines] == sets


@needs("cmake", "c++", "objdump")
def test_no_wide_register_is_used_outside_of_its_instruction_set(check):
    function, seen, wrong = "", set(), set()
    for line in run("objdump", "-dC", "--no-show-raw-insn", check).splitlines():
        if header := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            function = header.group(1)
            continue
        for register in re.findall(r"%([yzt]mm)\d", line):
            spaces = set(re.findall(r"\b(portable|avx2|avx512)::", function))
            seen.add((register, *spaces))
            if not spaces or not spaces <= WIDE[register]:
                wrong.add((register, function))
    assert {("ymm", "avx2"), ("zmm", "avx512")} <= seen
    assert wrong == set()
