"""Arrays as bytes: all come back, whatever their kind, shape and order in memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from l4m.engine.serialization import pack, unpack

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
    with pytest.raises(ValueError, match="buffer"):
        unpack(pack({"a": np.arange(4)})[:-1])
