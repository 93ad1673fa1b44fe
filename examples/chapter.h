// What every chapter needs to tell its story: numbered sections, named results, and assertions on
// the numbers that the text quotes. A chapter whose numbers are not what it says ends with exit
// code 1.
#pragma once

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace qkv::examples {

// "3. Scores" with a line under it.
void section(int number, const std::string& title);

// A paragraph, as it stands.
void say(const std::string& text);

// "name = formula   (3, 2)" and the numbers beneath, four decimals.
void show(const std::string& name, const std::string& formula, const tensor::Tensor& value);

// Throws std::runtime_error, naming the result, unless every element is within half a unit of the
// fourth decimal of the expected one (NaN never is).
void expect(const std::string& name, const tensor::Tensor& value,
            const std::vector<double>& expected);

// Runs the chapter; an exception is printed and becomes exit code 1.
int run_chapter(void (*chapter)());

}  // namespace qkv::examples
