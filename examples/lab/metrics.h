// How good answers are: exact sequences, right symbols, and BLEU.
//
//   target   7 3 1 0      exact: no
//   answer   7 3 0        token: 2 of 4 right
#pragma once

#include <cstdint>
#include <vector>

namespace qkv::examples {

// part / all, and 0 of none.
[[nodiscard]] double share(int64_t part, int64_t all);

// How many of a number of sequences, and of their symbols, were right.
struct Accuracy {
  int64_t exact = 0, sequences = 0;
  int64_t right = 0, symbols = 0;

  // One more answer, without start, end and padding symbols. It is exact if it has the same symbols
  // and the same length. Symbol number t is right if both have one there and they are the same; the
  // longer of the two is the number of symbols, so what is missing is wrong, and so is what is too
  // much.
  void add(const std::vector<int64_t>& answer, const std::vector<int64_t>& target);

  [[nodiscard]] double exact_share() const;  // from 0 to 1; 0 of no sequences
  [[nodiscard]] double token_share() const;
};

// What BLEU is made of. An n-gram is n symbols in a row.
struct Bleu {
  double score = 0;              // from 0 to 100
  double precisions[4] = {};     // in percent, for n = 1 to 4
  double brevity_penalty = 1;    // for answers that are too short
  int64_t length = 0;            // symbols in all answers
  int64_t reference_length = 0;  // and in all references
};

// Corpus BLEU-4 with one reference for each answer, in percent:
//
//   p_n    n-grams of the answers that are in their reference / n-grams of the answers; an n-gram
//          counts at most as often as in the reference
//   BLEU = min(1, exp(1 - reference length / length)) · (p_1 p_2 p_3 p_4)^(1/4)
//
// All counts are summed over the corpus before they are divided. As sacrebleu does (and JoeyNMT
// through it), the first p_n with no right n-gram is taken as 1/2 of one, the second as 1/4, and so
// on, unless not even one symbol is right: then the score is 0. It is also 0 if no answer has four
// symbols. Throws std::invalid_argument if the lists are not equally long.
// Source: Papineni, Roukos, Ward, Zhu, "BLEU: a method for automatic evaluation of machine
// translation", 2002; Post, "A call for clarity in reporting BLEU scores", 2018 (sacrebleu).
[[nodiscard]] Bleu bleu(const std::vector<std::vector<int64_t>>& answers,
                        const std::vector<std::vector<int64_t>>& references);

}  // namespace qkv::examples
