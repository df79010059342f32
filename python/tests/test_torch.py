# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors of PyTorch, on the CPU and, where there is one, on a CUDA device."""

import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

import rownorm  # noqa: E402
import rownorm.torch  # noqa: E402


def devices():
    if torch.cuda.is_available():
        try:  # RowNorm may have been built without CUDA
            rownorm.l1_normalize(torch.ones(2, 2, device="cuda"))
            return ["cpu", "cuda"]
        except TypeError:
            pass
    return ["cpu"]


pytestmark = pytest.mark.parametrize("device", devices())


def reference(x, dim=1):
    return x / (torch.mean(torch.abs(x), dim=dim, keepdim=True) + 1e-8)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-6), (torch.float64, 1e-14), (torch.float16, 2e-3),
                                              (torch.bfloat16, 1.6e-2)])
def test_module_is_the_formula(device, dtype, tolerance):
    x = torch.randn(64, 1000, device=device, dtype=dtype)
    y = rownorm.torch.L1Norm()(x)
    torch.testing.assert_close(y.double(), reference(x.double()), rtol=tolerance, atol=tolerance)


def test_kernelbench_level_1_problem_38(device):
    """Its shapes with fewer rows, and its tolerances."""
    x = torch.rand(64, 65535, device=device)
    expected = x / torch.mean(torch.abs(x), dim=1, keepdim=True)
    torch.testing.assert_close(rownorm.torch.L1Norm()(x), expected, rtol=1e-4, atol=1e-4)


def test_gradient(device):
    x = torch.randn(4, 7, device=device, dtype=torch.float64, requires_grad=True)
    for norm in ("mean_abs", "sum_abs", "root_mean_square", "euclidean"):
        assert torch.autograd.gradcheck(lambda t: rownorm.torch.l1_normalize(t, 1, 1e-3, norm), (x,))


def test_operator_is_what_pytorch_asks_of_one(device):
    x = torch.randn(4, 7, device=device, requires_grad=True)
    torch.library.opcheck(torch.ops.rownorm.normalize.default, (x, 1, 1e-8, 0))


def test_compile(device):
    x = torch.randn(8, 100, device=device)
    compiled = torch.compile(lambda t: rownorm.torch.L1Norm()(t * 2), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), reference(x * 2))


def test_views_norms_and_in_place(device):
    x = torch.randn(6, 50, device=device)
    y, norms = rownorm.l1_normalize(x.T, axis=0, return_norms=True)
    torch.testing.assert_close(y.T, reference(x))
    torch.testing.assert_close(norms, x.abs().mean(1))
    expected = reference(x)
    assert rownorm.l1_normalize(x, out=x) is x
    torch.testing.assert_close(x, expected)


def test_tensors_that_are_not_what_is_in_memory(device):
    x = torch.randn(3, 4, device=device, requires_grad=True)
    with pytest.raises((ValueError, BufferError, TypeError)):
        rownorm.l1_normalize(x, torch.zeros(3, 4, device=device))
    with torch.no_grad():
        torch.testing.assert_close(rownorm.torch.l1_normalize(x, 1), reference(x))
    z = torch.randn(3, 4, device=device, dtype=torch.complex64).conj()
    with pytest.raises((ValueError, BufferError, TypeError)):
        rownorm.l1_normalize(z, torch.zeros_like(z.resolve_conj()))


def test_forward_derivatives_are_refused_and_lazy_negation_is_resolved(device):
    x = torch.randn(3, 4, device=device)
    with pytest.raises(NotImplementedError, match="no forward derivatives"):
        torch.func.jvp(lambda t: rownorm.torch.l1_normalize(t, 1), (x,), (torch.ones_like(x),))
    negated = torch.randn(3, 4, device=device, dtype=torch.complex64).conj().imag
    torch.testing.assert_close(rownorm.torch.l1_normalize(negated, 1), reference(negated.resolve_neg()))
    watched = negated.clone().requires_grad_()
    rownorm.torch.l1_normalize(watched, 1).backward(negated)
    plain = negated.clone().requires_grad_()
    rownorm.torch.l1_normalize(plain, 1).backward(negated.resolve_neg())
    torch.testing.assert_close(watched.grad, plain.grad)
    with pytest.raises(ValueError, match="negated lazily"):
        rownorm.l1_normalize(negated)


def test_streams_and_graphs(device):
    if device == "cpu":
        pytest.skip("a CUDA device's")
    x, out = torch.randn(64, 1000, device=device), torch.zeros(64, 1000, device=device)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(2):
            rownorm.l1_normalize(x, out)
    stream.synchronize()
    torch.testing.assert_close(out, reference(x))
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        rownorm.l1_normalize(x, out)
    x.copy_(torch.randn_like(x))
    graph.replay()
    torch.cuda.synchronize()
    torch.testing.assert_close(out, reference(x))


def test_a_program_ends_well(device):
    """Also where rows are shared by teams, whose memory is freed at the end."""
    program = f"import rownorm, torch; print(rownorm.l1_normalize(torch.ones(2, 1 << 20, device='{device}'))[1, 5].item())"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert float(ended.stdout) == pytest.approx(1)


def test_tensors_of_two_devices(device):
    if device == "cpu":
        pytest.skip("a CUDA device's")
    with pytest.raises(ValueError, match="out is on the host, but x is on CUDA device|y is on the host, but x is on CUDA"):
        rownorm.l1_normalize(torch.ones(2, 2, device=device), torch.ones(2, 2))
