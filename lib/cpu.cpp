// Asking the processor. The compiler's __builtin_cpu_supports also asks whether the operating
// system saves the wide registers; elsewhere only what the compiler may assume of the target is
// used.
#include "lib/cpu.h"

#include <atomic>
#include <cstdlib>

#include "lib/simd/intrinsics.h"
#include "lib/text.h"

namespace qkv::lib {
namespace {

constexpr Isa kAll[] = {Isa::scalar, Isa::neon, Isa::avx2, Isa::avx512};

std::string names_of_supported() {
  std::string names;
  for (const Isa isa : supported_isas()) names += str(names.empty() ? "" : ", ", isa_name(isa));
  return names;
}

std::atomic<Isa>& active() {
  static std::atomic<Isa> isa = [] {
    const char* wanted = std::getenv("QKV_ISA");
    return wanted != nullptr && *wanted != 0 ? parse_isa(wanted) : supported_isas().back();
  }();
  return isa;
}

}  // namespace

std::string_view isa_name(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return "scalar";
    case Isa::neon:
      return "neon";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
  }
  return "?";
}

bool isa_supported(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return true;
#if defined(__aarch64__)
    case Isa::neon:
      return true;
#endif
#if defined(QKV_X86_TARGETS)
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#endif
    default:
      return false;
  }
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> list;
  for (const Isa isa : kAll) {
    if (isa_supported(isa)) list.push_back(isa);
  }
  return list;
}

Isa parse_isa(std::string_view name) {
  for (const Isa isa : kAll) {
    if (isa_name(isa) != name) continue;
    if (!isa_supported(isa)) {
      fail("QKV_ISA: this machine has no ", name, "; it has ", names_of_supported());
    }
    return isa;
  }
  fail("QKV_ISA: unknown instruction set '", name, "'; this machine has ", names_of_supported());
}

bool has_fma() {
#if defined(QKV_X86_TARGETS)
  static const bool answer = __builtin_cpu_supports("fma");
  return answer;
#else
  return false;
#endif
}

Isa active_isa() { return active().load(std::memory_order_relaxed); }
void set_active_isa(Isa isa) { active().store(isa, std::memory_order_relaxed); }

}  // namespace qkv::lib
