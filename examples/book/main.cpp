// The program behind ./qkv book: runs all chapters and writes them as one page. It is started in
// the project's folder, where it finds their sources.
//
//   qkv-book CHAPTERS FILE      CHAPTERS is the folder of the chapters' programs
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "examples/book/page.h"
#include "examples/book/seeds.h"
#include "examples/lab/program.h"
#include "examples/studies/jobs.h"
#include "lib/file.h"
#include "lib/parallel.h"
#include "lib/text.h"

namespace {

using namespace qkv;
using namespace qkv::examples;

constexpr uint64_t kLargestSource = 1 << 20;

// examples/01_tensors.cpp and so on, in order.
std::vector<std::filesystem::path> chapter_sources() {
  std::vector<std::filesystem::path> sources;
  for (const auto& entry : std::filesystem::directory_iterator("examples")) {
    const std::string name = entry.path().filename().string();
    if (name[0] >= '0' && name[0] <= '9' && name.ends_with(".cpp")) sources.push_back(entry.path());
  }
  std::sort(sources.begin(), sources.end());
  return sources;
}

// The chapter's file, and its rooms: the headers in a folder of its own name, as museum for
// 21_museum.cpp.
std::vector<std::string> read_sources(const std::filesystem::path& file) {
  const std::string stem = file.stem().string();
  const std::filesystem::path rooms = file.parent_path() / stem.substr(stem.find('_') + 1);
  std::vector<std::filesystem::path> files = {file};
  if (std::filesystem::is_directory(rooms)) {
    for (const auto& entry : std::filesystem::directory_iterator(rooms)) files.push_back(entry);
    std::sort(files.begin() + 1, files.end());
  }
  std::vector<std::string> sources;
  for (const auto& path : files) sources.push_back(lib::read_file(path.string(), kLargestSource));
  return sources;
}

int run(const std::vector<std::string>& words) {
  if (words.size() != 2) {
    std::cerr << "usage: qkv-book CHAPTERS FILE   (in the project's folder)\n";
    return 2;
  }
  const std::vector<std::filesystem::path> sources = chapter_sources();
  std::vector<Words> commands;
  for (const auto& source : sources) {
    commands.push_back({(std::filesystem::path(words[0]) / source.stem()).string(), "--blocks"});
  }
  const auto outputs = run_jobs(commands, {.at_once = lib::num_threads()});
  std::vector<Chapter> chapters;
  for (size_t i = 0; i < sources.size(); ++i) {
    const std::string file = sources[i].generic_string();
    chapters.push_back(read_chapter(file, read_sources(sources[i]), outputs->at(i)));
  }
  const auto source = [](const char* file) { return lib::read_file(file, kLargestSource); };
  const std::string seeds = seeds_html(source("examples/seeds.md"), chapters);
  lib::write_file_atomically(words[1], {book_html(chapters, seeds, source("examples/book/page.css"),
                                                  source("examples/book/page.js"))});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
