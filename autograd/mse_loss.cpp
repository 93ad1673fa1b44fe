// The loss of a regression: how far the numbers are from those wanted, squared and averaged.
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

namespace qkv::autograd {

// ---- mse_loss -----------------------------------------------------------------------------------
//
//   forward    loss = (1/n) Σ (x - t)²                 over all n elements
//   backward   dx = dloss 2 (x - t) / n,  dt = -dx
//
// Saved: x and t.
Variable mse_loss(const Variable& x, const Variable& target) {
  if (x.shape() != target.shape()) {
    lib::fail("mse_loss: x is ", x.shape(), ", target ", target.shape(), "; need equal shapes");
  }
  if (x.dtype() != target.dtype() || !tensor::is_floating(x.dtype())) {
    lib::fail("mse_loss: x is ", x.dtype(), ", target ", target.dtype(),
              "; need both float32 or both float64");
  }
  if (x.numel() == 0) lib::fail("mse_loss: no elements to average in shape ", x.shape());
  const Tensor error = tensor::sub(x.value(), target.value());
  return record("mse_loss", {x, target}, tensor::mean(tensor::mul(error, error)),
                [x = Saved(x), t = Saved(target)](const Variable& dloss) -> Grads {
                  const double share = 2.0 / static_cast<double>(x.shape().numel());
                  const Variable dx = (x.get() - t.get()) * (dloss * share);
                  return {dx, wanted(1) ? -dx : Variable()};
                });
}

}  // namespace qkv::autograd
