// Which instruction sets this processor and operating system offer, and which one the kernels use.
// QKV_ISA=scalar|neon|avx2|avx512 overrides the choice; results are the same bits whichever it is.
#pragma once

#include <string_view>
#include <vector>

namespace qkv::lib {

enum class Isa { scalar, neon, avx2, avx512 };

[[nodiscard]] std::string_view isa_name(Isa isa);

// Does this machine run it? avx2 stands for AVX2 + FMA, avx512 for AVX-512 F, DQ, BW and VL.
[[nodiscard]] bool isa_supported(Isa isa);

// All that this machine runs, the slowest (scalar) first.
[[nodiscard]] std::vector<Isa> supported_isas();

// "avx2" -> Isa::avx2. Throws std::invalid_argument for another word, or for a set this machine
// lacks.
[[nodiscard]] Isa parse_isa(std::string_view name);

// The set in use: QKV_ISA if that is set, else the best supported one. Read once.
// Throws std::invalid_argument if QKV_ISA does not name a supported set.
[[nodiscard]] Isa active_isa();

// Is a fused multiply-add one instruction of this processor (x86)? The scalar kernels ask.
[[nodiscard]] bool has_fma();

// Changes the set in use, for tests and benchmarks. REQUIRES: no kernel is running.
void set_active_isa(Isa isa);

}  // namespace qkv::lib
