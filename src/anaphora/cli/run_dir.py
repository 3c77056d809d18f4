"""The folder of a training that has not ended: `M.partial` beside the model's folder `M`."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from anaphora.errors import BundleError, DataError, OutputExists
from anaphora.estimators.load import load
from anaphora.names import CHECKPOINT, PARTIAL

CHECKPOINTS = CHECKPOINT.format("*")
LOCK = "lock"


@contextmanager
def claimed(out: Path, resume: bool, force: bool, command: str) -> Iterator[Path]:
    """Keep the folder for this training alone; it goes when the block ends well.

    Raises OutputExists where another training is at work there, or where one stopped and neither `resume` nor `force`
    says what to do with it.
    """
    partial = out.with_name(out.name + PARTIAL)
    try:
        partial.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror}") from error
    with (partial / LOCK).open("w") as lock:
        if not _locked(lock):
            raise OutputExists(f"another training is writing to {out} at this moment")
        if not resume and any(partial.glob(CHECKPOINTS)):
            if not force:
                raise OutputExists(
                    f"{partial} holds an unfinished training; go on with it: {command} --resume (--force starts afresh)"
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
    """Whether the model in `out` is only the best so far of a training that was stopped."""
    try:
        return bool(load(out).bundle_.training.get("interrupted"))
    except BundleError:
        return False


def _locked(lock: IO[str]) -> bool:
    """Take the lock, which ends with the process, however that ends."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
