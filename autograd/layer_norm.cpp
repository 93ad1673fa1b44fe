// Layer normalisation, fused: the definition beneath is the text, the kernels in lib/layer_norm.cpp
// compute the same without the intermediate tensors.
#include "lib/layer_norm.h"

#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

namespace qkv::autograd {
namespace {

// The definition, by simple operations. x (..., C), gamma and beta (C).
Variable layer_norm_definition(const std::vector<Variable>& in, double eps) {
  const Variable &x = in[0], &gamma = in[1], &beta = in[2];
  const Variable centered = x - mean(x, {-1}, true);                // (..., C)
  const Variable variance = mean(centered * centered, {-1}, true);  // (..., 1)
  return centered / sqrt(variance + eps) * gamma + beta;            // (..., C)
}

void check_operands(const Variable& x, const Variable& gamma, const Variable& beta) {
  if (x.rank() == 0 || x.shape().from_end(1) == 0) {
    lib::fail("layer_norm: x is ", x.shape(), "; its last axis must exist and not be empty");
  }
  const Shape width{x.shape().from_end(1)};
  if (gamma.shape() != width || beta.shape() != width) {
    lib::fail("layer_norm: x is ", x.shape(), ", gamma ", gamma.shape(), ", beta ", beta.shape(),
              "; need both of shape ", width);
  }
  if (x.dtype() != gamma.dtype() || x.dtype() != beta.dtype()) {
    lib::fail("layer_norm: dtypes differ: x is ", x.dtype(), ", gamma ", gamma.dtype(), ", beta ",
              beta.dtype());
  }
}

}  // namespace

// ---- layer_norm (fused) -------------------------------------------------------------------------
//
//   forward    n = (x - mean) / deviation,  y = n gamma + beta        (..., C)
//   backward   dgamma = Σ dy n              over all positions        (C)
//              dbeta  = Σ dy                                          (C)
//              dn = dy gamma,  dx = (dn - mean(dn) - n mean(dn n)) / deviation
//
// Saved: n and 1 / deviation.
Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta, double eps) {
  check_operands(x, gamma, beta);
  const auto definition = [eps](const std::vector<Variable>& in) {
    return layer_norm_definition(in, eps);
  };
  if (using_definitions()) return definition({x, gamma, beta});

  const int64_t C = x.shape().from_end(1), rows = x.numel() / C;
  Tensor n = Tensor::empty(x.shape(), x.dtype());
  Tensor inverse = Tensor::empty({rows}, x.dtype());
  tensor::dispatch_floating("layer_norm", x.dtype(), [&]<class T>(T) {
    const Tensor packed = x.value().contiguous();
    lib::layer_norm(rows, C, packed.data<T>(), static_cast<T>(eps), n.mutable_data<T>(),
                    inverse.mutable_data<T>());
  });
  const auto backward = [n, inverse, C, rows,
                         gamma = gamma.value()](const Tensor& dy) -> std::vector<Tensor> {
    Tensor dx = tensor::mul(dy, gamma);  // dn, turned into dx in place
    tensor::dispatch_floating("layer_norm", dy.dtype(), [&]<class T>(T) {
      T* const d = dx.mutable_data<T>();
      lib::layer_norm_backward(rows, C, d, n.data<T>(), inverse.data<T>(), d);
    });
    return {dx, tensor::reduce_to(tensor::mul(dy, n), {C}), tensor::reduce_to(dy, {C})};
  };
  Tensor y = tensor::add(tensor::mul(n, gamma.value()), beta.value());
  return record_fused("layer_norm", {x, gamma, beta}, std::move(y), backward, definition);
}

}  // namespace qkv::autograd
