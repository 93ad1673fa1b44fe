// The gradcheck command: every operation and every model of the lab, against numeric differences.
#pragma once

#include <iosfwd>
#include <string>

namespace qkv::examples {

// Checks the rows whose name contains `filter` (all if it is empty) and prints a line for each
// name. Returns the exit code: 0 if all passed, 1 if not, 2 if no name contains the filter.
int run_gradcheck(const std::string& filter, std::ostream& out);

}  // namespace qkv::examples
