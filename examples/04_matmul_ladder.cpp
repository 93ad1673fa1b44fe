// Chapter 4. The matmul ladder: one product, six ways, the same bits.
//
// Three loops are right, and slow. lib/matmul.h has them as rung 0, and above them five rungs, each
// with one idea more. A rung is believed when it gives what the definition gives, to the last bit.
// Times differ from machine to machine, so they are printed beside the page, to stderr.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <iostream>
#include <span>
#include <utility>

#include "examples/chapter.h"
#include "lib/cpu.h"
#include "lib/matmul.h"
#include "lib/parallel.h"
#include "lib/random.h"
#include "lib/text.h"
#include "tensor/views.h"

using namespace qkv::examples;
using namespace qkv::lib;
using qkv::tensor::Tensor;

namespace {

// All rungs have one signature. A Matrix is where it begins, and its two strides (chapter 1).
using Rung = void (*)(ProductShape, Matrix<const float>, Matrix<const float>, Matrix<float>);
void top_rung(ProductShape shape, Matrix<const float> A, Matrix<const float> B, Matrix<float> C) {
  matmul(shape, A, B, C);
}
const std::pair<const char*, Rung> kRungs[] = {{"0 definition", matmul_definition<float>},
                                               {"1 loop order", matmul_loop_order<float>},
                                               {"2 register tile", matmul_register_tile<float>},
                                               {"3 blocked", matmul_blocked<float>},
                                               {"4 simd", matmul_simd<float>},
                                               {"5 threads", top_rung}};

constexpr std::array<int64_t, 3> kLarge = {160, 160, 160};

void the_task() {
  // 1. The task, and the ladder
  section(1, "The task, and the ladder");
  say("A has M rows, B has N columns, and K numbers of each meet. Every element of C takes K "
      "multiplications and K additions: 24 operations for the (2, 3) x (3, 2) of chapter 3, two "
      "thousand million when all sizes are 1000.");
  formula("operations = 2 M N K");
  expect("operations", 2 * 2 * 2 * 3 == 24 && 2. * 1000 * 1000 * 1000 == 2000e6);
  say("Six functions compute the same product. Rung 0 is the definition, the three loops of "
      "chapter 3. Each rung above adds one idea, and each is a section here: walk through "
      "neighbouring memory; use a number loaded once many times; bring near what comes next; "
      "compute several elements at once; share the work.");

  // 2. What "the same" means
  section(2, "What 'the same' means");
  say("A float32 keeps about seven digits, so every addition rounds, and the order of additions "
      "shows. Add 1 to a hundred million, take the hundred million away:");
  const float big = 1e8f, one = 1;
  show("left to right", "(1e8 + 1) - 1e8", (big + one) - big);
  show("the ends first", "(1e8 - 1e8) + 1", (big - big) + one);
  expect("left to right", (big + one) - big, 0);
  expect("the ends first", (big - big) + one, 1);
  say("Rungs may therefore do things in any order but one: each element of C is one chain over k = "
      "0, 1, 2 and so on. A step of it is a fused multiply-add, which rounds once. Then all rungs "
      "agree to the last bit, and so do all machines.");
  formula("c <- fma(a_ik, b_kj, c),   fma(a, b, c) = a b + c");
}

void the_rungs() {
  namespace t = qkv::tensor;
  const Tensor B = t::reshape(t::arange(16), {4, 4});  // each element is its own place in memory

  // 3. Rung 1: the order of the loops
  section(3, "Rung 1: the order of the loops");
  say("Here is a B of 4 rows whose elements are their own places in memory. The innermost loop of "
      "the definition runs over k, down a column of B. Exchange two loops, and it runs over j, "
      "along a row. Memory is delivered in pieces, most often of 64 bytes, which is 16 float32 "
      "numbers: the first loop uses one number of each piece and goes on to the next piece.");
  show("definition", "places in its loop over k", t::select(B, 1, 0));
  show("loop order", "places in its loop over j", t::select(B, 0, 0));
  expect("a column", t::select(B, 1, 0), {0, 4, 8, 12});
  expect("a row", t::select(B, 0, 0), {0, 1, 2, 3});

  // 4. Rung 2: a tile in registers
  section(4, "Rung 2: a tile in registers");
  say("A processor computes in registers: a few dozen places of its own. Rung 1 loads and stores "
      "an element of C for every multiply-add. Keep a tile of C there instead, r rows and c "
      "columns, while k runs. Each step then loads r numbers of A and c of B, and uses each of "
      "them many times:");
  formula("loads per multiply-add = (r + c) / (r c)");
  draw(
      "           b0  b1  b2  b3\n"
      "      a0   c00 c01 c02 c03      8 loads,\n"
      "      a1   c10 c11 c12 c13      16 multiply-adds\n"
      "      a2   c20 c21 c22 c23\n"
      "      a3   c30 c31 c32 c33\n");
  const auto loads = [](double r, double c) { return (r + c) / (r * c); };
  table({{"tile", "loads per multiply-add"},
         {"1 x 1", fixed(loads(1, 1), 2)},
         {"2 x 2", fixed(loads(2, 2), 2)},
         {"4 x 4", fixed(loads(4, 4), 2)}});
  expect("4 x 4", loads(4, 4), 8. / 16);

  // 5. Rung 3: blocks and packing
  section(5, "Rung 3: blocks and packing");
  say("Between memory and registers lie caches: small and near, or larger and farther. A large B "
      "does not fit the near one, so take strips of its columns, and let one strip serve all of A "
      "before the next comes. Packing copies strips so that what is used next lies next. It is a "
      "view of chapter 1, reshaped and with its axes in another order (permute), and then copied. "
      "Here are strips of 2 columns, one strip per row:");
  const Tensor cut = t::permute(t::reshape(B, {4, 2, 2}), {1, 0, 2});  // (strip, k, column)
  const Tensor packed = t::reshape(cut, {2, 8});                       // this one copies
  show("packed", "B by strips of 2 columns", packed);
  expect("packed", packed, {0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15});
  expect("packing copies", !packed.shares_storage_with(B));

  // 6. Rung 4: one instruction, many numbers
  section(6, "Rung 4: one instruction, many numbers");
  say("SIMD is short for single instruction, multiple data. A wide register holds 4, 8 or 16 "
      "neighbours of a row of C, its lanes, and one instruction steps all of their chains. No sum "
      "ever runs across lanes, so no chain is cut and no bit changes.");
  draw(
      "      b_k   [ b0   b1   b2   b3 ]\n"
      "      a_ik  [ a    a    a    a  ]     one number, repeated: a stride of 0\n"
      "      c_i   [ c0   c1   c2   c3 ]     four chains, one instruction\n");

  // 7. Rung 5: threads
  section(7, "Rung 5: threads");
  say("C is cut into blocks, and processors take them in turn. Each element is still one chain, "
      "whoever computes it, so their number changes no bit. Products of fewer than 2 million "
      "operations are not cut: handing them over would take longer than it saves.");
  expect("2 million operations", kFlopsWorthSplitting == 2'000'000);
}

std::vector<float> random_numbers(int64_t count, uint64_t seed) {
  Generator generator(seed);  // the same numbers on every machine
  std::vector<float> numbers(static_cast<size_t>(count));
  for (float& x : numbers) x = static_cast<float>(generator.uniform() - .5);
  return numbers;
}

struct Product {
  int64_t M, N, K;
  bool turned;  // A lies in memory as K rows of M: the same rung, other strides
  std::vector<float> A = random_numbers(M * K, 1), B = random_numbers(K * N, 2);

  [[nodiscard]] std::vector<float> by(Rung rung) const {
    std::vector<float> C(static_cast<size_t>(M * N));
    const Matrix<const float> a{A.data(), turned ? 1 : K, turned ? M : 1};
    rung({.M = M, .N = N, .K = K}, a, {B.data(), N, 1}, {C.data(), N, 1});
    return C;
  }
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// The definition with its chains from the last k to the first: A and B are read backwards, which
// again is only a matter of strides.
void backwards(ProductShape shape, Matrix<const float> A, Matrix<const float> B, Matrix<float> C) {
  const int64_t last = shape.K - 1;
  matmul_definition<float>(shape, {A.data + last * A.col_stride, A.row_stride, -A.col_stride},
                           {B.data + last * B.row_stride, -B.row_stride, B.col_stride}, C);
}

void verified() {
  // 8. Verified
  section(8, "Verified");
  say("First the product of chapter 3, where we know the answer.");
  Product small{2, 2, 3, false};
  small.A = {1, 2, 3, 4, 5, 6}, small.B = {1, -1, 0, 2, 3, 1};
  for (const auto& [name, rung] : kRungs) {
    expect(name, Tensor::of<float>(small.by(rung), {4}), {10, 6, 22, 12});
  }
  show("C", "by every rung", Tensor::of<float>(small.by(top_rung), {2, 2}));
  say("Then random numbers, at awkward sizes and a large one, also with an A that lies in memory "
      "as K rows of M, which only exchanges its strides. Each rung against the definition, every "
      "bit of every element:");
  std::vector<std::vector<std::string>> rows = {{"M, N, K", "A", "rungs 1 to 5 that agree"}};
  using Sizes = std::array<int64_t, 3>;
  for (const auto& [M, N, K] : {Sizes{1, 1, 1}, Sizes{5, 7, 3}, Sizes{33, 65, 129}, kLarge}) {
    for (const bool turned : {false, true}) {
      const Product product{M, N, K, turned};
      const std::vector<float> wanted = product.by(matmul_definition<float>);
      int agree = 0;
      for (const auto& rung : std::span(kRungs).subspan(1))
        agree += same_bits(product.by(rung.second), wanted);
      rows.push_back(
          {str(M, ", ", N, ", ", K), turned ? "turned" : "as it lies", str(agree, " of 5")});
      expect("all rungs agree", agree == 5);
    }
  }
  table(rows);
}

void doubted() {
  // 9. Could it have failed?
  section(9, "Could it have failed?");
  const Product large{kLarge[0], kLarge[1], kLarge[2], false};
  const std::vector<float> wanted = large.by(matmul_definition<float>), other = large.by(backwards);
  int64_t differ = 0;
  for (size_t i = 0; i < wanted.size(); ++i) differ += wanted[i] != other[i];
  say("A check that cannot fail says nothing. So here is the definition with every chain begun at "
      "its other end: the same sums to the eye, and the check must refuse it.");
  table({{"chain over k", "c_00", "elements that differ"},
         {"forwards", fixed(wanted[0], 9), "0"},
         {"backwards", fixed(other[0], 9), str(differ, " of ", wanted.size())}});
  expect("backwards is refused", !same_bits(wanted, other));
  const Isa isa = active_isa();
  const int threads = num_threads();
  for (const Isa each : supported_isas()) {
    for (const int count : {1, 2, 3}) {
      set_active_isa(each), set_num_threads(count);
      expect(str(isa_name(each), ", ", count, " threads"), same_bits(large.by(top_rung), wanted));
    }
  }
  set_active_isa(isa), set_num_threads(threads);
  say("The top rung has given the bits of the first line on every instruction set of this machine, "
      "with 1, 2 and 3 threads. On yours it must, too: the digits above are compared.");
}

void timed() {
  // 10. Timed
  section(10, "Timed");
  say("Now how fast? The times are your machine's own, so they go to stderr, a second stream of "
      "output, and this page stays the same everywhere. GFLOP/s are thousand million operations "
      "per second; the best of three runs counts. The steps differ much in height. Rung 1 may gain "
      "nothing: it and the definition call a function for every fused multiply-add, and wait for "
      "that, not for memory. It stays because rungs 2 to 5 are built on its order. Blocks do "
      "nothing for a product that the near caches hold as it is, nor threads for a small one.");
  for (const int64_t n : {64, 256}) {
    const Product product{n, n, n, false};
    std::cerr << "  " << n << " x " << n << ", " << isa_name(active_isa()) << ", "
              << "threads: " << num_threads() << "\n";
    for (const auto& [name, rung] : kRungs) {
      double best = 1e9;
      for (int run = 0; run < 3; ++run) {
        const auto begin = std::chrono::steady_clock::now();
        (void)product.by(rung);
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
        best = std::min(best, seconds.count());
      }
      const double operations = 2. * static_cast<double>(n * n * n);
      std::cerr << "    " << left(name, 16) << fixed(operations / best / 1e9, 2) << " GFLOP/s\n";
    }
  }
  try_this(
      "QKV_ISA=scalar ./qkv example 4, or QKV_NUM_THREADS=1 ./qkv example 4: the times "
      "change, and not one digit on this page. README.md has the same ladder's top beside "
      "other libraries.");
}

void chapter() {
  the_task();
  the_rungs();
  verified();
  doubted();
  timed();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
