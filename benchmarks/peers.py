#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times what others make of y = x / (mean(|x|) + 1e-8), over the rows of x, against a copy of the same bytes.

The contenders are PyTorch as written, torch.compile, and a Triton kernel from a file. Needs PyTorch and Triton, and a
GPU; README.md says how it is used.
"""

import argparse
import gc
import importlib.util
import json
import platform
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

SHAPES = [  # rows, columns: plain_shapes of cases.hpp
    (4194304, 16),
    (1048576, 64),
    (262144, 256),
    (65536, 1024),
    (65536, 1023),
    (32768, 4096),
    (16384, 8192),
    (8192, 16384),
    (8192, 32768),
    (32768, 65535),
    (8192, 65536),
    (4096, 131072),
    (2048, 262144),
    (512, 1048576),
    (64, 4194304),
    (1, 268435456),
]
CPU_SHAPES = [(8, 16), (4, 33), (1, 4096)]
TYPES = {  # as Kokkos calls them
    "float": torch.float32,
    "double": torch.float64,
    "half_t": torch.float16,
    "bhalf_t": torch.bfloat16,
}


def sweep_shapes():
    """Those of cases.hpp: powers of two, their neighbours, and primes between them."""

    def is_prime(number):
        return all(number % divisor for divisor in range(2, int(number**0.5) + 1))

    columns = set()
    for power in (2**exponent for exponent in range(2, 25)):
        prime = next(number for number in range(power * 3 // 4, 1, -1) if is_prime(number))
        columns |= {prime, power - 1, power, power + 1}
    return [(2**27 // length, length) for length in sorted(columns)]


def eager(x):
    return x / (x.abs().mean(dim=1, keepdim=True) + 1e-8)


def seed_function(file, folder):
    """The Triton kernel in the first Python block of a Markdown file. Triton reads its source again, so it has to lie
    in a file of its own for as long as it runs."""
    block = re.search(r"```python\n(.*?)```", file.read_text(encoding="utf-8"), re.DOTALL)
    if block is None:
        raise SystemExit(f"{file} has no block of Python")
    path = Path(folder) / "seed_triton.py"
    path.write_text(block[1], encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module.ModelNew()


def contenders(arguments, folder):
    """What makes each contender. Compiled ones are made anew for every shape, so that none is made for all of them.

    Not among them is mode "max-autotune": it replays a CUDA graph, which first copies x to where the graph reads it.
    """
    makers = {"torch eager": lambda: eager}
    if not arguments.cpu:
        makers["torch.compile"] = lambda: torch.compile(eager, dynamic=False)
        mode = "max-autotune-no-cudagraphs"
        makers[f"torch.compile {mode}"] = lambda: torch.compile(eager, dynamic=False, mode=mode)
        if arguments.seed is not None:
            seed = seed_function(arguments.seed, folder)
            makers["Triton seed"] = lambda: seed
    return {name: make for name, make in makers.items() if re.search(arguments.contenders, name)}


def cuda_seconds(functions, repeats, working_set):
    """For each function the times of its calls. They take turns, and nothing waits before all are enqueued, so that
    the times hold nothing of the host's where the device has enough to do."""

    def mark():
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    flushed = 4 * torch.cuda.get_device_properties().L2_cache_size
    scratch = torch.empty(flushed if working_set < flushed else 0, dtype=torch.int8, device="cuda")
    marks = [[] for _ in functions]
    for _ in range(repeats):
        for function, pairs in zip(functions, marks, strict=True):
            scratch.zero_()
            begin = mark()
            function()
            pairs.append((begin, mark()))
    torch.cuda.synchronize()
    return [[begin.elapsed_time(end) * 1e-3 for begin, end in pairs] for pairs in marks]


def cpu_seconds(functions, repeats, _):
    def seconds(function):
        begin = time.perf_counter()
        function()
        return time.perf_counter() - begin

    return [[seconds(function) for _ in range(repeats)] for function in functions]


def measure(make, x, y):
    """Medians and extremes in milliseconds. Both are called before, to be compiled, tuned and loaded."""
    normalize = make()
    functions = [lambda: normalize(x), lambda: y.copy_(x)]
    with torch.no_grad():
        for function in functions * 2:
            function()
        working_set = 2 * x.numel() * x.element_size()
        take = cuda_seconds if x.is_cuda else cpu_seconds
        seconds, copy_seconds = take(functions, 31 if working_set <= 2**31 else 11, working_set)
    median, copy_median = statistics.median(seconds), statistics.median(copy_seconds)
    return {
        "milliseconds": median * 1e3,
        "min_milliseconds": min(seconds) * 1e3,
        "max_milliseconds": max(seconds) * 1e3,
        "copy_milliseconds": copy_median * 1e3,
        "of_copy": copy_median / median,
    }


def release():
    torch._dynamo.reset()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def measure_shape(makers, table, type_name, shape, device):
    rows, columns = shape
    name = f"{table}/{type_name}/contiguous/{rows}x{columns}"
    results = []
    try:
        x = torch.rand(shape, device=device).mul_(2).sub_(1).to(TYPES[type_name])
        y = torch.empty_like(x)
    except Exception as error:  # most likely there is not enough memory
        print(f"{name}: skipped: {reason(error)}", flush=True)
        return results
    for contender, make in makers.items():
        try:
            times = measure(make, x, y)
        except Exception as error:  # whatever a compiler throws is its result
            print(f"{name:44} {contender:40} failed: {reason(error)}", flush=True)
        else:
            figures = f"{times['milliseconds']:9.4f} ms, {times['of_copy']:.3f} of a copy"
            print(f"{name:44} {contender:40} {figures}", flush=True)
            results.append(
                {"name": name, "contender": contender, "rows": rows, "columns": columns, "type": type_name}
                | {"x_layout": "right", "y_layout": "right", "in_place": False}
                | {"padding": 0, "x_offset": 0, "y_offset": 0, "schedule": None}
                | times
            )
        release()
    return results


def reason(error):
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:200]


def versions():
    found = {"PyTorch": torch.__version__, "Python": platform.python_version()}
    if torch.version.cuda:
        found["CUDA"] = torch.version.cuda
    if importlib.util.find_spec("triton"):
        found["Triton"] = importlib.import_module("triton").__version__
    return found


def shape_argument(text):
    rows, columns = text.split("x")
    return int(rows), int(columns)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", type=shape_argument, nargs="+", metavar="ROWSxCOLUMNS", help="instead of all")
    parser.add_argument("--types", choices=TYPES, nargs="+", default=["float"], help="value types (default: float)")
    parser.add_argument("--contenders", default="", metavar="REGEX", help="only those whose name it finds")
    parser.add_argument("--seed", type=Path, metavar="FILE", help="Markdown whose first Python has a Triton ModelNew")
    parser.add_argument("--sweep", action="store_true", help="the shapes of rownorm_bench's table sweep")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, after every shape")
    parser.add_argument("--cpu", action="store_true", help="a dry run: PyTorch as written on the host, tiny shapes")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    device = torch.device("cpu" if arguments.cpu else "cuda")
    default_shapes = CPU_SHAPES if arguments.cpu else SHAPES
    report = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "device": platform.processor() or "CPU" if arguments.cpu else torch.cuda.get_device_name(),
        "versions": versions(),
        "results": [],
    }
    table, shapes = ("sweep", sweep_shapes()) if arguments.sweep else ("shapes", default_shapes)
    with tempfile.TemporaryDirectory() as folder:
        makers = contenders(arguments, folder)
        for type_name in arguments.types:
            for shape in arguments.shapes or shapes:
                report["results"] += measure_shape(makers, table, type_name, shape, device)
                release()
                if arguments.json:
                    arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
