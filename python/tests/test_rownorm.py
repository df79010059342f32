# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays of NumPy, on the CPU."""

import threading

import numpy as np
import pytest
import rownorm

NORMS = {
    "mean_abs": lambda a: np.mean(np.abs(a), axis=-1),
    "sum_abs": lambda a: np.sum(np.abs(a), axis=-1),
    "root_mean_square": lambda a: np.sqrt(np.mean(np.abs(a) ** 2, axis=-1)),
    "euclidean": lambda a: np.sqrt(np.sum(np.abs(a) ** 2, axis=-1)),
    "max_abs": lambda a: np.max(np.abs(a), axis=-1),
}
TYPES = {"float16": 2e-3, "float32": 4e-7, "float64": 1e-15, "complex64": 4e-7, "complex128": 1e-15}


def some(shape, dtype="float64"):
    values = np.random.default_rng(1).standard_normal(shape)
    if dtype.startswith("complex"):
        values = values + 1j * np.random.default_rng(2).standard_normal(shape)
    return values.astype(dtype)


def formula(x, norm, epsilon):
    wide = x.astype("complex128" if np.iscomplexobj(x) else "float64")
    return wide / (NORMS[norm](wide)[..., None] + epsilon), NORMS[norm](wide)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("norm", NORMS)
def test_formula(norm, dtype):
    x = some((7, 33), dtype)
    y, norms = rownorm.l1_normalize(x, norm=norm, epsilon=0.5, return_norms=True)
    expected, expected_norms = formula(x, norm, 0.5)
    assert y.dtype == x.dtype and norms.shape == (7,)
    assert norms.dtype == ("float64" if dtype in ("float64", "complex128") else "float32")
    np.testing.assert_allclose(y, expected, rtol=TYPES[dtype], atol=TYPES[dtype])
    np.testing.assert_allclose(norms, expected_norms, rtol=2e-7)
    np.testing.assert_array_equal(rownorm.row_norms(x, norm=norm), norms)


def test_defaults():
    x = some((3, 4, 5))
    np.testing.assert_allclose(rownorm.l1_normalize(x), formula(x, "mean_abs", 1e-8)[0], rtol=1e-15)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_axes_and_strides(axis):
    x = np.asfortranarray(some((3, 8, 5)))[:, ::2, :]
    expected = np.moveaxis(formula(np.moveaxis(x, axis, -1), "sum_abs", 0)[0], -1, axis)
    np.testing.assert_allclose(rownorm.l1_normalize(x, axis=axis, epsilon=0, norm="sum_abs"), expected, rtol=1e-15)


def test_nothing_is_copied():
    x = some((4, 6), "float32")
    out = np.zeros_like(x)
    assert rownorm.l1_normalize(x, out) is out
    expected = out.copy()
    assert rownorm.l1_normalize(x, out=x) is x
    np.testing.assert_array_equal(x, expected)


def test_weights_and_gradient():
    x, grad, weights = some((5, 9)), some((5, 9)) * 2 + 1, np.linspace(0.5, 1, 9)
    y = rownorm.l1_normalize(x, weights=weights, norm="euclidean")
    np.testing.assert_allclose(y, formula(x, "euclidean", 1e-8)[0] * weights, rtol=1e-15)
    gradient = rownorm.normalize_backward(x, grad, weights=weights, norm="euclidean")
    step = 1e-6
    for i, j in ((0, 0), (3, 7)):
        there, back = x.copy(), x.copy()
        there[i, j] += step
        back[i, j] -= step
        change = [np.sum(grad * formula(a, "euclidean", 1e-8)[0] * weights) for a in (there, back)]
        assert gradient[i, j] == pytest.approx((change[0] - change[1]) / (2 * step), rel=1e-6)


def test_read_only_input_and_other_protocols():
    x = some((4, 4))
    expected = rownorm.l1_normalize(x)
    x.flags.writeable = False
    np.testing.assert_array_equal(rownorm.l1_normalize(x), expected)

    class OnlyDLPack:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **arguments):
            return self.array.__dlpack__(**arguments)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    writable, out = x.copy(), np.zeros_like(x)
    rownorm.l1_normalize(OnlyDLPack(writable), out=OnlyDLPack(out))
    np.testing.assert_array_equal(out, expected)
    out = np.zeros_like(x)
    rownorm.l1_normalize(memoryview(writable), out=memoryview(out))
    np.testing.assert_array_equal(out, expected)

    class OnlyInterface:
        def __init__(self, array):
            self.array = array  # which has the memory
            self.__array_interface__ = array.__array_interface__

    out = np.zeros_like(x)
    rownorm.l1_normalize(OnlyInterface(writable), out=OnlyInterface(out))
    np.testing.assert_array_equal(out, expected)
    with pytest.raises(ValueError, match="out is a .*OnlyInterface, which is read-only"):
        rownorm.l1_normalize(writable, out=OnlyInterface(x))


def read_only():
    out = np.zeros((3, 4))
    out.flags.writeable = False
    return out


@pytest.mark.parametrize(
    "error, message, arguments",
    [
        (ValueError, "out is a numpy.ndarray of <f8, which is read-only", lambda x: (x, read_only())),
        (ValueError, "overlap in part", lambda x: (x[:2], x[1:])),
        (ValueError, "must have equal extents", lambda x: (x, np.zeros((3, 5)))),
        (ValueError, "must have values of the type of those of x", lambda x: (x, np.zeros((3, 4), "float32"))),
        (ValueError, "stride -4 in dimension 0", lambda x: (x[::-1], np.zeros((3, 4)))),
        (ValueError, "x has 0 dimensions", lambda x: (np.float64(1) * np.ones(()), np.zeros(()))),
        (ValueError, "indices that lead to the same element",
         lambda x: (x, np.lib.stride_tricks.as_strided(np.zeros(4), (3, 4), (0, 8)))),
        (ValueError, "params.axis is 2", lambda x: (x, np.zeros_like(x), 2)),
        (ValueError, "params.epsilon is -1", lambda x: (x, np.zeros_like(x), -1, -1.0)),
        (ValueError, "norm is 'l7', but must be one of mean_abs, ", lambda x: (x, np.zeros_like(x), -1, 0.0, "l7")),
        (TypeError, "x has values of int32", lambda x: (x.astype("int32"), np.zeros_like(x))),
        (TypeError, "x is a numpy.ndarray of >f8", lambda x: (x.astype(">f8"), np.zeros_like(x))),
        (TypeError, "x is a builtins.list", lambda x: ([1.0, 2.0], np.zeros(2))),
    ],
)
def test_bad_arrays(error, message, arguments):
    x = some((3, 4))
    given = arguments(x)
    before = [np.array(a, copy=True) for a in given[:2]]
    with pytest.raises(error, match=message):
        rownorm.l1_normalize(*given)
    for array, as_it_was in zip(given[:2], before):
        np.testing.assert_array_equal(array, as_it_was)


def test_axis_without_norms_to_make():
    with pytest.raises(ValueError, match="axis is 5, but x has axes from -2 to 1"):
        rownorm.row_norms(some((2, 2)), axis=5)
    with pytest.raises(TypeError, match="no new array can be made"):
        rownorm.l1_normalize([1.0])
    with pytest.raises(TypeError, match="no new array can be made"):
        rownorm.row_norms([1.0])


def test_threads_go_on():
    """The interpreter's lock is free while rows are normalised."""
    x = some((4096, 4096), "float32")
    out = np.zeros_like(x)
    ended, counts = threading.Event(), [0]

    def count():
        while not ended.is_set():
            counts[0] += 1

    counter = threading.Thread(target=count)
    counter.start()
    rounds = []
    for _ in range(3):
        before = counts[0]
        rownorm.l1_normalize(x, out)
        rounds.append(counts[0] - before)
    ended.set()
    counter.join()
    assert max(rounds) > 100
