// Grades exercise 13 against the library's shift, of a target of three symbols and of an empty one.
#include "examples/exercises/grader.h"
#include "nn/teacher_forcing.h"

namespace qkv::examples {

using Symbols = std::vector<int64_t>;

std::pair<Symbols, Symbols> input_and_expected(const Symbols& target, int64_t bos, int64_t eos);

namespace {

Tensor row(const Symbols& symbols) {
  return Tensor::of(symbols, {static_cast<int64_t>(symbols.size())});
}

void ask(const std::string& what, const Symbols& target, int64_t bos, int64_t eos) {
  tried(what);
  const auto [input, expected] = input_and_expected(target, bos, eos);
  const auto length = static_cast<int64_t>(target.size());
  for (const Symbols& list : {input, expected}) {
    require(list.size() == target.size() + 1,
            lib::str("a list has ", list.size(), " symbols, expected ", length + 1,
                     ": BOS is one more to read, EOS one more to say"));
  }
  require(input != expected || target.empty(),
          "both lists are the same: the decoder would be shown the symbol that it is asked for");
  const auto right = nn::teacher_forcing(Tensor::of(target, {1, length}), {length}, bos, eos);
  Symbols both = target, end_first = target, begin_last = target;
  end_first.insert(end_first.begin(), eos);
  begin_last.push_back(bos);
  both.push_back(eos);
  compare("input", row(input), tensor::select(right.input, 0, 0),
          {{"what is expected: the two lists are exchanged", row(both)},
           {"EOS where BOS should be", row(end_first)},
           {"BOS behind the target: it comes before the first symbol", row(begin_last)}});
  compare("expected", row(expected), tensor::select(right.expected, 0, 0),
          {{"BOS where EOS should be", row(begin_last)},
           {"EOS before the target: it comes after the last symbol", row(end_first)}});
}

void questions() {
  ask("target 7 3 1, BOS 10, EOS 11", {7, 3, 1}, 10, 11);
  ask("an empty target, BOS 1, EOS 2", {}, 1, 2);
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(13, "teacher forcing", qkv::examples::questions); }
