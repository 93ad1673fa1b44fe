// How well text can be predicted at all: what the grammar that wrote it knows. A model's perplexity
// is to be compared with these, and cannot be lower for long.
#pragma once

#include "examples/lab/tasks.h"

namespace qkv::examples {

// All of it exact, without sampling. A character counts as in a model's loss: every character of a
// line and the end of the line.
struct TextEntropy {
  double bits_per_line;        // H(line) = -Σ P(line) log2 P(line)
  double characters_per_line;  // with the end of the line, on average
  double bits_per_character;   // bits_per_line / characters_per_line
  double perplexity;           // 2 to the power of bits_per_character
};

[[nodiscard]] TextEntropy text_entropy();

// -log2 P(line) by the grammar: of a target of the task text, ordinary or longer. Infinity if the
// grammar does not make this line.
[[nodiscard]] double grammar_bits(const Sequence& line);

// What the grammar itself scores on the first `count` lines of a split, in bits per character: the
// sum of their grammar_bits over the number of their characters with the ends of the lines. It
// differs from text_entropy() by the chance of which lines were drawn, and by the share of a split:
// knowing by heart which lines belong to it would save up to log2(8) = 3 bits in a line. For a
// split of its own, `longer`, text_entropy() does not hold. Throws std::invalid_argument unless the
// task is text and count >= 1.
[[nodiscard]] double grammar_bits_per_character(const Task& task, Split split, int64_t count);

}  // namespace qkv::examples
