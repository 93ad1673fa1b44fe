// What every chapter needs to tell its story: numbered sections, formulas, named results, maps, and
// assertions on the numbers that the text quotes. A chapter whose numbers are not what it says ends
// with exit code 1.
//
//   section(3, "Scores")      say("Row i, column j: ...")      formula("S = Q K^T")
//   show("S", "Q K^T", S)     expect("S", S, {1.5332, ...})    try_this("Set Wk to zero.")
#pragma once

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace qkv::examples {

// "3. Scores" with a line under it.
void section(int number, const std::string& title);

// A paragraph; its lines are filled.
void say(const std::string& text);

// One line of mathematics in plain letters, as it would be typed: softmax(Q K^T / sqrt(D)) V,
// x_i, sum_j, exp(-|u|^2 / 2). The book sets it.
void formula(const std::string& text);

// A picture made of characters, as it stands.
void draw(const std::string& picture);

// "name = formula   (3, 2)" and the numbers beneath, four decimals.
void show(const std::string& name, const std::string& formula, const tensor::Tensor& value);

// "name = formula = 0.7071"
void show(const std::string& name, const std::string& formula, double value);

// An attention map, weights (Tq, Tk): a row for each query, a column for each key.
void map(const std::string& title, const tensor::Tensor& weights,
         const std::vector<std::string>& queries, const std::vector<std::string>& keys);

// A table: the first row are its headings; columns are aligned.
void table(const std::vector<std::vector<std::string>>& rows);

// A table that the book also draws as a chart: the first column along x, each other column a line
// by its heading. A cell begins with its number. A program that has a picture of its own says that
// in place of the table.
struct Plot {
  std::string title;
  std::string x_scale = "linear", y_scale = "linear";  // or log2, log10
};
void plot(const Plot& how, const std::vector<std::vector<std::string>>& rows,
          const std::string& picture = "");

// "0.3911": so many decimals, for numbers in sentences and tables.
[[nodiscard]] std::string fixed(double value, int decimals = 4);

// "6.5e-11": two digits and a power of ten.
[[nodiscard]] std::string scientific(double value);

// The last line of a section: what a reader may change, and what will happen.
void try_this(const std::string& text);

// Throws std::runtime_error, naming the result, unless every element is within half a unit of the
// fourth decimal of the expected one (NaN never is).
void expect(const std::string& name, const tensor::Tensor& value,
            const std::vector<double>& expected);
void expect(const std::string& name, double value, double expected);

// Throws std::runtime_error, naming the claim, unless it is true.
void expect(const std::string& claim, bool holds);

// Runs the chapter; an exception is printed and becomes exit code 1. With the argument --blocks it
// prints what it says as JSON, a block on a line, for the book.
int run_chapter(int argc, char** argv, void (*chapter)());

}  // namespace qkv::examples
