// Chapter 2. The chain rule: how a small change travels through an expression, and back.
//
// Training asks one question of every number: if this were a little larger, how much larger would
// the result be? The answer comes from the smallest steps, one multiplication or addition each.
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/chapter.h"

using namespace qkv::examples;
using namespace qkv::autograd;

namespace {

// A Variable is a tensor that remembers what it was made of. parameter() makes one at which a graph
// begins: a leaf. Each here is of shape (), one number: item(). value() is the tensor.
Variable number(double x) { return parameter(qkv::tensor::scalar(x, Dtype::float64)); }

void one_expression() {
  // 1. One multiplication
  section(1, "One multiplication");
  say("Let y = a b, with a = 3 and b = 2. Make a larger by a little h, and y grows by h b: two "
      "times as much. That factor is the slope of y with respect to a, its derivative, its "
      "gradient: three words for one thing. Each factor's slope is the other factor.");
  formula("dy/da = b,   dy/db = a");
  show("dy/da", "(3.001 * 2 - 3 * 2) / 0.001", (3.001 * 2 - 3 * 2) / .001);
  expect("dy/da", (3.001 * 2 - 3 * 2) / .001, 2);

  // 2. An expression, and its graph
  section(2, "An expression, and its graph");
  say("Now L = (a b + c) f. Each result remembers what it was made of. That is a graph: nodes, and "
      "arrows between them. It begins at its leaves a, b, c, f.");
  const Variable a = number(3), b = number(2), c = number(-1), f = number(4);
  const Variable e = a * b, d = e + c, L = d * f;
  draw(
      "    a  3 --.\n"
      "           * -- e  6 --.\n"
      "    b  2 --'           + -- d  5 --.\n"
      "    c -1 --------------'           * -- L 20\n"
      "    f  4 --------------------------'\n");
  expect("e", e.item(), 6), expect("d", d.item(), 5), expect("L", L.item(), 20);

  // 3. Backwards: one slope for each arrow
  section(3, "Backwards: one slope for each arrow");
  say("Each arrow has a slope that only its own step decides. The chain rule says: along a path, "
      "slopes multiply. Begin at L, where the answer is 1, and multiply on the way back. From here "
      "on da is short for dL/da: how fast L grows with a.");
  formula("dL/da = dL/dd * dd/de * de/da");
  const double dd = 1 * f.item(), df = 1 * d.item();    // L = d f: each factor's is the other
  const double de = dd * 1, dc = dd * 1;                // d = e + c: a sum passes it on
  const double da = de * b.item(), db = de * a.item();  // e = a b
  table({{"step", "its slopes", "L's slopes"},          // fixed(x, 0): x as text, no decimals
         {"L = d f", "f = 4 and d = 5", "dd = " + fixed(dd, 0) + ", df = " + fixed(df, 0)},
         {"d = e + c", "1 and 1", "de = " + fixed(de, 0) + ", dc = " + fixed(dc, 0)},
         {"e = a b", "b = 2 and a = 3", "da = " + fixed(da, 0) + ", db = " + fixed(db, 0)}});
  backward(L);  // the library's walk
  expect("its da", da == 8 && a.grad().item() == da), expect("its db", b.grad().item(), db);
  expect("its dc", c.grad().item(), dc), expect("its df", f.grad().item(), df);
  say("The library's walk, backward(L), finds the same and leaves it at the leaves: a.grad() is 8. "
      "One walk gives all. Forwards, each leaf needs its own, and a network has very many.");
}

void the_diamond() {
  // 4. The diamond: a node used twice
  section(4, "The diamond: a node used twice");
  say("Let u = 3 x, p = 2 u, q = u + 1 and L = p q, at x = 1. Two paths lead from L back to u. A "
      "change of u reaches L on both, so what they bring must be added.");
  formula("du = 2 dp + 1 dq,   dx = 3 du");
  draw(
      "                .-- p = 2 u    6 --.\n"
      "    x 1 -- u 3 -|                  * -- L 24\n"
      "                '-- q = u + 1  4 --'\n");
  const double dp = 4, dq = 6;  // L = p q
  double du_1 = 2 * dp;
  du_1 = 1 * dq;  // wrong: overwrites what the first path has brought
  double du_2 = 2 * dp, dx_2 = 3 * du_2;
  du_2 += 1 * dq, dx_2 += 3 * du_2;     // wrong: adds, but sends each sum on at once
  const double du_3 = 2 * dp + 1 * dq;  // right: sends on when the sum is complete
  table({{"walk", "du", "dx"},
         {"wrong: overwrite", fixed(du_1, 0), fixed(3 * du_1, 0)},
         {"wrong: add, but send on at once", fixed(du_2, 0), fixed(dx_2, 0)},
         {"right: add, send on when complete", fixed(du_3, 0), fixed(3 * du_3, 0)}});
  expect("the three", 3 * du_1 == 18 && dx_2 == 66 && 3 * du_3 == 42);
  say("The first keeps one path of the two. The second sends 8 on to x, then the whole 14: 3 * (8 "
      "+ 14) = 66. The third waits for 8 + 6 = 14. L does move 42 times as far as x.");
  const auto L_of = [](double at) { return 2 * (3 * at) * (3 * at + 1); };
  expect("x moved", (L_of(1.001) - L_of(.999)) / .002, 42);

  // 5. Why a topological order
  section(5, "Why a topological order");
  say("How does one know that all have sent? A result is younger than what it was made of. So "
      "autograd/engine.cpp walks from the youngest node to the oldest, a topological order: "
      "whoever could still send to a node has had its turn. Many paths, but each node once.");
  const Variable x = number(1), u = 3 * x, L = (2 * u) * (u + 1);
  backward(L);
  show("dx", "x.grad()", x.grad().item());
  expect("the library's dx", x.grad().item(), 42);
}

// Walks downhill on (w - 3)^2 from w = 0: five steps, each a part of the gradient.
Tensor descend(bool zero_first, double part) {
  Variable w = number(0);
  std::vector<double> path;
  for (int step = 0; step < 5; ++step) {
    if (zero_first) w.zero_grad();
    backward((w - 3) * (w - 3));  // w is used twice: a diamond again
    w.mutable_value().fill_(w.item() - part * w.grad().item());
    path.push_back(w.item());
  }
  return Tensor::of<double>(path, {5});
}

void backward_twice() {
  // 6. Backward twice, and zero_grad
  section(6, "Backward twice, and zero_grad");
  say("A second walk through a graph is an error, unless the first is told to keep it "
      "(retain_graph). Then gradients add up at the leaf: each result that uses it adds its own.");
  const Variable x = number(3), y = 2 * x;
  backward(y, {}, {.retain_graph = true}), backward(y);  // {}: begin with 1
  show("dx after two", "2 + 2", x.grad().item());
  expect("twice", x.grad().item(), 4);
  say("So whoever trains must clear the gradients before each step. Training makes a number, the "
      "loss, smaller; here (w - 3)^2. Each step takes a quarter of its gradient from w.");
  formula("w <- w - 0.25 dw");
  show("w", "five steps from 0, with zero_grad", descend(true, .25));
  show("w", "without", descend(false, .25));
  expect("with", descend(true, .25), {1.5, 2.25, 2.625, 2.8125, 2.90625});
  expect("without", descend(false, .25), {1.5, 3.75, 5.625, 6.1875, 5.15625});
  say("With it, every step halves the distance to 3. Without it old gradients push on: w runs to "
      "6.1875, turns, and swings. No error is raised, and the loss falls at first.");
  expect("the whole gradient", descend(true, 1), {6, 0, 6, 0, 6});
  try_this("Give descend() 1 for .25: with zero_grad, too, w jumps from 0 to 6 and back.");

  // 7. Broadcasting is a diamond, too
  section(7, "Broadcasting is a diamond, too");
  say("A row b that meets every row of M, as in chapter 1, is used once in each, so its gradient "
      "is a sum over the rows: a gradient has the shape of what it belongs to.");
  formula("L = sum_ij M_ij b_j,   db_j = sum_i M_ij");
  const Variable M = Tensor::of<double>({1, 2, 3, 4, 5, 6}, {2, 3});    // a constant
  const Variable b = parameter(Tensor::of<double>({10, 20, 30}, {3}));  // (3,)
  backward(sum(M * b));
  show("db", "M summed along axis 0", b.grad().value());
  expect("db", b.grad().value(), {5, 7, 9});
  say("Your turn: ./qkv exercise 01 (product rule), 02 (tanh, a curve that climbs from -1 to 1).");
}

void chapter() { one_expression(), the_diamond(), backward_twice(); }

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
