// Names of instruction sets, what this machine supports, and the messages for a wrong QKV_ISA.
#include "lib/cpu.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "lib/text.h"

using namespace qkv::lib;

namespace {

constexpr Isa kAll[] = {Isa::scalar, Isa::neon, Isa::avx2, Isa::avx512};

std::string supported_names() {
  std::string names;
  for (const Isa isa : supported_isas()) names += str(names.empty() ? "" : ", ", isa_name(isa));
  return names;
}

}  // namespace

TEST_CASE("every machine has scalar, and it comes first") {
  CHECK(isa_supported(Isa::scalar));
  CHECK(supported_isas().front() == Isa::scalar);
}

TEST_CASE("the list of supported sets is what isa_supported says, without repetition") {
  const std::vector<Isa> list = supported_isas();
  for (const Isa isa : kAll) {
    CHECK(std::count(list.begin(), list.end(), isa) == (isa_supported(isa) ? 1 : 0));
  }
  CHECK(!(isa_supported(Isa::neon) && isa_supported(Isa::avx2)));
}

TEST_CASE("a supported set's name is parsed back to it") {
  for (const Isa isa : supported_isas()) CHECK(parse_isa(isa_name(isa)) == isa);
}

TEST_CASE("an unknown name is refused with the names there are") {
  for (const char* name : {"sse9", "AVX2", "avx2 ", "avx", ""}) {
    CHECK_THROWS_WITH_AS(
        static_cast<void>(parse_isa(name)),
        str("QKV_ISA: unknown instruction set '", name, "'; this machine has ", supported_names())
            .c_str(),
        std::invalid_argument);
  }
}

TEST_CASE("a set that this machine lacks is refused by name") {
  for (const Isa isa : kAll) {
    if (isa_supported(isa)) continue;
    CHECK_THROWS_WITH_AS(
        static_cast<void>(parse_isa(isa_name(isa))),
        str("QKV_ISA: this machine has no ", isa_name(isa), "; it has ", supported_names()).c_str(),
        std::invalid_argument);
  }
}

TEST_CASE("the set in use is a supported one and can be changed") {
  const Isa before = active_isa();
  CHECK(isa_supported(before));
  for (const Isa isa : supported_isas()) {
    set_active_isa(isa);
    CHECK(active_isa() == isa);
  }
  set_active_isa(before);
}
