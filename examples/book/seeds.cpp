#include "examples/book/seeds.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <sstream>

#include "examples/book/html.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::str;
using Sections = std::map<std::pair<int, int>, std::string>;  // chapter and section: what it says

std::string one_spaced(const std::string& text) {
  std::istringstream words(text);
  std::string all;
  for (std::string word; words >> word;) all += (all.empty() ? "" : " ") + word;
  return all;
}

Sections read_sections(const std::vector<Chapter>& chapters) {
  Sections sections;
  for (const Chapter& chapter : chapters) {
    std::string* text = nullptr;
    for (const Block& block : chapter.blocks) {
      if (block.kind == "section") text = &sections[{chapter.number, block.number}];
      if (text == nullptr) continue;
      *text += block.text + " ";
      if (!block.name.empty()) *text += block.name + " = " + block.formula + " ";
      for (const auto& row : block.rows) {
        for (const std::string& cell : row) *text += cell + " ";
      }
    }
  }
  for (auto& [number, text] : sections) text = one_spaced(text);
  return sections;
}

// "| a | b |": a, b.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  for (size_t at = 1; at < line.size();) {
    const size_t end = std::min(line.find('|', at), line.size());
    cells.push_back(one_spaced(line.substr(at, end - at)));
    at = end + 1;
  }
  if (cells.size() != 5) lib::fail("seeds: not five columns: ", line);
  return cells;
}

// "8.5, 13.2" as links. The first of them must say `quoted`.
std::string links(const std::string& places, const std::string& quoted, const Sections& sections) {
  std::istringstream list(places);
  std::string html;
  for (std::string place; std::getline(list, place, ',');) {
    int chapter = 0, section = 0;
    const bool read = std::sscanf(place.c_str(), "%d.%d", &chapter, &section) == 2;
    const auto found = sections.find({chapter, section});
    if (!read || found == sections.end()) lib::fail("seeds: there is no section ", place);
    if (html.empty() && found->second.find(quoted) == std::string::npos) {
      lib::fail("seeds: section ", place, " does not say '", quoted, "'");
    }
    html += str(html.empty() ? "" : ", ", "<a href=\"#section-", chapter, "-", section, "\">",
                chapter, ".", section, "</a>");
  }
  return html;
}

std::string table_row(const std::string& line, const Sections& sections) {
  const std::vector<std::string> cells = cells_of(line);
  std::string html = "<tr>";
  for (size_t i = 0; i < cells.size(); ++i) {
    html +=
        "<td>" + (i == 2 ? links(cells[i], cells[3], sections) : html_sentence(cells[i])) + "</td>";
  }
  return html + "</tr>\n";
}

std::string heading_row(const std::string& line) {
  std::string html = "<thead><tr>";
  for (const std::string& cell : cells_of(line)) {
    html += "<th scope=\"col\">" + html_sentence(cell) + "</th>";
  }
  return html + "</tr></thead>\n";
}

}  // namespace

std::string seeds_html(const std::string& markdown, const std::vector<Chapter>& chapters) {
  const Sections sections = read_sections(chapters);
  std::string html = "<article class=\"appendix\" id=\"seeds\" aria-labelledby=\"title-seeds\">\n";
  std::istringstream lines(markdown);
  std::string heading;
  int rows = 0;  // of the table that is open, its headings included
  for (std::string line; std::getline(lines, line);) {
    const bool in_table = line.starts_with("|");
    if (rows > 0 && !in_table) html += "</tbody></table></div>\n", rows = 0;
    if (line.starts_with("# ")) {
      html += "<h2 id=\"title-seeds\">" + html_sentence(line.substr(2)) + "</h2>\n";
    } else if (line.starts_with("## ")) {
      heading = html_sentence(line.substr(3));
      html += "<h3>" + heading + "</h3>\n";
    } else if (in_table) {
      if (++rows == 1) {
        html += "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"" + heading +
                "\"><table class=\"seeds\">\n" + heading_row(line);
      } else if (rows == 2) {
        html += "<tbody>\n";  // the line of dashes
      } else {
        html += table_row(line, sections);
      }
    } else if (!line.empty()) {
      html += "<p>" + html_sentence(line) + "</p>\n";
    }
  }
  return html + (rows > 0 ? "</tbody></table></div>\n" : "") + "</article>\n";
}

}  // namespace qkv::examples
