/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef ROWNORM_C_ROWNORM_H
#define ROWNORM_C_ROWNORM_H

/*
 * RowNorm for C, and for whatever calls C: rows of DLPack tensors, on the host and on CUDA devices.
 *
 *     const DLTensor x = ..., y = ...;
 *     if (rownorm_normalize(&x, &y, NULL, NULL, stream) != ROWNORM_SUCCESS) puts(rownorm_last_error());
 *
 * Tensors. DLTensor is that of DLPack (https://dmlc.github.io/dlpack/latest/c_api.html): of 1 to 8 dimensions, of
 * float, double, IEEE half, bfloat16, or complex of two floats or doubles, with any strides that are not negative,
 * which count elements; NULL strides are those of a compact tensor in the order of C. Values must be aligned, complex
 * ones to twice what their parts are. Functions keep no tensor, and nothing that it points to, but the memory of its
 * elements until the work is done. All tensors of a call must be on one device: kDLCPU and kDLCUDAHost are the host;
 * kDLCUDA and kDLCUDAManaged the CUDA device that Kokkos uses.
 *
 * Streams. Work on a CUDA device is enqueued on `stream`, a cudaStream_t; NULL is the legacy default stream. Functions
 * do not wait for it. The first call on a stream allocates device memory, some 9 MiB, which is kept for the next, and
 * is refused while the stream is captured; later ones can be captured in a graph. cudaStreamPerThread is not served.
 * The thread's current device is as it was when a function returns. Work on the host is done then; `stream` is ignored
 * there.
 *
 * Errors. Functions return a rownorm_status, and no exception leaves them. What is wrong with the arguments is found
 * before anything is written; rownorm_last_error() then says which argument, and why.
 *
 * Kokkos is initialised at the first call, if nobody has done so, with the CUDA device of x, or its own choice if x is
 * on the host, and OMP_NUM_THREADS and the like as Kokkos has them. Tensors of other CUDA devices are not served from
 * then on. It is finalised when the program ends, if RowNorm initialised it and it still runs. Functions may be called
 * by several threads at a time, also for one stream, unless Kokkos was built with Kokkos_ENABLE_ATOMICS_BYPASS.
 */

#include <dlpack/dlpack.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What functions return. */
typedef enum rownorm_status {
  ROWNORM_SUCCESS = 0,
  ROWNORM_INVALID_ARGUMENT = 1, /* shapes, strides, an axis, memory that overlaps, ... */
  ROWNORM_UNSUPPORTED = 2,      /* a value type or a device that this library does not serve */
  ROWNORM_OUT_OF_MEMORY = 3,    /* of the host */
  ROWNORM_FAILED = 4            /* whatever else Kokkos, or a device, may report */
} rownorm_status;

/* The norm of a row x of n elements. */
typedef enum rownorm_norm {
  ROWNORM_MEAN_ABS = 0,         /* sum |x_j| / n */
  ROWNORM_SUM_ABS = 1,          /* sum |x_j| */
  ROWNORM_ROOT_MEAN_SQUARE = 2, /* sqrt(sum |x_j|^2 / n) */
  ROWNORM_EUCLIDEAN = 3,        /* sqrt(sum |x_j|^2) */
  ROWNORM_MAX_ABS = 4           /* max |x_j| */
} rownorm_norm;

/* The norm, and what goes with it. NULL in its place means rownorm_default_parameters(). */
typedef struct rownorm_parameters {
  int32_t norm;            /* a rownorm_norm */
  int32_t axis;            /* along which rows lie; negative ones count from the end */
  double epsilon;          /* added to the norm of each row: zero or positive */
  const DLTensor* weights; /* real, of one dimension: y is multiplied by them, column by column; or NULL */
} rownorm_parameters;

/* ROWNORM_MEAN_ABS, axis -1, epsilon 1e-8, no weights: what NULL for `params` means. */
rownorm_parameters rownorm_default_parameters(void);

/*
 * y(i, j) = x(i, j) / (norm_i + epsilon) * weights(j), for each row i along params->axis.
 *
 * y has the shape and the value type of x, and may be x itself. norms is NULL, or takes the norm of each row: it has
 * the shape of x without that axis (no dimension, or one element, if x has one dimension), and real values of any type.
 */
rownorm_status rownorm_normalize(const DLTensor* x, const DLTensor* y, const DLTensor* norms,
                                 const rownorm_parameters* params, void* stream);

/* The norms alone. Of params, epsilon and weights have no part in it. */
rownorm_status rownorm_row_norms(const DLTensor* x, const DLTensor* norms, const rownorm_parameters* params,
                                 void* stream);

/*
 * The gradient of rownorm_normalize: grad_x(i, k) = sum_j grad_y(i, j) dy(i, j) / dx(i, k). All three have one shape
 * and one real value type. grad_x may be x or grad_y. ROWNORM_MAX_ABS has no gradient.
 */
rownorm_status rownorm_normalize_backward(const DLTensor* x, const DLTensor* grad_y, const DLTensor* grad_x,
                                          const rownorm_parameters* params, void* stream);

/*
 * Waits until the work enqueued on a stream of a CUDA device is done; what went wrong in it is ROWNORM_FAILED. There is
 * nothing to wait for on the host. Refuses a stream that is being captured.
 */
rownorm_status rownorm_synchronize(DLDevice device, void* stream);

/*
 * Where memory is, for a DLTensor whose maker knows the address alone: kDLCUDA, kDLCUDAManaged or kDLCUDAHost with the
 * number of the CUDA device, or kDLCPU if CUDA knows nothing of it. ROWNORM_UNSUPPORTED where the library has no CUDA.
 */
rownorm_status rownorm_device_of(const void* data, DLDevice* device);

/* What the last call of this thread that failed had to say, "" if none did; valid until the next one fails. */
const char* rownorm_last_error(void);

/* The version of the library, as in "0.1.0". */
const char* rownorm_version(void);

#ifdef __cplusplus
}
#endif

#endif
