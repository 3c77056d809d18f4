"""The folder of an unfinished training: `M.partial`, next to the model's folder `M`."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from anaphora.bundle import PARTIAL
from anaphora.errors import BundleError, DataError, OutputExists
from anaphora.estimators.load import load

CHECKPOINTS = "checkpoint-*.safetensors"
"""The files that `train/checkpoint.py` writes."""
LOCK = "lock"


@contextmanager
def lock_run_dir(out: Path, resume: bool, force: bool, command: str) -> Iterator[Path]:
    """Lock the folder for this training; it is deleted when the block ends without an exception.

    Raises OutputExists where another training is running, or where one was stopped and neither `resume` nor `force` is
    given.
    """
    partial = out.with_name(out.name + PARTIAL)
    try:
        partial.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror}") from error
    with (partial / LOCK).open("w") as lock:
        if not _locked(lock):
            raise OutputExists(f"another training is writing to {out}")
        if not resume and any(partial.glob(CHECKPOINTS)):
            if not force:
                raise OutputExists(
                    f"{partial} holds an unfinished training; resume it: {command} --resume (--force starts again)"
                )
            for file in partial.glob(CHECKPOINTS):
                file.unlink()
        try:
            yield partial
        except BaseException:
            if not any(partial.glob(CHECKPOINTS)):
                shutil.rmtree(partial, ignore_errors=True)
            raise
    shutil.rmtree(partial, ignore_errors=True)


def may_be_replaced(out: Path) -> bool:
    """Whether the model in `out` is the best one so far of a training that was stopped."""
    try:
        return bool(load(out).bundle_.training.get("interrupted"))
    except BundleError:
        return False


def _locked(lock: IO[str]) -> bool:
    """Take the lock, which the system releases when the process ends."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
