#include "examples/book/figures.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "examples/book/html.h"
#include "examples/book/math.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::str;
using lib::xml_escaped;

constexpr int kCell = 26, kCharacter = 8, kSums = 70;  // pixels
constexpr size_t kLongestLabel = 14;                   // characters

// Cut to what a drawing has room for; the table beneath has it whole.
std::string short_label(const std::string& text) {
  if (lib::columns_of(text) <= kLongestLabel) return xml_escaped(text);
  size_t end = 0;
  for (size_t characters = 0; end < text.size(); ++end) {
    characters += (text[end] & 0xc0) != 0x80;
    if (characters == kLongestLabel) break;
  }
  return xml_escaped(text.substr(0, end)) + "…";
}

int label_width(const std::vector<std::string>& labels) {
  size_t widest = 1;
  for (const std::string& label : labels) widest = std::max(widest, lib::columns_of(label));
  return kCharacter * static_cast<int>(std::min(widest, kLongestLabel)) + 10;
}

double row_sum(const Block& map, size_t i) {
  double sum = 0;
  for (size_t j = 0; j < map.keys.size(); ++j) sum += map.numbers[i * map.keys.size() + j];
  return sum;
}

std::string svg_text(double x, double y, const char* attributes, const std::string& inside) {
  char place[64];
  std::snprintf(place, sizeof place, "<text x=\"%.1f\" y=\"%.1f\"", x, y);
  return str(place, attributes, ">", inside, "</text>");
}

// ---- maps ---------------------------------------------------------------------------------------

// A row: its label, its squares, its sum.
std::string map_row(const Block& map, size_t i, int left, int top, double heaviest,
                    bool explained) {
  const int y = top + kCell * static_cast<int>(i);
  const size_t columns = map.keys.size();
  std::string svg = str("<g class=\"row\" data-row=\"", i, "\">");
  svg += svg_text(left - 8, y + 17, " text-anchor=\"end\"", short_label(map.queries[i]));
  for (size_t j = 0; j < columns; ++j) {
    const double weight = map.numbers[i * columns + j];
    const bool drawn = std::isfinite(weight) && weight > 0 && heaviest > 0;
    const std::string label = xml_escaped(
        str("query ", map.queries[i], ", key ", map.keys[j], ": ", number_text(weight)));
    char shade[16];
    std::snprintf(shade, sizeof shade, "%.3f", drawn ? std::min(1.0, weight / heaviest) : 0.0);
    svg += str("<g class=\"cell\" data-column=\"", j, "\" role=\"", explained ? "button" : "img",
               "\" aria-label=\"", label, "\"><title>", label, "</title><rect class=\"paper\" x=\"",
               left + kCell * static_cast<int>(j), "\" y=\"", y, "\" width=\"", kCell - 2,
               "\" height=\"", kCell - 2, "\"/><rect class=\"shade\" x=\"",
               left + kCell * static_cast<int>(j), "\" y=\"", y, "\" width=\"", kCell - 2,
               "\" height=\"", kCell - 2, "\" fill-opacity=\"", shade, "\"/></g>");
  }
  svg += svg_text(left + kCell * static_cast<int>(columns) + 10, y + 17, " class=\"sum\"",
                  number_text(row_sum(map, i)));
  return svg + "</g>\n";
}

std::string map_svg(const Block& map, bool explained) {
  const auto rows = static_cast<int>(map.queries.size()),
             columns = static_cast<int>(map.keys.size());
  const bool slanted = label_width(map.keys) > kCell;
  const int across = slanted ? 3 * label_width(map.keys) / 4 : 12;  // of a slanted label
  const int left = label_width(map.queries), top = across + 14;
  const int width = left + kCell * columns + std::max(kSums, across),
            height = top + kCell * rows + 4;
  double heaviest = 0;
  for (const double weight : map.numbers) {
    if (std::isfinite(weight)) heaviest = std::max(heaviest, weight);
  }
  std::string svg =
      str("<svg viewBox=\"0 0 ", width, " ", height, "\" width=\"", width, "\" height=\"", height,
          "\" style=\"min-width:", 2 * width / 3, "px\" role=\"group\" aria-label=\"",
          xml_escaped(map.text), "\">\n");  // on a phone it shrinks a little, then it scrolls
  for (int j = 0; j < columns; ++j) {
    const double x = left + kCell * (j + 0.5) - 1, y = top - 8;
    const std::string label = short_label(map.keys[static_cast<size_t>(j)]);
    char turn[80];
    std::snprintf(turn, sizeof turn, " transform=\"rotate(-45 %.1f %.1f)\"", x, y);
    svg += svg_text(x, y, slanted ? turn : " text-anchor=\"middle\"", label);
  }
  if (!slanted) svg += svg_text(left + kCell * columns + 10, top - 8, " class=\"sum\"", "sum");
  for (size_t i = 0; i < map.queries.size(); ++i) {
    svg += map_row(map, i, left, top, heaviest, explained);
  }
  return svg + "</svg>\n";
}

std::string map_table(const Block& map) {
  std::string html =
      "<details><summary>The numbers</summary><div class=\"wide\" tabindex=\"0\" "
      "role=\"group\" aria-label=\"The numbers of the map\"><table><thead><tr>"
      "<th scope=\"col\">query</th>";
  for (const std::string& key : map.keys) {
    html += "<th scope=\"col\">" + html_label(key) + "</th>";
  }
  html += "<th scope=\"col\">sum</th></tr></thead><tbody>\n";
  for (size_t i = 0; i < map.queries.size(); ++i) {
    html += "<tr><th scope=\"row\">" + html_label(map.queries[i]) + "</th>";
    for (size_t j = 0; j < map.keys.size(); ++j) {
      html += "<td>" + number_text(map.numbers[i * map.keys.size() + j]) + "</td>";
    }
    html += "<td>" + number_text(row_sum(map, i)) + "</td></tr>\n";
  }
  return html + "</tbody></table></div></details>\n";
}

}  // namespace

std::string map_figure(const Block& map, const std::string& id, bool explained) {
  return str("<figure class=\"map\" id=\"", id, "\"><figcaption>", html_sentence(map.text),
             "</figcaption>\n<div class=\"wide\">", map_svg(map, explained),
             "</div><p class=\"readout\" aria-live=\"polite\"></p>\n", map_table(map),
             "</figure>\n");
}

// ---- tables -------------------------------------------------------------------------------------

std::string matrix_table(const Block& show) {
  const size_t rank = show.shape.size();
  const auto columns = rank == 0 ? size_t{1} : static_cast<size_t>(show.shape[rank - 1]);
  const auto rows = rank < 2 ? size_t{1} : static_cast<size_t>(show.shape[rank - 2]);
  std::string sizes;
  for (const int64_t size : show.shape) sizes += str(sizes.empty() ? "" : ", ", size);
  const std::string what = show.formula.empty() ? show.name : show.name + " = " + show.formula;
  std::string html =
      str("<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"", xml_escaped(show.name),
          "\"><table class=\"matrix\"><caption>", math_ml(what), " <span class=\"shape\">(", sizes,
          ")</span></caption>\n<tbody>");
  for (size_t i = 0; i < show.numbers.size(); ++i) {
    if (i > 0 && i % (rows * columns) == 0) html += "</tbody>\n<tbody>";
    if (i % columns == 0) html += "<tr>";
    html += "<td>" + number_text(show.numbers[i], show.dtype) + "</td>";
    if (i % columns == columns - 1) html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string rows_table(const Block& table) {
  std::string html =
      "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table>\n";
  size_t columns = 0;
  for (const auto& row : table.rows) columns = std::max(columns, row.size());
  for (size_t i = 0; i < table.rows.size(); ++i) {
    html += i == 0 ? "<thead><tr>" : i == 1 ? "<tbody><tr>" : "<tr>";
    for (size_t j = 0; j < columns; ++j) {
      const std::string cell = j < table.rows[i].size() ? html_label(table.rows[i][j]) : "";
      html += i == 0 && !cell.empty() ? "<th scope=\"col\">" + cell + "</th>"
              : j == 0 && i > 0       ? "<th scope=\"row\">" + cell + "</th>"
                                      : "<td>" + cell + "</td>";
    }
    html += i == 0 ? "</tr></thead>\n" : "</tr>\n";
  }
  return html + (table.rows.size() > 1 ? "</tbody>" : "") + "</table></div>\n";
}

// ---- sliders ------------------------------------------------------------------------------------

namespace {

std::vector<double> softmax_of(const std::vector<double>& scores, double factor) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  std::vector<double> weights;
  double sum = 0;
  for (const double score : scores) {
    weights.push_back(std::exp((score - largest) * factor));
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

// A cell whose bar the script makes longer and shorter.
std::string weight_cell(double weight) {
  return str("<td class=\"weight\"><span class=\"number\">", number_text(weight),
             "</span><meter min=\"0\" max=\"1\" value=\"", number_text(weight),
             "\" aria-hidden=\"true\"></meter></td>");
}

}  // namespace

std::string slider_figure(const std::string& kind, const std::vector<double>& scores) {
  const bool is_width = kind == "width";
  const double d = 64;  // where the slider stands at first
  const std::vector<double> plain = softmax_of(scores, is_width ? std::sqrt(d) : 1),
                            scaled = softmax_of(scores, 1);
  std::string html =
      str("<figure class=\"slider\" id=\"slider-", kind, "\"><figcaption>",
          is_width ? "Five scores that grow by sqrt(d): softmax without and with 1/sqrt(d)"
                   : "softmax of five scores, divided by a temperature",
          "</figcaption>\n<p class=\"control\"><label>", is_width ? "d" : "temperature",
          " <input type=\"range\" ",
          is_width ? "min=\"0\" max=\"10\" step=\"1\" value=\"6\""
                   : "min=\"-20\" max=\"20\" step=\"1\" value=\"0\"",
          "/></label> <output>", is_width ? "64" : "1.00",
          "</output></p>\n<div class=\"wide\" tabindex=\"0\" role=\"group\" "
          "aria-label=\"Scores and weights\"><table><thead><tr>"
          "<th scope=\"col\">score</th>",
          is_width ? "<th scope=\"col\">without</th><th scope=\"col\">with 1/sqrt(d)</th>"
                   : "<th scope=\"col\">weight</th>",
          "</tr></thead><tbody>\n");
  for (size_t i = 0; i < scores.size(); ++i) {
    html += str("<tr><th scope=\"row\" class=\"score\">",
                number_text(scores[i] * (is_width ? std::sqrt(d) : 1)), "</th>",
                weight_cell(plain[i]), is_width ? weight_cell(scaled[i]) : "", "</tr>\n");
  }
  return html + "</tbody></table></div></figure>\n";
}

}  // namespace qkv::examples
