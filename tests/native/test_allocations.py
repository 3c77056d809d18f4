"""A step asks the system for no memory: counted below Python, by a library that stands in front of malloc."""

import os
import shutil
import subprocess
import sys

import pytest

COUNTER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
long taken = 0;
static void *(*next_malloc)(size_t), *(*next_calloc)(size_t, size_t), *(*next_aligned)(size_t, size_t);
void *malloc(size_t n) {
    if (!next_malloc) next_malloc = dlsym(RTLD_NEXT, "malloc");
    ++taken;
    return next_malloc(n);
}
void *aligned_alloc(size_t a, size_t n) {
    if (!next_aligned) next_aligned = dlsym(RTLD_NEXT, "aligned_alloc");
    ++taken;
    return next_aligned(a, n);
}
"""

PROGRAM = """
import ctypes, sys
import numpy as np
from anaphora import _native
from anaphora.cells import CELLS
from anaphora.runtime.session import Session
taken = ctypes.c_long.in_dll(ctypes.CDLL(sys.argv[1]), "taken")
rng = np.random.default_rng(0)
for cell in (CELLS["rnn"](), CELLS["lstm"](), CELLS["gru"]()):
    weights = {name: rng.standard_normal(p.shape).astype(np.float32) for name, p in cell.parameters(16, 33).items()}
    for precision in ("float32", "bfloat16", "int8"):
        for embedding, x in ((None, np.ones((2, 16), np.float32)), (np.ones((9, 16), np.float32), np.array([3, 4]))):
            before_making = taken.value
            session = Session(cell, [weights], 2, precision, embedding)
            assert taken.value > before_making, "the counter counts"
            for _ in range(10):  # whatever Python makes once
                session.step(x)
            before = taken.value
            for _ in range(1000):
                session.step(x)
            print(taken.value - before)
        session = Session(cell, [weights], 2, precision, np.ones((9, 16), np.float32))
        head = _native.Head(np.ones((9, 33), np.float32), None, precision, None, 1)
        writer = _native.Writer(session.compiled, head, 1)
        for options in ((1.0, 0, 1.0, 1.0, 0, None), (0.9, 5, 0.8, 1.2, 1, np.eye(9, dtype=np.uint8)[4])):
            took = []
            for n in (10, 1000, 2000):
                out = np.empty((n, 2), np.int64)
                before = taken.value
                writer.write(out, *options, -1, np.zeros(2, np.uint8))
                took.append(taken.value - before)
            assert took[1] == took[2], f"tokens take memory: {took}"
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="in front of malloc on Linux only")
@pytest.mark.skipif(shutil.which("cc") is None, reason="not installed: cc")
def test_a_thousand_steps_take_nothing_from_the_system(tmp_path):
    (tmp_path / "counter.c").write_text(COUNTER)
    library = tmp_path / "counter.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", tmp_path / "counter.c", "-o", library, "-ldl"], check=True)
    environment = os.environ | {"LD_PRELOAD": str(library), "ANAPHORA_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, str(library)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0"] * 18
