// Masked tokens: how an encoder, which sees both sides of every position, learns from sequences
// alone. Some symbols are hidden from it, and it is asked what they were.
// Source: Devlin et al., "BERT", 2019, section 3.1. Next: transformer.h, whose classifier learns.
#pragma once

#include <vector>

#include "autograd/ops.h"
#include "lib/random.h"
#include "tensor/tensor.h"

namespace qkv::nn {

//   tokens    t  h  e  _  c  a  t  _  s  a  t  _  o  n  _  a  _  m  a  t
//   input     t [M] e  _  c  a  t  _  s  x  t  _  o  n  _  a  _  m  a  t
//   targets   -  h  -  -  -  -  -  -  -  a  -  -  o  -  -  -  -  -  -  -     15 % are asked for
//
// Of those, 80 % show the mask symbol, like the h; 10 % a symbol drawn at random, like the a; and
// 10 % what was there, like the o.
struct MaskedTokensOptions {
  int64_t vocab = 10;        // symbols 0 .. vocab - 1; the classifier has vocab + 1
  int64_t mask_symbol = -1;  // what hidden positions show; -1: vocab, the symbol after the last
  double chosen = 0.15;      // share of the positions of each sequence; at least one is chosen
  double hidden = 0.8;       // share of the chosen ones that show the mask symbol
  double random = 0.1;       // share that show a symbol drawn from all; the rest stay
  int64_t ignore_index = autograd::kIgnoreIndex;  // the target where nothing is asked
};

struct MaskedTokens {
  tensor::Tensor input, targets;  // (B, T) int64
};

// tokens (B, T) int64; sequence b has lengths[b] real ones, all if none are given, and what lies
// behind is never chosen. Why some stay and some lie: at work there is no mask symbol, so the model
// must think about every symbol that it sees. Throws std::invalid_argument if a token is outside
// [0, vocab), mask_symbol is below -1, lengths do not fit, shares are outside [0, 1] or their sum
// hidden + random is above 1.
[[nodiscard]] MaskedTokens mask_tokens(const tensor::Tensor& tokens,
                                       const std::vector<int64_t>& lengths,
                                       const MaskedTokensOptions& options,
                                       lib::Generator& generator);

}  // namespace qkv::nn
