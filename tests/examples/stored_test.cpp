// What a study has found, as a file: its JSON, how that is read back, and the files that are kept.
#include "examples/studies/stored.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "examples/studies/studies.h"
#include "lib/file.h"

using namespace qkv::examples;

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

}  // namespace

TEST_CASE("the JSON of a study holds its points, spreads and claims") {
  const auto json = nlohmann::json::parse(study_json(example(), {.seeds = 2}, kPoints));
  CHECK(json["study"] == "example");
  CHECK(json["jobs"].size() == 2);
  CHECK(json["jobs"][1]["words"][0] == "seed=2");
  CHECK(json["jobs"][0]["points"][1]["y"] == 1e-9);
  CHECK(json["jobs"][1]["points"][1]["y"] == "nan");
  CHECK(json["spreads"].size() == 4);
  CHECK(json["spreads"][0]["mean"] == 1.0);
  CHECK(json["spreads"][1]["mean"].is_null());
  CHECK(json["claims"][0]["holds"] == false);
}

TEST_CASE("a stored study is read back, unless it is another one or an older version") {
  const Study study = example();
  const std::string text = study_json(study, {.quick = true, .seeds = 2}, kPoints);
  const Stored stored = parse_study_json(study, "f.json", text);
  CHECK(stored.options.quick);
  CHECK(stored.options.seeds == 2);
  CHECK(study_json(study, stored.options, stored.points) == text);

  const auto refused = [&](const Study& asked, const std::string& stored_text) -> std::string {
    try {
      static_cast<void>(parse_study_json(asked, "f.json", stored_text));
      return "nothing";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  };
  Study other = example();
  other.name = "other";
  CHECK(refused(other, text) == "study: f.json: it holds the study 'example', not 'other'");
  Study later = example();
  later.jobs = [](const StudyOptions&) -> std::vector<Words> { return {{"seed=1"}}; };
  CHECK(refused(later, text) ==
        "study: f.json: its jobs are not those of this version of the study; run it again");
  for (const char* broken : {"", "[]", "{}", "{\"study\": 3}"}) {
    CHECK(refused(study, broken) == "study: f.json: it is not the result.json of a study");
  }
}

TEST_CASE("the stored studies are those of this version, and bear their claims out") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator("examples/studies/results")) {
    const std::string file = entry.path().string();
    CAPTURE(file);
    const Study study = find_study(entry.path().stem().string());
    const std::string text = qkv::lib::read_file(file, 1 << 26);
    const Stored stored = parse_study_json(study, file, text);
    CHECK(study_json(study, stored.options, stored.points) == text);
    CHECK(!stored.options.quick);
    CHECK(stored.options.seeds >= 5);
    for (const Claim& claim : study.claims(Results(stored.points))) {
      CAPTURE(claim.text);
      CHECK(claim.holds);
    }
    ++files;
  }
  CHECK(files >= 6);
}
