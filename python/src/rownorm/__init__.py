# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Normalises the rows of arrays, on the CPU and on CUDA devices, without copying them.

    y = rownorm.l1_normalize(x)                 # x / (mean of |x| along the last axis + 1e-8)

Arrays are those of NumPy, PyTorch, CuPy, JAX, and any others that speak DLPack or the buffer protocol, or have an array
interface: of float16, bfloat16, float32, float64, complex64 or complex128, of 1 to 8 dimensions, with any strides that
are not negative. Work on a CUDA device is enqueued on the framework's current stream, and not waited for; where the
framework does not tell which that is, as JAX, it is waited for. The interpreter's lock is released meanwhile.

Norms are "mean_abs", "sum_abs", "root_mean_square", "euclidean" and "max_abs".

What is wrong with an argument raises ValueError, and an array of a kind that is not served TypeError, with the reason,
before anything is written.
"""

from __future__ import annotations

from typing import Any, Literal, overload

from . import _core
from ._arrays import empty_like, empty_norms, writable

__all__ = ["Norm", "l1_normalize", "normalize_backward", "row_norms"]
__version__: str = _core.version()

Norm = Literal["mean_abs", "sum_abs", "root_mean_square", "euclidean", "max_abs"]
Array = Any  #: NumPy's, PyTorch's, CuPy's, JAX', ...

_norms = {"mean_abs": 0, "sum_abs": 1, "root_mean_square": 2, "euclidean": 3, "max_abs": 4}


def _number_of(norm: str) -> int:
    try:
        return _norms[norm]
    except (KeyError, TypeError):
        raise ValueError(f"norm is {norm!r}, but must be one of {', '.join(_norms)}") from None


@overload
def l1_normalize(x: Array, out: Array | None = ..., axis: int = ..., epsilon: float = ..., norm: Norm = ...,
                 return_norms: Literal[False] = ..., *, weights: Array | None = ...) -> Array: ...
@overload
def l1_normalize(x: Array, out: Array | None = ..., axis: int = ..., epsilon: float = ..., norm: Norm = ...,
                 *, return_norms: Literal[True], weights: Array | None = ...) -> tuple[Array, Array]: ...
def l1_normalize(x, out=None, axis=-1, epsilon=1e-8, norm="mean_abs", return_norms=False, *, weights=None):
    """x / (norm of its row + epsilon) * weights, for the rows along an axis.

    Args:
        x: the array.
        out: where the result goes: an array of the shape and type of x, which may be x itself. A new one by default.
        axis: along which rows lie; negative ones count from the end.
        epsilon: added to the norm of each row: zero or positive.
        norm: "mean_abs", "sum_abs", "root_mean_square", "euclidean" or "max_abs".
        return_norms: whether to return the norms as well.
        weights: an array of one dimension, by which columns are multiplied.

    Returns:
        out, or (out, norms), where norms has the shape of x without the axis, and its real type; float32 for those of
        16 bits.

    Raises:
        ValueError: the arguments do not fit together, or out overlaps x in part, or cannot be written to.
        TypeError: an array is of a type, or on a device, that is not served.
    """
    number = _number_of(norm)
    out = empty_like(x) if out is None else writable(out)
    norms = empty_norms(x, axis) if return_norms else None
    _core.normalize(x, out, norms, number, axis, epsilon, weights)
    return (out, norms) if return_norms else out


def row_norms(x: Array, out: Array | None = None, axis: int = -1, norm: Norm = "mean_abs") -> Array:
    """The norms of the rows along an axis: `out`, or a new array like the norms of l1_normalize."""
    number = _number_of(norm)
    out = empty_norms(x, axis) if out is None else writable(out)
    _core.row_norms(x, out, number, axis)
    return out


def normalize_backward(x: Array, grad_y: Array, out: Array | None = None, axis: int = -1, epsilon: float = 1e-8,
                       norm: Norm = "mean_abs", *, weights: Array | None = None) -> Array:
    """The gradient of a loss with respect to x, from that with respect to the result of l1_normalize(x, ...).

    x, grad_y and out have one shape and one real type; out may be x or grad_y. "max_abs" has no gradient.
    """
    number = _number_of(norm)
    out = empty_like(x) if out is None else writable(out)
    _core.normalize_backward(x, grad_y, out, number, axis, epsilon, weights)
    return out
