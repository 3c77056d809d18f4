"""The standard input, line by line."""

import codecs
import io
import sys
from collections.abc import Iterator
from typing import cast

from anaphora.data.read import codec
from anaphora.errors import DataError


def lines(encoding: str) -> Iterator[list[str]]:
    """The lines of the standard input, as many at a time as have arrived: a slow pipe gets answers line by line."""
    raw = cast(io.BufferedReader, sys.stdin.buffer)
    decoder, rest, piece = codecs.getincrementaldecoder(codec(encoding))(), "", b" "
    try:
        while piece:
            piece = raw.read1(1 << 16)
            *lines, rest = (rest + decoder.decode(piece, final=not piece)).split("\n")
            if rest and not piece:
                lines.append(rest)  # the last line need not end in a line end
            if lines:
                yield [line.rstrip("\r") for line in lines]
    except UnicodeDecodeError as error:
        raise DataError(f"the standard input is not {error.encoding} (byte {error.start})") from error
