// Which studies there are.
#pragma once

#include "examples/studies/study.h"

namespace qkv::examples {

[[nodiscard]] Study scaling_study();
[[nodiscard]] Study reach_study();
[[nodiscard]] Study parallel_study();

[[nodiscard]] Study bottleneck_study();  // these train
[[nodiscard]] Study positions_study();
[[nodiscard]] Study heads_study();
[[nodiscard]] Study translate_study();
[[nodiscard]] Study text_study();
[[nodiscard]] Study references_study();

// All of them, in the order of the story that they tell.
[[nodiscard]] std::vector<Study> all_studies();

// Throws std::invalid_argument with the nearest name if there is no such study.
[[nodiscard]] Study find_study(const std::string& name);

}  // namespace qkv::examples
