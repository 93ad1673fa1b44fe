// Teacher forcing: while a decoder learns, every position is given the right symbol before it, and
// not what the decoder itself would have said. Source: Williams and Zipser 1989.
//
//   target 7 3 1      input       BOS    7    3    1      what the decoder reads
//                     expected      7    3    1  EOS      what it should say: one place earlier
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace qkv::nn {

using tensor::Tensor;

struct TeacherForcing {
  Tensor input;     // (B, T + 1) int64: BOS y0 y1 ..., then 0s
  Tensor expected;  // (B, T + 1) int64: y0 y1 ... EOS, then kIgnoreIndex (-100)
};

// Of targets (B, T) int64, the first lengths[b] symbols of row b are real: they and EOS count in
// the loss, lengths[b] + 1 positions. Throws std::invalid_argument if shapes do not fit, or if a
// length is outside [0, T].
[[nodiscard]] TeacherForcing teacher_forcing(const Tensor& target,
                                             const std::vector<int64_t>& lengths, int64_t bos,
                                             int64_t eos);

// The same as a table, three lines for each sequence; `name` gives a symbol's text, by default its
// number. What is fed behind the end, and never counts, is PAD. For the target above and a shorter
// one:
//
//   position        0    1    2    3
//   input         BOS    7    3    1
//   expected        7    3    1  EOS
//   in the loss     #    #    #    #
//
//   input         BOS    5  PAD  PAD
//   expected        5  EOS  PAD  PAD
//   in the loss     #    #    .    .
[[nodiscard]] std::string teacher_forcing_table(
    const Tensor& target, const std::vector<int64_t>& lengths, int64_t bos, int64_t eos,
    const std::function<std::string(int64_t)>& name = {});

}  // namespace qkv::nn
