// The loss of a classifier: how surprised the model is by the right answer, averaged over
// positions.
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

namespace qkv::autograd {
namespace {

// What the loss needs to know about the targets, as rows (one per position).
struct Targets {
  Tensor ids;      // (rows,) int64, 0 where ignored
  Tensor weights;  // (rows,) 1 / count at counted positions, 0 where ignored
  double smoothing;
};

Targets prepare(const Variable& logits, const Tensor& targets, CrossEntropyOptions options) {
  Shape expected = logits.shape();
  if (expected.rank() > 0) expected.erase(expected.rank() - 1);
  if (logits.rank() == 0 || targets.shape() != expected) {
    lib::fail("cross_entropy: logits are ", logits.shape(), ", targets ", targets.shape(),
              "; need targets of shape logits.shape[:-1]");
  }
  if (targets.dtype() != Dtype::int64) {
    lib::fail("cross_entropy: targets must be int64, got ", targets.dtype());
  }
  if (!(options.label_smoothing >= 0 && options.label_smoothing < 1)) {
    lib::fail("cross_entropy: label_smoothing ", options.label_smoothing, " is outside [0, 1)");
  }
  const Tensor rows = tensor::reshape(targets, {targets.numel()});
  const Tensor ignored =
      tensor::equal(rows, tensor::scalar(static_cast<double>(options.ignore_index), Dtype::int64));
  const Tensor counted = tensor::logical_not(ignored).to(logits.dtype());
  const double count = tensor::sum(counted).item();
  if (count == 0) lib::fail("cross_entropy: no position counts: every target is ignore_index");
  const Tensor ids = tensor::checked_ids("cross_entropy", tensor::masked_fill(rows, ignored, 0),
                                         logits.shape().from_end(1));
  return {ids, tensor::mul(counted, 1 / count), options.label_smoothing};
}

// The definition: log_softmax, pick the target's entry, mix in the mean over classes, average.
Variable definition_of(const Variable& logits, const Targets& t) {
  const int64_t rows = t.ids.numel(), vocab = logits.shape().from_end(1);
  const Variable log_p = log_softmax(reshape(logits, {rows, vocab}), -1);  // (rows, vocab)
  const Variable right = gather(log_p, 1, tensor::unsqueeze(t.ids, 1));    // (rows, 1)
  const Variable score =
      reshape(right, {rows}) * (1 - t.smoothing) + mean(log_p, {1}) * t.smoothing;
  return -sum(score * Variable(t.weights));  // ()
}

}  // namespace

// ---- cross_entropy (fused) ----------------------------------------------------------------------
//
//   forward    loss = -Σ_rows w_row Σ_j q_j log p_j      p = softmax(logits),  w = 1 / count
//              q_j = (1 - s) [j is the target] + s / vocab
//   backward   dlogits_j = dloss w (p_j - q_j)           since Σ_j q_j = 1
//
// Saved: log p.
Variable cross_entropy(const Variable& logits, const Tensor& targets, CrossEntropyOptions options) {
  const Targets t = prepare(logits, targets, options);
  const auto definition = [t](const std::vector<Variable>& in) { return definition_of(in[0], t); };
  const int64_t rows = t.ids.numel(), vocab = logits.shape().from_end(1);
  const Tensor ids = tensor::unsqueeze(t.ids, 1);  // (rows, 1)
  const Tensor log_p = tensor::log_softmax(tensor::reshape(logits.value(), {rows, vocab}), -1);
  const Tensor right = tensor::reshape(tensor::gather(log_p, 1, ids), {rows});
  if (using_definitions()) return definition({logits});

  const Tensor score = tensor::add(tensor::mul(right, 1 - t.smoothing),
                                   tensor::mul(tensor::mean(log_p, {1}), t.smoothing));
  const auto backward = [t, ids, log_p, vocab,
                         shape = logits.shape()](const Tensor& dloss) -> std::vector<Tensor> {
    Tensor p_minus_q = tensor::exp(log_p);
    const double share = t.smoothing / static_cast<double>(vocab);
    p_minus_q = tensor::add(p_minus_q, -share);
    const Tensor hot = tensor::full(ids.shape(), -(1 - t.smoothing), log_p.dtype());
    p_minus_q = tensor::add(p_minus_q, tensor::scatter_add(hot, 1, ids, vocab));
    const Tensor w = tensor::unsqueeze(tensor::mul(t.weights, dloss), 1);  // (rows, 1)
    return {tensor::reshape(tensor::mul(p_minus_q, w), shape)};
  };
  Tensor loss = tensor::neg(tensor::sum(tensor::mul(score, t.weights)));
  return record_fused("cross_entropy", {logits}, std::move(loss), backward, definition);
}

}  // namespace qkv::autograd
