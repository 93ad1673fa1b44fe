// The tape's memory: what the recorded operations keep until backward has gone through them. A
// training step needs it on top of the parameters, and it grows with batch, length and depth.
//
//   exp      y                       24 bytes
//   mul      a, b                    48 bytes, unless an older operation has saved them already
#pragma once

#include <string>

#include "autograd/engine.h"

namespace qkv::autograd {

// The tensors that a node keeps for its backward: every Saved in the closure, as often as it is
// there, and the result if backward asks for it. None for a leaf, and once the graph was freed.
// Costs nothing while recording: the closure is copied here, and the copied Saved are noted.
[[nodiscard]] std::vector<Variable> saved_by(const Node& node);

// The bytes of their memory; memory that several of them share counts once. A window onto a larger
// tensor counts as all of it, since it keeps all of it.
[[nodiscard]] int64_t saved_bytes(const Node& node);

struct TapeRow {
  std::string op;
  int64_t nodes = 0;
  int64_t tensors = 0;  // blocks of memory that no older node has saved
  int64_t bytes = 0;    // theirs
};

struct TapeMemory {
  std::vector<TapeRow> rows;    // by operation, the largest first
  TapeRow total;                // of all rows; without what parameters hold
  int64_t parameter_bytes = 0;  // saved, too, but there without the tape
  int64_t node_bytes = 0;       // of the nodes themselves

  [[nodiscard]] std::string str() const;  // a table
};

// What the graph behind the result keeps, each block of memory counted once, for the oldest
// operation that saved it. Memory of `parameters`, and of leaves that were saved as they are, is
// counted apart; without the list, a leaf that was saved transposed only counts as the tape's.
[[nodiscard]] TapeMemory tape_memory(const Variable& result,
                                     const std::vector<Variable>& parameters = {});

// Bytes in use in the whole process: measured, not added up.
struct PassMemory {
  int64_t before = 0, peak = 0, after = 0;
};

// Runs backward(), and measures. Starts the count of lib::reset_peak_memory() anew.
PassMemory backward_memory(const Variable& output, const Variable& cotangent = {},
                           BackwardOptions options = {});

// "512 B", "1.5 KiB", "20.0 MiB"
[[nodiscard]] std::string bytes_text(int64_t bytes);

}  // namespace qkv::autograd
