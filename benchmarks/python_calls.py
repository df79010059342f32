#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long a call from Python occupies the host, beside torch.abs; and rows of 65535 columns beside a copy and PyTorch.

Needs PyTorch with CUDA and the package of python/, built with CUDA.
"""

import argparse
import runpy
import statistics
import time

import rownorm
import rownorm.torch
import torch


def microseconds_a_call(calls, rounds=21, at_once=500):
    """The median over rounds, in each of which all are called in turn."""
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            torch.cuda.synchronize()
            begin = time.perf_counter()
            for _ in range(at_once):
                call()
            times[name].append((time.perf_counter() - begin) / at_once * 1e6)
    return {name: statistics.median(of) for name, of in times.items()}


def milliseconds(calls, rounds=11):
    """The same of the device's time."""
    times = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            call()
            end.record()
            torch.cuda.synchronize()
            times[name].append(begin.elapsed_time(end))
    return {name: statistics.median(of) for name, of in times.items()}


def print_beside(times, first, unit):
    for name, of in times.items():
        print(f"{name:40} {of:9.3f} {unit}  {of / times[first]:6.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=32768, help="of the large matrix")
    parser.add_argument("--module", help="a file of Python whose class ModelNew is timed as well")
    options = parser.parse_args()
    print(torch.cuda.get_device_name(), "PyTorch", torch.__version__, "rownorm", rownorm.__version__)

    x = torch.randn(64, 64, device="cuda")
    out = torch.empty_like(x)
    module = rownorm.torch.L1Norm()
    print_beside(
        microseconds_a_call(
            {
                "torch.abs(x)": lambda: torch.abs(x),
                "torch.abs(x, out=out)": lambda: torch.abs(x, out=out),
                "rownorm.l1_normalize(x)": lambda: rownorm.l1_normalize(x),
                "rownorm.l1_normalize(x, out)": lambda: rownorm.l1_normalize(x, out),
                "rownorm.torch.L1Norm()(x)": lambda: module(x),
            }
        ),
        "torch.abs(x)",
        "us",
    )

    x = torch.rand(options.rows, 65535, device="cuda")
    out = torch.empty_like(x)

    def in_pytorch(x):
        return x / torch.mean(torch.abs(x), dim=1, keepdim=True)

    compiled = torch.compile(in_pytorch)
    calls = {
        "out.copy_(x)": lambda: out.copy_(x),
        "rownorm.l1_normalize(x, out)": lambda: rownorm.l1_normalize(x, out),
        "rownorm.torch.L1Norm()(x)": lambda: module(x),
        "x / mean(|x|)": lambda: in_pytorch(x),
        "the same, torch.compile": lambda: compiled(x),
    }
    if options.module:
        other = runpy.run_path(options.module)["ModelNew"]()
        calls[options.module] = lambda: other(x)
    print_beside(milliseconds(calls), "out.copy_(x)", "ms")
    print("close to PyTorch's (1e-4):", torch.allclose(module(x), in_pytorch(x), rtol=1e-4, atol=1e-4))


if __name__ == "__main__":
    main()
