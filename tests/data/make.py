# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the matrices beside this script, and what scikit-learn's preprocessing.normalize is documented to make of
them: rows over their l1, l2 or max norm, and rows of zeros as they are. Made with NumPy 2.4.6, in float64; scikit-learn
1.9.1 gives the same to within a rounding of its own type, but for the norms of rows of zeros, which it says are 1."""

from pathlib import Path

import numpy

here = Path(__file__).parent
random = numpy.random.default_rng(4)
norm_of = {
    "l1": lambda x: numpy.abs(x).sum(axis=1),
    "l2": lambda x: numpy.sqrt((x * x).sum(axis=1)),
    "max": lambda x: numpy.abs(x).max(axis=1),
}
for name, dtype in (("f32", "<f4"), ("f64", "<f8")):
    x = (random.standard_normal((9, 13)) * 10.0 ** random.integers(-3, 4, (9, 1))).astype(dtype)
    x[2] = 0
    x[5, 3:] = 0
    x[8] = 0
    numpy.save(here / f"{name}.npy", x)
    wide = x.astype("<f8")
    for norm, compute in norm_of.items():
        norms = compute(wide)
        divisors = numpy.where(norms == 0, 1, norms)
        numpy.save(here / f"{name}.{norm}.npy", wide / divisors[:, None])
        numpy.save(here / f"{name}.{norm}_norms.npy", norms)
