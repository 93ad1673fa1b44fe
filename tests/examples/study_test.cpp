// Studies: their options, their list, and what is made of given points: the table to the letter, a
// chart, and claims that do not hold of numbers that say the contrary.
#include "examples/studies/studies.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "examples/studies/training.h"
#include "tests/compare.h"
#include "tests/xml.h"

using namespace qkv::examples;
using qkv::tests::count;
using qkv::tests::refusal;
using qkv::tests::xml_fault;

namespace {

// A study that finds what it is given.
Study example() {
  return {.name = "example",
          .question = "Is 1 < 2?",
          .setting = "Numbers.",
          .figures = {{"y", "the y", {"x", Scale::log2}, {"y"}}},
          .jobs = job_for_each_seed,
          .run = nullptr,
          .claims = [](const Results& results) -> std::vector<Claim> {
            return {{"a is above b", results.at("a", 4, "y").mean > results.at("b", 4, "y").mean}};
          }};
}

const std::vector<std::vector<Point>> kPoints = {
    {{"a", 4, {{"y", 0.5}}}, {"1/\u221aD", 16, {{"y", 1e-9}}}, {"b", 4, {{"y", 3}}}},
    {{"a", 4, {{"y", 1.5}}}, {"a", 16, {{"y", NAN}}}}};

// The points of a study as a function of line and x: all of its measures at once.
template <class Make>
Results made(const std::vector<std::string>& lines, const std::vector<double>& xs,
             const Make& make) {
  std::vector<Point> points;
  for (const std::string& line : lines) {
    for (const double x : xs) points.push_back({line, x, make(line, x)});
  }
  return Results({points});
}

size_t holding(const std::vector<Claim>& claims) {
  return static_cast<size_t>(
      std::count_if(claims.begin(), claims.end(), [](const Claim& claim) { return claim.holds; }));
}

using Values = std::vector<std::pair<std::string, double>>;

}  // namespace

TEST_CASE("study options: defaults, and words that are refused with the reason") {
  CHECK(parse_study_options({}).seeds == 5);
  CHECK(parse_study_options({"quick=true"}).seeds == 2);
  CHECK(parse_study_options({"quick=true"}).quick);
  CHECK(parse_study_options({"seeds=7", "quick=false"}).seeds == 7);
  CHECK(refusal([] { return parse_study_options({"seed=7"}); }) ==
        "study: unknown key 'seed'; did you mean 'seeds'?");
  CHECK(refusal([] { return parse_study_options({"quick=1\x1b"}); }) ==
        "study: quick=1\\x1b is refused; quick must be true or false");
  CHECK(refusal([] { return parse_study_options({"seeds=1001"}); }) ==
        "study: seeds=1001 is refused; seeds must be an integer from 1 to 1000");
}

TEST_CASE("a job's words say its seed and whether it is quick") {
  const std::vector<Words> jobs = job_for_each_seed({.quick = true, .seeds = 2});
  REQUIRE(jobs.size() == 2);
  CHECK(parse_seed_job(jobs[1]).seed == 2);
  CHECK(parse_seed_job(jobs[1]).quick);
  CHECK(!parse_seed_job(job_for_each_seed({.quick = false, .seeds = 1})[0]).quick);
}

TEST_CASE("every study has a name of its own, figures and jobs") {
  for (const Study& study : all_studies()) {
    CAPTURE(study.name);
    CHECK(find_study(study.name).question == study.question);
    CHECK(study.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos);
    CHECK(!study.figures.empty());
    CHECK(study.jobs({.quick = true, .seeds = 2}).size() >= 2);
    CHECK(study.jobs({.quick = false, .seeds = 5}).size() >= 5);
  }
}

TEST_CASE("the table of a study has a row for each x and a column for each line") {
  CHECK(study_tables(example(), Results(kPoints)) ==
        "the y\n"
        "   x   a                1/\u221aD   b\n"
        "   4   1 (0.5 to 1.5)   -      3\n"
        "  16   none             1e-9   -\n\n");
}

TEST_CASE("the chart of a study draws the lines that have points") {
  const std::string svg = study_chart(example(), Results(kPoints));
  CHECK(xml_fault(svg) == "");
  CHECK(count(svg, "<title id=\"title\">Is 1 &lt; 2?</title>") == 1);
  CHECK(count(svg, "<title>a, 4: 1 (0.5 to 1.5)</title>") == 1);
  CHECK(count(svg, "<title>a, 16") == 0);
}

TEST_CASE("scaling: its claims fail if scaled and unscaled scores behave the same") {
  const Study study = scaling_study();
  const auto right = [](const std::string& line, double D) -> Values {
    const bool scaled = line != "without";
    return {{"variance", scaled ? 1 : D},
            {"entropy", scaled ? 3.7 : 4 / D},
            {"gradient", scaled ? 0.15 : 0.15 / D}};
  };
  const std::vector<double> widths = {1, 16, 256};
  const std::vector<std::string> lines = {"with 1/\u221aD", "without"};
  CHECK(holding(study.claims(made(lines, widths, right))) == 3);
  for (const char* const same : {"without", "with"}) {
    CAPTURE(same);
    CHECK(holding(study.claims(made(
              lines, widths, [&](const std::string&, double D) { return right(same, D); }))) == 0);
  }
}

TEST_CASE("reach: a power of the distance is not exponential, and the other way round") {
  const Study study = reach_study();
  const std::vector<double> distances = {1, 8, 16, 32, 64};
  const std::vector<std::string> lines = {"RNN", "LSTM", "LSTM, forget +1", "RNN with attention",
                                          "Transformer"};
  const auto found = [&](const auto& recurrent, const auto& attention) {
    return holding(study.claims(made(lines, distances, [&](const std::string& line, double x) {
      const bool looks = line == lines[3] || line == lines[4];
      return Values{{"gradient", looks ? attention(x) : recurrent(x)}};
    })));
  };
  const auto exponential = [](double x) { return std::pow(0.5, x); };
  const auto power = [](double x) { return 1 / x; };
  CHECK(found(exponential, power) == 6);
  CHECK(found(power, power) == 2);
  CHECK(found(exponential, exponential) == 3);
  CHECK(found(power, exponential) == 0);
}

TEST_CASE("parallel: its claims fail if the two layers change places, or if steps do not grow") {
  const Study study = parallel_study();
  const auto found = [&](const std::string& chained, bool grows) {
    return holding(study.claims(made(
        {"LSTM", "self-attention"}, {8, 64, 128}, [&](const std::string& line, double T) -> Values {
          return {{"chain", line == chained ? 8 * T : 7}, {"milliseconds", grows ? T : 1}};
        })));
  };
  CHECK(found("LSTM", true) == 3);
  CHECK(found("LSTM", false) == 2);
  CHECK(found("self-attention", false) == 0);
}

TEST_CASE("a training job's words say all of it, and lengths that are none are refused") {
  const TrainingJob job = {"fixed vector", "copy", {4, 16}, {"task=copy", "seed=3"}};
  const TrainingJob back = parse_training_job(job_words(job));
  CHECK(back.line == job.line);
  CHECK(back.measure == job.measure);
  CHECK(back.lengths == job.lengths);
  CHECK(back.words == job.words);
  CHECK(parse_training_job({"lengths="}).lengths.empty());
  for (const char* const bad :
       {"lengths=4,", "lengths=x", "lengths=4;8", "lengths=0", "lengths=,"}) {
    CHECK_MESSAGE(refusal([&] { return parse_training_job({bad}); }).find("lengths must be") !=
                      std::string::npos,
                  bad);
  }
}

TEST_CASE("the words of every training job are a configuration of the lab") {
  for (const char* const name : {"bottleneck", "positions", "heads", "references"}) {
    for (const bool quick : {false, true}) {
      for (const Words& words : find_study(name).jobs({.quick = quick, .seeds = 1})) {
        const TrainingJob job = parse_training_job(words);
        CHECK_NOTHROW(static_cast<void>(parse_config(job.words)));
        CHECK(!job.line.empty());
      }
    }
  }
}

TEST_CASE("a training job measures each length, and the same words give the same points") {
  const Words words = job_words({"line",
                                 "exact",
                                 {3, 5},
                                 {"task=copy", "model=encoder", "length=4", "test_length=6",
                                  "min_length=3", "steps=3", "batch=4"}});
  const std::vector<Point> points = run_training_job(words), again = run_training_job(words);
  REQUIRE(points.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    CHECK(points[i].x == (i == 0 ? 3 : 5));
    CHECK(points[i].values[0].first == "exact");
    CHECK(points[i].values[0].second >= 0);
    CHECK(points[i].values[0].second <= 100);
    CHECK(points[i].values == again[i].values);
  }
}

TEST_CASE("bottleneck: its claims fail if the fixed vector and attention change places") {
  const Study study = bottleneck_study();
  const std::vector<std::string> lines = {"fixed vector", "additive"};
  const auto found = [&](double fixed, double additive) {
    return holding(study.claims(made(lines, {4, 16, 40}, [&](const std::string& line, double) {
      return Values{{"reverse", line == "additive" ? additive : fixed}};
    })));
  };
  CHECK(found(30, 100) == 2);
  CHECK(found(30, 99.6) == 1);
  CHECK(found(100, 100) == 1);
  CHECK(found(100, 30) == 0);
}

TEST_CASE(
    "translate: its claims fail below 99.5 % of the phrases, and from an error rate of 5 on") {
  const Study study = translate_study();
  const auto found = [&](double exact, double error) {
    return holding(study.claims(made({"additive", "general"}, {0}, [&](const std::string&, double) {
      return Values{{"exact", exact}, {"aer", error}};
    })));
  };
  CHECK(found(99.5, 4.9) == 2);
  CHECK(found(99.4, 4.9) == 1);
  CHECK(found(99.5, 5) == 1);
  CHECK(found(NAN, NAN) == 0);
}

TEST_CASE("text: its claims fail if counting does as well, or better than the grammar") {
  const Study study = text_study();
  const auto found = [&](double counting, double attention) {
    return holding(
        study.claims(made({"n-grams", "Transformer", "the grammar itself"}, {1, 16},
                          [&](const std::string& line, double order) -> Values {
                            if (line == "n-grams")
                              return {{"perplexity", order == 1 ? 18 : counting}};
                            return {{"perplexity", line == "Transformer" ? attention : 1.6}};
                          })));
  };
  CHECK(found(1.7, 1.62) == 3);
  CHECK(found(1.62, 1.62) == 2);
  CHECK(found(1.7, 1.5) == 2);
  CHECK(found(10, 1.62) == 2);
  CHECK(found(NAN, NAN) == 0);
}
