// Questions, and answers to wrong answers. A wrong result is held against what known mistakes would
// give; a wrong gradient has the diagnosis of the gradient check besides (autograd/diagnosis.h).
#include "examples/exercises/grader.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <stdexcept>

#include "autograd/node.h"
#include "lib/text.h"
#include "nn/mask.h"

namespace qkv::examples {
namespace {

using lib::str;

// The end of a grading; its text is what is wrong.
struct NotYet : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A title, and the text beside it, all of its lines.
void line(const std::string& title, const std::string& text) {
  std::string beside;
  for (const char character : text) {
    beside += character;
    if (character == '\n') beside += std::string(9, ' ');
  }
  std::cout << lib::left(title, 9) << beside << std::endl;
}

void right(const std::string& what) { line("right", what); }

bool close(double a, double b) {
  if (std::isnan(a) && std::isnan(b)) return true;
  if (!std::isfinite(a) || !std::isfinite(b)) return a == b;
  return std::abs(a - b) <= 1e-9 + 1e-7 * std::abs(b);
}

bool close(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined() || a.shape() != b.shape()) return false;
  const std::vector<double> x = a.to_vector(), y = b.to_vector();
  return std::equal(x.begin(), x.end(), y.begin(), [](double p, double q) { return close(p, q); });
}

// ---- what a wrong result looks like -------------------------------------------------------------

std::string factor_between(const std::vector<double>& yours, const std::vector<double>& expected) {
  double product = 0, square = 0;
  for (size_t i = 0; i < yours.size(); ++i) {
    product += yours[i] * expected[i];
    square += expected[i] * expected[i];
  }
  const double factor = product / square;
  const bool everywhere = std::equal(yours.begin(), yours.end(), expected.begin(),
                                     [&](double a, double b) { return close(a, factor * b); });
  if (!everywhere || yours.size() < 2) return "";
  if (close(factor, -1)) return "the sign is wrong everywhere";
  return str("a constant factor: everything is ", factor, " times what it should be");
}

// Mistakes that any result may have; empty if it looks like none of them.
std::string common_mistake(const Tensor& yours, const Tensor& expected) {
  const std::vector<double> a = yours.to_vector(), b = expected.to_vector();
  const auto all = [&](const auto& holds) {
    return std::equal(a.begin(), a.end(), b.begin(), holds);
  };
  if (yours.dtype() == Dtype::boolean) {
    if (all([](double x, double y) { return x != y; })) {
      return "every cell turned round: here true means \"may attend\"";
    }
    if (all([](double x, double) { return x != 0; })) return "everything allowed: no mask at all";
  }
  const auto lost = std::count_if(a.begin(), a.end(), [](double x) { return !std::isfinite(x); });
  if (lost > 0) {
    return str("a division of 0 by 0, an infinity, or the logarithm of 0: ", lost,
               " elements are no finite numbers");
  }
  if (all([](double x, double) { return x == 0; })) return "nothing but zeros: is it written yet?";
  if (std::string factor = factor_between(a, b); !factor.empty()) return factor;
  const int rank = yours.rank();
  if (rank >= 2 && yours.shape()[rank - 1] == yours.shape()[rank - 2] &&
      close(transpose(yours), expected)) {
    return "the right numbers, transposed: rows and columns are exchanged";
  }
  return "";
}

std::string looks_like(const std::string& what) {
  return what.empty() ? "" : "\nlooks like " + what;
}

// A mask of a single picture as # and ., other small tensors as numbers.
std::string picture(const std::string& title, const Tensor& t) {
  if (t.numel() > 40) return "";
  const std::string text =
      t.dtype() == Dtype::boolean ? nn::Mask::allow(t).str() : tensor::to_string(t);
  return "\n" + title + "\n" + text.substr(0, text.find_last_not_of('\n') + 1);
}

std::string element(const Tensor& t, double value) {
  if (t.dtype() == Dtype::boolean) return value != 0 ? "true" : "false";
  return std::isnan(value) ? "NaN" : str(value);
}

void require_same_form(const std::string& name, const Tensor& yours, const Tensor& expected) {
  if (!yours.defined()) throw NotYet(name + " is nothing at all: an undefined tensor");
  if (yours.shape() != expected.shape()) {
    throw NotYet(str(name, " is ", yours.shape(), ", expected ", expected.shape()));
  }
  if (yours.dtype() != expected.dtype()) {
    throw NotYet(str(name, " is ", yours.dtype(), ", expected ", expected.dtype()));
  }
}

// ---- gradients ----------------------------------------------------------------------------------

// The operation that a gradient check takes: the right value, and the reader's way back.
Function recorded(const Function& value_of, const Backward& backward) {
  return [value_of, backward](In in) {
    Tensor value;
    {
      const autograd::NoGrad quiet;
      value = value_of(in).value();
    }
    return autograd::record("yours", in, std::move(value),
                            [in, backward](Var dy, Var y) { return backward(in, dy, y); });
  };
}

// One for each input, of its shape.
void require_gradients(const Grads& grads, const std::vector<Input>& inputs) {
  if (grads.size() != inputs.size()) {
    throw NotYet(str("gradients that came back: ", grads.size(), ", expected ", inputs.size(),
                     ", one for each input"));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string name = "d" + inputs[i].name;
    if (!grads[i].defined()) throw NotYet(name + " is nothing at all: an undefined Variable");
    if (grads[i].shape() == inputs[i].value.shape()) continue;
    throw NotYet(str(name, " is ", grads[i].shape(), ", expected ", inputs[i].value.shape(),
                     "\na gradient has the shape of what it belongs to: what was repeated on the "
                     "way forward is summed on the way back"));
  }
}

std::string recognised(const Grads& yours, const std::vector<WrongBackward>& slips, In in, Var dy,
                       Var y) {
  for (const WrongBackward& slip : slips) {
    const Grads wrong = slip.backward(in, dy, y);
    bool same = true;
    for (size_t i = 0; i < yours.size(); ++i) {
      same = same && (!wrong[i].defined() || close(yours[i].value(), wrong[i].value()));
    }
    if (same) return slip.what;
  }
  return "";
}

}  // namespace

void tried(const std::string& what) { line("tried", what); }

void require(bool holds, const std::string& sentence) {
  if (!holds) throw NotYet(sentence);
}

void compare(const std::string& name, const Tensor& yours, const Tensor& expected,
             const std::vector<Slip>& slips) {
  require_same_form(name, yours, expected);
  const std::vector<double> a = yours.to_vector(), b = expected.to_vector();
  size_t first = a.size(), wrong = 0;
  for (size_t i = a.size(); i-- > 0;) {
    if (close(a[i], b[i])) continue;
    first = i;
    wrong += 1;
  }
  if (wrong == 0) return right(str(name, ", all of its ", a.size(), " elements"));
  std::string look;
  for (const Slip& slip : slips) {
    if (look.empty() && close(yours, slip.result)) look = slip.what;
  }
  if (look.empty()) look = common_mistake(yours, expected);
  const auto place = static_cast<int64_t>(first);
  throw NotYet(str(name, ": element ", autograd::index_text(place, yours.shape()), " is ",
                   element(yours, a[first]), ", expected ", element(expected, b[first]), "; ",
                   wrong, " of ", a.size(), " elements are wrong", looks_like(look),
                   picture("yours", yours), picture("expected", expected)));
}

void compare_row_sums(const std::string& name, const Tensor& yours) {
  require(yours.defined() && yours.rank() > 0, name + " is no rows of numbers");
  const std::vector<double> sums = tensor::sum(yours, {-1}).to_vector();
  for (size_t row = 0; row < sums.size(); ++row) {
    require(close(sums[row], 1), str("row ", row, " of ", name, " sums to ", sums[row],
                                     "; every row must sum to 1", picture("yours", yours)));
  }
  right("every row of " + name + " sums to 1");
}

void compare_slopes(const std::string& name, const Function& yours,
                    const std::vector<Tensor>& inputs) {
  const auto report = autograd::grad_check(name, yours, inputs);
  require(report.passed, report.message);
  right(str("all ", report.elements, " elements of its gradient agree with the measured slopes"));
}

void compare_gradients(const std::string& name, const Function& value_of, const Backward& yours,
                       const std::vector<Input>& inputs, const std::vector<WrongBackward>& slips) {
  std::string what = name + ", every element against numeric differences";
  std::vector<Tensor> tensors;
  for (const Input& input : inputs) {
    what += str(tensors.empty() ? ": " : ", ", "input ", tensors.size(), " is ", input.name, " ",
                input.value.shape());
    tensors.push_back(input.value);
  }
  tried(what);
  const std::vector<Variable> in(tensors.begin(), tensors.end());
  const Variable y = value_of(in), dy = random_numbers(y.shape(), 99);
  const Grads grads = yours(in, dy, y);
  require_gradients(grads, inputs);
  const auto report = autograd::grad_check(name, recorded(value_of, yours), tensors);
  if (report.passed) {
    return right(str("all ", report.elements, " elements agree with the measured slopes"));
  }
  throw NotYet(report.message +
               "\nanalytic is what your function returns, numeric the slope that was measured" +
               looks_like(recognised(grads, slips, in, dy, y)));
}

int grade(int number, const std::string& title, void (*questions)()) {
  char name[32];
  std::snprintf(name, sizeof name, "exercise %02d", number);
  std::cout << name << ": " << title << "\n";
  bool holds = false;
  try {
    questions();
    holds = true;
  } catch (const NotYet& wrong) {
    line("wrong", wrong.what());
  } catch (const std::exception& error) {
    line("wrong", str("it ended with an error:\n", error.what()));
  }
  std::cout << name << (holds ? ": right" : ": not yet") << std::endl;
  return holds ? 0 : 1;
}

Tensor random_numbers(const Shape& shape, uint64_t seed) {
  lib::Generator generator(seed);
  return tensor::normal(shape, 0, 1, generator, Dtype::float64);
}

Tensor numbers(const std::vector<double>& values, const Shape& shape) {
  return Tensor::of(values, shape);
}

Tensor numbers(const std::vector<double>& values) {
  return Tensor::of(values, {static_cast<int64_t>(values.size())});
}

}  // namespace qkv::examples
