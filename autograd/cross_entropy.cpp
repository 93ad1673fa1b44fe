// The loss of a classifier: how surprised the model is by the right answer, averaged over
// positions.
#include "lib/cross_entropy.h"

#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

namespace qkv::autograd {
namespace {

// What the loss needs to know about the targets, as rows (one per position).
struct Targets {
  Saved ids;          // (rows,) int64, 0 where ignored
  Saved counted_ids;  // the same, but -1 where ignored
  Saved weights;      // (rows,) 1 / count at counted positions, 0 where ignored
  double share;       // 1 / count
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
  return {ids, tensor::masked_fill(ids, ignored, -1), tensor::mul(counted, 1 / count), 1 / count,
          options.label_smoothing};
}

// The definition: log_softmax, pick the target's entry, mix in the mean over classes, average.
Variable definition_of(const Variable& logits, const Targets& t) {
  const int64_t rows = t.ids.value().numel(), vocab = logits.shape().from_end(1);
  const Variable log_p = log_softmax(reshape(logits, {rows, vocab}), -1);        // (rows, vocab)
  const Variable right = gather(log_p, 1, tensor::unsqueeze(t.ids.value(), 1));  // (rows, 1)
  const Variable score =
      reshape(right, {rows}) * (1 - t.smoothing) + mean(log_p, {1}) * t.smoothing;
  return -sum(score * t.weights);  // ()
}

}  // namespace

// ---- cross_entropy (fused) ----------------------------------------------------------------------
//
//   forward    loss = -Σ_rows w_row Σ_j q_j log p_j      p = softmax(logits),  w = 1 / count
//              q_j = (1 - s) [j is the target] + s / vocab
//   backward   dlogits_j = dloss w (p_j - q_j)           since Σ_j q_j = 1
//
// Saved: the logits, and per row their maximum and 1 / Σ exp, from which p comes again.
Variable cross_entropy(const Variable& logits, const Tensor& targets, CrossEntropyOptions options) {
  const Targets t = prepare(logits, targets, options);
  const auto definition = [t](const std::vector<Variable>& in) { return definition_of(in[0], t); };
  if (using_definitions()) return definition({logits});

  const int64_t rows = t.ids.value().numel();
  const lib::CrossEntropyShape shape{rows, logits.shape().from_end(1), t.smoothing};
  const Tensor packed = logits.value().contiguous(), right = t.counted_ids.value();
  Tensor losses = Tensor::empty({rows}, logits.dtype()), m = losses.clone(), inverse = m.clone();
  tensor::dispatch_floating("cross_entropy", logits.dtype(), [&]<class T>(T) {
    lib::cross_entropy(shape, packed.data<T>(), right.data<int64_t>(), losses.mutable_data<T>(),
                       m.mutable_data<T>(), inverse.mutable_data<T>());
  });
  const auto backward = [shape, x = Saved(packed), right = Saved(right), m = Saved(m),
                         d = Saved(inverse), whole = logits.shape(),
                         share = t.share](const Tensor& dloss) -> std::vector<Tensor> {
    Tensor dlogits = Tensor::empty(whole, dloss.dtype());
    tensor::dispatch_floating("cross_entropy", dloss.dtype(), [&]<class T>(T) {
      const T weight = static_cast<T>(dloss.item() * share);
      lib::cross_entropy_backward(shape, weight, x.value().data<T>(), right.value().data<int64_t>(),
                                  m.value().data<T>(), d.value().data<T>(),
                                  dlogits.mutable_data<T>());
    });
    return {dlogits};
  };
  Tensor loss = tensor::mul(tensor::sum(losses), t.share);
  return record_fused("cross_entropy", {logits}, std::move(loss), backward, definition);
}

}  // namespace qkv::autograd
