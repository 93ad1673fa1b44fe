// Which positions are asked for, and what the model sees there.
#include "nn/masked_tokens.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lib/text.h"
#include "tensor/index.h"

namespace qkv::nn {
namespace {

using tensor::Tensor;

void check_options(const MaskedTokensOptions& o) {
  const auto share = [](double x) { return x >= 0 && x <= 1; };
  if (o.vocab < 1) lib::fail("mask_tokens: vocab is ", o.vocab, "; need at least 1");
  if (o.mask_symbol < -1) {
    lib::fail("mask_tokens: mask_symbol is ", o.mask_symbol, "; need a symbol, or -1 for vocab");
  }
  if (!share(o.chosen) || !share(o.hidden) || !share(o.random) || !share(o.hidden + o.random)) {
    lib::fail("mask_tokens: chosen ", o.chosen, ", hidden ", o.hidden, ", random ", o.random,
              "; need shares of 0 to 1, the last two together at most 1");
  }
}

// `count` of the positions 0 .. length - 1, each set as likely as any other: the first `count` of a
// shuffle, which need no more than that to be shuffled. Fisher and Yates 1938.
std::vector<int64_t> some_positions(int64_t length, int64_t count, lib::Generator& generator) {
  std::vector<int64_t> positions(static_cast<size_t>(length));
  std::iota(positions.begin(), positions.end(), 0);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t other = i + generator.integer(0, length - i);
    std::swap(positions[static_cast<size_t>(i)], positions[static_cast<size_t>(other)]);
  }
  positions.resize(static_cast<size_t>(count));
  return positions;
}

}  // namespace

MaskedTokens mask_tokens(const Tensor& tokens, const std::vector<int64_t>& lengths,
                         const MaskedTokensOptions& options, lib::Generator& generator) {
  check_options(options);
  if (tokens.rank() != 2) lib::fail("mask_tokens: tokens are ", tokens.shape(), "; need (B, T)");
  const int64_t B = tokens.shape()[0], T = tokens.shape()[1];
  if (!lengths.empty()) tensor::check_lengths("mask_tokens", lengths, B, T);
  (void)tensor::checked_ids("mask_tokens", tokens, options.vocab);
  const int64_t mask_symbol = options.mask_symbol == -1 ? options.vocab : options.mask_symbol;
  const auto nothing = static_cast<double>(options.ignore_index);
  MaskedTokens result{tokens.clone(), tensor::full({B, T}, nothing, tensor::Dtype::int64)};
  int64_t* const input = result.input.mutable_data<int64_t>();
  int64_t* const targets = result.targets.mutable_data<int64_t>();
  for (int64_t b = 0; b < B; ++b) {
    const int64_t length = lengths.empty() ? T : lengths[static_cast<size_t>(b)];
    const auto share = std::llround(options.chosen * static_cast<double>(length));
    const int64_t count = std::min<int64_t>(length, std::max<int64_t>(1, share));
    for (const int64_t t : some_positions(length, count, generator)) {
      const int64_t at = b * T + t;
      targets[at] = input[at];
      const double fate = generator.uniform();
      if (fate < options.hidden) {
        input[at] = mask_symbol;
      } else if (fate < options.hidden + options.random) {
        input[at] = generator.integer(0, options.vocab);
      }
    }
  }
  return result;
}

}  // namespace qkv::nn
