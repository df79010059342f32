# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What differs between frameworks: how arrays are made, and which stream is the current one."""

from __future__ import annotations

import sys


def _framework(x) -> str:
    return type(x).__module__.partition(".")[0]


_modules: dict[type, object] = {}  # of the types of arrays that were seen


def _module(x):
    """The framework of an array, with functions as NumPy has them."""
    module = _modules.get(type(x))
    if module is None:
        name = _framework(x)
        if name in ("numpy", "torch", "cupy"):
            module = sys.modules[name]
        elif hasattr(x, "__array_namespace__"):
            module = x.__array_namespace__()
        else:
            raise TypeError(
                f"x is a {type(x).__module__}.{type(x).__qualname__}, for which no new array can be made: pass `out`"
            )
        _modules[type(x)] = module
    return module


def empty_like(x):
    """An array of the shape and type of x, where x is."""
    return _module(x).empty_like(x)


def writable(out):
    """`out`, unless nothing may be written to it, though its memory can be reached."""
    if _framework(out) in ("jax", "jaxlib"):
        raise ValueError("out is a JAX array, which nothing may be written to: leave it out, and take what is returned")
    return out


def _norm_type(x, module):
    if _framework(x) == "torch":
        real = x.dtype.to_real()
        return module.float64 if real == module.float64 else module.float32
    return module.float64 if str(x.dtype) in ("float64", "complex128") else module.float32


def empty_norms(x, axis: int):
    """An array with an element for each row of x along the axis, where x is."""
    module = _module(x)
    rank = len(x.shape)
    if not -rank <= axis < rank:
        raise ValueError(f"axis is {axis}, but x has axes from {-rank} to {rank - 1}")
    shape = tuple(extent for r, extent in enumerate(x.shape) if r != axis % rank)
    where = {} if _framework(x) in ("numpy", "cupy") else {"device": x.device}
    return module.empty(shape, dtype=_norm_type(x, module), **where)


def numpy_array(x):
    """The NumPy array of what is none, and has NumPy's array interface alone; None of all else."""
    if isinstance(getattr(x, "__array_interface__", None), dict):
        import numpy

        return numpy.asarray(x)
    return None


def current_stream(x) -> int | None:
    """The cudaStream_t on which the framework of x works now; None where, as of JAX, nobody can know."""
    return sys.modules["torch"].cuda.current_stream(x.device).cuda_stream if _framework(x) == "torch" else None
