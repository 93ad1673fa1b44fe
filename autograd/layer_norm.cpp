// Layer normalisation and its simpler sister, fused: the definitions beneath are the text, the
// kernels in lib/layer_norm.h compute the same in one go, without the intermediate tensors.
#include "lib/layer_norm.h"

#include "autograd/node.h"
#include "autograd/ops.h"

namespace qkv::autograd {
namespace {

// The definitions, by simple operations. x (..., C), gamma and beta (C).
Variable layer_norm_definition(const std::vector<Variable>& in, double eps) {
  const Variable &x = in[0], &gamma = in[1], &beta = in[2];
  const Variable centered = x - mean(x, {-1}, true);                // (..., C)
  const Variable variance = mean(centered * centered, {-1}, true);  // (..., 1)
  return centered / sqrt(variance + eps) * gamma + beta;            // (..., C)
}

Variable rms_norm_definition(const std::vector<Variable>& in, double eps) {
  const Variable &x = in[0], &gamma = in[1];
  const Variable mean_square = mean(x * x, {-1}, true);  // (..., 1)
  return x / sqrt(mean_square + eps) * gamma;            // (..., C)
}

// x (..., C) as lib sees it.
lib::NormShape rows_of(const char* op, const Variable& x) {
  if (x.rank() == 0 || x.shape().from_end(1) == 0) {
    lib::fail(op, ": x is ", x.shape(), "; its last axis must exist and not be empty");
  }
  const int64_t C = x.shape().from_end(1);
  return {x.numel() / C, C};
}

void check_layer_norm(const Variable& x, const Variable& gamma, const Variable& beta) {
  const Shape width{rows_of("layer_norm", x).n};
  if (gamma.shape() != width || beta.shape() != width) {
    lib::fail("layer_norm: x is ", x.shape(), ", gamma ", gamma.shape(), ", beta ", beta.shape(),
              "; need both of shape ", width);
  }
  if (x.dtype() != gamma.dtype() || x.dtype() != beta.dtype()) {
    lib::fail("layer_norm: dtypes differ: x is ", x.dtype(), ", gamma ", gamma.dtype(), ", beta ",
              beta.dtype());
  }
}

void check_rms_norm(const Variable& x, const Variable& gamma) {
  const Shape width{rows_of("rms_norm", x).n};
  if (gamma.shape() != width) {
    lib::fail("rms_norm: x is ", x.shape(), ", gamma ", gamma.shape(), "; need shape ", width);
  }
  if (x.dtype() != gamma.dtype()) {
    lib::fail("rms_norm: dtypes differ: x is ", x.dtype(), ", gamma ", gamma.dtype());
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
// Saved: x, and a mean and a 1 / deviation per row, from which n comes again.
Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta, double eps) {
  check_layer_norm(x, gamma, beta);
  const auto definition = [eps](const std::vector<Variable>& in) {
    return layer_norm_definition(in, eps);
  };
  if (using_definitions()) return definition({x, gamma, beta});

  const lib::NormShape shape = rows_of("layer_norm", x);
  const Tensor packed = x.value().contiguous(), g = gamma.value().contiguous();
  const Tensor b = beta.value().contiguous();
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  Tensor mean = Tensor::empty({shape.rows}, x.dtype()), inverse = mean.clone();
  tensor::dispatch_floating("layer_norm", x.dtype(), [&]<class T>(T) {
    lib::layer_norm(shape, packed.data<T>(), g.data<T>(), b.data<T>(), static_cast<T>(eps),
                    y.mutable_data<T>(), mean.mutable_data<T>(), inverse.mutable_data<T>());
  });
  const auto backward = [shape, x = Saved(packed), g = Saved(g), m = Saved(mean),
                         d = Saved(inverse)](const Tensor& dy) {
    const Tensor slope = dy.contiguous();
    Tensor dx = Tensor::empty(dy.shape(), dy.dtype());
    Tensor dgamma = Tensor::empty({shape.n}, dy.dtype()), dbeta = dgamma.clone();
    tensor::dispatch_floating("layer_norm", dy.dtype(), [&]<class T>(T) {
      lib::layer_norm_backward(shape, slope.data<T>(), x.value().data<T>(), m.value().data<T>(),
                               d.value().data<T>(), g.value().data<T>(), dx.mutable_data<T>(),
                               dgamma.mutable_data<T>(), dbeta.mutable_data<T>());
    });
    return std::vector<Tensor>{dx, dgamma, dbeta};
  };
  return record_fused("layer_norm", {x, gamma, beta}, std::move(y), backward, definition);
}

// ---- rms_norm (fused) ---------------------------------------------------------------------------
//
//   forward    n = x / √(mean(x²) + eps),  y = n gamma                (..., C)
//   backward   dgamma = Σ dy n              over all positions        (C)
//              dn = dy gamma,  dx = (dn - n mean(dn n)) / √(mean(x²) + eps)
//
// Saved: x, and 1 / √(mean(x²) + eps) per row.
Variable rms_norm(const Variable& x, const Variable& gamma, double eps) {
  check_rms_norm(x, gamma);
  const auto definition = [eps](const std::vector<Variable>& in) {
    return rms_norm_definition(in, eps);
  };
  if (using_definitions()) return definition({x, gamma});

  const lib::NormShape shape = rows_of("rms_norm", x);
  const Tensor packed = x.value().contiguous(), g = gamma.value().contiguous();
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  Tensor inverse = Tensor::empty({shape.rows}, x.dtype());
  tensor::dispatch_floating("rms_norm", x.dtype(), [&]<class T>(T) {
    lib::rms_norm(shape, packed.data<T>(), g.data<T>(), static_cast<T>(eps), y.mutable_data<T>(),
                  inverse.mutable_data<T>());
  });
  const auto backward = [shape, x = Saved(packed), g = Saved(g),
                         d = Saved(inverse)](const Tensor& dy) {
    const Tensor slope = dy.contiguous();
    Tensor dx = Tensor::empty(dy.shape(), dy.dtype());
    Tensor dgamma = Tensor::empty({shape.n}, dy.dtype());
    tensor::dispatch_floating("rms_norm", dy.dtype(), [&]<class T>(T) {
      lib::rms_norm_backward(shape, slope.data<T>(), x.value().data<T>(), d.value().data<T>(),
                             g.value().data<T>(), dx.mutable_data<T>(), dgamma.mutable_data<T>());
    });
    return std::vector<Tensor>{dx, dgamma};
  };
  return record_fused("rms_norm", {x, gamma}, std::move(y), backward, definition);
}

}  // namespace qkv::autograd
