# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays of JAX, which are read where they are, and never written to once somebody has them."""

import numpy
import pytest

import rownorm

jax = pytest.importorskip("jax")
jnp = jax.numpy

values = numpy.float32([[1, -2, 3], [0, 0, 6]])


def devices():
    cpu = jax.devices("cpu")[0]
    try:
        cuda = jax.devices("cuda")[0]
        rownorm.l1_normalize(jax.device_put(values, cuda))
    except (RuntimeError, TypeError):  # JAX has none, or RowNorm was built without CUDA
        return [cpu]
    return [cpu, cuda]


@pytest.fixture(params=devices(), ids=lambda device: device.platform, autouse=True)
def device(request):
    with jax.default_device(request.param):
        yield request.param


def test_results_are_arrays_of_jax(device):
    x = jnp.asarray(values)
    y, norms = rownorm.l1_normalize(x, return_norms=True)
    assert isinstance(y, jax.Array) and isinstance(norms, jax.Array)
    assert y.devices() == norms.devices() == {device}
    numpy.testing.assert_array_equal(numpy.asarray(y), values / 2)
    numpy.testing.assert_array_equal(numpy.asarray(norms), [2, 2])
    numpy.testing.assert_array_equal(numpy.asarray(rownorm.row_norms(x, norm="sum_abs")), [6, 6])
    numpy.testing.assert_array_equal(numpy.asarray(x), values)
    numpy.testing.assert_array_equal(numpy.asarray(jnp.zeros_like(x)), 0 * values)  # no memory of others was used


def test_results_are_where_x_is():
    for device in devices():
        x = jax.device_put(values, device)
        y, norms = rownorm.l1_normalize(x, return_norms=True)
        assert y.devices() == norms.devices() == {device}


def test_values_of_16_bits():
    y = rownorm.l1_normalize(jnp.asarray(values, dtype=jnp.bfloat16))
    assert y.dtype == jnp.bfloat16
    numpy.testing.assert_array_equal(numpy.asarray(y, dtype=numpy.float32), values / 2)


def test_gradients_are_those_of_jax():
    x = jnp.asarray(numpy.random.default_rng(1).normal(size=(5, 40)).astype(numpy.float32))
    g = jnp.asarray(numpy.random.default_rng(2).normal(size=(5, 40)).astype(numpy.float32))
    _, pullback = jax.vjp(lambda v: v / (jnp.abs(v).mean(axis=1, keepdims=True) + 1e-8), x)
    right = numpy.asarray(pullback(g)[0])
    numpy.testing.assert_allclose(numpy.asarray(rownorm.normalize_backward(x, g)), right, rtol=1e-4, atol=1e-5)


def test_work_waits_for_work():
    """Of JAX' streams nobody knows: what x is made of is ready, and so is the result, without a word of the caller's."""
    x = jnp.ones((1000, 10000), dtype=jnp.float32)
    for step in range(1, 6):
        x = x * 2  # still under way when x is handed over
        y = rownorm.l1_normalize(x) * step
        assert float(jnp.abs(y - step).max()) < 1e-5


@pytest.mark.parametrize("name", ["l1_normalize", "row_norms", "normalize_backward"])
def test_arrays_of_jax_are_not_written_to(name):
    x = jnp.asarray(values)
    arguments = (x, x) if name == "normalize_backward" else (x,)
    with pytest.raises(ValueError, match="out is a JAX array"):
        getattr(rownorm, name)(*arguments, out=x)
    numpy.testing.assert_array_equal(numpy.asarray(x), values)


def test_traced_arrays_are_refused():
    with pytest.raises(TypeError, match="x is a jax"):
        jax.jit(rownorm.l1_normalize)(jnp.asarray(values))


def test_other_frameworks_take_results(device):
    if device.platform != "cpu":
        pytest.skip("NumPy's arrays are on the CPU")
    out = numpy.empty_like(values)
    rownorm.l1_normalize(jnp.asarray(values), out=out)
    numpy.testing.assert_array_equal(out, values / 2)
