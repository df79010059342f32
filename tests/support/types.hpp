// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_TYPES_HPP
#define ROWNORM_TESTS_TYPES_HPP

#include <Kokkos_Core.hpp>
#include <rownorm/impl/compat.hpp>
#include <tuple>

/// What the typed tests run over, as lists for TEMPLATE_LIST_TEST_CASE.
namespace rownorm::tests {

using half_t = Kokkos::Experimental::half_t;
using bhalf_t = Kokkos::Experimental::bhalf_t;

template <class... Lists>
using concatenate = decltype(std::tuple_cat(std::declval<Lists>()...));

#define ROWNORM_TESTS_AS_TUPLE(EXEC) , std::tuple<EXEC>
/// The enabled execution spaces.
using Spaces = concatenate<std::tuple<> ROWNORM_IMPL_FOR_EACH_EXECUTION_SPACE(ROWNORM_TESTS_AS_TUPLE)>;
#undef ROWNORM_TESTS_AS_TUPLE

template <class X, class Y>
struct Values {
  using x_type = X;
  using y_type = Y;
};

// On a Kokkos without a GPU backend, half_t and bhalf_t are float, which the lists have already.
using SameValues = concatenate<std::tuple<Values<float, float>, Values<double, double>> ROWNORM_IMPL_WITH_HALF(
    , std::tuple<Values<half_t, half_t>>) ROWNORM_IMPL_WITH_BHALF(, std::tuple<Values<bhalf_t, bhalf_t>>)>;
using MixedValues =
    concatenate<std::tuple<Values<float, double>, Values<double, float>> ROWNORM_IMPL_WITH_HALF(
        , std::tuple<Values<half_t, float>, Values<float, half_t>, Values<double, half_t>>)
                    ROWNORM_IMPL_WITH_BHALF(
                        , std::tuple<Values<bhalf_t, float>, Values<float, bhalf_t>, Values<bhalf_t, double>>)>;

template <class X, class Y>
struct Layouts {
  using x_layout = X;
  using y_layout = Y;
};

using Right = Kokkos::LayoutRight;
using Left = Kokkos::LayoutLeft;
using Stride = Kokkos::LayoutStride;
using AllLayouts = std::tuple<Layouts<Right, Right>, Layouts<Right, Left>, Layouts<Right, Stride>, Layouts<Left, Right>,
                              Layouts<Left, Left>, Layouts<Left, Stride>, Layouts<Stride, Right>, Layouts<Stride, Left>,
                              Layouts<Stride, Stride>>;
using SomeLayouts = std::tuple<Layouts<Right, Right>, Layouts<Stride, Left>>;

/// One cell of a typed grid.
template <class Exec, class V, class L = Layouts<Right, Right>>
struct Case : V, L {
  using execution_space = Exec;
};

template <class Exec, class V, class List>
struct WithLayouts;
template <class Exec, class V, class... L>
struct WithLayouts<Exec, V, std::tuple<L...>> {
  using type = std::tuple<Case<Exec, V, L>...>;
};

template <class Exec, class ValuesList, class LayoutsList>
struct WithValues;
template <class Exec, class... V, class LayoutsList>
struct WithValues<Exec, std::tuple<V...>, LayoutsList> {
  using type = concatenate<typename WithLayouts<Exec, V, LayoutsList>::type...>;
};

template <class SpacesList, class ValuesList, class LayoutsList>
struct Grid;
template <class... Exec, class ValuesList, class LayoutsList>
struct Grid<std::tuple<Exec...>, ValuesList, LayoutsList> {
  using type = concatenate<typename WithValues<Exec, ValuesList, LayoutsList>::type...>;
};

/// Every enabled execution space x every value type x every pair of layouts, and pairs of different value types.
using FullGrid = concatenate<Grid<Spaces, SameValues, AllLayouts>::type, Grid<Spaces, MixedValues, SomeLayouts>::type>;
/// Every enabled execution space x every pair of value types, in LayoutRight.
using ValueGrid = Grid<Spaces, concatenate<SameValues, MixedValues>, std::tuple<Layouts<Right, Right>>>::type;

/// Every enabled execution space x every value type.
using SameTypes = Grid<Spaces, SameValues, std::tuple<Layouts<Right, Right>>>::type;

}  // namespace rownorm::tests

#endif
