# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""RowNorm in PyTorch: a module, and functions with gradients that torch.compile and CUDA graphs take.

    norm = rownorm.torch.L1Norm()               # y = x / (mean of |x| along dim + 1e-8)
    y = norm(x)
"""

from __future__ import annotations

import torch
from torch.autograd import forward_ad

from . import _core, _number_of

__all__ = ["L1Norm", "l1_normalize"]


# PyTorch has no public names for these, and for the level of forward_ad.
_transforms_are_active = torch._C._are_functorch_transforms_active
_dispatch_modes = torch._C._len_torch_dispatch_stack


def _values_of(x: torch.Tensor) -> torch.Tensor:
    return x.detach().resolve_neg()


@torch.library.custom_op("rownorm::normalize", mutates_args=())
def _normalize(x: torch.Tensor, dim: int, epsilon: float, norm: int) -> torch.Tensor:
    y = torch.empty_like(x)
    _core.normalize(_values_of(x), y, None, norm, dim, epsilon, None)
    return y


@_normalize.register_fake
def _(x, dim, epsilon, norm):
    return torch.empty_like(x)


@torch.library.custom_op("rownorm::normalize_backward", mutates_args=())
def _normalize_backward(x: torch.Tensor, grad_y: torch.Tensor, dim: int, epsilon: float, norm: int) -> torch.Tensor:
    grad_x = torch.empty_like(x)
    _core.normalize_backward(_values_of(x), _values_of(grad_y), grad_x, norm, dim, epsilon, None)
    return grad_x


@_normalize_backward.register_fake
def _(x, grad_y, dim, epsilon, norm):
    return torch.empty_like(x)


def _keep_for_backward(ctx, inputs, output):
    x, ctx.dim, ctx.epsilon, ctx.norm = inputs
    ctx.save_for_backward(x)


def _backward(ctx, grad_y):
    (x,) = ctx.saved_tensors
    return _normalize_backward(x, grad_y, ctx.dim, ctx.epsilon, ctx.norm), None, None, None


_normalize.register_autograd(_backward, setup_context=_keep_for_backward)


def l1_normalize(x: torch.Tensor, dim: int = -1, epsilon: float = 1e-8, norm: str = "mean_abs") -> torch.Tensor:
    """rownorm.l1_normalize with a gradient. dim is the axis; norms are those of rownorm."""
    if torch.compiler.is_compiling() or _is_watched(x):
        return _normalize(x, dim, epsilon, _number_of(norm))
    y = torch.empty_like(x)
    _core.normalize(x.detach() if x.requires_grad else x, y, None, _number_of(norm), dim, epsilon, None)
    return y


def _is_watched(x: torch.Tensor) -> bool:
    """Whether more than the values of the result matter: its gradient, or that it is traced. Only then is the operator
    called, since PyTorch takes five times as long for that as for an operation of its own."""
    if forward_ad._current_level >= 0 and forward_ad.unpack_dual(x).tangent is not None:
        raise NotImplementedError("rownorm.torch has no forward derivatives, only gradients")
    return (
        type(x) is not torch.Tensor
        or x.is_neg()
        or (x.requires_grad and torch.is_grad_enabled())
        or torch.jit.is_tracing()
        or _transforms_are_active()
        or _dispatch_modes() > 0
    )


class L1Norm(torch.nn.Module):
    """l1_normalize as a module: divides rows along `dim` by their mean absolute value, or another norm, plus epsilon."""

    def __init__(self, dim: int = 1, epsilon: float = 1e-8, norm: str = "mean_abs"):
        super().__init__()
        self.dim, self.epsilon, self.norm = dim, epsilon, norm
        _number_of(norm)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return l1_normalize(x, self.dim, self.epsilon, self.norm)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, epsilon={self.epsilon}, norm={self.norm!r}"
