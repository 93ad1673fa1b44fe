// Storage and Tensor: allocation, views, reading single numbers, copying and converting.
#include "tensor/tensor.h"

#include <algorithm>

#include "lib/check.h"
#include "lib/memory.h"
#include "tensor/strided.h"

namespace qkv::tensor {

using lib::fail;

Storage::Storage(size_t bytes) : data_(lib::allocate(bytes)), bytes_(bytes) {}
Storage::~Storage() { lib::release(data_, bytes_); }

// ---- construction -------------------------------------------------------------------------------

Tensor Tensor::empty(const Shape& shape, Dtype dtype) {
  Tensor t;
  t.numel_ = shape.numel();  // checked for overflow before anything is allocated
  t.shape_ = shape;
  t.strides_ = row_major_strides(shape);
  t.dtype_ = dtype;
  t.storage_ = std::make_shared<Storage>(static_cast<size_t>(t.numel_) * dtype_size(dtype));
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
  Tensor t = *this;
  t.shape_ = shape;
  t.strides_ = strides;
  t.offset_ = offset;
  t.numel_ = shape.numel();
  return t;
}

// ---- reading ------------------------------------------------------------------------------------

bool Tensor::is_contiguous() const {
  int64_t step = 1;
  for (int axis = rank() - 1; axis >= 0; --axis) {
    if (shape_[axis] != 1 && strides_[axis] != step) return numel_ == 0;
    step *= shape_[axis];
  }
  return true;
}

template <class T>
const T* Tensor::data() const {
  CHECK(defined());
  CHECK(dtype_of<T>() == dtype_);
  return static_cast<const T*>(storage_->data()) + offset_;
}

template <class T>
T* Tensor::mutable_data() {
  CHECK(defined());
  CHECK(dtype_of<T>() == dtype_);
  storage_->count_write();
  return static_cast<T*>(storage_->data()) + offset_;
}
template const float* Tensor::data() const;
template const double* Tensor::data() const;
template const int64_t* Tensor::data() const;
template const bool* Tensor::data() const;
template float* Tensor::mutable_data();
template double* Tensor::mutable_data();
template int64_t* Tensor::mutable_data();
template bool* Tensor::mutable_data();

double Tensor::item() const {
  if (numel_ != 1) fail("item: needs exactly one element, the shape is ", shape_);
  return dispatch(dtype_, [&]<class T>(T) { return static_cast<double>(*data<T>()); });
}

double Tensor::at(std::initializer_list<int64_t> index) const {
  const Shape wanted(index);
  if (wanted.rank() != rank()) {
    fail("at: index ", wanted, " has ", wanted.rank(), " entries, the shape is ", shape_);
  }
  int64_t place = 0;
  for (int axis = 0; axis < rank(); ++axis) {
    if (wanted[axis] < 0 || wanted[axis] >= shape_[axis]) {
      fail("at: index ", wanted, " lies outside shape ", shape_);
    }
    place += wanted[axis] * strides_[axis];
  }
  return dispatch(dtype_, [&]<class T>(T) { return static_cast<double>(data<T>()[place]); });
}

std::vector<double> Tensor::to_vector() const {
  const Tensor t = contiguous();
  return dispatch(
      dtype_, [&]<class T>(T) { return std::vector<double>(t.data<T>(), t.data<T>() + numel_); });
}

// ---- copying ------------------------------------------------------------------------------------

void Tensor::copy_(const Tensor& source) {
  if (broadcast_shapes("copy_", shape_, source.shape()) != shape_) {
    fail("copy_: source ", source.shape(), " does not broadcast to ", shape_);
  }
  const Strides from = broadcast_strides(source.shape(), source.strides(), shape_);
  dispatch(dtype_, [&]<class To>(To) {
    dispatch(source.dtype(), [&]<class From>(From) {
      To* const to = mutable_data<To>();
      const From* const values = source.data<From>();
      for_each_row<2>(shape_, {strides_, from},
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
  Tensor t = empty(shape_, dtype_);
  t.copy_(*this);
  return t;
}

Tensor Tensor::contiguous() const { return is_contiguous() ? *this : clone(); }

Tensor Tensor::to(Dtype dtype) const {
  if (dtype == dtype_) return *this;
  Tensor t = empty(shape_, dtype);
  t.copy_(*this);
  return t;
}

}  // namespace qkv::tensor
