// What the programs behind ./qkv have in common: words in, an exit code out.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace qkv::examples {

// run(the words after the program's name), with its exceptions turned into one sentence on stderr
// and an exit code: 2 for a std::invalid_argument, which is the user's mistake, 1 for any other. A
// wrong QKV_ISA or QKV_NUM_THREADS is refused before.
int run_program(int argc, char** argv,
                const std::function<int(const std::vector<std::string>& words)>& run);

}  // namespace qkv::examples
