// Storage and Tensor: allocation, views, reading single numbers, copying and converting.
#include "tensor/tensor.h"

#include <algorithm>
#include <cstdlib>

#include "lib/check.h"
#include "lib/memory.h"
#include "tensor/strided.h"

namespace qkv::tensor {

using lib::fail;

Storage::Storage(size_t bytes)
    : data_(bytes <= sizeof small_ ? small_ : lib::allocate(bytes)), bytes_(bytes) {}
Storage::~Storage() {
  if (data_ != small_) lib::release(data_, bytes_);
}

// ---- construction -------------------------------------------------------------------------------

const Tensor::Window Tensor::kNothing({}, {}, 0, Dtype::float32, 0);

Tensor Tensor::empty(const Shape& shape, Dtype dtype) {
  const int64_t numel = shape.numel();  // checked for overflow before anything is allocated
  Tensor t;
  t.window_ =
      std::allocate_shared<Window>(lib::CachingAllocator<Window>(), shape, row_major_strides(shape),
                                   numel, dtype, static_cast<size_t>(numel) * dtype_size(dtype));
  return t;
}

template <class T>
Tensor Tensor::of(const std::vector<T>& values, const Shape& shape) {
  if (shape.numel() != static_cast<int64_t>(values.size())) {
    fail("tensor: ", values.size(), " values do not fill shape ", shape, ", which has ",
         shape.numel(), " elements");
  }
  Tensor t = empty(shape, dtype_of<T>());
  std::copy(values.begin(), values.end(), t.mutable_data<T>());
  return t;
}
template Tensor Tensor::of(const std::vector<float>&, const Shape&);
template Tensor Tensor::of(const std::vector<double>&, const Shape&);
template Tensor Tensor::of(const std::vector<int64_t>&, const Shape&);
template Tensor Tensor::of(const std::vector<bool>&, const Shape&);

Tensor Tensor::view(const Shape& shape, const Strides& strides, int64_t offset) const {
  Tensor t;
  t.window_ = std::allocate_shared<Window>(lib::CachingAllocator<Window>(), shape, strides,
                                           shape.numel(), dtype(), size_t{0});
  t.window_->offset = offset;
  t.window_->owner = window_->owner ? window_->owner : window_;
  return t;
}

// ---- reading ------------------------------------------------------------------------------------

bool Tensor::is_contiguous() const {
  const Shape& sizes = shape();
  int64_t step = 1;
  for (int axis = sizes.rank() - 1; axis >= 0; --axis) {
    if (sizes[axis] != 1 && strides()[axis] != step) return numel() == 0;
    step *= sizes[axis];
  }
  return true;
}

bool Tensor::is_sole_owner() const {
  return window_.use_count() == 1 && !window_->owner && is_contiguous();
}

void Tensor::refuse_dtype(Dtype wanted) const {
  if (!defined()) fail("a tensor that is undefined, Tensor() or Variable(), has no numbers");
  CHECK(wanted == dtype());
  std::abort();  // never reached: one of the two does not hold
}

double Tensor::item() const {
  if (numel() != 1) fail("item: needs exactly one element, the shape is ", shape());
  return dispatch(dtype(), [&]<class T>(T) { return static_cast<double>(*data<T>()); });
}

double Tensor::at(std::initializer_list<int64_t> index) const {
  const Shape wanted(index);
  if (wanted.rank() != rank()) {
    fail("at: index ", wanted, " has ", wanted.rank(), " entries, the shape is ", shape());
  }
  int64_t place = 0;
  for (int axis = 0; axis < rank(); ++axis) {
    if (wanted[axis] < 0 || wanted[axis] >= shape()[axis]) {
      fail("at: index ", wanted, " lies outside shape ", shape());
    }
    place += wanted[axis] * strides()[axis];
  }
  return dispatch(dtype(), [&]<class T>(T) { return static_cast<double>(data<T>()[place]); });
}

std::vector<double> Tensor::to_vector() const {
  const Tensor t = contiguous();
  return dispatch(
      dtype(), [&]<class T>(T) { return std::vector<double>(t.data<T>(), t.data<T>() + numel()); });
}

// ---- copying ------------------------------------------------------------------------------------

void Tensor::copy_(const Tensor& source) {
  if (broadcast_shapes("copy_", shape(), source.shape()) != shape()) {
    fail("copy_: source ", source.shape(), " does not broadcast to ", shape());
  }
  const Strides from = broadcast_strides(source.shape(), source.strides(), shape());
  dispatch(dtype(), [&]<class To>(To) {
    dispatch(source.dtype(), [&]<class From>(From) {
      To* const to = mutable_data<To>();
      const From* const values = source.data<From>();
      for_each_row<2>(shape(), {strides(), from},
                      [&](int64_t n, PerOperand<2> at, PerOperand<2> step) {
                        To* out = to + at[0];
                        const From* in = values + at[1];
                        if (step[0] == 1 && step[1] == 1) {
                          for (int64_t i = 0; i < n; ++i) out[i] = static_cast<To>(in[i]);
                        } else {
                          for (int64_t i = 0; i < n; ++i) {
                            out[i * step[0]] = static_cast<To>(in[i * step[1]]);
                          }
                        }
                      });
    });
  });
}

void Tensor::fill_(double value) { copy_(scalar(value, Dtype::float64)); }

Tensor Tensor::clone() const {
  Tensor t = empty(shape(), dtype());
  t.copy_(*this);
  return t;
}

Tensor Tensor::contiguous() const { return is_contiguous() ? *this : clone(); }

Tensor Tensor::to(Dtype dtype) const {
  if (dtype == this->dtype()) return *this;
  Tensor t = empty(shape(), dtype);
  t.copy_(*this);
  return t;
}

}  // namespace qkv::tensor
