// The list of the studies.
#include "examples/studies/studies.h"

#include "examples/lab/suggestion.h"
#include "lib/text.h"

namespace qkv::examples {

std::vector<Study> all_studies() {
  return {bottleneck_study(), reach_study(),     scaling_study(),
          parallel_study(),   positions_study(), heads_study(),
          translate_study(),  text_study(),      references_study()};
}

Study find_study(const std::string& name) {
  Words known;
  for (const Study& study : all_studies()) {
    if (study.name == name) return study;
    known.push_back(study.name);
  }
  lib::fail("study: there is no study '", lib::escaped(name.substr(0, 80)), "'",
            did_you_mean(name, known));
}

}  // namespace qkv::examples
