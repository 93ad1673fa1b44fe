// Several heads of one attention layer: the same width, cut into more and narrower heads. Each has
// weights of its own, so that one layer can look at several places at once: which, the maps show.
// The lab's tasks, where every symbol has one place to look at, do not need that.
//
//   width 32    1 head of 32      2 of 16      4 of 8      8 of 4
//
// Source: Vaswani et al. 2017, section 3.2.2 and table 3 (A).
#include <algorithm>

#include "examples/studies/studies.h"
#include "examples/studies/training.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::str;

constexpr const char* kMapped = "reverse";  // the task whose maps are shown, of seed 1

// The quick version has time for copying only, and for a first look at the maps.
Words tasks(bool quick) {
  return quick ? Words{"copy", kMapped} : Words{"copy", kMapped, "sort", "mixed"};
}

std::vector<Words> jobs(const StudyOptions& options) {
  std::vector<Words> jobs;
  for (const std::string& task : tasks(options.quick)) {
    for (int64_t heads = 1; heads <= (options.quick ? 2 : 8); heads *= 2) {
      for (int64_t seed = 1; seed <= options.seeds; ++seed) {
        jobs.push_back(job_words(
            {task,
             "exact",
             {},
             {"task=" + task, str("heads=", heads), str("seed=", seed), "model=encoder", "length=8",
              "width=32", str("steps=", options.quick ? 150 : 600), "test_size=1000"}}));
      }
    }
  }
  return jobs;
}

std::vector<Point> run(const Words& words) {
  const TrainingJob job = parse_training_job(words);
  const Trained model = trained(job.words);
  const auto heads = static_cast<double>(model.config.model.heads);
  const Accuracy accuracy = evaluate(*model.model, model.task, Split::test);
  std::vector<Point> points = {
      {job.line,
       heads,
       {{"exact", 100 * accuracy.exact_share()}, {"token", 100 * accuracy.token_share()}}}};
  if (model.config.task != kMapped || model.config.seed != 1) return points;
  for (const Look& look : model.model->looks(make_batch(model.task, Split::test, 0, 1))) {
    points.push_back({job.line,
                      heads,
                      {},
                      ChartMap{str(heads, heads == 1 ? " head: " : " heads: ", look.title),
                               look.rows, look.columns, look.weights.to_vector()}});
  }
  return points;
}

std::vector<Claim> claims(const Results& results) {
  std::vector<Claim> claims;
  const double most = results.xs().back();
  for (const std::string& task : results.lines()) {
    if (most < 8 && task == kMapped) continue;  // the quick version has not learned it
    double lowest = 100;
    bool enough = true;  // a NaN is not
    for (const double heads : results.xs()) {
      const double exact = results.at(task, heads, "exact").mean;
      lowest = std::min(lowest, exact);
      enough = enough && exact >= 95;
    }
    claims.push_back({str(task, ": with 1 to ", most, " heads at least ", short_number(lowest),
                          " % of the sequences are exact: one head is enough"),
                      enough});
  }
  return claims;
}

}  // namespace

Study heads_study() {
  return {
      .name = "heads",
      .question = "Do several narrow heads do better than a wide one?",
      .setting =
          "An encoder of one layer, width 32, on sequences of 8 of 10 symbols; 600 steps of 64 "
          "(150 of the quick\nversion); 1000 held-out sequences. The width is shared out: more "
          "heads are narrower ones. The maps are\nthose of reverse, seed 1, on one held-out "
          "sequence: "
          "rows are queries, columns are keys.",
      .figures = {{"exact",
                   "exact sequences, %",
                   {"heads", Scale::log2},
                   {"exact sequences, %", Scale::linear, {0, 100}}},
                  {"token",
                   "right symbols, %",
                   {"heads", Scale::log2},
                   {"right symbols, %", Scale::linear, {0, 100}}}},
      .jobs = jobs,
      .run = run,
      .claims = claims,
  };
}

}  // namespace qkv::examples
