#include "examples/book/page.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "examples/book/figures.h"
#include "examples/book/html.h"
#include "examples/book/math.h"
#include "examples/book/plot.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using Json = nlohmann::ordered_json;
using lib::str;
using lib::xml_escaped;

// Scores for the sliders of chapters 5 and 9.
const std::vector<double> kTemperatureScores = {2, 1, 0.5, 0, -1};
const std::vector<double> kWidthScores = {1.2, 0.4, -0.1, -0.6, -0.9};

// JSON inside of <script>: without a < nothing in it can end the element.
std::string json_in_html(const Json& json) {
  std::string safe;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    c == '<' ? safe += "\\u003c" : safe += c;
  }
  return safe;
}

// Are the weights of the map softmax(Q K^T / sqrt(D)) of these two?
bool comes_from(const Block& map, const Block& q, const Block& k) {
  const size_t rows = map.queries.size(), columns = map.keys.size();
  if (q.shape.size() != 2 || k.shape.size() != 2 || q.shape[1] != k.shape[1]) return false;
  if (static_cast<size_t>(q.shape[0]) != rows || static_cast<size_t>(k.shape[0]) != columns) {
    return false;
  }
  const auto width = static_cast<size_t>(q.shape[1]);
  for (size_t i = 0; i < rows; ++i) {
    std::vector<double> weights;
    double sum = 0;
    for (size_t j = 0; j < columns; ++j) {
      double score = 0;
      for (size_t d = 0; d < width; ++d) {
        score += q.numbers[i * width + d] * k.numbers[j * width + d];
      }
      weights.push_back(std::exp(score / std::sqrt(static_cast<double>(width))));
      sum += weights.back();
    }
    for (size_t j = 0; j < columns; ++j) {
      if (!(std::abs(weights[j] / sum - map.numbers[i * columns + j]) < 1e-6)) return false;
    }
  }
  return true;
}

std::set<int> numbers_of_sections(const Chapter& chapter) {
  std::set<int> numbers;
  for (const Block& block : chapter.blocks) {
    if (block.kind == "section") numbers.insert(block.number);
  }
  return numbers;
}

// ---- a chapter ----------------------------------------------------------------------------------

// Writes a chapter, and adds the numbers of its maps to `numbers`.
class Writer {
 public:
  Writer(const Chapter& chapter, Json& numbers)
      : chapter_(chapter),
        pieces_(source_pieces(chapter.sources, numbers_of_sections(chapter))),
        numbers_(numbers) {}

  std::string write() {
    const int n = chapter_.number;
    html_ = str(
        "<article class=\"chapter\" id=\"chapter-", n, "\" aria-labelledby=\"title-", n,
        "\">\n<h2 id=\"title-", n, "\">", n, ". ", html_sentence(chapter_.title),
        "</h2>\n<p class=\"subtitle\">", html_sentence(chapter_.subtitle), " <code>./qkv example ",
        n, "</code></p>\n<div class=\"said\">", opening(), "</div>\n<details><summary>",
        html_sentence(chapter_.file), " before its sections</summary>",
        source(str("Source of chapter ", n, ", before its sections"), pieces_[0]), "</details>\n");
    for (size_t i = 0; i < chapter_.blocks.size(); ++i) write(i);
    close_section();
    if (n == 5) html_ += slider_figure("temperature", kTemperatureScores);
    if (n == 9) html_ += slider_figure("width", kWidthScores);
    return html_ + "</article>\n";
  }

 private:
  [[nodiscard]] std::string opening() const {
    return chapter_.opening.empty() ? "" : "<p>" + html_sentence(chapter_.opening) + "</p>";
  }

  static std::string source(const std::string& label, const std::string& text) {
    return str("<pre class=\"source\" tabindex=\"0\" role=\"group\" aria-label=\"", label,
               "\"><code>", html_cpp(text), "</code></pre>");
  }

  void close_section() {
    if (!beside_.empty()) html_ += "</div>" + beside_ + "</div>\n</section>\n";
    beside_.clear();
  }

  void write(size_t at) {
    const Block& block = chapter_.blocks[at];
    if (block.kind == "section") {
      open_section(block);
    } else if (block.kind == "say") {
      html_ += "<p>" + html_sentence(block.text) + "</p>\n";
    } else if (block.kind == "try") {
      html_ +=
          "<p class=\"try\"><strong>Try this:</strong> " + html_sentence(block.text) + "</p>\n";
    } else if (block.kind == "formula") {
      html_ += "<div class=\"formula\">" + formulas(block.text) + "</div>\n";
    } else if (block.kind == "draw") {
      html_ += "<pre class=\"drawing\" tabindex=\"0\" role=\"group\" aria-label=\"Drawing\">" +
               html_lines(block.text) + "</pre>\n";
    } else if (block.kind == "show") {
      if (block.name == "Q") q_ = &block;
      if (block.name == "K") k_ = &block;
      html_ += matrix_table(block);
    } else if (block.kind == "number") {
      html_ += "<p class=\"number\">" + math_ml(block.name + " = " + block.formula) + " " +
               math_ml("= " + number_text(block.numbers[0])) + "</p>\n";  // a line may end between
    } else if (block.kind == "map") {
      write_map(at);
    } else if (block.kind == "table") {
      html_ += rows_table(block);
    } else if (block.kind == "plot") {
      html_ += plot_figure(block);
    } else {
      lib::fail(chapter_.file, ": a block of kind '", lib::escaped(block.kind), "' is not known");
    }
  }

  void open_section(const Block& block) {
    close_section();
    const std::string id = str(chapter_.number, "-", block.number);
    html_ += str("<section id=\"section-", id, "\" aria-labelledby=\"title-", id,
                 "\">\n<h3 id=\"title-", id, "\">", block.number, ". ", html_sentence(block.text),
                 "</h3>\n<div class=\"pair\"><div class=\"said\">\n");
    beside_ = source(str("Source of section ", block.number), pieces_[block.number]);
    steps_written_ = false;
  }

  // A line of a drawing is as safe as a line of source without anything to mark.
  static std::string html_lines(const std::string& text) {
    std::string all, line;
    for (const char c : text + "\n") {
      if (c != '\n') {
        line += c;
        continue;
      }
      all += html_sentence_without_code(line) + "\n";
      line.clear();
    }
    return all;
  }
  static std::string html_sentence_without_code(const std::string& line) {
    return "<bdi>" + xml_escaped(line) + "</bdi>";
  }

  // Formulas beside one another, two spaces or more apart, may stand below one another.
  static std::string formulas(const std::string& text) {
    std::string all;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find("  ", at), text.size());
      all += math_ml(text.substr(at, end - at)) + "\n";
      at = std::min(text.find_first_not_of(' ', end), text.size());
    }
    return all;
  }

  // ---- maps

  std::string figure(const Block& map) {
    const std::string id = str("map-", chapter_.number, "-", ++maps_);
    const bool explained = q_ != nullptr && k_ != nullptr && comes_from(map, *q_, *k_);
    Json json = {{"queries", map.queries}, {"keys", map.keys}, {"numbers", map.numbers}};
    if (explained) json.update({{"q", q_->numbers}, {"k", k_->numbers}, {"d", q_->shape[1]}});
    numbers_["maps"][id] = json;
    return map_figure(map, id, explained);
  }

  [[nodiscard]] bool is_step(size_t at) const {
    return chapter_.blocks[at].kind == "map" && chapter_.blocks[at].text.starts_with("step ");
  }

  // In a section with several maps "step N" they become one figure with a slider, and so that it
  // begins at the beginning, such maps of earlier sections are in it, too.
  void write_map(size_t at) {
    size_t here = 0;
    for (size_t i = at; i < chapter_.blocks.size() && chapter_.blocks[i].kind != "section"; ++i) {
      here += is_step(i);
    }
    if (!is_step(at) || (here < 2 && !steps_written_)) {
      html_ += figure(chapter_.blocks[at]);
    } else if (!steps_written_) {
      steps_written_ = true;
      html_ += "<div class=\"steps\" role=\"group\" aria-label=\"Training, step by step\">\n";
      for (size_t i = 0; i < chapter_.blocks.size(); ++i) {
        if (is_step(i)) html_ += figure(chapter_.blocks[i]);
      }
      html_ += "</div>\n";
    }
  }

  const Chapter& chapter_;
  std::map<int, std::string> pieces_;
  Json& numbers_;
  std::string html_;
  std::string beside_;  // the source of the section that is being written
  bool steps_written_ = false;
  int maps_ = 0;
  const Block *q_ = nullptr, *k_ = nullptr;  // the latest that were shown
};

// ---- the page -----------------------------------------------------------------------------------

std::string contents(const std::vector<Chapter>& chapters) {
  std::string html =
      "<nav id=\"contents\" aria-labelledby=\"contents-title\">\n"
      "<h2 id=\"contents-title\">Contents</h2>\n<ol>\n";
  for (const Chapter& chapter : chapters) {
    html += str("<li value=\"", chapter.number, "\"><a href=\"#chapter-", chapter.number, "\">",
                html_sentence(chapter.title), "</a> <span>", html_sentence(chapter.subtitle),
                "</span></li>\n");
  }
  return html + "</ol>\n<p><a href=\"#seeds\">Where it comes from</a></p>\n</nav>\n";
}

const char* const kHead =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
    "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
    // The page may fetch nothing, not even from its own folder.
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\"/>\n"
    "<link rel=\"icon\" href=\"data:,\"/>\n<title>qkv: attention from scratch</title>\n";

const char* const kOpening =
    "<a class=\"skip\" href=\"#text\">Skip to the text</a>\n<header>\n"
    "<h1>qkv: attention from scratch</h1>\n"
    "<p>From one multiplication to a trained Transformer. Every chapter is a program: what it says "
    "stands beside its source, and every number on this page was computed by it when the page was "
    "made.</p>\n<p class=\"control\"><button type=\"button\" id=\"theme\">Dark or light</button>"
    "</p>\n</header>\n";

}  // namespace

std::string book_html(const std::vector<Chapter>& chapters, const std::string& seeds,
                      const std::string& style, const std::string& script) {
  if (style.find("</") != std::string::npos || script.find("</") != std::string::npos) {
    lib::fail("book: page.css and page.js must not hold </, which would end their element");
  }
  Json numbers = {{"maps", Json::object()},
                  {"sliders", {{"temperature", kTemperatureScores}, {"width", kWidthScores}}}};
  std::string text;
  for (const Chapter& chapter : chapters) text += Writer(chapter, numbers).write();
  return str(kHead, "<style>\n", style, "</style>\n</head>\n<body>\n", kOpening, contents(chapters),
             "<main id=\"text\" tabindex=\"-1\">\n", text, seeds,
             "</main>\n<footer><p><a href=\"#contents\">Contents</a></p></footer>\n",
             "<script type=\"application/json\" id=\"numbers\">", json_in_html(numbers),
             "</script>\n<script>\n", script, "</script>\n</body>\n</html>\n");
}

}  // namespace qkv::examples
