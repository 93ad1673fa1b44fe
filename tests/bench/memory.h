// How much memory a piece of work needs: asked of a process that does nothing else, since a process
// only knows the most that it has ever held.
#pragma once

#include <functional>
#include <string>

namespace qkv::bench {

// Names a piece of work.
void add_memory(const std::string& name, std::function<void()> work);

// The most bytes that a process held which did the named work: this program, started once more with
// --memory-of=NAME. 0 if that is unknown here.
[[nodiscard]] double memory_of(const std::string& name);

// What that process does: the work, and the number on stdout. False if nothing has this name.
bool print_memory_of(const std::string& name);

}  // namespace qkv::bench
