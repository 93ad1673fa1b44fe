// The verify command: runs the cases of golden files and compares outputs and gradients with what
// the files say.
//
//   float64   |ours - theirs| <= 1e-10 + 1e-9 |theirs|          for every element
//   float32   |ours - theirs| <= 2e-5 max |theirs|              the largest element of the tensor
#pragma once

#include <iosfwd>

#include "examples/checks/golden_ops.h"

namespace qkv::examples {

struct CaseReport {
  std::string problem;  // empty if the case is right: else a line that says what is off
  std::string worst;    // which element comes nearest to its tolerance: "grad of query (0, 2)"
  double error = 0;     // |ours - theirs| there
  double share = 0;     // the error divided by what is tolerated: right if at most 1
};

// Runs one case with inputs of that dtype. Throws std::invalid_argument naming the place if the
// case is malformed: it names no operation of ours, or the operation refuses what it is given.
[[nodiscard]] CaseReport verify_case(const GoldenCase& golden, Dtype dtype,
                                     const GoldenOps& ops = golden_ops());

// The command's words are file names and perhaps --float32; --help prints a usage. Prints a line
// per case to `out`, and to `errors` why a file was refused. Returns the exit code: 0 if every case
// is right, 1 if one is not, 2 if a file is malformed, names an unknown operation or cannot be
// read. Throws std::invalid_argument for an unknown option, and if there is no file.
int run_verify(const std::vector<std::string>& words, std::ostream& out, std::ostream& errors);

}  // namespace qkv::examples
