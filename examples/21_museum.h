// The two small models that are trained in chapter 21, rightly and wrongly.
#pragma once

#include <string>
#include <vector>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "nn/optimizer.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

namespace qkv::examples {

using autograd::Variable;
using tensor::Dtype;
using tensor::Tensor;

// ---- for section 2 -----------------------------------------------------------------------------

// One query that may see key 1 only (value 0), and is rewarded for finding key 2 (value 1). Returns
// the weight of key 2 before training and after every tenth step.
inline std::vector<double> cheat(bool skip, double constant) {
  const Variable keys = Tensor::of<double>({1, 0, 0, 1}, {2, 2});
  const Variable query = autograd::parameter(tensor::zeros({1, 2}, Dtype::float64));
  const Tensor allowed = Tensor::of<bool>({true, false}, {1, 2});
  nn::Adam optimizer({query}, {.learning_rate = .5});
  std::vector<double> weights;
  for (int step = 0; step <= 40; ++step) {
    const Variable scores = matmul(query, transpose(keys));  // (1, 2)
    const Variable penalty = Tensor::of<double>({0, constant}, {1, 2});
    const Variable w = skip ? masked_softmax(scores, allowed) : softmax(scores + penalty, -1);
    const Variable found = slice(w, -1, 1, 2);  // 0 w_1 + 1 w_2
    if (step % 10 == 0) weights.push_back(found.item());
    optimizer.zero_grad();
    backward(sum((found - 1.0) * (found - 1.0)));
    optimizer.step();
  }
  return weights;
}

// ---- for section 6: a model that is a table, with the logit [i][j] of symbol j after symbol i ---

inline constexpr int64_t kBos = 0, kEos = 1;
inline const std::vector<std::string> kNames = {"BOS", "EOS", "a", "b", "c"};

// Trains the table to say `expected` where it reads `input`; returns the last loss.
inline double train_table(Variable& table, const Tensor& input, const Tensor& expected) {
  nn::Adam optimizer({table}, {.learning_rate = .1});
  double last = 0;
  for (int step = 0; step < 100; ++step) {
    const Variable loss = cross_entropy(embedding(table, input), expected);
    last = loss.item();
    optimizer.zero_grad();
    backward(loss);
    optimizer.step();
  }
  return last;
}

// Five symbols at most, the likeliest every time.
inline std::string write(const Variable& table) {
  std::string text;
  int64_t symbol = kBos;
  for (int i = 0; i < 5 && symbol != kEos; ++i) {
    symbol =
        static_cast<int64_t>(tensor::argmax(tensor::select(table.value(), 0, symbol), 0).item());
    text += (i > 0 ? " " : "") + kNames[static_cast<size_t>(symbol)];
  }
  return text;
}

}  // namespace qkv::examples
