# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays that say in a dictionary where they are on a CUDA device, and on which stream, as CuPy's and Numba's do.

https://nvidia.github.io/numba-cuda/user/cuda_array_interface.html
"""

from __future__ import annotations

_codes = {"i": 0, "u": 1, "f": 2, "c": 5}  # DLPack's, of kinds of values
_legacy_default_stream = 1


def _refused(error, name: str, x, why: str):
    return error(f"{name} is a {type(x).__module__}.{type(x).__qualname__} with {why}")


def described(name: str, x, interface: dict):
    """(address, whether it is read-only, DLPack's code, bits, shape, strides, stream) of x, which has this interface.
    Strides count elements; none are those of a compact array. None where DLPack is better: where no stream is named."""
    stream = interface.get("stream")
    if stream is None and hasattr(x, "__dlpack__"):
        return None
    typestr = interface["typestr"]
    order, kind, size = typestr[0], typestr[1], int(typestr[2:])
    if order == ">" or kind not in _codes or size > 16:
        raise _refused(TypeError, name, x, f"values of the type {typestr!r}, which is not served")
    if interface.get("mask") is not None:
        raise _refused(TypeError, name, x, "a mask, which is not served")
    strides = interface.get("strides") or ()
    if any(stride % size for stride in strides):
        raise _refused(ValueError, name, x, f"strides of {strides} bytes, which must be multiples of the {size} of a value")
    address, read_only = interface["data"]
    return (address, read_only, _codes[kind], 8 * size, interface["shape"], [stride // size for stride in strides],
            0 if stream in (None, _legacy_default_stream) else stream)
