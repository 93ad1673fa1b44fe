// Picking and placing by position. Each function copies between row-major blocks:
//
//   along an axis, a tensor is (outer, size, inner):   (2, 3, 5, 7) along axis 1  ->  (2, 3, 35)
//
// Sums are formed in the order of the index, element after element: the same bits every time.
#include "tensor/index.h"

#include <algorithm>
#include <type_traits>

#include "tensor/views.h"

namespace qkv::tensor {

using lib::fail;

namespace {

// The block sizes before and after an axis.
struct Blocks {
  int64_t outer = 1, inner = 1;
  Blocks(const Shape& shape, int axis) {
    for (int i = 0; i < axis; ++i) outer *= shape[i];
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
};

// a followed by b from its axis `from` on.
Shape joined(Shape a, const Shape& b, int from = 0) {
  for (int axis = from; axis < b.rank(); ++axis) a.push_back(b[axis]);
  return a;
}

Shape with_size(Shape shape, int axis, int64_t size) {
  shape[axis] = size;
  return shape;
}

// dispatch without bool, which cannot be added.
template <class Body>
void dispatch_numbers(const char* op, Dtype dtype, const Body& body) {
  dispatch(dtype, [&]<class T>(T zero) {
    if constexpr (std::is_same_v<T, bool>) {
      fail(op, ": needs numbers to add, got bool");
    } else {
      body(zero);
    }
  });
}

}  // namespace

Tensor checked_ids(const char* op, const Tensor& ids, int64_t limit) {
  if (ids.dtype() != Dtype::int64) fail(op, ": ids are int64, got ", ids.dtype());
  const Tensor list = ids.contiguous();
  const int64_t* id = list.data<int64_t>();
  for (int64_t i = 0; i < list.numel(); ++i) {
    if (id[i] >= 0 && id[i] < limit) continue;
    fail(op, ": id ", id[i], " at element ", i, " of ids ", ids.shape(), " is outside [0, ", limit,
         ")");
  }
  return list;
}

void check_lengths(const char* op, const std::vector<int64_t>& lengths, int64_t B, int64_t T) {
  if (static_cast<int64_t>(lengths.size()) != B) {
    fail(op, ": there are ", lengths.size(), " lengths for ", B, " sequences; need one for each");
  }
  for (const int64_t length : lengths) {
    if (length < 0 || length > T) fail(op, ": length ", length, " is outside [0, ", T, "]");
  }
}

Tensor concat(std::span<const Tensor> parts, int axis) {
  if (parts.empty()) fail("concat: nothing to put together; need at least one tensor");
  const Tensor& first = parts[0];
  axis = normalize_axis("concat", axis, first.rank());
  Shape shape = with_size(first.shape(), axis, 0);
  for (const Tensor& part : parts) {
    if (part.dtype() != first.dtype()) {
      fail("concat: dtypes differ: ", first.dtype(), " and ", part.dtype());
    }
    if (part.rank() != first.rank() ||
        with_size(part.shape(), axis, 0) != with_size(first.shape(), axis, 0)) {
      fail("concat: shapes differ beside axis ", axis, ": ", first.shape(), " and ", part.shape());
    }
    shape[axis] += part.shape()[axis];
    static_cast<void>(shape.numel());  // throws before the sum can overflow
  }
  Tensor result = Tensor::empty(shape, first.dtype());
  const Blocks blocks(shape, axis);
  dispatch(first.dtype(), [&]<class T>(T) {
    T* place = result.mutable_data<T>();  // of a part's first block; the next is a row further
    const int64_t row = shape[axis] * blocks.inner;
    for (const Tensor& part : parts) {
      const Tensor source = part.contiguous();
      const T* from = source.data<T>();
      const int64_t block = part.shape()[axis] * blocks.inner;
      for (int64_t o = 0; o < blocks.outer; ++o) {
        std::copy_n(from + o * block, block, place + o * row);
      }
      place += block;
    }
  });
  return result;
}

Tensor stack(const std::vector<Tensor>& parts, int axis) {
  if (parts.empty()) fail("stack: nothing to put together; need at least one tensor");
  axis = normalize_axis("stack", axis, parts[0].rank() + 1);
  std::vector<Tensor> slabs;
  for (const Tensor& part : parts) {
    if (part.shape() != parts[0].shape() || part.dtype() != parts[0].dtype()) {
      fail("stack: tensors differ: ", parts[0].shape(), " ", parts[0].dtype(), " and ",
           part.shape(), " ", part.dtype());
    }
    slabs.push_back(unsqueeze(part, axis));
  }
  return concat(slabs, axis);
}

Tensor embedding(const Tensor& table, const Tensor& ids) {
  if (table.rank() == 0) fail("embedding: the table has rank 0; need (rows, ...)");
  const int64_t row = Blocks(table.shape(), 0).inner;
  const Tensor list = checked_ids("embedding", ids, table.shape()[0]);
  const Tensor rows = table.contiguous();
  Tensor result = Tensor::empty(joined(ids.shape(), table.shape(), 1), table.dtype());
  dispatch(table.dtype(), [&]<class T>(T) {
    const int64_t* id = list.data<int64_t>();
    const T* from = rows.data<T>();
    T* to = result.mutable_data<T>();
    for (int64_t i = 0; i < list.numel(); ++i) std::copy_n(from + id[i] * row, row, to + i * row);
  });
  return result;
}

Tensor scatter_add_rows(const Tensor& values, const Tensor& ids, int64_t rows) {
  const int k = ids.rank();
  if (values.rank() < k || joined(ids.shape(), values.shape(), k) != values.shape()) {
    fail("scatter_add_rows: values ", values.shape(), " do not begin with the shape of ids ",
         ids.shape());
  }
  const Tensor list = checked_ids("scatter_add_rows", ids, rows);
  const Tensor source = values.contiguous();
  Tensor result = zeros(joined({rows}, values.shape(), k), values.dtype());
  const int64_t row = Blocks(result.shape(), 0).inner;
  dispatch_numbers("scatter_add_rows", values.dtype(), [&]<class T>(T) {
    const int64_t* id = list.data<int64_t>();
    const T* from = source.data<T>();
    T* to = result.mutable_data<T>();
    for (int64_t i = 0; i < list.numel(); ++i) {
      for (int64_t j = 0; j < row; ++j) to[id[i] * row + j] += from[i * row + j];
    }
  });
  return result;
}

namespace {

void check_list(const char* op, const Tensor& index) {
  if (index.rank() != 1) fail(op, ": the index is ", index.shape(), "; need a list, (n)");
}

}  // namespace

// The axis is made the first: then its slices are the rows of a table.
Tensor index_select(const Tensor& x, int axis, const Tensor& index) {
  axis = normalize_axis("index_select", axis, x.rank());
  check_list("index_select", index);
  const Tensor ids = checked_ids("index_select", index, x.shape()[axis]);
  return transpose(embedding(transpose(x, 0, axis), ids), 0, axis).contiguous();
}

Tensor index_add(const Tensor& x, int axis, const Tensor& index, int64_t size) {
  axis = normalize_axis("index_add", axis, x.rank());
  check_list("index_add", index);
  if (x.shape()[axis] != index.numel()) {
    fail("index_add: ", index.numel(), " indices for ", x.shape(), " along axis ", axis);
  }
  const Tensor ids = checked_ids("index_add", index, size);
  return transpose(scatter_add_rows(transpose(x, 0, axis), ids, size), 0, axis).contiguous();
}

Tensor gather(const Tensor& x, int axis, const Tensor& index) {
  axis = normalize_axis("gather", axis, x.rank());
  const int64_t size = x.shape()[axis];
  if (index.rank() != x.rank() || with_size(index.shape(), axis, size) != x.shape()) {
    fail("gather: index ", index.shape(), " does not fit ", x.shape(),
         "; sizes may differ along axis ", axis, " only");
  }
  const Tensor list = checked_ids("gather", index, size);
  const Tensor source = x.contiguous();
  Tensor result = Tensor::empty(index.shape(), x.dtype());
  const int64_t picks = index.shape()[axis];
  const Blocks blocks(index.shape(), axis);
  dispatch(x.dtype(), [&]<class T>(T) {
    const int64_t* id = list.data<int64_t>();
    const T* from = source.data<T>();
    T* to = result.mutable_data<T>();
    for (int64_t o = 0; o < blocks.outer; ++o, from += size * blocks.inner) {
      for (int64_t j = 0; j < picks; ++j) {
        for (int64_t i = 0; i < blocks.inner; ++i) *to++ = from[*id++ * blocks.inner + i];
      }
    }
  });
  return result;
}

Tensor scatter_add(const Tensor& values, int axis, const Tensor& index, int64_t size) {
  axis = normalize_axis("scatter_add", axis, values.rank());
  if (index.shape() != values.shape()) {
    fail("scatter_add: values ", values.shape(), " and index ", index.shape(), " differ in shape");
  }
  const Tensor list = checked_ids("scatter_add", index, size);
  const Tensor source = values.contiguous();
  Tensor result = zeros(with_size(values.shape(), axis, size), values.dtype());
  const int64_t picks = values.shape()[axis];
  const Blocks blocks(values.shape(), axis);
  dispatch_numbers("scatter_add", values.dtype(), [&]<class T>(T) {
    const int64_t* id = list.data<int64_t>();
    const T* from = source.data<T>();
    T* to = result.mutable_data<T>();
    for (int64_t o = 0; o < blocks.outer; ++o, to += size * blocks.inner) {
      for (int64_t j = 0; j < picks; ++j) {
        for (int64_t i = 0; i < blocks.inner; ++i) to[*id++ * blocks.inner + i] += *from++;
      }
    }
  });
  return result;
}

Tensor slice_adjoint(const Tensor& x, const Shape& shape, int axis, int64_t begin, int64_t step) {
  axis = normalize_axis("slice_adjoint", axis, shape.rank());
  const int64_t size = shape[axis], first = begin < 0 ? begin + size : begin;
  if (x.rank() != shape.rank() || with_size(x.shape(), axis, size) != shape) {
    fail("slice_adjoint: ", x.shape(), " is no slice of ", shape, " along axis ", axis);
  }
  const int64_t gaps = std::max<int64_t>(x.shape()[axis] - 1, 0);
  const bool fits = step >= 1 && first >= 0 && first <= size &&
                    (x.shape()[axis] == 0 || (first < size && gaps <= (size - 1 - first) / step));
  if (!fits) {
    fail("slice_adjoint: ", x.shape(), " at begin ", begin, ", step ", step, " exceeds axis ", axis,
         " of ", shape);
  }
  Tensor result = zeros(shape, x.dtype());
  const int64_t end = x.shape()[axis] == 0 ? first : first + gaps * step + 1;
  slice(result, axis, first, end, step).copy_(x);
  return result;
}

Tensor one_hot(const Tensor& ids, int64_t classes, Dtype dtype) {
  const Tensor list = checked_ids("one_hot", ids, classes);
  Tensor result = zeros(joined(ids.shape(), {classes}), dtype);
  dispatch(dtype, [&]<class T>(T) {
    const int64_t* id = list.data<int64_t>();
    T* to = result.mutable_data<T>();
    for (int64_t i = 0; i < list.numel(); ++i) to[i * classes + id[i]] = T(1);
  });
  return result;
}

}  // namespace qkv::tensor
