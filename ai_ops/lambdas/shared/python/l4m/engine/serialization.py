"""Arrays as bytes: a head, a table of contents, then the numbers. An NPZ of as many small arrays takes five times as long to read.

The head is what these bytes are (``MARK``), the number of their format, and a checksum of all that follows.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.errors import Unreadable

MARK = b"L4MA"
FORMAT = 1
HEAD = struct.Struct("<4sIIQ")  # mark, format, checksum, length of the table of contents
CHECKED = HEAD.size - struct.calcsize("<Q")  # where what the checksum is of begins
WHAT = "a set of saved arrays"


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return arrays by name as bytes; the same numbers give the same bytes, however they lie in memory.

    Examples
    --------
    >>> {name: array.tolist() for name, array in unpack(pack({"a": np.arange(3), "b": np.ones((1, 2))})).items()}
    {'a': [0, 1, 2], 'b': [[1.0, 1.0]]}
    """
    contents = json.dumps([(name, array.dtype.str, array.shape) for name, array in arrays.items()]).encode()
    parts = [struct.pack("<Q", len(contents)), contents, *(array.tobytes() for array in arrays.values())]
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    return b"".join([HEAD.pack(MARK, FORMAT, checksum, 0)[:CHECKED], *parts])


def unpack(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays that were packed; they can be written to.

    Raises
    ------
    Unreadable
        When the bytes are damaged, or of a later format.
    """
    mark, number, checksum, length = HEAD.unpack(data[: HEAD.size].ljust(HEAD.size, b"\0"))
    if mark != MARK or not number or len(data) < HEAD.size:
        raise Unreadable(WHAT, "is damaged: it does not begin as one")
    if number > FORMAT:
        raise Unreadable(WHAT, f"is of format {number}, written by a later version; this one reads up to {FORMAT}", is_newer=True)
    if zlib.crc32(memoryview(data)[CHECKED:]) != checksum:
        raise Unreadable(WHAT, "is damaged: its checksum is another")
    place = HEAD.size + length
    arrays = {}
    for name, kind, shape in json.loads(data[HEAD.size : place]):
        arrays[name] = np.frombuffer(data, kind, math.prod(shape), place).reshape(shape).copy()
        place += arrays[name].nbytes
    return arrays
