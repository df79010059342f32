/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A program in C that knows nothing of Kokkos: divides the rows of a matrix by their mean absolute values. */
#include <rownorm/c/rownorm.h>
#include <stdio.h>

int main(void) {
  float x[2][3] = {{1, -2, 3}, {0, 0, 6}}, y[2][3];
  double norms[2];
  int64_t shape[2] = {2, 3};
  const DLDataType float32 = {kDLFloat, 32, 1}, float64 = {kDLFloat, 64, 1};
  const DLDevice host = {kDLCPU, 0};
  const DLTensor of_x = {x, host, 2, float32, shape, NULL, 0};
  const DLTensor of_y = {y, host, 2, float32, shape, NULL, 0};
  const DLTensor of_norms = {norms, host, 1, float64, shape, NULL, 0};

  if (rownorm_normalize(&of_x, &of_y, &of_norms, NULL, NULL) != ROWNORM_SUCCESS) {
    fprintf(stderr, "%s\n", rownorm_last_error());
    return 1;
  }
  for (int i = 0; i < 2; ++i) printf("%g %g %g, norm %g\n", y[i][0], y[i][1], y[i][2], norms[i]);

  /* What is wrong with a call, it says. */
  if (rownorm_row_norms(&of_x, &of_y, NULL, NULL) == ROWNORM_SUCCESS) return 2;
  puts(rownorm_last_error());
  return 0;
}
