# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is understood of a __cuda_array_interface__. test_cupy.py and test_numba.py have arrays that do."""

import pytest

import rownorm
from rownorm._cuda_array_interface import described


class Array:
    def __init__(self, **changes):
        self.__cuda_array_interface__ = {"shape": (3, 4), "typestr": "<f4", "data": (4096, False), "version": 3, **changes}


class WithDLPack(Array):
    def __dlpack__(self, **arguments):
        raise BufferError


def of(array):
    return described("x", array, array.__cuda_array_interface__)


def test_what_is_said():
    assert of(Array()) == (4096, False, 2, 32, (3, 4), [], 0)
    assert of(Array(strides=None, stream=None)) == (4096, False, 2, 32, (3, 4), [], 0)
    complex_columns = Array(strides=(16, 48), typestr="<c16", data=(8, True))
    assert of(complex_columns) == (8, True, 5, 128, (3, 4), [1, 3], 0)


def test_dlpack_is_better_where_no_stream_is_named():
    assert of(WithDLPack()) is None
    assert of(WithDLPack(stream=7))[-1] == 7


@pytest.mark.parametrize("stream, expected", [(1, 0), (2, 2), (140_000, 140_000)])
def test_streams(stream, expected):
    """1 is the legacy default stream, 2 that of the thread, which the library refuses."""
    assert of(Array(stream=stream))[-1] == expected


@pytest.mark.parametrize("error, message, changes", [
    (TypeError, "x is a test_cuda_array_interface.Array with values of the type '>f4'", {"typestr": ">f4"}),
    (TypeError, "with values of the type '|V2'", {"typestr": "|V2"}),
    (TypeError, "with values of the type '<c32'", {"typestr": "<c32"}),
    (TypeError, "with a mask", {"mask": Array()}),
    (ValueError, "strides of \\(17, 4\\) bytes, which must be multiples of the 4 of a value", {"strides": (17, 4)}),
])
def test_what_is_refused(error, message, changes):
    with pytest.raises(error, match=message):
        rownorm.l1_normalize(Array(**changes), out=Array())


def test_without_cuda_or_without_its_memory():
    with pytest.raises((TypeError, ValueError), match="x is a .*Array.*(built without CUDA|memory CUDA does not know)"):
        rownorm.l1_normalize(Array(), out=Array())
