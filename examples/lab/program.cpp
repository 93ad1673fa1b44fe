// The frame around every command.
#include "examples/lab/program.h"

#include <exception>
#include <iostream>
#include <stdexcept>

#include "lib/cpu.h"
#include "lib/parallel.h"

namespace qkv::examples {

int run_program(int argc, char** argv,
                const std::function<int(const std::vector<std::string>& words)>& run) {
  try {
    static_cast<void>(lib::active_isa());
    static_cast<void>(lib::num_threads());
    return run({argv + 1, argv + argc});
  } catch (const std::invalid_argument& error) {
    std::cerr << "qkv: " << error.what() << "\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "qkv: " << error.what() << "\n";
    return 1;
  }
}

}  // namespace qkv::examples
