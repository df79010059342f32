#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times what others make of y = x / (mean(|x|) + 1e-8), over the rows of x, against a copy of the same bytes.

The contenders are PyTorch as written, torch.compile, and a Triton kernel from a file; for other norms, weights, norms
alone and gradients, PyTorch's own functions as well. Needs PyTorch and Triton, and a GPU; README.md says how it is
used.
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
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional

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
TASK_SHAPES = [  # task_shapes of cases.hpp
    (4194304, 16),
    (1048576, 64),
    (262144, 256),
    (65536, 1024),
    (16384, 8192),
    (8192, 65536),
    (2048, 262144),
    (64, 4194304),
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


def root_mean_square(x):
    return x / (x.square().mean(dim=1, keepdim=True).sqrt() + 1e-8)


@dataclass
class Task:
    """What PyTorch has for a task of rownorm_bench: functions of x and of weights of its columns. The first is the
    formula as written; others may place their epsilon elsewhere."""

    arrays: int  # of x's size, that the task cannot but move
    forms: dict
    backward: bool = False


TASKS = {  # tasks of cases.hpp
    "root_mean_square": Task(
        2,
        {
            "": lambda x, _: root_mean_square(x),
            "rms_norm": lambda x, _: functional.rms_norm(x, x.shape[1:], eps=1e-8),
        },
    ),
    "euclidean": Task(
        2,
        {
            "": lambda x, _: x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-8),
            "normalize": lambda x, _: functional.normalize(x, p=2.0, dim=1, eps=1e-8),
        },
    ),
    "max_abs": Task(
        2,
        {
            "": lambda x, _: x / (x.abs().amax(dim=1, keepdim=True) + 1e-8),
            "normalize": lambda x, _: functional.normalize(x, p=float("inf"), dim=1, eps=1e-8),
        },
    ),
    "weights": Task(
        2,
        {
            "": lambda x, weights: root_mean_square(x) * weights,
            "rms_norm": lambda x, weights: functional.rms_norm(x, x.shape[1:], weights, eps=1e-8),
        },
    ),
    "row_norms": Task(
        1,
        {
            "": lambda x, _: x.square().mean(dim=1).sqrt(),
            "vector_norm": lambda x, _: torch.linalg.vector_norm(x, dim=1) * x.shape[1] ** -0.5,
        },
    ),
    "backward_mean_abs": Task(3, {"": lambda x, _: eager(x)}, backward=True),
    "backward_root_mean_square": Task(
        3,
        {
            "": lambda x, _: root_mean_square(x),
            "rms_norm": lambda x, _: functional.rms_norm(x, x.shape[1:], eps=1e-8),
        },
        backward=True,
    ),
}


def mean_abs(x):
    return x.abs().mean(dim=1, keepdim=True)


def sum_abs(x):
    return x.abs().sum(dim=1, keepdim=True)


def euclidean(x):
    return torch.linalg.vector_norm(x, dim=1, keepdim=True)


def root_mean(x):
    return euclidean(x) * x.shape[1] ** -0.5


def gradient(norm, x, grad_y, weights, epsilon):
    """The formula of docs/api/normalize_backward.md."""
    length = x.shape[1] if norm in (mean_abs, root_mean) else 1
    of_row = norm(x)
    slope = torch.sign(x) if norm in (mean_abs, sum_abs) else torch.where(of_row == 0, 0.0, x / of_row)
    dot = (weights * grad_y * x).sum(dim=1, keepdim=True)
    return weights * grad_y / (of_row + epsilon) - slope / length / (of_row + epsilon) ** 2 * dot


def check_gradients():
    """Holds that formula against what autograd makes of the formula of normalize."""
    torch.manual_seed(1)
    for norm in (mean_abs, sum_abs, root_mean, euclidean):
        x = torch.rand((50, 33), dtype=torch.float64) * 2 - 1
        x[0] = 0
        x[1, ::2] = 0
        grad_y, weights = torch.rand_like(x), torch.rand(x.shape[1], dtype=x.dtype)
        x.requires_grad_()
        y = x / (norm(x) + 1e-3) * weights
        (expected,) = torch.autograd.grad(y, x, grad_y)
        with torch.no_grad():
            error = (gradient(norm, x, grad_y, weights, 1e-3) - expected).abs().max() / expected.abs().max()
        if not error < 1e-14:
            raise SystemExit(f"the gradient of {norm.__name__} is not PyTorch's: the error is {error:.1e}")
    print("The formula of the gradients agrees with PyTorch's autograd.", flush=True)


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
    """What makes of x a call of each contender. Compiled ones are made anew for every shape, so that none is made for
    all of them.

    Not among them is mode "max-autotune": it replays a CUDA graph, which first copies x to where the graph reads it.
    """

    def calls(function):
        return lambda x: lambda: function(x)

    makers = {"torch eager": calls(eager)}
    if not arguments.cpu:
        mode = "max-autotune-no-cudagraphs"
        makers["torch.compile"] = lambda x: calls(torch.compile(eager, dynamic=False))(x)
        makers[f"torch.compile {mode}"] = lambda x: calls(torch.compile(eager, dynamic=False, mode=mode))(x)
        if arguments.seed is not None:
            makers["Triton seed"] = calls(seed_function(arguments.seed, folder))
    return {name: make for name, make in makers.items() if re.search(arguments.contenders, name)}


def task_contenders(arguments, task):
    """The same for a task. Of gradients only the way back is called; the way there was taken before."""

    def maker(form, compile_it):
        def make(x):
            function = torch.compile(form, dynamic=False) if compile_it else form
            weights = torch.full(x.shape[1:], 0.5, dtype=x.dtype, device=x.device)
            if not task.backward:
                return lambda: function(x, weights)
            grad_y = x.clone()
            leaf = x.detach().requires_grad_()
            with torch.enable_grad():
                y = function(leaf, weights)
            return lambda: torch.autograd.grad(y, leaf, grad_y, retain_graph=True)

        return make

    makers = {}
    for name, form in task.forms.items():
        makers[f"torch eager {name}".strip()] = maker(form, False)
        if not arguments.cpu:
            makers[f"torch.compile {name}".strip()] = maker(form, True)
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


def measure(make, x, y, arrays):
    """Medians and extremes in milliseconds. Both are called before, to be compiled, tuned and loaded. of_copy is held
    against a copy of as many bytes as so many arrays have."""
    with torch.no_grad():
        functions = [make(x), lambda: y.copy_(x)]
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
        "of_copy": arrays / 2 * copy_median / median,
    }


def release():
    torch._dynamo.reset()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def measure_shape(makers, table, type_name, case, arrays, shape, device):
    """A case is a placement, or a task."""
    rows, columns = shape
    name = f"{table}/{type_name}/{case}/{rows}x{columns}"
    results = []
    try:
        x = torch.rand(shape, device=device).mul_(2).sub_(1).to(TYPES[type_name])
        y = torch.empty_like(x)
    except Exception as error:  # most likely there is not enough memory
        print(f"{name}: skipped: {reason(error)}", flush=True)
        return results
    for contender, make in makers.items():
        try:
            times = measure(make, x, y, arrays)
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
    parser.add_argument("--tasks", choices=TASKS, nargs="*", help="these, or all, of rownorm_bench's table tasks")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, after every shape")
    parser.add_argument("--cpu", action="store_true", help="a dry run: gradients checked, tiny shapes timed")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    device = torch.device("cpu" if arguments.cpu else "cuda")
    report = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "device": platform.processor() or "CPU" if arguments.cpu else torch.cuda.get_device_name(),
        "versions": versions(),
        "results": [],
    }
    if arguments.cpu:
        check_gradients()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.tasks is not None:
            table, shapes = "tasks", TASK_SHAPES
            names = arguments.tasks or TASKS
            cases = [(name, TASKS[name].arrays, task_contenders(arguments, TASKS[name])) for name in names]
            if not arguments.cpu:
                # Ways back are called many times, so that none may reuse the memory of what it is given.
                importlib.import_module("torch._functorch.config").donated_buffer = False
        else:
            table, shapes = ("sweep", sweep_shapes()) if arguments.sweep else ("shapes", SHAPES)
            cases = [("contiguous", 2, contenders(arguments, folder))]
        if arguments.cpu:
            shapes = CPU_SHAPES
        for type_name in arguments.types:
            for case, arrays, makers in cases:
                for shape in arguments.shapes or shapes:
                    report["results"] += measure_shape(makers, table, type_name, case, arrays, shape, device)
                    release()
                    if arguments.json:
                        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
