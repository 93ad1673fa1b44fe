// Published settings, run again: the same task, sizes, optimiser and number of steps (the lab's
// presets), and what was published beside what comes out here.
#include "examples/lab/run.h"
#include "examples/studies/studies.h"
#include "examples/studies/training.h"

#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::str;

struct Reference {
  const char* name;
  Words words;            // for ./qkv train
  const char* published;  // for people
  const char* measure;    // what of ours to hold against the published ...
  double bound;           // ... figure: at most that if it is a loss, else at least

  [[nodiscard]] bool is_loss() const { return measure == std::string("loss"); }
};

// Those that take longest come first, so that no processor is left with one of them at the end.
const std::vector<Reference>& references() {
  static const std::vector<Reference> all = {
      {"joeynmt-reverse", {"preset=joeynmt-reverse"}, "BLEU 95.19, 10,415 steps", "bleu", 95.19},
      {"annotated-copy", {"preset=annotated-copy"}, "loss 0.296, 200 steps", "loss", 0.296},
      {"uva", {"preset=uva"}, "100.00 % of symbols, 3,900 steps", "token", 99.995},
      {"mingpt-sort", {"preset=mingpt-sort"}, "5000 of 5000 exact, 2,000 steps", "exact", 100},
      {"tinytorch-m05 reverse",
       {"preset=tinytorch-m05", "task=reverse"},
       "pass mark 95 % exact",
       "exact",
       95},
      {"tinytorch-m05 copy",
       {"preset=tinytorch-m05", "task=copy"},
       "pass mark 95 % exact",
       "exact",
       95},
      {"tinytorch-m05 mixed",
       {"preset=tinytorch-m05", "task=mixed"},
       "pass mark 90 % exact",
       "exact",
       90},
      {"annotated-copy, small", {"preset=annotated-copy-small"}, "none", "exact", 99},
  };
  return all;
}

// The quick version has the two that take seconds.
bool takes_seconds(const std::string& name) {
  return name == "tinytorch-m05 copy" || name == "annotated-copy, small";
}

std::vector<Words> jobs(const StudyOptions& options) {
  std::vector<Words> jobs;
  for (const Reference& reference : references()) {
    if (options.quick && !takes_seconds(reference.name)) continue;
    for (int64_t seed = 1; seed <= options.seeds; ++seed) {
      Words words = reference.words;
      words.push_back(str("seed=", seed));
      jobs.push_back(job_words({reference.name, "exact", {}, words}));
    }
  }
  return jobs;
}

std::vector<Point> run(const Words& words) {
  const TrainingJob job = parse_training_job(words);
  const Trained model = trained(job.words);
  const Result result = measure(*model.model, model.task);
  return {{job.line,
           static_cast<double>(model.config.steps),
           {{"exact", 100 * result.test.exact_share()},
            {"token", 100 * result.test.token_share()},
            {"bleu", result.bleu},
            {"loss", predict(*model.model, model.task, Split::test).loss},
            {"parameters", static_cast<double>(result.parameters)}}}};
}

// The measure of a line, which has one x only.
Spread only(const Results& results, const std::string& line, const char* measure) {
  for (const double x : results.xs()) {
    const Spread spread = results.at(line, x, measure);
    if (spread.count > 0) return spread;
  }
  return {};
}

std::string table(const Results& results) {
  std::vector<Words> columns = {{"setting"}, {"published"}, {"exact, %"},   {"symbols, %"},
                                {"BLEU"},    {"loss"},      {"parameters"}, {"steps"}};
  for (const Reference& reference : references()) {
    if (only(results, reference.name, "exact").count == 0) continue;
    columns[0].emplace_back(reference.name);
    columns[1].emplace_back(reference.published);
    size_t column = 2;
    for (const char* measure : {"exact", "token", "bleu", "loss"}) {
      columns[column++].push_back(spread_text(only(results, reference.name, measure)));
    }
    columns[6].push_back(
        str(static_cast<int64_t>(only(results, reference.name, "parameters").mean)));
    for (const double steps : results.xs()) {
      if (results.at(reference.name, steps, "exact").count > 0) columns[7].push_back(str(steps));
    }
  }
  return table_text(columns, 0);
}

std::vector<Claim> claims(const Results& results) {
  std::vector<Claim> claims;
  for (const Reference& reference : references()) {
    const Spread spread = only(results, reference.name, reference.measure);
    if (spread.count == 0) continue;
    claims.push_back(
        {str(reference.name, ": ", reference.measure, " ", short_number(spread.mean, 6),
             reference.is_loss() ? ", at most " : ", at least ", short_number(reference.bound, 6)),
         reference.is_loss() ? spread.mean <= reference.bound : spread.mean >= reference.bound});
  }
  return claims;
}

}  // namespace

Study references_study() {
  return {
      .name = "references",
      .question = "Do published settings give here what was published?",
      .setting =
          "Presets of the lab, each with the task, sizes, optimiser and steps of its source "
          "(./qkv train --help names\nthem). Accuracies on held-out sequences, in percent; "
          "BLEU of the answers; the loss of a symbol, in nats.",
      .figures = {{"exact",
                   "exact sequences, %",
                   {"steps", Scale::log10},
                   {"exact sequences, %", Scale::linear, {0, 100}}}},
      .jobs = jobs,
      .run = run,
      .claims = claims,
      .table = table,
  };
}

}  // namespace qkv::examples
