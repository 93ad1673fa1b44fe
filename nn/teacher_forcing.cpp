// The shift by one position, and its picture.
#include "nn/teacher_forcing.h"

#include <algorithm>

#include "autograd/ops.h"
#include "lib/text.h"
#include "tensor/index.h"

namespace qkv::nn {
namespace {

using autograd::kIgnoreIndex;

void check(const Tensor& target, const std::vector<int64_t>& lengths) {
  if (target.rank() != 2 || target.dtype() != tensor::Dtype::int64) {
    lib::fail("teacher_forcing: target is ", target.shape(), " ", target.dtype(),
              "; need (B, T) int64");
  }
  tensor::check_lengths("teacher_forcing", lengths, target.shape()[0], target.shape()[1]);
}

std::string table_row(const char* title, const std::vector<std::string>& cells, size_t width) {
  std::string row = lib::left(title, 12);
  for (const std::string& cell : cells) row += lib::right(cell, width);
  return row + "\n";
}

}  // namespace

TeacherForcing teacher_forcing(const Tensor& target, const std::vector<int64_t>& lengths,
                               int64_t bos, int64_t eos) {
  check(target, lengths);
  const int64_t B = target.shape()[0], T = target.shape()[1];
  TeacherForcing result = {tensor::zeros({B, T + 1}, tensor::Dtype::int64),
                           tensor::full({B, T + 1}, kIgnoreIndex, tensor::Dtype::int64)};
  const Tensor packed = target.contiguous();
  const int64_t* y = packed.data<int64_t>();
  int64_t* input = result.input.mutable_data<int64_t>();
  int64_t* expected = result.expected.mutable_data<int64_t>();
  for (const int64_t length : lengths) {
    input[0] = bos;
    std::copy(y, y + length, input + 1);
    std::copy(y, y + length, expected);
    expected[length] = eos;
    y += T, input += T + 1, expected += T + 1;
  }
  return result;
}

std::string teacher_forcing_table(const Tensor& target, const std::vector<int64_t>& lengths,
                                  int64_t bos, int64_t eos,
                                  const std::function<std::string(int64_t)>& name) {
  const auto [input, expected] = teacher_forcing(target, lengths, bos, eos);
  const auto text = [&](int64_t symbol) {  // the caller's name has no words for bos and eos
    const bool named = name && symbol != bos && symbol != eos;
    return named ? name(symbol) : lib::str(symbol);
  };
  const int64_t positions = input.shape()[1];
  const int64_t* in = input.data<int64_t>();
  const int64_t* out = expected.data<int64_t>();
  std::vector<std::vector<std::string>> rows(1);  // positions, then three for each sequence
  for (int64_t t = 0; t < positions; ++t) rows[0].push_back(lib::str(t));
  for (size_t b = 0; b < lengths.size(); ++b) {
    rows.resize(rows.size() + 3);
    for (int64_t t = 0; t < positions; ++t, ++in, ++out) {
      const int64_t end = lengths[b];  // BOS and EOS go by their places: they may be one symbol
      rows[3 * b + 1].push_back(t == 0 ? "BOS" : t <= end ? text(*in) : "PAD");
      rows[3 * b + 2].push_back(t < end ? text(*out) : t == end ? "EOS" : "PAD");
      rows[3 * b + 3].push_back(*out != kIgnoreIndex ? "#" : ".");
    }
  }
  size_t widest = 3;
  for (const auto& row : rows) {
    for (const std::string& cell : row) widest = std::max(widest, lib::columns_of(cell));
  }
  const char* const titles[] = {"in the loss", "input", "expected"};
  std::string table = table_row("position", rows[0], widest + 2);
  for (size_t i = 1; i < rows.size(); ++i) {
    if (i > 1 && i % 3 == 1) table += "\n";
    table += table_row(titles[i % 3], rows[i], widest + 2);
  }
  return table;
}

}  // namespace qkv::nn
