// What a chapter says, read back: run with --blocks it prints one JSON object per line
// (examples/chapter.h). Read next: figures.h, page.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace qkv::examples {

// One of section, say, formula, draw, show, number, map, table, plot, try; only what its kind has
// is set.
struct Block {
  std::string kind;
  std::string text;             // say, formula, draw, try; the title of a section, map or plot
  int number = 0;               // section
  std::string name, formula;    // show, number
  std::vector<int64_t> shape;   // show
  std::string dtype;            // show
  std::vector<double> numbers;  // show, number (one of them), map
  std::vector<std::string> queries, keys;      // map: its rows and columns
  std::vector<std::vector<std::string>> rows;  // table, plot
  std::string x_scale, y_scale;                // plot: linear, log2 or log10
};

struct Chapter {
  int number = 0;
  std::string file;                  // examples/08_qkv_by_hand.cpp
  std::string title, subtitle;       // from the first line, // Chapter 8. Title: subtitle.
  std::string opening;               // the comment beneath it
  std::vector<std::string> sources;  // the chapter's file, and the rooms beside it
  std::vector<Block> blocks;
};

// From the chapter's sources, its own file first, and the output of its program. Throws
// std::invalid_argument, naming the file, if either is not what a chapter has.
[[nodiscard]] Chapter read_chapter(const std::string& file, const std::vector<std::string>& sources,
                                   const std::string& output);

// As tensors print: four decimals, no sign on a zero; integers and truth values as they are.
[[nodiscard]] std::string number_text(double value, const std::string& dtype = "float64");

}  // namespace qkv::examples
