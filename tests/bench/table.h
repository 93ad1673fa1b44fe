// The benchmark's tables in README.md, made from the JSON file that ./qkv bench --json wrote. They
// stand between two markers; nothing else on the page is touched.
#pragma once

#include <string>

namespace qkv::bench {

inline constexpr const char* kBegin = "<!-- bench: begin -->\n";
inline constexpr const char* kEnd = "<!-- bench: end -->\n";

// The tables as Markdown. A row that the file lacks shows as a dash.
// Throws std::invalid_argument if the text is not what the benchmark writes.
[[nodiscard]] std::string tables_of(const std::string& json);

// The page with `tables` between its markers. Throws std::invalid_argument unless each marker is
// there exactly once, the beginning first.
[[nodiscard]] std::string with_tables(const std::string& page, const std::string& tables);

}  // namespace qkv::bench
