// Names and sizes of the element types.
#include "tensor/dtype.h"

#include <ostream>

namespace qkv::tensor {

std::string_view dtype_name(Dtype dtype) {
  switch (dtype) {
    case Dtype::float32:
      return "float32";
    case Dtype::float64:
      return "float64";
    case Dtype::int64:
      return "int64";
    case Dtype::boolean:
      return "bool";
  }
  return "?";
}

size_t dtype_size(Dtype dtype) {
  return dispatch(dtype, []<class T>(T) { return sizeof(T); });
}

std::ostream& operator<<(std::ostream& out, Dtype dtype) { return out << dtype_name(dtype); }

}  // namespace qkv::tensor
