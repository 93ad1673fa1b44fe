// From a job's words to its points.
#include "examples/studies/training.h"

#include <algorithm>
#include <charconv>

#include "lib/text.h"

namespace qkv::examples {
namespace {

constexpr int64_t kHeldOut = 256;  // sequences of each length

// "4,8,16"
std::vector<int64_t> numbers(const std::string& text) {
  std::vector<int64_t> all;
  const char* at = text.data();
  for (const char* const end = at + text.size(); at < end; ++at) {
    int64_t number = 0;
    const auto [stop, error] = std::from_chars(at, end, number);
    if (error != std::errc() || number < 1 || (stop != end && (*stop != ',' || stop + 1 == end))) {
      lib::fail("study: lengths=", lib::escaped(text.substr(0, 80)), " is refused; lengths must ",
                "be positive integers with commas between them");
    }
    all.push_back(number);
    at = stop;
  }
  return all;
}

}  // namespace

Words job_words(const TrainingJob& job) {
  std::string lengths;
  for (const int64_t length : job.lengths) {
    lengths += (lengths.empty() ? "" : ",") + std::to_string(length);
  }
  Words words = {"line=" + job.line, "measure=" + job.measure, "lengths=" + lengths};
  words.insert(words.end(), job.words.begin(), job.words.end());
  return words;
}

TrainingJob parse_training_job(const Words& words) {
  TrainingJob job;
  for (const std::string& word : words) {
    const size_t equals = std::min(word.find('='), word.size());
    const std::string key = word.substr(0, equals);
    const std::string value = word.substr(std::min(equals + 1, word.size()));
    if (key == "line") {
      job.line = value;
    } else if (key == "measure") {
      job.measure = value;
    } else if (key == "lengths") {
      job.lengths = numbers(value);
    } else {
      job.words.push_back(word);
    }
  }
  return job;
}

Trained trained(const Words& words) {
  const Config config = parse_config(words);
  Trained all = {config, make_task(config), make_model(config)};
  train(
      *all.model, all.task, config, [](const Metrics&) {}, [] { return false; });
  return all;
}

std::vector<Point> run_training_job(const Words& words) {
  const TrainingJob job = parse_training_job(words);
  const Trained model = trained(job.words);
  std::vector<Point> points;
  for (const int64_t length : job.lengths) {
    // A sequence's content says whether it is held out, so tasks of other lengths hide the same.
    Config at_length = model.config;
    at_length.min_length = at_length.length = length;
    at_length.test_length = 0;
    at_length.test_size = kHeldOut;
    const Accuracy accuracy = evaluate(*model.model, make_task(at_length), Split::test);
    const double percent = 100 * accuracy.exact_share();
    points.push_back({job.line, static_cast<double>(length), {{job.measure, percent}}});
  }
  return points;
}

}  // namespace qkv::examples
