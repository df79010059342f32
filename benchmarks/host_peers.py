#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times what others make of y = x / (mean(|x|) + 1e-8), over the rows of x, on the host.

The contenders are NumPy, PyTorch as written, and scikit-learn's normalize(norm='l1'), which divides by the sum instead
of the mean: those of them that are installed. NumPy has to be. README.md says how it is used.
"""

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

import numpy

SHAPES = [  # rows, columns: host_shapes and small_shapes of cases.hpp
    (16777216, 16),
    (4194304, 64),
    (1048576, 255),
    (262144, 1024),
    (16384, 16384),
    (4096, 65535),
    (16, 16777216),
    (64, 1024),
]
TYPES = {"float": numpy.float32, "double": numpy.float64}


def numpy_contender(x):
    return lambda: x / (numpy.abs(x).mean(axis=1, keepdims=True) + 1e-8)


def torch_contender(x):
    import torch

    of_torch = torch.from_numpy(x)
    return lambda: of_torch / (of_torch.abs().mean(dim=1, keepdim=True) + 1e-8)


def sklearn_contender(x):
    from sklearn.preprocessing import normalize

    return lambda: normalize(x, norm="l1")


CONTENDERS = {"NumPy": numpy_contender, "PyTorch eager": torch_contender, "scikit-learn": sklearn_contender}
MODULES = {"NumPy": "numpy", "PyTorch eager": "torch", "scikit-learn": "sklearn"}


def available():
    found, versions = {}, {"Python": platform.python_version()}
    for name, make in CONTENDERS.items():
        try:
            module = __import__(MODULES[name])
        except ImportError as error:
            print(f"without {name}: {error}", flush=True)
        else:
            found[name], versions[name] = make, module.__version__
    return found, versions


def seconds_of(function, calls):
    begin = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - begin) / calls


def measure_shape(makers, type_name, shape, repeats):
    rows, columns = shape
    x = numpy.random.default_rng(0).random(shape, dtype=TYPES[type_name]) * 2 - 1
    y = numpy.empty_like(x)
    name = f"host/{type_name}/contiguous/{rows}x{columns}"
    functions = {contender: make(x) for contender, make in makers.items()}
    functions["copy"] = lambda: numpy.copyto(y, x)  # by one thread, through the caches
    calls = 200 if x.nbytes < 1 << 20 else 1
    times = {contender: [] for contender in functions}
    for function in functions.values():
        function()
    for _ in range(repeats):  # they take turns, so that all meet the same clocks
        for contender, function in functions.items():
            times[contender].append(seconds_of(function, calls))
    results = []
    for contender, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{name:40} {contender:14} {median * 1e3:10.4f} ms {2e-9 * x.nbytes / median:7.2f} GB/s", flush=True)
        results.append(
            {"name": name, "contender": contender, "rows": rows, "columns": columns, "type": type_name}
            | {"milliseconds": median * 1e3, "min_milliseconds": min(seconds) * 1e3}
            | {"max_milliseconds": max(seconds) * 1e3}
        )
    return results


def shape_argument(text):
    rows, columns = text.split("x")
    return int(rows), int(columns)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", type=shape_argument, nargs="+", metavar="ROWSxCOLUMNS", default=SHAPES)
    parser.add_argument("--types", choices=TYPES, nargs="+", default=["float"])
    parser.add_argument("--repeats", type=int, default=5, help="of which the median counts (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, after every shape")
    arguments = parser.parse_args()
    makers, versions = available()
    report = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "device": platform.processor() or platform.machine(),
        "threads": len(os.sched_getaffinity(0)),
        "versions": versions,
        "results": [],
    }
    for type_name in arguments.types:
        for shape in arguments.shapes:
            report["results"] += measure_shape(makers, type_name, shape, arguments.repeats)
            if arguments.json:
                arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
