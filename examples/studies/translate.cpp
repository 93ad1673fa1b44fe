// Alignment: nobody tells the model which English word a French one comes from. It is only asked to
// write the French, and where it looks while it writes turns out to be that word.
//
//   le chat noir            gold, from the grammar: le-the, chat-cat, noir-black
//   the black cat           found: for each French word the English one it looks at most
//
// Source: Bahdanau, Cho, Bengio 2015, figures 2 and 3; the error rate: Och and Ney 2003.
#include <map>

#include "examples/lab/run.h"
#include "examples/studies/studies.h"
#include "examples/studies/training.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::str;

constexpr double kAll = 0;  // the x of figures that are those of all phrases, of any length

struct Line {
  const char* name;
  Words words;
};

std::vector<Line> lines(bool quick) {
  const Line additive = {"additive", {"model=seq2seq", "attention=additive"}};
  if (quick) return {additive};
  return {{"fixed vector", {"model=seq2seq", "attention=none"}},
          additive,
          {"general", {"model=seq2seq", "attention=general"}},
          {"Transformer", {"model=encoder_decoder"}}};
}

std::vector<Words> jobs(const StudyOptions& options) {
  std::vector<Words> jobs;
  for (const Line& line : lines(options.quick)) {
    for (int64_t seed = 1; seed <= options.seeds; ++seed) {
      Words words = {"task=translate", str("seed=", seed)};
      if (options.quick) words.insert(words.end(), {"steps=500", "batch=32", "test_size=200"});
      words.insert(words.end(), line.words.begin(), line.words.end());
      jobs.push_back(job_words({line.name, "exact", {}, words}));
    }
  }
  return jobs;
}

// Test phrases by the number of their English words, with the share that is exactly right.
std::vector<Point> by_length(const std::string& line, const Trained& trained) {
  const Answered test = answer_all(*trained.model, trained.task, Split::test);
  std::map<size_t, Accuracy> lengths;
  for (size_t i = 0; i < test.answers.size(); ++i) {
    const Example phrase = example(trained.task, Split::test, static_cast<int64_t>(i));
    lengths[phrase.source.size()].add(test.answers[i], test.targets[i]);
  }
  std::vector<Point> points;
  for (const auto& [length, accuracy] : lengths) {
    points.push_back(
        {line, static_cast<double>(length), {{"by length", 100 * accuracy.exact_share()}}});
  }
  return points;
}

// The map of "the cat sat on the mat", which is the first of the test phrases.
ChartMap map_of(const Trained& trained, const std::string& title) {
  const Batch cat = make_batch(trained.task, Split::test, 0, 1);
  const Look look = trained.model->looks(cat).back();
  return {title, look.rows, look.columns, look.weights.to_vector()};
}

std::vector<Point> run(const Words& words) {
  const TrainingJob job = parse_training_job(words);
  const Trained model = trained(job.words);
  const Result result = measure(*model.model, model.task);
  Point all = {job.line, kAll, {{"exact", 100 * result.test.exact_share()}}};
  if (result.alignment_error) all.values.emplace_back("aer", 100 * *result.alignment_error);
  if (job.line == "additive" && model.config.seed == 1) {
    all.map = map_of(model, "additive, seed 1: French words look at English ones");
  }
  std::vector<Point> points = by_length(job.line, model);
  points.insert(points.begin(), all);
  return points;
}

std::vector<Claim> claims(const Results& results) {
  const Spread exact = results.at("additive", kAll, "exact");
  const Spread error = results.at("additive", kAll, "aer");
  const bool quick = exact.count > 0 && results.at("general", kAll, "exact").count == 0;
  const double enough = quick ? 80 : 99.5, few = quick ? 20 : 5;
  return {
      {str("additive: ", short_number(exact.mean, 4), " % of the held-out phrases are exact (",
           short_number(exact.low, 4), " to ", short_number(exact.high, 4), "), at least ", enough),
       exact.mean >= enough},
      {str("additive: alignment error rate ", short_number(error.mean, 3), " % (",
           short_number(error.low, 3), " to ", short_number(error.high, 3), "), below ", few,
           ", though no alignment was ever shown"),
       error.high < few}};
}

}  // namespace

Study translate_study() {
  const ChartAxis exact = {"exact phrases, %", Scale::linear, {0, 100}};
  return {
      .name = "translate",
      .question = "Does attention find out which word is which?",
      .setting =
          "English phrases into French (./qkv train translate); 1000 held-out ones, \"the cat sat "
          "on the mat\" among\nthem. The alignment error rate is that of 200 of them: the English "
          "word that a French one looks at most,\nagainst the grammar's. The quick version "
          "trains for 500 steps of 32 and has 200 phrases.",
      .figures =
          {{"exact", "exact phrases of all lengths, %", {"words (0: any)"}, exact},
           {"aer", "alignment error rate, %", {"words (0: any)"}, {"alignment error rate, %"}},
           {"by length", "exact phrases, %", {"English words"}, exact}},
      .jobs = jobs,
      .run = run,
      .claims = claims,
  };
}

}  // namespace qkv::examples
