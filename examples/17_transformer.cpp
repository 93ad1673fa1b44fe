// Chapter 17. The Transformer block, and training reverse: attention finds the anti-diagonal.
//
// One encoder block by hand, beside EncoderLayer of nn/transformer.h (Vaswani et al. 2017, section
// 3.1; layer norm: Ba, Kiros, Hinton 2016). Then the lab trains one (examples/lab/trainer.h).
#include <cmath>

#include "examples/chapter.h"
#include "examples/lab/trainer.h"
#include "lib/text.h"
#include "nn/transformer.h"
#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::lib::str;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

const Tensor X = Tensor::of<double>({1, .5, .2, .8, .3, .9, .1, .4, .7, .2, .6, .3}, {3, 4});

// Every row shifted to mean 0 and stretched to variance 1.
Tensor layer_norm(const Tensor& x) {
  const Tensor centred = t::sub(x, t::mean(x, {-1}, true));               // (T, C) - (T, 1)
  const Tensor variance = t::mean(t::mul(centred, centred), {-1}, true);  // (T, 1)
  return t::div(centred, t::sqrt(t::add(variance, 1e-5)));                // (T, C)
}

// x W^T + b
Tensor linear(const qkv::nn::Linear& layer, const Tensor& x) {
  return t::add(t::matmul(x, t::transpose(layer.weight.value())), layer.bias.value());
}

// 1. The block
void the_block() {
  section(1, "The block: attention between places, thought at each");
  draw(
      "   x -+- attention -(+)- norm -+- feed-forward -(+)- norm -> x'\n"
      "      '--------------'         '-----------------'\n");
  say("Attention brings together what stands at different places, any two in one step, however far "
      "apart; what follows works on each place by itself. Here are the tokens of chapter 8 in a "
      "block with random weights: width 4, one head, a hidden layer of 6.");
  qkv::lib::Generator generator(17);
  qkv::nn::EncoderLayer block({.width = 4, .heads = 1, .feed_forward = 6}, generator);
  block.to(Dtype::float64);
  const qkv::autograd::Variable x = t::unsqueeze(X, 0);  // (1, T, C)
  const Tensor attended = t::select(block.attention.forward(x, x, x).output.value(), 0, 0);
  show("attended", "attention(X), as in chapter 14", attended);
  say("Residual, the (+): what attention found is added to the token. It keeps what it was, and "
      "gradients have a path around the attention: x + f(x) has slope 1 + f'(x).");
  const Tensor sum = t::add(X, attended);  // (T, C)
  show("sum", "X + attended", sum);
  say("Layer norm: every row is shifted to mean 0 and stretched to variance 1, so that sums do not "
      "grow from block to block. (Each column then has a factor and a shift that are learned, at "
      "first 1 and 0. The 0.00001 is for rows whose numbers are all equal.)");
  formula("norm(x) = (x - mean(x)) / sqrt(variance(x) + 0.00001)");
  const Tensor middle = layer_norm(sum);  // (T, C)
  show("middle", "norm(sum)", middle);
  expect("row means", t::mean(middle, {-1}), {0, 0, 0});
  say("Feed-forward: two linear layers, and between them relu, which puts 0 in the place of what "
      "is negative. Each row by itself, (3, 4) to (3, 6) to (3, 4). Then residual and norm again:");
  formula("f(x) = relu(x W1^T + b1) W2^T + b2");
  const Tensor hidden = t::relu(linear(block.feed_forward.linear1, middle));  // (T, 6)
  const Tensor thought = linear(block.feed_forward.linear2, hidden);          // (T, C)
  const Tensor out = layer_norm(t::add(middle, thought));                     // (T, C)
  show("hidden", "relu(middle W1^T + b1)", hidden);
  show("x'", "norm(middle + f(middle))", out);
  expect("EncoderLayer", block.forward(x, {}).output.value(), out.to_vector());
  say("EncoderLayer gives the same. Width in, width out: a Transformer is a stack of such blocks. "
      "(With Norm::pre the norm stands before each part; deep stacks train better so.)");
}

// How much of a map lies on the anti-diagonal: the mean of its 8 weights there.
double on_anti_diagonal(const Tensor& A) {
  double sum = 0;
  for (int64_t i = 0; i < 8; ++i) sum += A.at({i, 7 - i});
  return sum / 8;
}

// 2. The model
void training(const Config& config, const Task& task, Model& model) {
  section(2, "A model that knows nothing yet");
  say(str(
      "8 digits are to be written backwards. Model: ", model.description(), ", ",
      model.module().parameter_count(), " learned numbers (parameters). A linear layer makes a ",
      "token of each digit, sinusoids say where it stands, one block as above, and a last small ",
      "net scores the 10 digits, for all places at once."));
  const Batch unseen = make_batch(task, Split::test, 0, 1);  // one sequence, not for training
  const auto look = [&] { return model.looks(unseen).front(); };
  const Look before = look();  // its map, and the labels of rows and columns
  map("step 0", before.weights, before.rows, before.columns);
  const double least = -t::max(t::neg(t::reshape(before.weights, {64})), 0).item();
  say(str("Every place looks everywhere, with ", fixed(least), " at least. On the anti-diagonal ",
          "it is ", fixed(on_anti_diagonal(before.weights)), "; an even share is ", 1. / 8, "."));
  expect("it looks everywhere", least > .05);

  // 3. Training
  section(3, str(config.steps, " steps"));
  formula("loss = mean of -log p(right digit),   p = softmax(scores of the 10 digits)");
  say("To give each digit 1/10 costs log(10) = " + fixed(std::log(10)) + ". After 64 sequences " +
      "each weight moves against the mean of its last gradients, divided by their size (Adam).");
  expect("8 of 10 digits", config.length == 8 && task.symbols == 10 && config.batch == 64);
  std::vector<std::vector<std::string>> rows = {{"step", "loss", "digits right", "anti-diagonal"}};
  const auto after_each_step = [&](const Metrics& m) {
    if (m.step != 1 && m.step != 50 && m.step != 100 && m.step != 200 && m.step != 400) return;
    const Look now = look();
    if (m.step > 1) map(str("step ", m.step), now.weights, now.rows, now.columns);
    rows.push_back(
        {str(m.step), fixed(m.loss), fixed(m.accuracy), fixed(on_anti_diagonal(now.weights))});
  };
  train(model, task, config, after_each_step, /*stop=*/[] { return false; });
  plot({"the training, step by step"}, rows);
  say("At first it only learns which places to avoid; then the anti-diagonal comes out. A blur "
      "stays: clocks of neighbouring places are almost alike (chapter 15). It does no harm "
      "(chapter 16).");
  expect("attention has moved to the anti-diagonal", on_anti_diagonal(look().weights) > .5);
}

void chapter() {
  the_block();
  const Config config = parse_config({"task=reverse", "length=8", "steps=400"});
  const Task task = make_task(config);
  const auto model = make_model(config);
  training(config, task, *model);

  // 4. What it has learned
  section(4, "What it has learned");
  const Accuracy test = evaluate(*model, task, Split::test);
  const Accuracy longer = evaluate(*model, task, Split::longer);
  say(str("Of ", test.sequences, " sequences never trained on, ", test.exact, " come out exactly; ",
          "of longer ones ", longer.exact,
          ": it has not understood 'backwards' but 8 places. Where ",
          "a head looked, a map shows; whether the answer hung on that is a question for an ",
          "experiment, as at the end of chapter 14."));
  say("Any task of sequence in, sequence out can be tried so; `./qkv train --help` lists ours.");
  expect("most are right, and none longer", test.exact_share() > .99 && longer.exact == 0);
  try_this(
      "`./qkv train reverse length=8 steps=400` is the same run. With positions=none all places "
      "see the same set, and the loss stays far from 0. With heads=4 all maps come near the "
      "anti-diagonal. Copy needs no diagonal: the residual brings each digit to its place.");
  say("Your turn: ./qkv exercise 19 (layer norm, backward), 20 (Adam).");
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
