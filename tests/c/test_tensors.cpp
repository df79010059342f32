// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The C interface, called from C++, on every device.
#include <rownorm/c/rownorm.h>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <thread>

#include "c/tensors.hpp"
#include "support/types.hpp"

using namespace rownorm::tests;
using Catch::Matchers::ContainsSubstring;

namespace {

#ifdef KOKKOS_ENABLE_CUDA
using MemorySpaces = std::tuple<Kokkos::HostSpace, Kokkos::CudaSpace>;
#else
using MemorySpaces = std::tuple<Kokkos::HostSpace>;
#endif
using Values = std::tuple<float, double, rownorm::impl::Float16, rownorm::impl::BFloat16, Kokkos::complex<float>,
                          Kokkos::complex<double>>;

/// Waits for what was enqueued on the legacy default stream, or any other.
void wait() { Kokkos::fence(); }

template <class T>
double tolerance() {
  using Real = rownorm::impl::real_part_of<T>;
  return sizeof(Real) == 8                              ? 1e-15
         : sizeof(Real) == 4                            ? 4e-7
         : std::is_same_v<Real, rownorm::impl::Float16> ? 2e-3
                                                        : 1.6e-2;
}

template <class T>
T some_value(std::int64_t i) {
  const auto real = static_cast<float>((i * 37 + 11) % 101 - 50) / 32;
  if constexpr (rownorm::impl::is_complex_v<T>)
    return T(real, static_cast<float>(i % 7) / 4);
  else
    return static_cast<T>(real);
}

double norm_of(int norm, const std::vector<std::complex<double>>& row) {
  double sum = 0, squares = 0, largest = 0;
  for (const auto& x : row) sum += std::abs(x), squares += std::norm(x), largest = std::max(largest, std::abs(x));
  const auto n = static_cast<double>(row.size());
  return norm == ROWNORM_MEAN_ABS           ? sum / n
         : norm == ROWNORM_SUM_ABS          ? sum
         : norm == ROWNORM_ROOT_MEAN_SQUARE ? std::sqrt(squares / n)
         : norm == ROWNORM_EUCLIDEAN        ? std::sqrt(squares)
                                            : largest;
}

/// The rows along dimension 1 of a tensor of 3 x 5 x 4.
constexpr std::int64_t planes = 3, length = 5, rows_a_plane = 4;
std::vector<std::complex<double>> row_of(const std::vector<std::complex<double>>& all, std::int64_t row) {
  std::vector<std::complex<double>> result;
  for (std::int64_t j = 0; j < length; ++j)
    result.push_back(all[(row / rows_a_plane * length + j) * rows_a_plane + row % rows_a_plane]);
  return result;
}

template <class T, class Space>
void check_against_formula(int norm) {
  const Extents shape{planes, length, rows_a_plane};
  // Gaps between rows of x, and columns of y as neighbours, a few elements into its memory.
  TestTensor<T, Space> x(shape, {23, 4, 1}), y(shape, {length, 1, planes * length}, 3);
  TestTensor<double, Space> norms({planes, rows_a_plane});
  TestTensor<float, Space> weights({length}, {2});
  x.fill(some_value<T>);
  weights.fill([](std::int64_t j) { return 0.5F * static_cast<float>(j) - 1; });
  rownorm_parameters params = rownorm_default_parameters();
  params.norm = norm;
  params.axis = -2;
  params.epsilon = 0.25;
  params.weights = weights;
  REQUIRE(rownorm_normalize(x, y, norms, &params, nullptr) == ROWNORM_SUCCESS);
  wait();
  const auto of_x = x.values(), of_y = y.values(), of_norms = norms.values();
  for (std::int64_t row = 0; row < planes * rows_a_plane; ++row) {
    const auto x_row = row_of(of_x, row), y_row = row_of(of_y, row);
    const double expected = norm_of(norm, x_row);
    CHECK(std::abs(of_norms[row] - expected) <= 1e-6 * expected);
    for (std::int64_t j = 0; j < length; ++j) {
      const auto value = x_row[j] / (expected + 0.25) * (0.5 * static_cast<double>(j) - 1);
      CHECK(std::abs(y_row[j] - value) <= tolerance<T>() * std::abs(value));
    }
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("c: rows of tensors are normalised as the formula says", "[c]", MemorySpaces) {
  const int norm = GENERATE(0, 1, 2, 3, 4);
  CAPTURE(norm);
  check_against_formula<float, TestType>(norm);
  check_against_formula<double, TestType>(norm);
  check_against_formula<rownorm::impl::Float16, TestType>(norm);
  check_against_formula<rownorm::impl::BFloat16, TestType>(norm);
  check_against_formula<Kokkos::complex<float>, TestType>(norm);
  check_against_formula<Kokkos::complex<double>, TestType>(norm);
}

TEMPLATE_LIST_TEST_CASE("c: defaults, strides that are not given, and calls in place", "[c]", MemorySpaces) {
  TestTensor<float, TestType> x({6, 100}), y({6, 100});
  x.fill(some_value<float>);
  x->strides = y->strides = nullptr;
  REQUIRE(rownorm_normalize(x, y, nullptr, nullptr, nullptr) == ROWNORM_SUCCESS);
  wait();
  const auto of_x = x.values(), of_y = y.values();
  double sum = 0;
  for (int j = 0; j < 100; ++j) sum += std::abs(of_x[200 + j]);
  for (int j = 0; j < 100; ++j) CHECK(std::abs(of_y[200 + j] - of_x[200 + j] / (sum / 100 + 1e-8)) <= 1e-6);
  REQUIRE(rownorm_normalize(x, x, nullptr, nullptr, nullptr) == ROWNORM_SUCCESS);
  wait();
  CHECK(x.values() == of_y);
}

TEMPLATE_LIST_TEST_CASE("c: norms alone, also of a single row", "[c]", MemorySpaces) {
  TestTensor<float, TestType> x({7}), none({});
  TestTensor<rownorm::impl::Float16, TestType> one({1});
  x.fill([](std::int64_t j) { return static_cast<float>(j - 3); });
  rownorm_parameters params = rownorm_default_parameters();
  params.norm = ROWNORM_SUM_ABS;
  REQUIRE(rownorm_row_norms(x, one, &params, nullptr) == ROWNORM_SUCCESS);
  REQUIRE(rownorm_row_norms(x, none, &params, nullptr) == ROWNORM_SUCCESS);
  wait();
  CHECK(one.values()[0] == 12.0);
  CHECK(none.values()[0] == 12.0);
}

TEMPLATE_LIST_TEST_CASE("c: gradients are those of the C++ interface", "[c]", MemorySpaces) {
  using Device = std::conditional_t<std::is_same_v<TestType, Kokkos::HostSpace>, Kokkos::DefaultHostExecutionSpace,
                                    Kokkos::DefaultExecutionSpace>;
  TestTensor<double, TestType> x({9, 33}), grad_y({9, 33}), grad_x({9, 33}), weights({33});
  const auto view_of = [](TestTensor<double, TestType>& tensor) {
    return Kokkos::View<double**, Kokkos::LayoutRight, TestType>(static_cast<double*>(tensor->data), 9, 33);
  };
  x.fill(some_value<double>);
  grad_y.fill([](std::int64_t i) { return some_value<double>(3 * i + 1); });
  weights.fill([](std::int64_t j) { return 1 + 0.125 * static_cast<double>(j); });
  rownorm_parameters params = rownorm_default_parameters();
  params.norm = ROWNORM_ROOT_MEAN_SQUARE;
  params.weights = weights;
  REQUIRE(rownorm_normalize_backward(x, grad_y, grad_x, &params, nullptr) == ROWNORM_SUCCESS);
  wait();
  const auto of_c = grad_x.values();
  const Kokkos::View<const double*, TestType> of_weights(static_cast<const double*>(weights->data), 33);
  rownorm::normalize_backward(Device(), view_of(x), view_of(grad_y), view_of(grad_x),
                              {.norm = rownorm::RootMeanSquare{}, .weights = of_weights});
  wait();
  CHECK(of_c == grad_x.values());
  CHECK(std::abs(of_c[5]) > 0);
}

TEMPLATE_LIST_TEST_CASE("c: tensors without elements need no memory", "[c]", MemorySpaces) {
  TestTensor<float, TestType> x({0, 5}), y({0, 5}), norms({0});
  for (DLTensor* tensor : std::initializer_list<DLTensor*>{x, y, norms}) tensor->data = nullptr;
  CHECK(rownorm_normalize(x, y, norms, nullptr, nullptr) == ROWNORM_SUCCESS);
  CHECK(rownorm_row_norms(x, norms, nullptr, nullptr) == ROWNORM_SUCCESS);
  CHECK(rownorm_normalize_backward(x, y, y, nullptr, nullptr) == ROWNORM_SUCCESS);
}

namespace {

/// What a call is made with, to be spoilt.
struct Call {
  TestTensor<float, Kokkos::HostSpace> x{{3, 4}}, y{{3, 4}}, norms{{3}}, weights{{4}};
  rownorm_parameters params = rownorm_default_parameters();

  Call() { params.weights = weights; }
  rownorm_status run() { return rownorm_normalize(x, y, norms, &params, nullptr); }
};

struct Bad {
  const char* message;
  rownorm_status status;
  std::function<void(Call&)> spoil;
};

}  // namespace

TEST_CASE("c: bad arguments are refused with the reason, before anything is written", "[c]") {
  static Extents huge{std::int64_t{1} << 32, std::int64_t{1} << 60}, of_13(13, 1), none_negative{3, -4},
      negative_strides{4, -1}, wider{3, 5}, zero_strides{0, 1}, rank_3{3, 4, 1};
  const std::vector<Bad> all{
      {"x has 0 dimensions, but must have from 1 to 8", ROWNORM_INVALID_ARGUMENT, [](Call& c) { c.x->ndim = 0; }},
      {"x has 13 dimensions, but must have from 1 to 8", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.x->ndim = 13, c.x->shape = of_13.data(); }},
      {"x has no shape", ROWNORM_INVALID_ARGUMENT, [](Call& c) { c.x->shape = nullptr; }},
      {"x has -4 elements in dimension 1 of 2", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.x->shape = none_negative.data(); }},
      {"y has the stride -1 in dimension 1 of 2, but none may be negative", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.y->strides = negative_strides.data(); }},
      {"x has values of int32, which must be float32, float64, float16, bfloat16, complex64 or complex128",
       ROWNORM_UNSUPPORTED,
       [](Call& c) {
         c.x->dtype = {kDLInt, 32, 1};
       }},
      {"x has values of float32 x 4", ROWNORM_UNSUPPORTED, [](Call& c) { c.x->dtype.lanes = 4; }},
      {"y must have values of the type of those of x", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) {
         c.y->dtype = {kDLFloat, 16, 1};
       }},
      {"x is on a device of DLPack's type 10, which this library was built without", ROWNORM_UNSUPPORTED,
       [](Call& c) { c.x->device.device_type = kDLROCM; }},
      {"but its values must be aligned to 4 bytes", ROWNORM_INVALID_ARGUMENT, [](Call& c) { c.x->byte_offset = 2; }},
      {"x has more elements, or wider strides, than any memory", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.x->shape = huge.data(); }},
      {"x has more elements, or wider strides, than any memory", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.x->strides = huge.data(); }},
      {"y has 3 dimensions, but x has 2", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.y->ndim = 3, c.y->shape = rank_3.data(), c.y->strides = nullptr; }},
      {"x (3 x 4) and y (3 x 5) must have equal extents", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.y->shape = wider.data(); }},
      {"x (3 x 4) has elements but no memory", ROWNORM_INVALID_ARGUMENT, [](Call& c) { c.x->data = nullptr; }},
      {"y (3 x 4) has indices that lead to the same element", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.y->strides = zero_strides.data(); }},
      {"x (3 x 4) and y (3 x 4) overlap in part", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.y->data = static_cast<char*>(c.x->data) + 4; }},
      {"norms has 2 dimensions, but must have one less than x, which has 2", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.norms->ndim = 2, c.norms->shape = wider.data(), c.norms->strides = nullptr; }},
      {"norms (5) must have an element for each row of x (3 x 4) along axis 1", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.norms->shape = wider.data() + 1; }},
      {"norms has complex values, but must be real", ROWNORM_UNSUPPORTED,
       [](Call& c) {
         c.norms->dtype = {kDLComplex, 64, 1};
       }},
      {"params.weights has 2 dimensions, but must have one", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.weights->ndim = 2, c.weights->shape = wider.data(), c.weights->strides = nullptr; }},
      {"params.weights (3) must have an element for each column of x (3 x 4) along axis 1", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.weights->shape = wider.data(); }},
      {"params->norm is 5, which is no rownorm_norm", ROWNORM_INVALID_ARGUMENT, [](Call& c) { c.params.norm = 5; }},
      {"params.axis is 2, but x (3 x 4) has axes from -2 to 1", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.params.axis = 2; }},
      {"params.epsilon is -1, but must lie between 0 and", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.params.epsilon = -1; }},
      {"params.epsilon is nan", ROWNORM_INVALID_ARGUMENT,
       [](Call& c) { c.params.epsilon = std::numeric_limits<double>::quiet_NaN(); }},
  };
  for (const Bad& bad : all) {
    CAPTURE(bad.message);
    Call call;
    call.x.fill(some_value<float>);
    const auto before = std::vector{call.y.values(), call.norms.values()};
    bad.spoil(call);
    CHECK(call.run() == bad.status);
    CHECK_THAT(rownorm_last_error(), ContainsSubstring("rownorm_normalize: ") && ContainsSubstring(bad.message));
    Call fresh;
    *call.y = *fresh.y, *call.norms = *fresh.norms;
    CHECK(std::vector{call.y.values(), call.norms.values()} == before);
  }
}

TEST_CASE("c: complex values must be aligned as their type is", "[c]") {
  using Complex = Kokkos::complex<double>;
  TestTensor<Complex, Kokkos::HostSpace> x({2});
  x->byte_offset = 8;
  x->shape[0] = 1;
  const rownorm_status expected = alignof(Complex) > 8 ? ROWNORM_INVALID_ARGUMENT : ROWNORM_SUCCESS;
  CHECK(rownorm_normalize(x, x, nullptr, nullptr, nullptr) == expected);
}

TEST_CASE("c: what is null, and gradients that are not there", "[c]") {
  Call call;
  const auto message = [](rownorm_status status, rownorm_status expected) {
    CHECK(status == expected);
    return std::string(rownorm_last_error());
  };
  CHECK(message(rownorm_normalize(nullptr, call.y, nullptr, nullptr, nullptr), ROWNORM_INVALID_ARGUMENT) ==
        "rownorm_normalize: x is null");
  CHECK(message(rownorm_normalize(call.x, nullptr, nullptr, nullptr, nullptr), ROWNORM_INVALID_ARGUMENT) ==
        "rownorm_normalize: y is null");
  CHECK(message(rownorm_row_norms(call.x, nullptr, nullptr, nullptr), ROWNORM_INVALID_ARGUMENT) ==
        "rownorm_row_norms: norms is null");
  CHECK(message(rownorm_normalize_backward(call.x, nullptr, call.y, nullptr, nullptr), ROWNORM_INVALID_ARGUMENT) ==
        "rownorm_normalize_backward: grad_y is null");
  call.params.norm = ROWNORM_MAX_ABS;
  CHECK_THAT(
      message(rownorm_normalize_backward(call.x, call.y, call.y, &call.params, nullptr), ROWNORM_INVALID_ARGUMENT),
      ContainsSubstring("MaxAbs, which has no gradient"));
  TestTensor<Kokkos::complex<float>, Kokkos::HostSpace> complex({3, 4});
  CHECK_THAT(message(rownorm_normalize_backward(complex, complex, complex, nullptr, nullptr), ROWNORM_UNSUPPORTED),
             ContainsSubstring("x has complex values, but must be real"));
}

TEST_CASE("c: many threads at a time", "[c][concurrency]") {
#ifdef KOKKOS_ENABLE_ATOMICS_BYPASS
  SKIP("this Kokkos was built for one host thread (Kokkos_ENABLE_ATOMICS_BYPASS)");
#endif
  std::vector<std::thread> callers;
  std::vector<int> right(6, 0);
  for (std::size_t t = 0; t < right.size(); ++t)
    callers.emplace_back([&right, t] {
      TestTensor<float, Kokkos::HostSpace> x({50, 30}), y({50, 30});
      x.fill([t](std::int64_t i) { return static_cast<float>(i % 30 == 0 ? t + 1 : 0); });
      for (int call = 0; call < 20; ++call)
        right[t] += rownorm_normalize(x, y, nullptr, nullptr, nullptr) == ROWNORM_SUCCESS ? 1 : 0;
      right[t] += std::abs(y.values()[30] - 30.0) < 1e-4 && std::abs(y.values()[31]) == 0 ? 1 : 0;
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(right == std::vector<int>(6, 21));
}

TEST_CASE("c: each thread has its own last error", "[c]") {
  Call call;
  call.params.norm = -1;
  CHECK(call.run() == ROWNORM_INVALID_ARGUMENT);
  std::string of_other_thread = "not called";
  std::thread([&] { of_other_thread = rownorm_last_error(); }).join();
  CHECK(of_other_thread.empty());
  CHECK_THAT(rownorm_last_error(), ContainsSubstring("params->norm is -1"));
}

TEST_CASE("c: the version is that of the headers", "[c]") {
  const auto number = [](int n) { return std::to_string(n); };
  CHECK(rownorm_version() ==
        number(ROWNORM_VERSION_MAJOR) + '.' + number(ROWNORM_VERSION_MINOR) + '.' + number(ROWNORM_VERSION_PATCH));
}

TEST_CASE("c: where memory is, and waiting for what was enqueued", "[c]") {
  const double on_host = 0;
  DLDevice device{kDLExtDev, 3};
#ifdef KOKKOS_ENABLE_CUDA
  REQUIRE(rownorm_device_of(&on_host, &device) == ROWNORM_SUCCESS);
  CHECK(device.device_type == kDLCPU);
  const auto device_of = [](const auto& memory) {
    DLDevice found{};
    CHECK(rownorm_device_of(memory.data(), &found) == ROWNORM_SUCCESS);
    CHECK(found.device_id == Kokkos::Cuda().cuda_device());
    return found.device_type;
  };
  CHECK(device_of(Kokkos::View<float*, Kokkos::CudaSpace>("on the device", 4)) == kDLCUDA);
  CHECK(device_of(Kokkos::View<float*, Kokkos::CudaUVMSpace>("managed", 4)) == kDLCUDAManaged);
  CHECK(device_of(Kokkos::View<float*, Kokkos::CudaHostPinnedSpace>("pinned", 4)) == kDLCUDAHost);

  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  TestTensor<float, Kokkos::CudaSpace> x({4096, 65536});
  REQUIRE(rownorm_normalize(x, x, nullptr, nullptr, stream) == ROWNORM_SUCCESS);
  REQUIRE(rownorm_synchronize(x->device, stream) == ROWNORM_SUCCESS);
  CHECK(cudaStreamQuery(stream) == cudaSuccess);
  cudaGraph_t graph = nullptr;
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK(rownorm_synchronize(x->device, stream) == ROWNORM_INVALID_ARGUMENT);
  CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
  CHECK(rownorm_synchronize({kDLCUDA, 99}, nullptr) == ROWNORM_UNSUPPORTED);
  CHECK_THAT(rownorm_last_error(), ContainsSubstring("device is CUDA device 99"));
#else
  CHECK(rownorm_device_of(&on_host, &device) == ROWNORM_UNSUPPORTED);
  CHECK_THAT(rownorm_last_error(), ContainsSubstring("rownorm_device_of: this library was built without CUDA"));
  CHECK(device.device_id == 3);
  CHECK(rownorm_synchronize({kDLCUDA, 0}, nullptr) == ROWNORM_UNSUPPORTED);
#endif
  CHECK(rownorm_device_of(&on_host, nullptr) == ROWNORM_INVALID_ARGUMENT);
  CHECK_THAT(rownorm_last_error(), ContainsSubstring("device is null"));
  CHECK(rownorm_synchronize({kDLCPU, 0}, nullptr) == ROWNORM_SUCCESS);
  CHECK(rownorm_synchronize({kDLMetal, 0}, nullptr) == ROWNORM_UNSUPPORTED);
  CHECK_THAT(rownorm_last_error(), ContainsSubstring("device is a device of DLPack's type 8"));
}

#ifdef KOKKOS_ENABLE_CUDA
TEST_CASE("c: tensors of two devices, or of a device that Kokkos does not use", "[c]") {
  Call call;
  TestTensor<float, Kokkos::CudaSpace> on_device({3, 4});
  CHECK(rownorm_normalize(call.x, on_device, nullptr, nullptr, nullptr) == ROWNORM_INVALID_ARGUMENT);
  CHECK_THAT(rownorm_last_error(), ContainsSubstring("y is on CUDA device 0, but x is on the host"));
  on_device->device.device_id = 7;
  CHECK(rownorm_normalize(on_device, on_device, nullptr, nullptr, nullptr) == ROWNORM_UNSUPPORTED);
  CHECK_THAT(rownorm_last_error(), ContainsSubstring("x is on CUDA device 7"));
}

TEST_CASE("c: streams that cannot be served", "[c]") {
  TestTensor<float, Kokkos::CudaSpace> x({3, 4});
  CHECK(rownorm_normalize(x, x, nullptr, nullptr, cudaStreamPerThread) == ROWNORM_UNSUPPORTED);
  CHECK_THAT(rownorm_last_error(), ContainsSubstring("cudaStreamPerThread"));
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK(rownorm_normalize(x, x, nullptr, nullptr, stream) == ROWNORM_INVALID_ARGUMENT);
  CHECK_THAT(rownorm_last_error(), ContainsSubstring("is being captured, but the first call on a stream allocates"));
  CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}

TEST_CASE("c: work is enqueued on the stream that is given, and can be captured", "[c]") {
  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  TestTensor<float, Kokkos::CudaSpace> x({64, 1000}), y({64, 1000});
  x.fill(some_value<float>);
  REQUIRE(rownorm_normalize(x, y, nullptr, nullptr, stream) == ROWNORM_SUCCESS);
  REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
  const auto expected = y.values();
  y.fill([](std::int64_t) { return 0; });
  // Rows that teams share, which need what rows as long as those before do not.
  TestTensor<float, Kokkos::CudaSpace> long_x({2, 1 << 20}), long_y({2, 1 << 20});
  long_x.fill(some_value<float>);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t ready = nullptr;
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  REQUIRE(rownorm_normalize(x, y, nullptr, nullptr, stream) == ROWNORM_SUCCESS);
  REQUIRE(rownorm_normalize(long_x, long_y, nullptr, nullptr, stream) == ROWNORM_SUCCESS);
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  REQUIRE(cudaGraphInstantiateWithFlags(&ready, graph, 0) == cudaSuccess);
  CHECK(std::abs(y.values()[7]) == 0);
  REQUIRE(cudaGraphLaunch(ready, stream) == cudaSuccess);
  REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(y.values() == expected);
  CHECK(std::abs(long_y.values()[7]) > 0);
  CHECK(cudaGraphExecDestroy(ready) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}
#endif
