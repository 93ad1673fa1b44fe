// A study: a question about attention, answered by an experiment over several seeds.
//
//   jobs(options) -> a process for each: run(words) -> points -> Results -> tables, chart, claims
//
// To add one: 1. write its file (scaling.cpp is the shortest) with a function that returns the
// Study; 2. declare it in studies.h and put it on the list in studies.cpp; 3. name the file in
// examples/programs.cmake and the study in tests/tests.cmake.
#pragma once

#include "examples/studies/chart.h"
#include "examples/studies/jobs.h"
#include "examples/studies/results.h"

namespace qkv::examples {

struct StudyOptions {
  bool quick = false;     // smaller, to see that it works
  int64_t seeds = 0;      // 0: five, or two of a quick one
  std::string from = {};  // a file to show instead; "": none
};

// From "quick=true seeds=7", or "from=FILE". Throws std::invalid_argument, naming the word and what
// is allowed.
[[nodiscard]] StudyOptions parse_study_options(const Words& words);

// One measure as a table, and as a panel of the chart.
struct Figure {
  std::string measure;  // of the points
  std::string title;
  ChartAxis x, y;
};

// A sentence with numbers, and whether the numbers bear it out.
struct Claim {
  std::string text;
  bool holds;
};

struct Study {
  std::string name, question;
  std::string setting;  // how the answer was found, in a few lines
  std::vector<Figure> figures;

  // The words of each job: they say everything that it depends on, its seed too.
  std::vector<Words> (*jobs)(const StudyOptions& options);
  std::vector<Point> (*run)(const Words& job);
  std::vector<Claim> (*claims)(const Results& results);

  std::string (*table)(const Results& results) = nullptr;  // instead of one for each figure
  bool one_at_a_time = false;                              // because jobs measure time
};

// ---- jobs that need no more than a seed: "seed=3 quick=true" ------------------------------------
[[nodiscard]] std::vector<Words> job_for_each_seed(const StudyOptions& options);

struct SeedJob {
  uint64_t seed = 1;
  bool quick = false;
};
[[nodiscard]] SeedJob parse_seed_job(const Words& job);

// ---- what is shown ------------------------------------------------------------------------------

// "0.5 (0.4 to 0.6)", mean and range; one number if they are the same; "-" if there is none.
[[nodiscard]] std::string spread_text(const Spread& spread);

// Columns side by side; the first so many are aligned to the right. REQUIRES: equally long ones.
[[nodiscard]] std::string table_text(const std::vector<Words>& columns, size_t numbers);

// The study's own table, or one for each figure (a row for each x, a column for each line, "mean
// (smallest to largest)"); then its maps.
[[nodiscard]] std::string study_tables(const Study& study, const Results& results);

[[nodiscard]] std::string study_chart(const Study& study, const Results& results);

}  // namespace qkv::examples
