// The mask factories, how masks combine, and their picture.
#include "nn/mask.h"

#include "lib/text.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
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
  Mask mask;
  mask.shape_ = {queries, keys};
  mask.parts_.causal = true;
  return mask;
}

// The kernels are told that it is causal, and need not look above the diagonal.
Mask Mask::window(int64_t queries, int64_t keys, int64_t width, int64_t sinks) {
  if (width < 1 || sinks < 0) {
    lib::fail("Mask::window: width ", width, ", sinks ", sinks, "; need width >= 1 and sinks >= 0");
  }
  Mask mask = causal(queries, keys);
  mask.parts_.allowed = Tensor::empty({queries, keys}, Dtype::boolean);
  bool* cell = mask.parts_.allowed.mutable_data<bool>();
  for (int64_t q = 0; q < queries; ++q) {
    const int64_t itself = q + keys - queries;
    for (int64_t k = 0; k < keys; ++k) *cell++ = k < sinks || k > itself - width;
  }
  return mask;
}

//   5 keys, the last 3 queries, width 2:   . # # # .
//                                          . . # # #
//                                          . . . # #
Mask Mask::band(int64_t queries, int64_t keys, int64_t width, int64_t sinks) {
  if (width < 1) lib::fail("Mask::band: width is ", width, "; need at least 1");
  if (sinks < 0) lib::fail("Mask::band: sinks are ", sinks, "; need at least 0");
  Mask mask;
  mask.shape_ = {queries, keys};
  mask.parts_.allowed = Tensor::empty({queries, keys}, Dtype::boolean);
  bool* cell = mask.parts_.allowed.mutable_data<bool>();
  for (int64_t q = 0; q < queries; ++q) {
    const int64_t itself = q + keys - queries;
    for (int64_t k = 0; k < keys; ++k)
      *cell++ = k < sinks || (k > itself - width && k < itself + width);
  }
  return mask;
}

Mask Mask::padding(const std::vector<int64_t>& lengths, int64_t keys) {
  const auto batch = static_cast<int64_t>(lengths.size());
  tensor::check_lengths("Mask::padding", lengths, batch, keys);
  Mask mask;
  mask.shape_ = {batch, 1, 1, keys};
  mask.parts_.key_lengths = Tensor::of(lengths, {batch});
  return mask;
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
  mask.shape_ = allowed.shape();
  mask.parts_.allowed = std::move(allowed);
  return mask;
}

Tensor Mask::allowed() const {
  const int64_t queries = restricts() ? shape_.from_end(2) : 0;
  return tensor::dense_mask(parts_, queries, restricts() ? shape_.from_end(1) : 0);
}

// Where the mask itself is broadcast along queries or keys, what it knows about them does not hold
// for the larger shape: only its cells do.
tensor::AttentionMask Mask::parts(int64_t queries, int64_t keys) const {
  const bool other_keys = restricts() && shape_.from_end(1) != keys;
  const bool other_queries = restricts() && shape_.from_end(2) != queries;
  const bool padded = parts_.key_lengths.defined();
  if ((parts_.causal && (other_keys || other_queries)) || (padded && other_keys)) {
    return {.allowed = allowed()};
  }
  return parts_;
}

Mask operator&(const Mask& a, const Mask& b) {
  if (!a.restricts()) return b;
  if (!b.restricts()) return a;
  Mask both;
  both.shape_ = tensor::broadcast_shapes("Mask &", a.shape_, b.shape_);
  const int64_t queries = both.shape_.from_end(2), keys = both.shape_.from_end(1);
  const tensor::AttentionMask x = a.parts(queries, keys), y = b.parts(queries, keys);
  const Tensor &n = x.key_lengths, &m = y.key_lengths;
  both.parts_.causal = x.causal || y.causal;
  both.parts_.key_lengths = !n.defined()   ? m
                            : !m.defined() ? n
                                           : tensor::where(tensor::less(n, m), n, m);
  both.parts_.allowed = !x.allowed.defined()   ? y.allowed
                        : !y.allowed.defined() ? x.allowed
                                               : tensor::logical_and(x.allowed, y.allowed);
  return both;
}

std::string Mask::str() const {
  if (!restricts()) return "(every query may attend to every key)\n";
  const Tensor packed = allowed().contiguous();
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
