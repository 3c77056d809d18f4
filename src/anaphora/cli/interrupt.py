"""Ctrl-C in the middle of a training: it takes effect between two steps, so that everything can be kept."""

import signal
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

from anaphora.events import Epoch, Event, Sample, Start, Step


class GentleInterrupt:
    """While steps are made, the first Ctrl-C waits for the end of the present one; a second one does not."""

    def __enter__(self) -> Self:
        self._stepping = self._asked = False
        self._before: Any = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if not self._stepping or self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def watch(self, events: Iterator[Event]) -> Iterator[Event]:
        """The events as they come. Raises KeyboardInterrupt after the one during which it was asked for."""
        for event in events:
            self._stepping = isinstance(event, Start | Step | Epoch | Sample)
            yield event
            if self._asked:
                raise KeyboardInterrupt
