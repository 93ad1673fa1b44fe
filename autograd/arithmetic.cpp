// + - * / and their adjoints, the rules by which gradients go back through them. Operands
// broadcast, and the adjoint of broadcasting is a sum: an element that was used many times collects
// the gradients of all its uses. reduce_to does that. No gradient is computed for a constant:
// wanted(i) tells whether operand i needs one.
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"

namespace qkv::autograd {

// ---- add ----------------------------------------------------------------------------------------
//
//   forward    y = a + b
//   backward   da = dy,  db = dy
Variable add(const Variable& a, const Variable& b) {
  return record("add", {a, b}, tensor::add(a.value(), b.value()), [](const Variable& dy) -> Grads {
    return {wanted(0) ? reduce_to(dy, input_shape(0)) : Variable(),
            wanted(1) ? reduce_to(dy, input_shape(1)) : Variable()};
  });
}

// ---- sub ----------------------------------------------------------------------------------------
//
//   forward    y = a - b
//   backward   da = dy,  db = -dy
Variable sub(const Variable& a, const Variable& b) {
  return record("sub", {a, b}, tensor::sub(a.value(), b.value()), [](const Variable& dy) -> Grads {
    return {wanted(0) ? reduce_to(dy, input_shape(0)) : Variable(),
            wanted(1) ? reduce_to(-dy, input_shape(1)) : Variable()};
  });
}

// ---- mul ----------------------------------------------------------------------------------------
//
//   forward    y = a b
//   backward   da = dy b,  db = dy a          each factor is the other's slope
//
// Saved: each factor, if the other one requires a gradient.
Variable mul(const Variable& a, const Variable& b) {
  return record("mul", {a, b}, tensor::mul(a.value(), b.value()),
                [a = save_if(b.requires_grad(), a),
                 b = save_if(a.requires_grad(), b)](const Variable& dy) -> Grads {
                  return {wanted(0) ? reduce_to(dy * b, input_shape(0)) : Variable(),
                          wanted(1) ? reduce_to(dy * a, input_shape(1)) : Variable()};
                });
}

// ---- div ----------------------------------------------------------------------------------------
//
//   forward    y = a / b
//   backward   da = dy / b,  db = -dy a / b²
//
// Saved: b, and a if b requires a gradient.
Variable div(const Variable& a, const Variable& b) {
  return record("div", {a, b}, tensor::div(a.value(), b.value()),
                [a = save_if(b.requires_grad(), a), b = Saved(b)](const Variable& dy) -> Grads {
                  const Variable da = dy / b;
                  return {wanted(0) ? reduce_to(da, input_shape(0)) : Variable(),
                          wanted(1) ? reduce_to(-(da * a / b), input_shape(1)) : Variable()};
                });
}

// ---- maximum ------------------------------------------------------------------------------------
//
//   forward    y = a where a > b, else b
//   backward   da = dy where a > b,  dy / 2 where a = b,  else 0;     db = dy - da
//
// At a tie each of the two slopes could be anything from 0 to 1; half to each treats both alike.
// Saved: a and b.
Variable maximum(const Variable& a, const Variable& b) {
  return record(
      "maximum", {a, b}, tensor::maximum(a.value(), b.value()),
      [a = Saved(a), b = Saved(b)](const Variable& dy) -> Grads {
        const Tensor zero = tensor::scalar(0, dy.dtype());
        const Variable tied = where(tensor::equal(a.value(), b.value()), dy * 0.5, zero);
        const auto share = [&](const Saved& own, const Saved& other) {
          const Tensor wins = tensor::greater(own.value(), other.value());
          return reduce_to(where(wins, dy, tied), own.shape());
        };
        return {wanted(0) ? share(a, b) : Variable(), wanted(1) ? share(b, a) : Variable()};
      });
}

// ---- neg, scale, shift: by a number -------------------------------------------------------------
//
//   forward    y = -x          y = c x           y = x + c
//   backward   dx = -dy        dx = c dy         dx = dy
Variable neg(const Variable& x) {
  return record("neg", {x}, tensor::neg(x.value()),
                [](const Variable& dy) -> Grads { return {-dy}; });
}

Variable scale(const Variable& x, double factor) {
  return record("scale", {x}, tensor::mul(x.value(), factor),
                [factor](const Variable& dy) -> Grads { return {dy * factor}; });
}

Variable shift(const Variable& x, double amount) {
  return record("shift", {x}, tensor::add(x.value(), amount),
                [](const Variable& dy) -> Grads { return {dy}; });
}

}  // namespace qkv::autograd
