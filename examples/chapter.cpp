// Printing and asserting for the chapters.
#include "examples/chapter.h"

#include <cmath>
#include <iostream>
#include <stdexcept>

#include "lib/text.h"

namespace qkv::examples {

void section(int number, const std::string& title) {
  const std::string heading = lib::str(number, ". ", title);
  std::cout << "\n" << heading << "\n" << std::string(heading.size(), '-') << "\n\n";
}

void say(const std::string& text) { std::cout << text << "\n\n"; }

void show(const std::string& name, const std::string& formula, const tensor::Tensor& value) {
  std::cout << name << " = " << formula << "   " << value.shape() << "\n" << value << "\n\n";
}

void expect(const std::string& name, const tensor::Tensor& value,
            const std::vector<double>& expected) {
  const std::vector<double> found = value.to_vector();
  if (found.size() != expected.size()) {
    throw std::runtime_error(
        lib::str(name, ": ", found.size(), " numbers, expected ", expected.size()));
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (!(std::abs(found[i] - expected[i]) <= 0.5001e-4)) {
      throw std::runtime_error(
          lib::str(name, ": number ", i, " is ", found[i], ", the text says ", expected[i]));
    }
  }
}

int run_chapter(void (*chapter)()) {
  try {
    chapter();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "chapter: " << error.what() << "\n";
    return 1;
  }
}

}  // namespace qkv::examples
