// Exhibit 6 of the museum (chapter 21): a decoder that reads what it is to say. The model is a
// table, with the score [i][j] of symbol j after symbol i.
#pragma once

#include "examples/museum/common.h"
#include "nn/teacher_forcing.h"

namespace qkv::examples::museum {

inline constexpr int64_t kBos = 0, kEos = 1;
inline const std::vector<std::string> kNames = {"BOS", "EOS", "a", "b", "c"};

// Trains the table to say `expected` where it reads `input`; returns the last loss. (embedding
// picks a row of the table for each symbol; cross_entropy is the mean of -log p of `expected`.)
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

// Five symbols at most, the likeliest every time: greedy.
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

// 6. BOS and EOS
inline void shifted_by_none() {
  section(6, "BOS and EOS off by one");
  say("Reported: tensor2tensor 31, google/seq2seq 204, annotated-transformer 47 127 134. At every "
      "position a decoder reads the symbol before the one it is to say. If the shift is forgotten, "
      "it reads the very symbol it is asked for. The model here is a table of scores, a row for "
      "what it reads, a column for what it may say.");
  draw("- reads BOS a b c EOS, says BOS a b c EOS\n+ reads BOS a b c    , says     a b c EOS");
  const Tensor whole = Tensor::of<int64_t>({kBos, 2, 3, 4, kEos}, {1, 5});
  const auto lesson = nn::teacher_forcing(Tensor::of<int64_t>({2, 3, 4}, {1, 3}), {3}, kBos, kEos);
  Variable wrong = parameter(t::zeros({5, 5}, Dtype::float64));
  Variable right = parameter(t::zeros({5, 5}, Dtype::float64));
  const double wrong_loss = train_table(wrong, whole, whole);
  const double right_loss = train_table(right, lesson.input, lesson.expected);
  table({{"form", "loss after 100 steps", "what it writes after BOS"},
         {"wrong", fixed(wrong_loss), write(wrong)},
         {"right", fixed(right_loss), write(right)}});
  expect("wrong", write(wrong) == "BOS BOS BOS BOS BOS");
  expect("right", write(right) == "a b c EOS");
  expect("the shift", t::slice(lesson.expected, 1, 0, 3).to_vector() ==
                          t::slice(lesson.input, 1, 1, 4).to_vector());
  expect("both have learned their lesson", wrong_loss < .01 && right_loss < .01);
  say("By its loss the wrong one is as good as the right one: it has learned to say what it hears. "
      "The check: expected[t] is input[t + 1]; and let it write. Of models that write symbol by "
      "symbol ./qkv train prints this table of its first lessons:");
  draw(nn::teacher_forcing_table(Tensor::of<int64_t>({2, 3, 4}, {1, 3}), {3}, kBos, kEos,
                                 [](int64_t i) { return kNames[static_cast<size_t>(i)]; }));
}

}  // namespace qkv::examples::museum
