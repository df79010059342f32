# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays of CuPy, on its current stream, and those of others that have __cuda_array_interface__ alone."""

import numpy
import pytest

import rownorm

cupy = pytest.importorskip("cupy")


def is_served():
    try:
        rownorm.l1_normalize(cupy.ones((2, 2)))
    except (cupy.cuda.runtime.CUDARuntimeError, TypeError):  # no device, or RowNorm was built without CUDA
        return False
    return True


pytestmark = pytest.mark.skipif(not is_served(), reason="CuPy's arrays are on CUDA devices")


def some(shape, dtype="float32"):
    values = numpy.random.default_rng(1).standard_normal(shape)
    if dtype.startswith("complex"):
        values = values + 1j * numpy.random.default_rng(2).standard_normal(shape)
    return cupy.asarray(values.astype(dtype))


def formula(x, axis=-1):
    wide = cupy.asnumpy(x).astype("complex128" if x.dtype.kind == "c" else "float64")
    return wide / (numpy.abs(wide).mean(axis=axis, keepdims=True) + 1e-8)


def assert_close(x, expected, tolerance=1e-6):
    numpy.testing.assert_allclose(cupy.asnumpy(x), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype, tolerance", [("float16", 2e-3), ("float32", 1e-6), ("float64", 1e-14),
                                              ("complex64", 1e-6), ("complex128", 1e-14)])
def test_formula(dtype, tolerance):
    x = some((7, 1000), dtype)
    y, norms = rownorm.l1_normalize(x, return_norms=True)
    assert isinstance(y, cupy.ndarray) and y.dtype == x.dtype and isinstance(norms, cupy.ndarray)
    assert_close(y, formula(x), tolerance)
    assert_close(norms, numpy.abs(cupy.asnumpy(x).astype("complex128")).mean(axis=1), max(tolerance, 1e-6))
    assert_close(rownorm.row_norms(x), cupy.asnumpy(norms))


def test_axes_strides_and_in_place():
    x = some((6, 50, 8))[:, ::2]
    assert_close(rownorm.l1_normalize(x, axis=0), formula(x, 0))
    expected = formula(x, 1)
    assert rownorm.l1_normalize(x, out=x, axis=1) is x
    assert_close(x, expected)


def test_streams_and_graphs():
    x, out = some((64, 1000)), cupy.zeros((64, 1000), "float32")
    expected = formula(x)
    cupy.cuda.Device().synchronize()
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        rownorm.l1_normalize(x, out)
    stream.synchronize()
    assert_close(out, expected)
    out[:] = 0
    cupy.cuda.Device().synchronize()
    with stream:
        stream.begin_capture()
        rownorm.l1_normalize(x, out)
        graph = stream.end_capture()
    assert float(cupy.abs(out).max()) == 0
    cupy.cuda.Device().synchronize()
    graph.launch(stream)
    stream.synchronize()
    assert_close(out, expected)


class OnlyInterface:
    """What Numba's arrays are like: without DLPack."""

    def __init__(self, array, **changes):
        self.array = array  # which has the memory
        self.__cuda_array_interface__ = {**array.__cuda_array_interface__, **changes}


@pytest.mark.parametrize("stream", [None, 1, "another"])
def test_arrays_with_an_interface_alone(stream):
    x, out = some((64, 1000))[:, ::2], cupy.zeros((64, 500), "float32")
    cupy.cuda.Device().synchronize()
    if stream == "another":
        another = cupy.cuda.Stream(non_blocking=True)
        stream = another.ptr
    given = OnlyInterface(out, stream=stream)
    assert rownorm.l1_normalize(OnlyInterface(x, stream=stream), out=given) is given
    cupy.cuda.Device().synchronize()
    assert_close(out, formula(x))


def test_interfaces_that_are_refused():
    x, out = some((3, 4)), cupy.zeros((3, 4), "float32")
    for error, message, changes in (
        (TypeError, "with values of the type '>f4'", {"typestr": ">f4"}),
        (TypeError, "with values of the type '|V4'", {"typestr": "|V4"}),
        (TypeError, "x has values of int32", {"typestr": "<i4"}),
        (TypeError, "with a mask", {"mask": x}),
        (ValueError, "strides of \\(17, 4\\) bytes", {"strides": (17, 4)}),
        (ValueError, "stride -4 in dimension 0", {"strides": (-16, 4)}),
        (ValueError, "whose memory CUDA does not know", {"data": (numpy.zeros(12).ctypes.data, False)}),
        (TypeError, "cudaStreamPerThread", {"stream": 2}),
    ):
        with pytest.raises(error, match=message):
            rownorm.l1_normalize(OnlyInterface(x, **changes), out=out)
    with pytest.raises(ValueError, match="out is a .*OnlyInterface, which is read-only"):
        rownorm.l1_normalize(x, out=OnlyInterface(out, data=(out.data.ptr, True)))
    with pytest.raises(TypeError, match="no new array can be made"):
        rownorm.l1_normalize(OnlyInterface(x))
    assert float(cupy.abs(out).max()) == 0


def test_arrays_of_two_devices():
    x = some((3, 4))
    with pytest.raises(ValueError, match="y is on the host, but x is on CUDA"):
        rownorm.l1_normalize(x, numpy.zeros((3, 4), "float32"))
