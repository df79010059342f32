# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the sparse matrices beside this script, and what scikit-learn's preprocessing.normalize makes of their rows, and
SciPy's norms of rows and columns: l1, l2 and max. Made with NumPy 2.4.6, SciPy 1.17.1 and scikit-learn 1.9.1.

Each matrix is given as its row map, column indices and values, as scipy.sparse.csr_array takes them, since a Matrix
Market file cannot tell explicit zeros, duplicates and their order; `rows.mtx` has the first one in that format as well."""

from pathlib import Path

import numpy
import scipy.io
import scipy.sparse
import scipy.sparse.linalg
from sklearn.preprocessing import normalize

here = Path(__file__).parent
random = numpy.random.default_rng(6)


def save(name, array):
    numpy.save(here / f"{name}.npy", numpy.asarray(array, dtype="<f8"))


def write(name, lengths, columns, dtype, duplicates):
    indptr = numpy.concatenate([[0], numpy.cumsum(lengths)])
    indices = numpy.concatenate(
        [numpy.zeros(0, int)] + [numpy.sort(random.choice(columns, n, replace=duplicates)) for n in lengths]
    )
    data = (random.standard_normal(len(indices)) * 10.0 ** random.integers(-3, 4, len(indices))).astype(dtype)
    data[::7] = 0  # stored all the same
    matrix = scipy.sparse.csr_array((data, indices, indptr), shape=(len(lengths), columns))
    save(f"{name}.row_map", indptr)
    save(f"{name}.indices", indices)
    save(f"{name}.values", data)
    wide = matrix.astype("<f8")
    for norm, order in (("l1", 1), ("l2", 2), ("max", numpy.inf)):
        # Duplicates count one by one: each entry is a column of its own to scikit-learn.
        apart = scipy.sparse.csr_array((wide.data, numpy.arange(len(data)), indptr), shape=(len(lengths), len(data)))
        result = normalize(apart, norm=norm)
        magnitudes = abs(result)
        assert (magnitudes.data >= 0).all() and (result.indptr == indptr).all()
        save(f"{name}.{norm}", result.data)
        save(f"{name}.{norm}_row_norms", scipy.sparse.linalg.norm(apart, ord=order, axis=1))
        if not duplicates:
            save(f"{name}.{norm}_column_norms", scipy.sparse.linalg.norm(wide, ord=order, axis=0))
            save(f"{name}.{norm}_by_columns", normalize(wide.tocsc(), norm=norm, axis=0).tocsr().data)
    return matrix


rows = write("rows", [3, 0, 12, 1, 0, 40, 7, 7, 0], 40, "<f8", False)
scipy.io.mmwrite(here / "rows.mtx", rows, comment="rows.values.npy and its siblings, by make.py", precision=17)
write("single", [5, 0, 9, 9, 1], 11, "<f4", False)
write("duplicates", [6, 0, 20, 2], 5, "<f8", True)
