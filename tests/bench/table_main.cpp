// The program behind ./qkv bench --table FILE: writes the tables of a result into README.md.
//
//   qkv-bench-table FILE PAGE [--check]      with --check: does the page hold these tables already?
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "lib/text.h"
#include "tests/bench/table.h"

namespace {

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) qkv::lib::fail("cannot read ", path);
  return {std::istreambuf_iterator<char>(in), {}};
}

int run(const std::string& result, const std::string& path, bool check) {
  const std::string page = text_of(path);
  const std::string wanted = qkv::bench::with_tables(page, qkv::bench::tables_of(text_of(result)));
  if (check) {
    if (page == wanted) return 0;
    std::fprintf(stderr, "%s does not show what %s holds; ./qkv bench --table %s mends it\n",
                 path.c_str(), result.c_str(), result.c_str());
    return 1;
  }
  std::ofstream out(path, std::ios::binary);
  out << wanted;
  if (!out.flush()) qkv::lib::fail("cannot write ", path);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bool check = argc == 4 && std::string(argv[3]) == "--check";
  if (argc != 3 && !check) {
    std::fprintf(stderr, "usage: qkv-bench-table FILE PAGE [--check]\n");
    return 2;
  }
  try {
    return run(argv[1], argv[2], check);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "qkv-bench-table: %s\n", error.what());
    return 1;
  }
}
