// What a study has found, in a file: everything that its tables and its chart are made of.
//
//   ./qkv study NAME              writes runs/study-NAME/result.json
//   ./qkv study NAME from=FILE    shows such a file
#pragma once

#include "examples/studies/study.h"

namespace qkv::examples {

// The words and points of each job, the spreads, the claims, as JSON.
[[nodiscard]] std::string study_json(const Study& study, const StudyOptions& options,
                                     const std::vector<std::vector<Point>>& points);

struct Stored {
  StudyOptions options;
  std::vector<std::vector<Point>> points;  // of each job
};

// The inverse. Throws std::runtime_error, naming the file, if it holds no study, another one, or
// the jobs of an older version: what it says is then not what the study would find.
[[nodiscard]] Stored parse_study_json(const Study& study, const std::string& file,
                                      const std::string& text);

}  // namespace qkv::examples
