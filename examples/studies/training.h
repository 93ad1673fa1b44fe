// Studies that train: a job is one run of the lab, on the words that ./qkv train takes, and the
// points are its figures on held-out sequences.
//
//   line=additive measure=reverse lengths=4,8,16 model=seq2seq attention=additive seed=3
//   '---------------- what becomes of it ------' '---------- the lab's words --------------------'
#pragma once

#include "examples/lab/trainer.h"
#include "examples/studies/study.h"

namespace qkv::examples {

struct TrainingJob {
  std::string line, measure;          // of the points
  std::vector<int64_t> lengths = {};  // a point for each
  Words words = {};                   // for ./qkv train, the seed among them
};

[[nodiscard]] Words job_words(const TrainingJob& job);

// The inverse. Throws std::invalid_argument, naming the word, for lengths that are none.
[[nodiscard]] TrainingJob parse_training_job(const Words& words);

// A model that was trained as a configuration says.
struct Trained {
  Config config;
  Task task;
  std::unique_ptr<Model> model;
};
[[nodiscard]] Trained trained(const Words& words);

// The whole job: the share of exact sequences, in percent, of 256 held-out ones of each length.
[[nodiscard]] std::vector<Point> run_training_job(const Words& words);

}  // namespace qkv::examples
