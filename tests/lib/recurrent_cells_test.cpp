// Steps of the recurrent cells: the kernels against the definition and against slopes in double
// precision, rows alone and with gaps between them, and memory that ends with the last row.
#include "lib/recurrent_cells.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "lib/random.h"
#include "tests/compare.h"
#include "tests/determinism/settings.h"
#include "tests/lib/window.h"

using namespace qkv::lib;
using namespace qkv::tests;

namespace {

constexpr Cell kCells[] = {Cell::rnn, Cell::gru, Cell::lstm};
constexpr int64_t kWidths[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 101};

template <class T>
std::vector<T> numbers(int64_t n, uint64_t seed) {
  Generator generator(seed);
  std::vector<T> x(static_cast<size_t>(n));
  for (T& v : x) v = static_cast<T>(2 * generator.normal());
  return x;
}

template <class T>
std::vector<double> as_doubles(const std::vector<T>& x) {
  return std::vector<double>(x.begin(), x.end());
}

// Operands and results of one step and of its way back; `gap` numbers lie between the rows of
// from_x, as where it is a position of a sequence.
template <class T>
struct Step {
  Step(Cell a_cell, int64_t a_rows, int64_t width, int64_t a_gap = 0)
      : cell(a_cell), rows(a_rows), n(width), gates(gates_of(a_cell) * width), gap(a_gap) {
    const auto sized = [&](int64_t blocks) { return std::vector<T>(size_t(rows * blocks * n)); };
    from_x = numbers<T>(rows * (gates + gap), 1), from_h = numbers<T>(rows * gates, 2);
    h = numbers<T>(rows * n, 3), c = numbers<T>(rows * n, 4);
    dh = numbers<T>(rows * n, 5), dc = numbers<T>(rows * n, 6);
    h_next = sized(1), c_next = sized(1), kept = sized(kept_of(cell));
    d_from_x = sized(gates_of(cell)), d_from_h = d_from_x, dh_before = sized(1), dc_before = dh;
  }
  void forward(bool definition = false) {
    (definition ? cell_step_definition<T> : cell_step<T>)(cell, rows, n,
                                                          {{from_x.data(), gates + gap},
                                                           {from_h.data(), gates},
                                                           {h.data(), n},
                                                           {c.data(), n},
                                                           {h_next.data(), n},
                                                           {c_next.data(), n},
                                                           {kept.data(), kept_of(cell) * n}});
  }
  void backward() {
    cell_step_backward<T>(cell, rows, n,
                          {{kept.data(), kept_of(cell) * n},
                           {h.data(), n},
                           {c.data(), n},
                           {dh.data(), n},
                           {dc.data(), n},
                           {d_from_x.data(), gates},
                           {d_from_h.data(), gates},
                           {dh_before.data(), n},
                           {dc_before.data(), n}});
  }
  // Σ dh h' + Σ dc c'
  [[nodiscard]] double loss() {
    forward(true);
    double total = 0;
    for (size_t i = 0; i < h_next.size(); ++i) {
      total += dh[i] * h_next[i] + (cell == Cell::lstm ? dc[i] * c_next[i] : 0);
    }
    return total;
  }
  Cell cell;
  int64_t rows, n, gates, gap;
  std::vector<T> from_x, from_h, h, c, dh, dc, h_next, c_next, kept;
  std::vector<T> d_from_x, d_from_h, dh_before, dc_before;
};

// The slope of the loss in each number of `x`, by central differences.
std::vector<double> slopes(Step<double>& step, std::vector<double>& x) {
  std::vector<double> result;
  for (double& number : x) {
    const double before = number, eps = 1e-6;
    number = before + eps;
    const double above = step.loss();
    number = before - eps;
    result.push_back((above - step.loss()) / (2 * eps));
    number = before;
  }
  return result;
}

}  // namespace

TEST_CASE_TEMPLATE("a step of every cell is its definition", T, float, double) {
  const double tolerance = 8 * static_cast<double>(std::numeric_limits<T>::epsilon());
  for_each_isa([&] {
    for (const Cell cell : kCells) {
      for (const int64_t n : kWidths) {
        for (const int64_t gap : {0, 3}) {
          Step<T> fast(cell, 5, n, gap), truth = fast;
          fast.forward();
          truth.forward(true);
          REQUIRE(relative_error(as_doubles(fast.h_next), as_doubles(truth.h_next)) <= tolerance);
          REQUIRE(relative_error(as_doubles(fast.c_next), as_doubles(truth.c_next)) <= tolerance);
          REQUIRE(relative_error(as_doubles(fast.kept), as_doubles(truth.kept)) <= tolerance);
        }
      }
    }
  });
}

TEST_CASE("the way back of every cell is the slope of the definition") {
  for (const Cell cell : kCells) {
    for (const int64_t n : {1, 3, 17}) {
      Step<double> step(cell, 2, n);
      step.forward();
      step.backward();
      Step<double> moved = step;
      CHECK(relative_error(step.d_from_x, slopes(moved, moved.from_x)) <= 1e-8);
      const auto d_from_h = cell == Cell::gru ? step.d_from_h : step.d_from_x;
      CHECK(relative_error(d_from_h, slopes(moved, moved.from_h)) <= 1e-8);
      if (cell == Cell::gru) CHECK(relative_error(step.dh_before, slopes(moved, moved.h)) <= 1e-8);
      if (cell == Cell::lstm) CHECK(relative_error(step.dc_before, slopes(moved, moved.c)) <= 1e-8);
    }
  }
}

TEST_CASE("gradients may be overwritten in place and none of c counts as zeros") {
  for (const Cell cell : kCells) {
    Step<float> apart(cell, 3, 17);
    apart.forward();
    apart.backward();
    Step<float> in_place = apart;
    const int64_t n = apart.n;
    const auto back = [n](Step<float>& s, Rows<const float> dc_next) {
      cell_step_backward<float>(s.cell, s.rows, n,
                                {{s.kept.data(), kept_of(s.cell) * n},
                                 {s.h.data(), n},
                                 {s.c.data(), n},
                                 {s.dh.data(), n},
                                 dc_next,
                                 {s.d_from_x.data(), s.gates},
                                 {s.d_from_h.data(), s.gates},
                                 {s.dh.data(), n},
                                 {s.dc.data(), n}});
    };
    back(in_place, {in_place.dc.data(), n});
    CHECK(in_place.d_from_x == apart.d_from_x);
    if (cell == Cell::gru) CHECK(in_place.dh == apart.dh_before);
    if (cell == Cell::lstm) CHECK(in_place.dc == apart.dc_before);

    Step<float> without = apart, zeros = apart;
    zeros.dc.assign(zeros.dc.size(), 0.0f);
    back(without, {nullptr, 0});
    back(zeros, {zeros.dc.data(), n});
    CHECK(without.d_from_x == zeros.d_from_x);
  }
}

TEST_CASE_TEMPLATE("no number outside the rows of a step is read or written", T, float, double) {
  for_each_isa([&] {
    for (const Cell cell : kCells) {
      for (const int64_t n : kWidths) {
        for (const int64_t behind : kBehind) {
          Step<T> step(cell, 2, n);
          const int64_t gates = step.gates, keeps = kept_of(cell) * n;
          const Window<T> x(step.from_x, behind), y(step.from_h, behind), h(step.h, behind),
              c(step.c, behind), dh(step.dh, behind), dc(step.dc, behind);
          const Window<T> h_next(2 * n, behind), c_next(2 * n, behind), kept(2 * keeps, behind),
              d_from_x(2 * gates, behind), d_from_h(2 * gates, behind), dh_before(2 * n, behind),
              dc_before(2 * n, behind);
          cell_step<T>(cell, 2, n,
                       {{x.data(), gates},
                        {y.data(), gates},
                        {h.data(), n},
                        {c.data(), n},
                        {h_next.data(), n},
                        {c_next.data(), n},
                        {kept.data(), keeps}});
          cell_step_backward<T>(cell, 2, n,
                                {{kept.data(), keeps},
                                 {h.data(), n},
                                 {c.data(), n},
                                 {dh.data(), n},
                                 {dc.data(), n},
                                 {d_from_x.data(), gates},
                                 {d_from_h.data(), gates},
                                 {dh_before.data(), n},
                                 {dc_before.data(), n}});
          step.forward();
          step.backward();
          REQUIRE(h_next.values() == step.h_next);
          REQUIRE(d_from_x.values() == step.d_from_x);
          for (const Window<T>* w :
               {&h_next, &c_next, &kept, &d_from_x, &d_from_h, &dh_before, &dc_before}) {
            REQUIRE(w->intact());
          }
        }
      }
    }
  });
}
