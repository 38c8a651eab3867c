"""DuckDB's results in batches of numpy arrays, over the Arrow C stream interface, without holding the whole result.

https://arrow.apache.org/docs/format/CStreamInterface.html describes the structures.
DuckDB's own ``fetchnumpy`` holds the whole result: of the 108 million rows of ``scripts/bench_scale.py`` 5.7 GiB, where batches
take next to nothing; it has no batches without pandas or pyarrow, which are too large for a layer.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import DTypeLike, NDArray


class _Array(Structure):
    pass


_Array._fields_ = [
    ("length", c_int64),
    ("null_count", c_int64),
    ("offset", c_int64),
    ("n_buffers", c_int64),
    ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)),
    ("children", POINTER(POINTER(_Array))),
    ("dictionary", POINTER(_Array)),
    ("release", CFUNCTYPE(None, POINTER(_Array))),
    ("private_data", c_void_p),
]


class _Stream(Structure):
    pass


_Stream._fields_ = [
    ("get_schema", c_void_p),
    ("get_next", CFUNCTYPE(c_int, POINTER(_Stream), POINTER(_Array))),
    ("get_last_error", CFUNCTYPE(c_char_p, POINTER(_Stream))),
    ("release", CFUNCTYPE(None, POINTER(_Stream))),
    ("private_data", c_void_p),
]

_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype = c_void_p
_pointer_of.argtypes = [ctypes.py_object, c_char_p]


class StreamFailed(RuntimeError):
    """The query behind a stream failed while it ran."""


@dataclass(frozen=True)
class Batch:
    """Some rows of a result; its arrays are views that are gone with the batch."""

    length: int
    columns: list[Any]

    def numbers(self, column: int, dtype: DTypeLike) -> NDArray[Any]:
        """A column of fixed-width numbers; the query must have replaced its NULLs."""
        return _view(self.columns[column], 1, np.dtype(dtype), self.length)

    def texts(self, column: int, rows: NDArray[np.intp]) -> list[str]:
        """The texts of some rows of a column; the query must have replaced its NULLs."""
        array = self.columns[column]
        ends = _view(array, 1, np.dtype(np.int32), self.length + 1)
        address = array.buffers[2] or 0
        return [
            ctypes.string_at(address + start, end - start).decode()
            for start, end in zip(ends[rows].tolist(), ends[rows + 1].tolist(), strict=True)
        ]


def stream(relation: Any) -> Iterator[Batch]:
    """The batches of a DuckDB relation, in order; while one is at work, a thread gets the next.

    Raises
    ------
    StreamFailed
        The query stopped half-way, for instance at a broken file.
    """
    capsule = relation.__arrow_c_stream__()
    source = ctypes.cast(_pointer_of(capsule, b"arrow_array_stream"), POINTER(_Stream))
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(_next_batch, source)
        while (batch := following.result()) is not None:  # waits as long as the query takes, which the function's own time ends
            following = pool.submit(_next_batch, source)
            yield batch


def _next_batch(source: Any) -> Batch | None:
    array = _Array()
    if source.contents.get_next(source, ctypes.byref(array)):
        raise StreamFailed(source.contents.get_last_error(source).decode(errors="replace"))
    if not array.release:
        return None
    batch = Batch(array.length, [array.children[n].contents for n in range(array.n_children)])
    finalize(batch, array.release, ctypes.byref(array))
    return batch


def _view(array: Any, buffer: int, dtype: np.dtype[Any], length: int) -> NDArray[Any]:
    address = array.buffers[buffer]
    if not address or not length:
        return np.empty(0, dtype)
    bytes_ = (ctypes.c_char * ((array.offset + length) * dtype.itemsize)).from_address(address)
    return np.frombuffer(bytes_, dtype, length, array.offset * dtype.itemsize)
