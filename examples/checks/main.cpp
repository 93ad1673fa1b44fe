// The program behind ./qkv gradcheck, mutants and verify: three ways to distrust a gradient.
//
// Exit codes: 0 all right, 1 something is wrong, 2 usage.
#include <iostream>

#include "examples/checks/gradcheck.h"
#include "examples/checks/verify.h"
#include "examples/lab/program.h"
#include "examples/mutants/kill_table.h"

namespace {

using namespace qkv::examples;

const char* const kUsage =
    "usage: qkv gradcheck [NAME] [--eps-sweep] check all gradients, or those with NAME in their "
    "name\n"
    "       qkv mutants [NAME]                 which gradient checks see which wrong gradients\n"
    "       qkv verify [--float32] FILE...     compare with the results in golden files\n";

int run(const std::vector<std::string>& words) {
  const std::string command = words.empty() ? "" : words[0];
  const std::vector<std::string> rest(words.begin() + (words.empty() ? 0 : 1), words.end());
  if (command == "gradcheck") return run_gradcheck(rest, std::cout);
  if (command == "mutants" && rest.size() <= 1) {
    return run_mutants(rest.empty() ? "" : rest[0], std::cout);
  }
  if (command == "verify" && !rest.empty()) return run_verify(rest, std::cout, std::cerr);
  std::cerr << kUsage;
  return 2;
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
