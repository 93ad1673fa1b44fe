// The mask factories, and their picture.
#include "nn/mask.h"

#include "lib/text.h"
#include "tensor/elementwise.h"
#include "tensor/views.h"

namespace qkv::nn {

using tensor::Dtype;
using tensor::Tensor;

//   keys - queries = 2 earlier keys:   # # # . .
//                                      # # # # .
//                                      # # # # #
Mask Mask::causal(int64_t queries, int64_t keys) {
  if (queries > keys) {
    lib::fail("Mask::causal: ", queries, " queries but only ", keys, " keys; need queries <= keys");
  }
  const Tensor last_key = tensor::add(tensor::arange(queries), static_cast<double>(keys - queries));
  return allow(tensor::less_equal(tensor::arange(keys), tensor::unsqueeze(last_key, 1)));
}

Mask Mask::padding(const std::vector<int64_t>& lengths, int64_t keys) {
  for (const int64_t length : lengths) {
    if (length < 0 || length > keys) {
      lib::fail("Mask::padding: length ", length, " is outside [0, ", keys, "]");
    }
  }
  const auto batch = static_cast<int64_t>(lengths.size());
  const Tensor length_of = Tensor::of(lengths, {batch, 1, 1, 1});
  return allow(tensor::less(tensor::arange(keys), length_of));
}

Mask Mask::allow(Tensor allowed) {
  if (allowed.dtype() != Dtype::boolean) {
    lib::fail("Mask::allow: needs a bool tensor (true = may attend), got ", allowed.dtype());
  }
  if (allowed.rank() < 2) {
    lib::fail("Mask::allow: shape ", allowed.shape(),
              " has no query and key axes; need (..., Tq, Tk)");
  }
  Mask mask;
  mask.allowed_ = std::move(allowed);
  return mask;
}

Mask operator&(const Mask& a, const Mask& b) {
  if (!a.restricts()) return b;
  if (!b.restricts()) return a;
  return Mask::allow(tensor::logical_and(a.allowed_, b.allowed_));
}

std::string Mask::str() const {
  if (!restricts()) return "(every query may attend to every key)\n";
  const Tensor packed = allowed_.contiguous();
  const int64_t queries = packed.shape().from_end(2), keys = packed.shape().from_end(1);
  const int64_t pictures = queries * keys == 0 ? 0 : packed.numel() / (queries * keys);
  const bool* cell = packed.data<bool>();
  std::string text;
  for (int64_t picture = 0; picture < pictures; ++picture) {
    if (pictures > 1) text += lib::str("[", picture, "]\n");
    for (int64_t q = 0; q < queries; ++q) {
      for (int64_t k = 0; k < keys; ++k) text += lib::str(k > 0 ? " " : "", *cell++ ? "#" : ".");
      text += "\n";
    }
  }
  return text;
}

}  // namespace qkv::nn
