// The gradcheck command: every operation and every model of the lab, against numeric differences.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "autograd/op_table.h"

namespace qkv::examples {

// Checks the given rows, those of one operation standing together, first and second order, and
// prints a line for each operation; with `details` also one for each row. What is wrong is
// explained beneath. Returns the exit code: 0 if all passed, 1 if not.
int check_rows(const std::vector<autograd::OpCase>& rows, bool details, std::ostream& out);

// ./qkv gradcheck WORDS: the rows whose name contains the word, all if there is none; --eps-sweep
// for the V-curve of each instead. Throws std::invalid_argument for an unknown option, and for a
// word that is in no name.
int run_gradcheck(const std::vector<std::string>& words, std::ostream& out);

}  // namespace qkv::examples
