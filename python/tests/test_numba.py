# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays of Numba's CUDA, which have __cuda_array_interface__ and no DLPack."""

import numpy
import pytest

import rownorm

cuda = pytest.importorskip("numba.cuda")


def is_served():
    if not cuda.is_available():
        return False
    try:
        array = cuda.to_device(numpy.ones((2, 2)))
        rownorm.l1_normalize(array, out=array)
    except TypeError:  # RowNorm was built without CUDA
        return False
    return True


pytestmark = pytest.mark.skipif(not is_served(), reason="Numba's arrays are on CUDA devices")


@pytest.mark.parametrize("make_stream", [lambda: 0, cuda.stream], ids=["default stream", "a stream"])
def test_formula(make_stream):
    stream = make_stream()
    x = numpy.random.default_rng(1).standard_normal((64, 1000)).astype("float32")
    of_x, out = cuda.to_device(x, stream), cuda.device_array_like(x, stream)
    assert rownorm.l1_normalize(of_x, out=out) is out
    expected = x / (numpy.abs(x).mean(axis=1, keepdims=True) + 1e-8)
    numpy.testing.assert_allclose(out.copy_to_host(stream=stream), expected, rtol=1e-5)
    norms = cuda.device_array(64, "float32", stream=stream)
    rownorm.row_norms(of_x, out=norms)
    numpy.testing.assert_allclose(norms.copy_to_host(stream=stream), numpy.abs(x).mean(axis=1), rtol=1e-5)
    with pytest.raises(TypeError, match="no new array can be made: pass `out`"):
        rownorm.l1_normalize(of_x)
