! SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
! Columns of a Fortran array, which are neighbours in memory, normalised through the C interface.
module rownorm_c
  use, intrinsic :: iso_c_binding
  implicit none

  type, bind(c) :: dl_device
    integer(c_int) :: device_type = 1, device_id = 0
  end type
  type, bind(c) :: dl_data_type
    integer(c_int8_t) :: code = 2, bits = 64
    integer(c_int16_t) :: lanes = 1
  end type
  type, bind(c) :: dl_tensor
    type(c_ptr) :: data = c_null_ptr
    type(dl_device) :: device
    integer(c_int) :: ndim = 0
    type(dl_data_type) :: dtype
    type(c_ptr) :: shape = c_null_ptr, strides = c_null_ptr
    integer(c_int64_t) :: byte_offset = 0
  end type
  type, bind(c) :: rownorm_parameters
    integer(c_int32_t) :: norm, axis
    real(c_double) :: epsilon
    type(c_ptr) :: weights
  end type

  interface
    function rownorm_default_parameters() bind(c)
      import :: rownorm_parameters
      type(rownorm_parameters) :: rownorm_default_parameters
    end function
    integer(c_int) function rownorm_normalize(x, y, norms, params, stream) bind(c)
      import :: dl_tensor, rownorm_parameters, c_int, c_ptr
      type(dl_tensor), intent(in) :: x, y, norms
      type(rownorm_parameters), intent(in) :: params
      type(c_ptr), value :: stream
    end function
  end interface
end module

program test_fortran
  use rownorm_c
  implicit none
  real(c_double), target :: x(3, 2), norms(2)
  integer(c_int64_t), target :: shape(2) = [3, 2], strides(2) = [1, 3]
  type(dl_tensor) :: of_x, of_norms
  type(rownorm_parameters) :: params
  integer :: j

  x = reshape([1d0, -2d0, 1d0, 0d0, 0d0, 8d0], [3, 2])
  of_x%data = c_loc(x)
  of_x%ndim = 2
  of_x%shape = c_loc(shape)
  of_x%strides = c_loc(strides)
  of_norms%data = c_loc(norms)
  of_norms%ndim = 1
  of_norms%shape = c_loc(shape(2))
  params = rownorm_default_parameters()
  if (params%axis /= -1 .or. params%epsilon /= 1d-8 .or. c_associated(params%weights)) error stop 1
  params%norm = 1 ! ROWNORM_SUM_ABS
  params%axis = 0
  params%epsilon = 0
  if (rownorm_normalize(of_x, of_x, of_norms, params, c_null_ptr) /= 0) error stop 2
  if (any(norms /= [4d0, 8d0])) error stop 3
  if (any(x /= reshape([0.25d0, -0.5d0, 0.25d0, 0d0, 0d0, 1d0], [3, 2]))) error stop 4
  do j = 1, 2
    print '(3f6.2)', x(:, j)
  end do
end program
