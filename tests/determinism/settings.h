// What may vary from machine to machine without changing a bit: the instruction set and the number
// of threads. for_each_setting runs a piece of a test under all of them, and restores the first.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "lib/cpu.h"
#include "lib/parallel.h"
#include "lib/text.h"

namespace qkv::tests {

// Under emulation, where every instruction costs fifty, QKV_SHORT_TESTS=1 asks for the short form:
// the instruction set in use only, and fewer numbers of threads.
inline bool short_form() { return std::getenv("QKV_SHORT_TESTS") != nullptr; }

inline std::vector<lib::Isa> isas_to_test() {
  return short_form() ? std::vector{lib::active_isa()} : lib::supported_isas();
}

// Remembers the settings in use, and restores them at the end of the scope.
class RestoreSettings {
 public:
  RestoreSettings() = default;
  ~RestoreSettings() {
    lib::set_active_isa(isa_);
    lib::set_num_threads(threads_);
  }
  RestoreSettings(const RestoreSettings&) = delete;
  RestoreSettings& operator=(const RestoreSettings&) = delete;

 private:
  lib::Isa isa_ = lib::active_isa();
  int threads_ = lib::num_threads();
};

// body() under every instruction set of this machine.
template <class Body>
void for_each_isa(const Body& body) {
  const RestoreSettings restore;
  for (const lib::Isa isa : isas_to_test()) {
    lib::set_active_isa(isa);
    body();
  }
}

// body(description) under every instruction set, with 1, 2, 3 and 8 threads. The first setting is
// the plainest: scalar, one thread.
template <class Body>
void for_each_setting(const Body& body) {
  const RestoreSettings restore;
  for (const lib::Isa isa : isas_to_test()) {
    lib::set_active_isa(isa);
    const std::vector<int> counts = short_form() ? std::vector{1, 3} : std::vector{1, 2, 3, 8};
    for (const int threads : counts) {
      lib::set_num_threads(threads);
      body(lib::str(lib::isa_name(isa), ", ", threads, " threads"));
    }
  }
}

}  // namespace qkv::tests
