// The kill table. Counts only, no times: it is the same on every machine.
#include "examples/mutants/kill_table.h"

#include <algorithm>
#include <ostream>

#include "examples/mutants/weak_checks.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::left;
using lib::right;

constexpr size_t kFamilyWidth = 28, kNameWidth = 60;  // of the first column

const char* const kHelp =
    "usage: qkv mutants [NAME]\n\n"
    "Runs gradient checks on gradients that are wrong on purpose, and counts which check refuses\n"
    "which: a row for each family, or, with NAME, for each mutant with NAME in its name.\n\n"
    "exit code: 0 grad_check refuses all of them and no right one, 1 it does not, 2 no such name\n";

const std::string kOurs = "ours";
const std::string kOurHabit =
    "grad_check: every element, random cotangents, float64, 1e-7 + 1e-6 |numeric|";

struct Verdict {
  bool killed = false;   // the mutant is refused
  bool alarmed = false;  // so is the right function
};

// Of grad_check first, then of the weak checks.
std::vector<Verdict> verdicts_on(const Mutant& mutant) {
  const auto inputs = inputs_of(mutant);
  const auto refuses = [&](const autograd::Function& f) {
    return !autograd::grad_check(mutant.name(), f, inputs).passed;
  };
  std::vector<Verdict> verdicts = {{refuses(mutant.wrong), refuses(mutant.right)}};
  for (const WeakCheck& check : weak_checks()) {
    verdicts.push_back(
        {!accepts(check, mutant.wrong, inputs), !accepts(check, mutant.right, inputs)});
  }
  return verdicts;
}

// How many mutants there were, and how often each check said what.
struct Tally {
  int64_t mutants = 0;
  std::vector<int64_t> kills, alarms;

  void add(const std::vector<Verdict>& verdicts) {
    mutants += 1;
    kills.resize(verdicts.size());
    alarms.resize(verdicts.size());
    for (size_t i = 0; i < verdicts.size(); ++i) {
      kills[i] += verdicts[i].killed;
      alarms[i] += verdicts[i].alarmed;
    }
  }
};

std::vector<std::string> headings() {
  std::vector<std::string> columns = {kOurs};
  for (const WeakCheck& check : weak_checks()) columns.push_back(check.column);
  return columns;
}

// One line: a title, then a cell for each check under its heading.
template <class Cell>
void print_row(std::ostream& out, const std::string& title, size_t width, const Cell& cell) {
  out << left(title, width);
  const std::vector<std::string> columns = headings();
  for (size_t i = 0; i < columns.size(); ++i) {
    out << right(cell(i), std::max<size_t>(columns[i].size(), 4) + 2);
  }
  out << "\n";
}

void print_legend(std::ostream& out) {
  out << "mutants: values right, gradients wrong. A check kills one by refusing it.\n\n"
      << left(kOurs, 12) << kOurHabit << "\n";
  for (const WeakCheck& check : weak_checks()) out << left(check.column, 12) << check.habit << "\n";
  out << "\n";
}

void print_counts(std::ostream& out, const std::string& title, const Tally& tally) {
  print_row(out, left(title, 20) + right(lib::str(tally.mutants), 8), kFamilyWidth,
            [&](size_t i) { return lib::str(tally.kills[i]); });
}

// A row for each family.
Tally print_families(const std::vector<const Mutant*>& list, std::ostream& out) {
  const std::vector<std::string> columns = headings();
  print_row(out, left("killed", 20) + right("mutants", 8), kFamilyWidth,
            [&](size_t i) { return columns[i]; });
  Tally total, family;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::vector<Verdict> verdicts = verdicts_on(*list[i]);
    total.add(verdicts);
    family.add(verdicts);
    if (i + 1 < list.size() && list[i + 1]->family == list[i]->family) continue;
    print_counts(out, list[i]->family, family);
    family = {};
  }
  print_counts(out, "all", total);
  print_row(out, "", kFamilyWidth, [&](size_t i) {  // rounded down: 100 % means all
    return lib::str(100 * total.kills[i] / total.mutants, " %");
  });
  return total;
}

// A row for each mutant.
Tally print_mutants(const std::vector<const Mutant*>& list, std::ostream& out) {
  const std::vector<std::string> columns = headings();
  print_row(out, "x killed, . survived", kNameWidth, [&](size_t i) { return columns[i]; });
  Tally total;
  for (const Mutant* mutant : list) {
    const std::vector<Verdict> verdicts = verdicts_on(*mutant);
    total.add(verdicts);
    print_row(out, mutant->name(), kNameWidth,
              [&](size_t i) { return verdicts[i].killed ? "x" : "."; });
  }
  print_row(out, lib::str("killed of ", total.mutants), kNameWidth,
            [&](size_t i) { return lib::str(total.kills[i]); });
  return total;
}

}  // namespace

int run_mutants(const std::string& filter, std::ostream& out, const std::vector<Mutant>& list) {
  if (filter == "--help" || filter == "-h") {
    out << kHelp;
    return 0;
  }
  std::vector<const Mutant*> chosen;
  for (const Mutant& mutant : list) {
    if (mutant.name().find(filter) != std::string::npos) chosen.push_back(&mutant);
  }
  if (chosen.empty()) {
    out << "mutants: none has '" << lib::escaped(filter) << "' in its name\n";
    return 2;
  }
  print_legend(out);
  const Tally total = filter.empty() ? print_families(chosen, out) : print_mutants(chosen, out);
  print_row(out, "right functions refused", filter.empty() ? kFamilyWidth : kNameWidth,
            [&](size_t i) { return lib::str(total.alarms[i]); });
  return total.kills[0] == total.mutants && total.alarms[0] == 0 ? 0 : 1;
}

}  // namespace qkv::examples
