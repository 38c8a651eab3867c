"""Arrays as bytes: all come back, whatever their kind, shape and order in memory."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from l4m.engine.serialization import pack, unpack
from l4m.errors import Unreadable

GOLDEN = Path(__file__).resolve().parents[2] / "golden"

KINDS = st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_, np.dtype("<U3")])
ARRAYS = st.dictionaries(
    st.text(max_size=8), hnp.arrays(KINDS, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)), max_size=5
)


@given(arrays=ARRAYS)
def test_packed_arrays_come_back_in_order_and_can_be_written_to(arrays: dict[str, np.ndarray]) -> None:
    found = unpack(pack(arrays))
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
        assert found[name].flags.writeable


def test_order_in_memory_does_not_change_the_bytes() -> None:
    array = np.arange(6.0).reshape(2, 3)
    assert pack({"a": np.asfortranarray(array)}) == pack({"a": array})


def test_bytes_that_end_too_early_are_refused() -> None:
    whole = pack({"a": np.arange(4)})
    for length in range(len(whole)):
        with pytest.raises(Unreadable, match="damaged"):
            unpack(whole[:length])


def test_a_bit_that_is_another_is_noticed_wherever_it_is() -> None:
    whole = pack({"a": np.arange(4)})
    for place in range(len(whole)):
        with pytest.raises(Unreadable):
            unpack(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])


def test_a_later_format_is_named() -> None:
    whole = pack({})
    with pytest.raises(Unreadable, match="format 2, written by a later version; this one reads up to 1") as caught:
        unpack(whole[:4] + (2).to_bytes(4, "little") + whole[8:])
    assert caught.value.is_newer


def test_arrays_of_the_first_format_are_read() -> None:
    found = unpack((GOLDEN / "arrays-1.bin").read_bytes())
    assert {name: (array.dtype.str, array.tolist()) for name, array in found.items()} == {
        "counts": ("<i8", [[0, 1, 2], [3, 4, 5]]),
        "shares": ("<f4", [0.25, 0.5]),
        "names": ("<U3", ["de", "fr"]),
    }
    assert pack(found) == (GOLDEN / "arrays-1.bin").read_bytes()
