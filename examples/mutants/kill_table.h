// The mutants command: which checks see which wrong gradients. Every check is run on every mutant,
// and on the right function beside it.
#pragma once

#include <iosfwd>
#include <string>

#include "examples/mutants/mutants.h"

namespace qkv::examples {

// Without a filter a table by families; else the mutants whose names contain the filter, one a
// line. Returns the exit code: 0 if grad_check kills all of these mutants and accepts all of the
// right functions, 1 if not, 2 if no name contains the filter. The filter --help prints the usage.
int run_mutants(const std::string& filter, std::ostream& out,
                const std::vector<Mutant>& list = mutants());

}  // namespace qkv::examples
