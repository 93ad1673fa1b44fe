// The program behind ./qkv study. It starts itself once for each job of the study, as
// `study --job NAME WORD ...`, which prints the job's points; so any job can be repeated by hand.
//
// Exit codes: 0 done, 1 failed or a claim does not hold, 2 usage, 130 interrupted.
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "examples/lab/program.h"
#include "examples/lab/progress.h"
#include "examples/lab/stopwatch.h"
#include "examples/studies/stored.h"
#include "examples/studies/studies.h"
#include "lib/file.h"
#include "lib/parallel.h"
#include "lib/text.h"

namespace {

using namespace qkv;
using namespace qkv::examples;

std::string program;  // as it was called

volatile std::sig_atomic_t interrupted = 0;

extern "C" void on_interrupt(int) { interrupted = 1; }

const char* const kUsage =
    "usage: qkv study NAME [quick=true] [seeds=N]   an experiment over N seeds, by default 5\n"
    "       qkv study NAME from=FILE                shows a result.json again\n"
    "       qkv study                               which there are\n";

int list_studies() {
  for (const Study& study : all_studies()) {
    std::cout << "  " << lib::left(study.name, 12) << study.question << "\n";
  }
  return 0;
}

int run_job(const Study& study, const Words& words) {
  end_with_parent();
  lib::set_num_threads(1);  // the other processors are for the other jobs
  for (const Point& point : study.run(words)) std::cout << point_json(point) << "\n";
  std::cout.flush();
  if (!std::cout) throw std::runtime_error("study: cannot write the points");
  return 0;
}

// ---- the folder ---------------------------------------------------------------------------------

// runs/study-NAME, or runs/study-NAME-quick. Its files are written whole, and only when all is
// done.
class Folder {
 public:
  explicit Folder(const std::string& name) : path_("runs/study-" + name) {
    std::error_code error;
    std::filesystem::create_directories(path_, error);
    if (error) {
      throw std::runtime_error(
          lib::str("study: cannot make the folder ", path_, ": ", error.message()));
    }
  }
  ~Folder() {  // if nothing was written; a folder with files stays, since it cannot be removed
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void write(const std::string& file, const std::string& text) const {
    lib::write_file_atomically(path_ + "/" + file, {text});
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// ---- a whole study ------------------------------------------------------------------------------

// Their points, in the order of the jobs; nothing if interrupted.
std::optional<std::vector<std::vector<Point>>> run_all(const Study& study,
                                                       const std::vector<Words>& jobs) {
  std::vector<Words> commands;
  for (const Words& job : jobs) {
    commands.push_back({program, "study", "--job", study.name});
    commands.back().insert(commands.back().end(), job.begin(), job.end());
  }
  size_t done = 0;
  const auto outputs = run_jobs(commands, {.at_once = study.one_at_a_time ? 1 : lib::num_threads(),
                                           .stop = [] { return interrupted != 0; },
                                           .has_ended =
                                               [&](size_t job) {
                                                 done += 1;
                                                 std::cerr
                                                     << lib::str(done, "/", jobs.size(), "  ",
                                                                 joined(jobs[job], " "), "\n");
                                               }});
  if (!outputs) return std::nullopt;
  std::vector<std::vector<Point>> points;
  for (size_t i = 0; i < jobs.size(); ++i) {
    points.push_back(parse_points(joined(commands[i], " "), (*outputs)[i]));
  }
  return points;
}

// Tables and claims; how many claims hold.
size_t print_findings(const Study& study, const StudyOptions& options, const Results& results) {
  std::cout << "mean (smallest to largest) of " << options.seeds << " seeds\n\n"
            << study_tables(study, results);
  size_t holding = 0;
  for (const Claim& claim : study.claims(results)) {
    std::cout << (claim.holds ? "  yes  " : "  NO   ") << claim.text << "\n";
    holding += claim.holds;
  }
  std::cout << std::flush;
  return holding;
}

int run_study(const Study& study, const StudyOptions& options) {
  const Stopwatch watch;
  const Folder folder(study.name + (options.quick ? "-quick" : ""));
  const std::vector<Words> jobs = study.jobs(options);
  std::cout << study.question << "\n\n" << study.setting << "\n\n" << std::flush;
  const auto points = run_all(study, jobs);
  if (!points) {
    std::cout << "interrupted; nothing is written\n";
    return 130;
  }
  const Results results(*points);
  const size_t holding = print_findings(study, options, results);
  const size_t claims = study.claims(results).size();
  folder.write("chart.svg", study_chart(study, results));
  folder.write("result.json", study_json(study, options, *points));
  std::cout << "\nsaved in " << folder.path() << ": result.json, chart.svg\n" << std::flush;
  std::printf("%s: %zu of %zu claims hold, %zu jobs, %.1f s\n", study.name.c_str(), holding, claims,
              jobs.size(), watch.seconds());
  return holding == claims ? 0 : 1;
}

int show_study(const Study& study, const std::string& file) {
  const Stored stored = parse_study_json(study, file, lib::read_file(file, 1 << 26));
  const Results results(stored.points);
  std::cout << study.question << "\n\n" << study.setting << "\n\n";
  const size_t holding = print_findings(study, stored.options, results);
  const size_t claims = study.claims(results).size();
  std::printf("\n%s: %zu of %zu claims hold, %zu jobs\n", study.name.c_str(), holding, claims,
              stored.points.size());
  return holding == claims ? 0 : 1;
}

int run(const Words& words) {
  if (words.empty() || words[0] != "study") {
    std::cerr << kUsage;
    return 2;
  }
  if (words.size() == 1) return list_studies();
  if (words[1] == "--help" || words[1] == "-h") {
    std::cout << kUsage << "\n";
    return list_studies();
  }
  if (words[1] == "--job" && words.size() >= 3) {
    return run_job(find_study(words[2]), {words.begin() + 3, words.end()});
  }
  const Study study = find_study(words[1]);
  const StudyOptions options = parse_study_options({words.begin() + 2, words.end()});
  return options.from.empty() ? run_study(study, options) : show_study(study, options.from);
}

}  // namespace

int main(int argc, char** argv) {
  program = argv[0];
  const bool is_job = argc > 2 && std::string(argv[2]) == "--job";
  if (!is_job) {
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);
  }
  return run_program(argc, argv, run);
}
