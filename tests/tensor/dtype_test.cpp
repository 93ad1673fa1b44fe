// The four element types: names, sizes, and the way from a runtime dtype to a C++ type.
#include "tensor/dtype.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <type_traits>

using namespace qkv::tensor;

TEST_CASE("names and sizes") {
  CHECK(dtype_name(Dtype::float32) == "float32");
  CHECK(dtype_name(Dtype::float64) == "float64");
  CHECK(dtype_name(Dtype::int64) == "int64");
  CHECK(dtype_name(Dtype::boolean) == "bool");
  CHECK(qkv::lib::str(Dtype::boolean, " ", Dtype::float32) == "bool float32");
  CHECK(dtype_size(Dtype::float32) == 4);
  CHECK(dtype_size(Dtype::float64) == 8);
  CHECK(dtype_size(Dtype::int64) == 8);
  CHECK(dtype_size(Dtype::boolean) == 1);
}

TEST_CASE("dispatch calls the body with the C++ type of the dtype") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64, Dtype::int64, Dtype::boolean}) {
    CHECK(dispatch(dtype, []<class T>(T) { return dtype_of<T>(); }) == dtype);
  }
}

TEST_CASE("dispatch_floating takes the floating types and refuses the others by name") {
  const auto size = []<class T>(T) {
    static_assert(std::is_floating_point_v<T>);
    return sizeof(T);
  };
  CHECK(dispatch_floating("exp", Dtype::float32, size) == 4);
  CHECK(dispatch_floating("exp", Dtype::float64, size) == 8);
  CHECK_THROWS_WITH_AS(dispatch_floating("exp", Dtype::int64, size),
                       "exp: needs float32 or float64, got int64", std::invalid_argument);
  CHECK_THROWS_WITH_AS(dispatch_floating("exp", Dtype::boolean, size),
                       "exp: needs float32 or float64, got bool", std::invalid_argument);
}

TEST_CASE("only float32 and float64 are floating") {
  CHECK(is_floating(Dtype::float32));
  CHECK(is_floating(Dtype::float64));
  CHECK(!is_floating(Dtype::int64));
  CHECK(!is_floating(Dtype::boolean));
}
