// Reductions. Any axis is brought into one of two forms, seen as (outer, n, inner) in memory:
//
//   inner = 1    rows: n neighbours are summed in lanes (lib::sum)
//   inner > 1    columns: rows of `inner` numbers are added onto one another, in order
#include "tensor/reduce.h"

#include <algorithm>
#include <numeric>

#include "lib/parallel.h"
#include "lib/vector_math.h"
#include "tensor/elementwise.h"
#include "tensor/views.h"

namespace qkv::tensor {
namespace {

using lib::fail;

struct Form {
  int64_t outer = 1, n = 1, inner = 1;
};

// The form for axes first .. last (neighbours) of a row-major tensor.
Form form_of(const Shape& shape, int first, int last) {
  Form form;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    (axis < first ? form.outer : axis <= last ? form.n : form.inner) *= shape[axis];
  }
  return form;
}

Shape without_axis(Shape shape, int axis, bool keepdim) {
  if (keepdim) {
    shape[axis] = 1;
  } else {
    shape.erase(axis);
  }
  return shape;
}

// y[j] = Σ_i x[i][j] for columns first .. last - 1, from top to bottom. Four rows at a time: then y
// is read and written once where x is read four times.
template <class T>
void sum_columns(Form form, int64_t first, int64_t last, const T* x, T* y) {
  const int64_t step = form.inner;
  std::fill(y + first, y + last, T(0));
  int64_t i = 0;
  for (; i + 4 <= form.n; i += 4, x += 4 * step) {
    for (int64_t j = first; j < last; ++j) {
      y[j] = y[j] + x[j] + x[j + step] + x[j + 2 * step] + x[j + 3 * step];
    }
  }
  for (; i < form.n; ++i, x += step) {
    for (int64_t j = first; j < last; ++j) y[j] += x[j];
  }
}

// Threads share the outer numbers, or else the columns: no sum depends on who computes it.
template <class T>
void sum_form(Form form, const T* x, T* y) {
  constexpr int64_t kWorthSplitting = 32'768, kColumns = 256;
  const int64_t block = std::max<int64_t>(1, form.n * form.inner);
  if (form.outer == 1 && form.inner > 1) {
    const int64_t grain = std::max(kColumns, kWorthSplitting / std::max<int64_t>(1, form.n));
    lib::parallel_for(form.inner, grain,
                      [&](int64_t first, int64_t last) { sum_columns(form, first, last, x, y); });
    return;
  }
  const int64_t grain = std::max<int64_t>(1, kWorthSplitting / block);
  lib::parallel_for(form.outer, grain, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const T* const from = x + o * form.n * form.inner;
      if constexpr (std::is_floating_point_v<T>) {
        if (form.inner == 1) {
          y[o] = lib::sum(form.n, from);
          continue;
        }
      }
      sum_columns(form, 0, form.inner, from, y + o * form.inner);
    }
  });
}

// The sum over the neighbouring axes first .. last, which stay with size 1.
Tensor sum_neighbours(const Tensor& x, int first, int last) {
  const Tensor packed = x.contiguous();
  Shape shape = x.shape();
  for (int axis = first; axis <= last; ++axis) shape[axis] = 1;
  Tensor result = Tensor::empty(shape, x.dtype());
  const auto run = [&]<class T>(T) {
    sum_form(form_of(x.shape(), first, last), packed.data<T>(), result.mutable_data<T>());
  };
  if (x.dtype() == Dtype::int64) {
    run(int64_t());
  } else {
    dispatch_floating("sum", x.dtype(), run);
  }
  return result;
}

std::vector<int> normalized(const char* op, std::vector<int> axes, int rank) {
  if (axes.empty()) {
    axes.resize(static_cast<size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
  }
  for (int& axis : axes) axis = normalize_axis(op, axis, rank);
  std::sort(axes.begin(), axes.end());
  const auto twice = std::adjacent_find(axes.begin(), axes.end());
  if (twice != axes.end()) fail(op, ": axis ", *twice, " is named twice");
  return axes;
}

// For each row along `axis`: visit(row, offset of its first element, stride, n).
template <class T, class Visit>
void for_each_line(const Tensor& packed, int axis, const Visit& visit) {
  const Form form = form_of(packed.shape(), axis, axis);
  const T* const x = packed.data<T>();
  for (int64_t o = 0; o < form.outer; ++o) {
    for (int64_t j = 0; j < form.inner; ++j) {
      visit(o * form.inner + j, x + o * form.n * form.inner + j, form.inner, form.n);
    }
  }
}

// Where the largest element of a line is: the first NaN if there is one, else the first maximum.
template <class T>
int64_t index_of_max(const T* x, int64_t stride, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; ++i) {
    const T candidate = x[i * stride], largest = x[best * stride];
    if (largest != largest) break;
    if (candidate > largest || candidate != candidate) best = i;
  }
  return best;
}

void require_bool(const char* op, const Tensor& x) {
  if (x.dtype() != Dtype::boolean) fail(op, ": needs a bool tensor, got ", x.dtype());
}

}  // namespace

Tensor sum(const Tensor& x, const std::vector<int>& axes, bool keepdim) {
  if (x.dtype() == Dtype::boolean) fail("sum: needs numbers, got bool; convert with to()");
  const std::vector<int> reduced = normalized("sum", axes, x.rank());
  Tensor result = x;
  // From the last axis to the first, neighbours together.
  for (size_t end = reduced.size(); end > 0;) {
    size_t begin = end - 1;
    while (begin > 0 && reduced[begin - 1] == reduced[begin] - 1) --begin;
    result = sum_neighbours(result, reduced[begin], reduced[end - 1]);
    end = begin;
  }
  if (x.rank() == 0) return x.clone();
  if (keepdim) return result;
  Shape shape = result.shape();
  for (size_t k = reduced.size(); k > 0; --k) shape.erase(reduced[k - 1]);
  return reshape(result, shape);
}

Tensor mean(const Tensor& x, const std::vector<int>& axes, bool keepdim) {
  dispatch_floating("mean", x.dtype(), [](auto) {});
  int64_t count = 1;
  for (const int axis : normalized("mean", axes, x.rank())) count *= x.shape()[axis];
  if (count == 0) fail("mean: no elements to average in shape ", x.shape());
  return div(sum(x, axes, keepdim), scalar(static_cast<double>(count), x.dtype()));
}

Tensor argmax(const Tensor& x, int axis, bool keepdim) {
  axis = normalize_axis("argmax", axis, x.rank());
  if (x.shape()[axis] == 0) fail("argmax: axis ", axis, " of shape ", x.shape(), " is empty");
  const Tensor packed = x.contiguous();
  Tensor result = Tensor::empty(without_axis(x.shape(), axis, keepdim), Dtype::int64);
  int64_t* const to = result.mutable_data<int64_t>();
  dispatch(x.dtype(), [&]<class T>(T) {
    for_each_line<T>(packed, axis, [&](int64_t row, const T* line, int64_t stride, int64_t n) {
      to[row] = index_of_max(line, stride, n);
    });
  });
  return result;
}

Tensor max(const Tensor& x, int axis, bool keepdim) {
  axis = normalize_axis("max", axis, x.rank());
  if (x.shape()[axis] == 0) fail("max: axis ", axis, " of shape ", x.shape(), " is empty");
  const Tensor packed = x.contiguous();
  Tensor result = Tensor::empty(without_axis(x.shape(), axis, keepdim), x.dtype());
  dispatch(x.dtype(), [&]<class T>(T) {
    T* const to = result.mutable_data<T>();
    for_each_line<T>(packed, axis, [&](int64_t row, const T* line, int64_t stride, int64_t n) {
      to[row] = line[index_of_max(line, stride, n) * stride];
    });
  });
  return result;
}

bool all(const Tensor& x) {
  require_bool("all", x);
  const Tensor packed = x.contiguous();
  const bool* const values = packed.data<bool>();
  return std::all_of(values, values + packed.numel(), [](bool v) { return v; });
}

bool any(const Tensor& x) {
  require_bool("any", x);
  const Tensor packed = x.contiguous();
  const bool* const values = packed.data<bool>();
  return std::any_of(values, values + packed.numel(), [](bool v) { return v; });
}

//   x (2, 3, 4)  to (3, 1):   sum over axis 0 (missing) and axis 2 (size 1)
Tensor reduce_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (broadcast_shapes("reduce_to", shape, x.shape()) != x.shape()) {
    fail("reduce_to: ", shape, " does not broadcast to ", x.shape());
  }
  const int missing = x.rank() - shape.rank();
  std::vector<int> axes;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (axis < missing || (shape[axis - missing] == 1 && x.shape()[axis] != 1))
      axes.push_back(axis);
  }
  return reshape(axes.empty() ? x : sum(x, axes, true), shape);
}

}  // namespace qkv::tensor
