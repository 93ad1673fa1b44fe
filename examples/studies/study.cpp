// Options, tables and the chart of a study.
#include "examples/studies/study.h"

#include <charconv>
#include <cmath>

#include "examples/lab/attention_map.h"
#include "examples/lab/suggestion.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::fail;
using lib::str;

constexpr int64_t kMostSeeds = 1000;

int64_t whole_number(const std::string& key, const std::string& text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < 1 || value > kMostSeeds) {
    fail("study: ", key, "=", lib::escaped(text.substr(0, 80)), " is refused; ", key,
         " must be an integer from 1 to ", kMostSeeds);
  }
  return value;
}

bool truth(const std::string& key, const std::string& text) {
  if (text != "true" && text != "false") {
    fail("study: ", key, "=", lib::escaped(text.substr(0, 80)), " is refused; ", key,
         " must be true or false");
  }
  return text == "true";
}

// "key=value" -> key and value; throws if there is no such key.
std::pair<std::string, std::string> split(const std::string& word, const Words& keys) {
  const size_t equals = word.find('=');
  if (equals == std::string::npos) {
    fail("study: '", lib::escaped(word.substr(0, 80)), "' is not of the form key=value");
  }
  const std::string key = word.substr(0, equals);
  for (const std::string& known : keys) {
    if (key == known) return {key, word.substr(equals + 1)};
  }
  fail("study: unknown key '", lib::escaped(key.substr(0, 80)), "'", did_you_mean(key, keys));
}

std::string figure_table(const Figure& figure, const Results& results) {
  std::vector<Words> columns = {{figure.x.label}};
  for (const std::string& line : results.lines()) columns.push_back({line});
  for (const double x : results.xs()) {
    if (!results.has(figure.measure, x)) continue;
    columns[0].push_back(short_number(x));
    for (size_t i = 0; i < results.lines().size(); ++i) {
      columns[i + 1].push_back(spread_text(results.at(results.lines()[i], x, figure.measure)));
    }
  }
  return figure.title + "\n" + table_text(columns, 1);
}

}  // namespace

std::string spread_text(const Spread& spread) {
  if (spread.count == 0) return "-";
  const std::string mean = short_number(spread.mean, 3);
  if (spread.count == 1 || spread.low == spread.high) return mean;
  return mean + " (" + short_number(spread.low, 3) + " to " + short_number(spread.high, 3) + ")";
}

std::string table_text(const std::vector<Words>& columns, size_t numbers) {
  std::string text;
  for (size_t row = 0; row < columns[0].size(); ++row) {
    std::string shown;
    for (size_t i = 0; i < columns.size(); ++i) {
      size_t width = 0;
      for (const std::string& entry : columns[i]) width = std::max(width, lib::columns_of(entry));
      const std::string& entry = columns[i][row];
      shown += (i == 0 ? "  " : "   ") +
               (i < numbers ? lib::right(entry, width) : lib::left(entry, width));
    }
    text += shown.substr(0, shown.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

StudyOptions parse_study_options(const Words& words) {
  StudyOptions options;
  for (const std::string& word : words) {
    const auto [key, value] = split(word, {"quick", "seeds", "from"});
    if (key == "quick") options.quick = truth(key, value);
    if (key == "seeds") options.seeds = whole_number(key, value);
    if (key == "from") options.from = value;
  }
  if (!options.from.empty() && words.size() > 1) {
    fail("study: from=FILE goes alone; the file says how many seeds there were");
  }
  if (options.seeds == 0) options.seeds = options.quick ? 2 : 5;
  return options;
}

std::vector<Words> job_for_each_seed(const StudyOptions& options) {
  std::vector<Words> jobs;
  for (int64_t seed = 1; seed <= options.seeds; ++seed) {
    jobs.push_back({str("seed=", seed)});
    if (options.quick) jobs.back().push_back("quick=true");
  }
  return jobs;
}

SeedJob parse_seed_job(const Words& words) {
  SeedJob job;
  for (const std::string& word : words) {
    const auto [key, value] = split(word, {"quick", "seed"});
    if (key == "quick") job.quick = truth(key, value);
    if (key == "seed") job.seed = static_cast<uint64_t>(whole_number(key, value));
  }
  return job;
}

std::string study_tables(const Study& study, const Results& results) {
  if (study.table != nullptr) return study.table(results) + "\n";
  std::string text;
  for (const Figure& figure : study.figures) {
    if (results.has(figure.measure)) text += figure_table(figure, results) + "\n";
  }
  for (const ChartMap& map : results.maps()) {
    const tensor::Shape shape = {static_cast<int64_t>(map.rows.size()),
                                 static_cast<int64_t>(map.columns.size())};
    text += map.title + "\n" +
            draw_attention_map(tensor::Tensor::of(map.weights, shape), map.rows, map.columns,
                               Colors::none) +
            "\n";
  }
  return text;
}

std::string study_chart(const Study& study, const Results& results) {
  std::vector<ChartPanel> panels;
  for (const Figure& figure : study.figures) {
    ChartPanel panel = {figure.title, figure.x, figure.y, {}};
    for (const std::string& name : results.lines()) {
      ChartLine line = {name, {}};
      for (const double x : results.xs()) {
        const Spread spread = results.at(name, x, figure.measure);
        if (spread.count > 0) line.points.push_back({x, spread.mean, spread.low, spread.high});
      }
      if (!line.points.empty()) panel.lines.push_back(line);
    }
    if (results.has(figure.measure)) panels.push_back(panel);
  }
  return chart_svg(study.question, study.setting + "\n" + study_tables(study, results), panels,
                   results.maps());
}

}  // namespace qkv::examples
