# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import pathlib

from spack_repo.builtin.build_systems.cmake import CMakePackage
from spack_repo.builtin.build_systems.cuda import CudaPackage

from spack.package import *


class Rownorm(CMakePackage, CudaPackage):
    """RowNorm normalises the rows of batched data on any Kokkos device: by their mean absolute
    value, root mean square, Euclidean length, largest absolute value or a norm of one's own."""

    # No public repository can be named yet. The sources are those of the clone that has this file;
    # README.md beside it says how to use it.
    git = pathlib.Path(__file__).resolve().parents[2].as_uri()

    license("Apache-2.0 WITH LLVM-exception")

    version("main", branch="main")

    variant("shared", default=True, description="Build shared libraries")
    variant("openmp", default=False, description="Require the OpenMP backend of Kokkos")
    variant("highway", default=True, description="Use Highway for rows on the host")
    variant("sparse", default=False, description="Provide RowNorm::sparse, for Kokkos Kernels")
    variant("c", default=False, description="Build librownorm_c, for C, on tensors of DLPack")
    variant("tune", default=False, description="Build librownorm_tune, which measures schedules")
    # One architecture only, as in Kokkos.
    variant(
        "cuda_arch",
        default="none",
        values=("none",) + CudaPackage.cuda_arch_values,
        multi=False,
        sticky=True,
        when="+cuda",
        description="CUDA architecture",
    )

    depends_on("cxx", type="build")
    depends_on("c", type="build", when="+c")  # its tests are in C
    depends_on("cmake@3.22:", type="build")
    depends_on("catch2@3:", type="test")

    depends_on("kokkos@4.6:5")
    requires("^kokkos cxxstd=20", when="^kokkos@:4", msg="RowNorm is C++20, so Kokkos 4 needs cxxstd=20")
    depends_on("kokkos+shared", when="+shared")
    depends_on("kokkos+openmp", when="+openmp")
    conflicts("+cuda", when="cuda_arch=none", msg="Name the architecture: cuda_arch=90, say")
    for arch in CudaPackage.cuda_arch_values:
        depends_on(f"kokkos+cuda cuda_arch={arch}", when=f"+cuda cuda_arch={arch}")
    requires("^kokkos+cuda_lambda", when="+cuda ^kokkos@:4")
    depends_on("kokkos+wrapper", when="+cuda")  # RowNorm is compiled as C++, by nvcc_wrapper

    depends_on("highway@1.2:", when="+highway")
    depends_on("dlpack@1:", when="+c")
    depends_on("nlohmann-json", type="build", when="+tune")
    with when("+sparse"):
        depends_on("kokkos-kernels@4.6:5")
        depends_on("kokkos-kernels+openmp", when="+openmp")
        for arch in CudaPackage.cuda_arch_values:
            depends_on(f"kokkos-kernels+cuda cuda_arch={arch}", when=f"+cuda cuda_arch={arch}")

    def cmake_args(self):
        backends = [name for name in ("openmp", "cuda") if self.spec.satisfies(f"+{name}")]
        args = [
            self.define("Kokkos_ROOT", self.spec["kokkos"].prefix),
            self.define("RowNorm_REQUIRED_BACKENDS", [name.upper() for name in backends]),
            self.define("RowNorm_ENABLE_TESTS", self.run_tests),
            self.define_from_variant("BUILD_SHARED_LIBS", "shared"),
        ]
        for part in ("highway", "sparse", "c", "tune"):
            args.append(self.define_from_variant(f"RowNorm_ENABLE_{part.upper()}", part))
        if self.spec.satisfies("+cuda"):
            args.append(self.define("CMAKE_CXX_COMPILER", self["kokkos"].kokkos_cxx))
        return args
