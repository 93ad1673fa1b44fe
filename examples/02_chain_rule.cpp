// Chapter 2. The chain rule: how a small change travels through an expression, and back.
//
// Training asks one question of every number: if this were a little larger, how much larger would
// the result be? The answer comes from the smallest steps, one multiplication or addition each.
// What the library has: autograd/variable.h (recording), engine.cpp (the walk back).
#include <algorithm>
#include <stdexcept>

#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "examples/chapter.h"

using namespace qkv::examples;
using namespace qkv::autograd;

namespace {

// A Variable is a tensor that remembers what it was made of. parameter() makes one at which a graph
// begins: a leaf. Here each holds a single number, of shape ().
Variable number(double x) { return parameter(qkv::tensor::scalar(x, Dtype::float64)); }

void one_multiplication() {
  // 1. One multiplication
  section(1, "One multiplication");
  say("Let y = a b, with a = 3 and b = 2. Make a larger by a little h, and y grows by h b: two "
      "times as much. That factor is the slope of y with respect to a, its derivative, its "
      "gradient: three words for one thing. Each factor's slope is the other factor.");
  formula("dy/da = b,   dy/db = a");
  const double a = 3, b = 2, h = .001;
  show("dy/da", "((a + h) b - a b) / h", ((a + h) * b - a * b) / h);
  show("dy/db", "(a (b + h) - a b) / h", (a * (b + h) - a * b) / h);
  expect("dy/da", ((a + h) * b - a * b) / h, 2);
  expect("dy/db", (a * (b + h) - a * b) / h, 3);
}

void an_expression() {
  // 2. An expression, and its graph
  section(2, "An expression, and its graph");
  say("Now L = (a b + c) f. To compute it is to make three steps, and each result remembers what "
      "it was made of. That memory is a graph: nodes, and arrows between them.");
  const Variable a = number(3), b = number(2), c = number(-1), f = number(4);
  const Variable e = a * b;  //  6
  const Variable d = e + c;  //  5
  const Variable L = d * f;  // 20
  draw(
      "    a  3 --.\n"
      "           * -- e  6 --.\n"
      "    b  2 --'           + -- d  5 --.\n"
      "    c -1 --------------'           * -- L 20\n"
      "    f  4 --------------------------'\n");
  expect("e", e.item(), 6), expect("d", d.item(), 5), expect("L", L.item(), 20);
  say("The three lines of code that made e, d and L have recorded the same while they ran: 7 "
      "nodes, 4 of them leaves, where the graph begins.");
  expect("7 nodes", nodes_behind(L).size() == 7);

  // 3. Backwards: one slope for each arrow
  section(3, "Backwards: one slope for each arrow");
  say("Each arrow has a slope that only its own step decides. The chain rule says: along a path, "
      "slopes multiply. So begin at L, where the answer is 1, and walk back, multiplying. From "
      "here on da is short for dL/da: how much L wants a to grow.");
  formula("dL/da = dL/dd * dd/de * de/da");
  const double dL = 1;
  const double dd = dL * f.item(), df = dL * d.item();  // L = d f: each factor's is the other
  const double de = dd * 1, dc = dd * 1;                // d = e + c: a sum passes it on
  const double da = de * b.item(), db = de * a.item();  // e = a b
  backward(L);                                          // the library's walk, to compare
  table({{"", "step", "slope", "by hand", "library"},
         {"dd", "d f", "f = " + fixed(f.item(), 0), fixed(dd), "(no leaf)"},
         {"df", "d f", "d = " + fixed(d.item(), 0), fixed(df), fixed(f.grad().item())},
         {"de", "e + c", "1", fixed(de), "(no leaf)"},
         {"dc", "e + c", "1", fixed(dc), fixed(c.grad().item())},
         {"da", "a b", "b = " + fixed(b.item(), 0), fixed(da), fixed(a.grad().item())},
         {"db", "a b", "a = " + fixed(a.item(), 0), fixed(db), fixed(b.grad().item())}});
  expect("da", a.grad().item(), 8), expect("db", b.grad().item(), 12);
  expect("dc", c.grad().item(), 4), expect("df", f.grad().item(), 5);
  expect("by hand", da == 8 && db == 12 && dc == 4 && df == 5);
  say("One walk gives all of them. That is why it goes backwards: forwards, each of the inputs "
      "would need a walk of its own, and a model has very many. Gradients stay at leaves only; "
      "those in between are dropped when they have done their work.");
  try_this(
      "Set f to 0: a, b and c no longer reach L, and their gradients are 0; that of f is "
      "still 5. A gradient says what a change would do, not what a number is worth.");
}

// The smallest engine there is: a node knows what it was made of, and the slope towards each.
struct Spot {
  std::vector<Spot*> inputs;
  std::vector<double> slopes;
  double grad = 0;
};

// Wrong: adds, but goes on at once, with a sum that is not complete.
void go_on_at_once(Spot& node) {
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    node.inputs[i]->grad += node.grad * node.slopes[i];
    go_on_at_once(*node.inputs[i]);
  }
}

// Right: goes on from a node when everyone who used it has sent, and adds what they send. Wrong if
// it does not add: whoever sends last overwrites what others have sent.
void in_order(const std::vector<Spot*>& youngest_first, bool add) {
  for (Spot* node : youngest_first) {
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      double& sum = node->inputs[i]->grad;
      sum = (add ? sum : 0) + node->grad * node->slopes[i];
    }
  }
}

// The graph of section 4 for x = 1: slope 3 from u to x, and so on; p = 6 and q = 4 at the top.
struct Diamond {
  Spot x, u{{&x}, {3}}, p{{&u}, {2}}, q{{&u}, {1}}, L{{&p, &q}, {4, 6}, 1};
  std::vector<Spot*> youngest_first() { return {&L, &q, &p, &u, &x}; }
};

void the_diamond() {
  // 4. The diamond: a node used twice
  section(4, "The diamond: a node used twice");
  say("Let u = 3 x, p = 2 u, q = u + 1 and L = p q, at x = 1. Two paths lead from L back to u. A "
      "change of u reaches L on both, so what they bring must be added.");
  formula("du = 2 dp + 1 dq");
  draw(
      "                .-- p = 2 u    6 --.\n"
      "    x 1 -- u 3 -|                  * -- L 24\n"
      "                '-- q = u + 1  4 --'\n");
  Diamond one, two, three;
  in_order(one.youngest_first(), false);
  go_on_at_once(two.L);
  in_order(three.youngest_first(), true);
  const auto L_of = [](double x) { return 2 * (3 * x) * (3 * x + 1); };
  const double nudged = (L_of(1.001) - L_of(.999)) / .002;
  table({{"walk", "du", "dx"},
         {"wrong: overwrite", fixed(one.u.grad), fixed(one.x.grad)},
         {"wrong: add, go on at once", fixed(two.u.grad), fixed(two.x.grad)},
         {"right: add, go on when complete", fixed(three.u.grad), fixed(three.x.grad)},
         {"x moved by 0.001 either way", "", fixed(nudged)}});
  say("The first keeps one path of the two. The second sends 8 on to x, then the whole 14: the 8 "
      "has arrived twice, and 3 * (8 + 14) = 66. The third waits for 8 + 6 = 14 and sends it "
      "once.");
  expect("overwrite", one.u.grad == 8 && one.x.grad == 24);
  expect("go on at once", two.u.grad == 14 && two.x.grad == 66);
  expect("in order", three.u.grad == 14 && three.x.grad == 42);
  expect("nudged", nudged, 42);
  const Variable x = number(1), u = 3 * x, L = (2 * u) * (u + 1);
  backward(L);
  show("dx", "x.grad()", x.grad().item());
  expect("dx", x.grad().item(), 42);
  expect("L", L.item(), 24);

  // 5. Why a topological order
  section(5, "Why a topological order");
  say("How do we know that everyone has sent? A result is always younger than what it was made of. "
      "So walk from the youngest node to the oldest: whoever could still send to a node has had "
      "its turn. Such an order is called topological, and engine.cpp keeps the nodes that wait in "
      "it.");
  say("It also saves work. The gradient is a sum over all paths; double a number twenty times by v "
      "= v + v, and there are 1048576 paths from end to beginning. Going on at once would take "
      "every one. In order, each of the 21 nodes is visited once.");
  const Variable start = number(1);
  Variable v = start;
  for (int i = 0; i < 20; ++i) v = v + v;
  expect("21 nodes", nodes_behind(v).size() == 21);
  backward(v);
  show("gradient", "2^20", start.grad().item());
  expect("gradient", start.grad().item(), 1048576);
}

// Walks downhill on (w - 3)^2 from w = 0: six steps against the gradient.
std::vector<double> descend(bool zero_first) {
  Variable w = number(0);
  std::vector<double> path;
  for (int step = 0; step < 6; ++step) {
    if (zero_first) w.zero_grad();
    const Variable miss = w - 3;
    backward(miss * miss);  // used twice: a diamond again
    w.mutable_value().fill_(w.item() - .25 * w.grad().item());
    path.push_back(w.item());
  }
  return path;
}

void backward_twice() {
  // 6. Backward twice, and zero_grad
  section(6, "Backward twice, and zero_grad");
  say("A walk back drops what the steps had kept for it. A second one through the same graph is "
      "refused, unless the first is told to keep it. Then the gradient of a leaf is added to what "
      "lies there. That is on purpose: a loss is a number that training makes smaller, and where "
      "there are several, each adds its part.");
  const Variable a = number(3), b = number(2);
  const Variable y = a * b;
  backward(y, {}, {.retain_graph = true});
  const double once = a.grad().item();
  backward(y);
  show("da after one backward", "b", once);
  show("da after two", "b + b", a.grad().item());
  expect("once", once, 2), expect("twice", a.grad().item(), 4);
  try {
    backward(y);
    expect("a third is refused", false);
  } catch (const std::invalid_argument& refusal) {
    say(std::string("A third time: ") + refusal.what() + ".");
  }
  say("So whoever trains must clear the gradients before each step. Here w is to become 3: the "
      "loss is (w - 3)^2, and each step moves w against its gradient by a quarter of it.");
  formula("w <- w - 0.25 dw");
  const std::vector<double> right = descend(true), wrong = descend(false);
  std::vector<std::vector<std::string>> rows = {{"step", "with zero_grad", "without"}};
  for (size_t i = 0; i < right.size(); ++i) {
    rows.push_back({std::to_string(i + 1), fixed(right[i], 6), fixed(wrong[i], 6)});
  }
  table(rows);
  say("With it, every step halves the distance to 3. Without it old gradients push on: w runs to "
      "6.1875, turns, and swings. No error is raised, and the loss falls at first.");
  expect("right", right[0] == 1.5 && right[1] == 2.25 && right[2] == 2.625);
  expect("the top of the swing", *std::max_element(wrong.begin(), wrong.end()), 6.1875);
  try_this(
      "Take the whole gradient instead of a quarter: even with zero_grad, w then jumps from 0 "
      "to 6 and back again, for ever. A step can be too long.");
}

void broadcasting_is_a_diamond() {
  // 7. Broadcasting is a diamond, too
  section(7, "Broadcasting is a diamond, too");
  say("In chapter 1 a row b met every row of M. Multiplied there and summed to one number, each "
      "b_j was used once in every row, so its gradient is a sum over the rows. One gradient for "
      "each use would have the shape of M; a gradient has the shape of what it belongs to.");
  formula("L = sum_ij M_ij b_j,   db_j = sum_i M_ij");
  const Variable M = Tensor::of<double>({1, 2, 3, 4, 5, 6}, {2, 3});    // a constant
  const Variable b = parameter(Tensor::of<double>({10, 20, 30}, {3}));  // (3,)
  backward(sum(M * b));
  show("db", "M summed along axis 0", b.grad().value());
  expect("db", b.grad().value(), {5, 7, 9});
  try_this(
      "Make M a parameter, too: each of its elements is used once, and its gradient is b, "
      "repeated in both rows.");
}

void chapter() {
  one_multiplication();
  an_expression();
  the_diamond();
  backward_twice();
  broadcasting_is_a_diamond();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
