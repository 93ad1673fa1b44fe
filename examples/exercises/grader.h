// What the graders ask with. Each question says what it tried, and either that the answer is right,
// or what is wrong, where, and what the mistake looks like; then the grading ends.
//
//   tried    x + 1000: the same weights
//   wrong    the weights: element (0, 0) is NaN, expected 0.0900306; 6 of 6 elements are wrong
//            looks like the maximum was not subtracted: exp(1000) is infinite
//   exercise 05: not yet
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/grad_check.h"
#include "examples/exercises/exercise.h"

namespace qkv::examples {

using autograd::Function;
using In = const std::vector<Variable>&;
using Var = const Variable&;

// What a well-known mistake would give; `what` goes on from "looks like".
struct Slip {
  std::string what;
  Tensor result;
};

// From the inputs, the gradient of the result and the result to the gradients of the inputs.
using Backward = std::function<Grads(In in, Var dy, Var y)>;

struct WrongBackward {
  std::string what;
  Backward backward;
};

struct Input {
  std::string name;
  Tensor value;  // float64
};

// What the next questions are about. To be said before the reader's function is called: if it
// throws, this is the last line before the error.
void tried(const std::string& what);

// Goes on if the claim holds; else `sentence` is what is wrong.
void require(bool holds, const std::string& sentence);

// Are shape, dtype and every element as expected?
void compare(const std::string& name, const Tensor& yours, const Tensor& expected,
             const std::vector<Slip>& slips = {});

// Is each row (last axis) a share of 1? `name` is used in messages.
void compare_row_sums(const std::string& name, const Tensor& yours);

// Does `yours` send back the gradients of `right`? One for each input, of its shape; then the
// gradient check, which explains what it finds.
void compare_gradients(const std::string& name, const Function& right, const Backward& yours,
                       const std::vector<Input>& inputs,
                       const std::vector<WrongBackward>& slips = {});

// Is `yours`, made of operations that have a way back, differentiated rightly by the engine?
void compare_slopes(const std::string& name, const Function& yours,
                    const std::vector<Tensor>& inputs);

// Asks, and says how it ended: 0 right, 1 not yet. For main to return.
int grade(int number, const std::string& title, void (*questions)());

// ---- making inputs ------------------------------------------------------------------------------

[[nodiscard]] Tensor random_numbers(const Shape& shape, uint64_t seed);  // float64, about 1
[[nodiscard]] Tensor numbers(const std::vector<double>& values, const Shape& shape);
[[nodiscard]] Tensor numbers(const std::vector<double>& values);  // a vector

}  // namespace qkv::examples
