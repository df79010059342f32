# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the matrices beside this script, and what NumPy makes of them in float64. Made with NumPy 2.2.4."""

from pathlib import Path

import numpy

here = Path(__file__).parent
random = numpy.random.default_rng(1)
inputs = {
    "f32_c": random.standard_normal((5, 7)).astype("<f4"),
    "f64_fortran": numpy.asfortranarray(random.standard_normal((4, 6))),
    "f16_rank_1": random.standard_normal(9).astype("<f2"),
}
for name, x in inputs.items():
    wide = x.astype(numpy.float64)
    y = wide / (numpy.abs(wide).mean(axis=-1, keepdims=True) + 1e-8)
    numpy.save(here / f"{name}.npy", x)
    numpy.save(here / f"{name}.expected.npy", y)
