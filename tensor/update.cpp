// From tensors to the loops of lib/update.cpp.
#include "tensor/update.h"

#include "lib/check.h"

namespace qkv::tensor {
namespace {

void check_alike(const Tensor& w, const Tensor& other) {
  CHECK(other.shape() == w.shape());
  CHECK(other.dtype() == w.dtype());
  CHECK(other.is_contiguous());
}

}  // namespace

void sgd_update_(Tensor& w, const Tensor& g, Tensor* velocity, lib::SgdStep step) {
  const Tensor slope = g.contiguous();
  check_alike(w, w), check_alike(w, slope);
  if (velocity != nullptr) check_alike(w, *velocity);
  dispatch_floating("sgd_update_", w.dtype(), [&]<class T>(T) {
    lib::sgd_update(w.numel(), step, w.mutable_data<T>(), slope.data<T>(),
                    velocity != nullptr ? velocity->mutable_data<T>() : nullptr);
  });
}

void adam_update_(Tensor& w, const Tensor& g, Tensor& m, Tensor& v, lib::AdamStep step) {
  const Tensor slope = g.contiguous();
  check_alike(w, w), check_alike(w, slope), check_alike(w, m), check_alike(w, v);
  dispatch_floating("adam_update_", w.dtype(), [&]<class T>(T) {
    lib::adam_update(w.numel(), step, w.mutable_data<T>(), slope.data<T>(), m.mutable_data<T>(),
                     v.mutable_data<T>());
  });
}

double sum_of_squares(const Tensor& g) {
  const Tensor packed = g.contiguous();
  return dispatch_floating("sum_of_squares", g.dtype(), [&]<class T>(T) {
    return lib::sum_of_squares(packed.numel(), packed.data<T>());
  });
}

}  // namespace qkv::tensor
