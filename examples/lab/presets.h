// Named sets of values: what each task and model trains well with, and the published settings of
// others.
#pragma once

#include "examples/lab/config.h"

namespace qkv::examples {

[[nodiscard]] std::vector<std::string> model_kinds();
[[nodiscard]] std::vector<std::string> preset_names();

// Throws std::invalid_argument, with the reason, if a model of this kind cannot learn the task.
void check_pair(const std::string& task, const std::string& kind);

// All values of a preset. An empty task or kind, and any of the preset "default", is chosen to suit
// the other. REQUIRES: a known preset; a known task and kind, or empty ones.
[[nodiscard]] Config preset_values(const std::string& preset, const std::string& task,
                                   const std::string& kind);

}  // namespace qkv::examples
