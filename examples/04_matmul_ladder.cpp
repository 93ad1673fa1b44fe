// Chapter 4. The matmul ladder: one product, six ways, the same bits.
//
// Three loops are right, and slow. lib/matmul.h has them as rung 0, and above them five rungs, each
// with one idea more. A rung is believed when it gives what the definition gives, to the last bit.
#include <chrono>
#include <iostream>

#include "examples/chapter.h"
#include "lib/matmul.h"
#include "lib/text.h"
#include "tensor/elementwise.h"
#include "tensor/views.h"

using namespace qkv::examples;
using namespace qkv::lib;
using qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

// All rungs have one signature. A Matrix is where it begins, and its two strides (chapter 1).
struct Rung {
  const char* name;
  void (*run)(ProductShape, Matrix<const float>, Matrix<const float>, Matrix<float>);
};
const Rung kRungs[] = {{"0 definition", matmul_definition<float>},
                       {"1 loop order", matmul_loop_order<float>},
                       {"2 register tile", matmul_register_tile<float>},
                       {"3 blocked", matmul_blocked<float>},
                       {"4 simd", matmul_simd<float>},
                       {"5 threads", [](auto s, auto A, auto B, auto C) { matmul(s, A, B, C); }}};

// A (M, K) x B (K, N) -> (M, N) by one of the rungs.
Tensor product(const Rung& rung, const Tensor& A, const Tensor& B) {
  const int64_t M = A.shape()[0], K = A.shape()[1], N = B.shape()[1];
  Tensor C = t::zeros({M, N});
  rung.run({.M = M, .N = N, .K = K}, {A.data<float>(), A.strides()[0], A.strides()[1]},
           {B.data<float>(), B.strides()[0], B.strides()[1]}, {C.mutable_data<float>(), N, 1});
  return C;
}

void the_task() {
  // 1. The task, and what 'the same' means
  section(1, "The task, and what 'the same' means");
  say("A has M rows, B has N columns, and for each element of C a row and a column of K numbers "
      "meet: K multiplications, and K additions.");
  formula("operations = 2 M N K");
  say("Rung 0 is the definition, the three loops of chapter 3; those above find the same, faster. "
      "But a float32 keeps about seven digits, so additions round, and their order shows:");
  const float big = 1e8f, one = 1;
  show("left to right", "(1e8 + 1) - 1e8", (big + one) - big);
  show("the ends first", "(1e8 - 1e8) + 1", (big - big) + one);
  expect("lost", (big + one) - big, 0), expect("kept", (big - big) + one, 1);
  say("Rungs may therefore do things in any order but one: each element of C is one chain over k = "
      "0, 1, 2 and so on. A step of it is a fused multiply-add, which rounds once. Then all rungs "
      "agree to the last bit, and so do all machines.");
  formula("c <- fma(a_ik, b_kj, c),   fma(a, b, c) = a b + c");
}

void the_rungs() {
  // 2. Rung 1: the order of the loops
  section(2, "Rung 1: the order of the loops");
  say("Let the elements of B be their own places in memory. The definition's innermost loop runs "
      "over k, down a column of B. Exchange two loops, and it runs over j, along a row. Memory "
      "comes in pieces: the first loop uses one number of each, the second all of them.");
  const Tensor B = t::reshape(t::arange(16), {4, 4});  // 0, 1, 2, ... 15
  show("definition", "places in its loop over k", t::select(B, 1, 0));
  show("loop order", "places in its loop over j", t::select(B, 0, 0));

  // 3. Rung 2: a tile in registers
  section(3, "Rung 2: a tile in registers");
  say("A processor computes in registers, a few dozen places of its own. Rung 1 loads and stores "
      "an element of C for every multiply-add. Keep a tile of C there while k runs, r rows and c "
      "columns: a step loads r numbers of A and c of B. Here 5 loads serve 6 multiply-adds.");
  formula("loads per multiply-add = (r + c) / (r c)");
  draw(
      "           b0  b1  b2\n"
      "      a0   c00 c01 c02\n"
      "      a1   c10 c11 c12\n");

  // 4. Rung 3: blocks and packing
  section(4, "Rung 3: blocks and packing");
  say("Between memory and registers lie caches, the near one small. So take strips of B's columns "
      "that fit it, and let each serve all of A. Packing copies them so that what is used next "
      "lies next: reshape, put the axes in another order (permute), copy. Each row is a strip:");
  const Tensor cut = t::permute(t::reshape(B, {4, 2, 2}), {1, 0, 2});  // (strip, k, column)
  const Tensor packed = t::reshape(cut, {2, 8});                       // this one copies
  show("packed", "B by strips of 2 columns", packed);
  expect("packed", packed, {0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15});

  // 5. Rungs 4 and 5: many at once
  section(5, "Rungs 4 and 5: many at once");
  say("Rung 4 is SIMD: single instruction, multiple data. A wide register holds 4, 8 or 16 "
      "neighbours of a row of C, and one instruction steps all of their chains; a_ik is repeated "
      "for it, a stride of 0. Rung 5 is threads: a large C is cut into blocks, and processors take "
      "them in turn. Each element is still one chain, so no bit changes.");
}

void verified() {
  // 6. Verified
  section(6, "Verified");
  const Tensor A3 = Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor B3 = Tensor::of<float>({1, -1, 0, 2, 3, 1}, {3, 2});
  for (const Rung& rung : kRungs) expect(rung.name, product(rung, A3, B3), {10, 6, 22, 12});
  say("Every rung gives C of chapter 3. Then random numbers, each rung against the definition. A "
      "check that cannot fail says nothing, so a wrong product is tried, too: every chain cut into "
      "two, added at the end. On paper that is the same sum.");
  std::vector<std::vector<std::string>> rows = {{"(M, N, K)", "rungs that agree", "chains cut"}};
  Generator generator(4);  // for normal(): random numbers near 0, the same on every machine
  for (const t::Shape& s : {t::Shape{5, 7, 3}, {33, 65, 129}, {160, 160, 160}}) {
    const int64_t M = s[0], N = s[1], K = s[2];
    const Tensor A = t::normal({M, K}, 0, 1, generator), B = t::normal({K, N}, 0, 1, generator);
    const std::vector<double> wanted = product(kRungs[0], A, B).to_vector();
    int agree = 0;
    for (const Rung& rung : kRungs) agree += product(rung, A, B).to_vector() == wanted;
    const Tensor front = product(kRungs[0], t::slice(A, 1, 0, K / 2), t::slice(B, 0, 0, K / 2));
    const Tensor back = product(kRungs[0], t::slice(A, 1, K / 2, K), t::slice(B, 0, K / 2, K));
    const bool refused = t::add(front, back).to_vector() != wanted;
    rows.push_back({s.str(), str(agree, " of 6"), refused ? "refused" : "agrees"});
    expect("the rungs agree, and what is wrong is refused", agree == 6 && refused);
  }
  table(rows);
}

void timed() {
  // 7. Timed
  section(7, "Timed");
  say("The times are your machine's own, so they go to stderr, a second stream of output, in "
      "thousand million operations per second (GFLOP/s). Rung 1 may gain nothing: it and the "
      "definition call a function for every multiply-add, and wait for that. Rungs 2 to 5 are "
      "built on its order. Blocks do nothing for a product that the near cache holds, nor threads "
      "for a small one.");
  for (const int64_t n : {64, 256})
    for (const Rung& rung : kRungs) {
      const Tensor ones = t::ones({n, n});
      const auto begin = std::chrono::steady_clock::now();
      for (int run = 0; run < 5; ++run) (void)product(rung, ones, ones);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      const double operations = 5. * 2 * static_cast<double>(n * n * n);
      std::cerr << n << " x " << n << "  " << left(rung.name, 16)
                << fixed(operations / took.count() / 1e9, 2) << " GFLOP/s\n";
    }
  try_this("QKV_ISA=scalar ./qkv example 4 (no SIMD): other times, no other digit on this page.");
}

void chapter() { the_task(), the_rungs(), verified(), timed(); }

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
