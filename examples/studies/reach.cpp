// How well word 1 can be heard at word 50. The gradient from the last output of a model back to its
// first input says how much the one can do to the other. In a recurrent net it passes through the
// cell at every position between them, and each time shrinks by some factor; where attention looks
// back, it takes one step, whatever the distance.
//
//   x_0 -> [cell] -> [cell] -> ... -> [cell] -> y        |dy/dx_0| ~ factor^distance
//   x_0 ------------- attention ---------------> y       |dy/dx_0| ~ 1/distance
//
// Source: Bengio, Simard, Frasconi 1994 (the recurrent net); Vaswani et al. 2017, table 1.
#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/studies/studies.h"
#include "lib/text.h"
#include "nn/recurrent.h"
#include "nn/score_attention.h"
#include "nn/transformer.h"

namespace qkv::examples {
namespace {

using autograd::Variable;
using lib::str;
using tensor::Dtype;
using tensor::Tensor;

constexpr int64_t kBatch = 8, kWidth = 32, kHeads = 4, kLayers = 2;

Variable last(const Variable& y) {
  return autograd::slice(y, 1, y.shape()[1] - 1, y.shape()[1]);  // (B, 1, C)
}

// A model as a function of its input, x (B, T, C) -> the last output (B, 1, C), with the weights of
// its default initialisation.
using Model = std::function<Variable(const Variable& x)>;

template <class Cell>
Model recurrent(lib::Generator& generator) {
  const auto cell = std::make_shared<Cell>(kWidth, kWidth, generator);
  cell->to(Dtype::float64);
  return [cell](const Variable& x) { return last(cell->forward(x).output); };
}

// A usual remedy (Jozefowicz et al. 2015). b_ih, like its gates, is in the order input, forget,
// candidate, output.
Model lstm_with_forget_bias(double bias, lib::Generator& generator) {
  const auto cell = std::make_shared<nn::LSTM>(kWidth, kWidth, generator);
  cell->to(Dtype::float64);
  double* const b_ih = cell->bias_ih.mutable_value().mutable_data<double>();
  for (int64_t i = kWidth; i < 2 * kWidth; ++i) b_ih[i] += bias;
  return [cell](const Variable& x) { return last(cell->forward(x).output); };
}

// The last state asks, all states answer.
Model rnn_with_attention(lib::Generator& generator) {
  const auto cell = std::make_shared<nn::RNN>(kWidth, kWidth, generator);
  const auto attention = std::make_shared<nn::AdditiveAttention>(kWidth, kWidth, kWidth, generator);
  cell->to(Dtype::float64);
  attention->to(Dtype::float64);
  return [cell, attention](const Variable& x) {
    const Variable states = cell->forward(x).output;  // (B, T, C)
    return attention->forward(last(states), states, states).output;
  };
}

Model transformer(lib::Generator& generator) {
  const nn::TransformerConfig config = {
      .width = kWidth, .heads = kHeads, .layers = kLayers, .feed_forward = 2 * kWidth};
  const auto encoder = std::make_shared<nn::TransformerEncoder>(config, generator);
  encoder->to(Dtype::float64);
  return [encoder](const Variable& x) {
    const int64_t T = x.shape()[1];
    const Variable positions = nn::sinusoidal_positions(T, kWidth, Dtype::float64);
    return last(encoder->forward(x + positions, nn::Mask::causal(T), false).output);
  };
}

// The length of the gradient at the first of distance + 1 inputs, if a random vector of length 1
// (nearly) reaches the last output: root mean square over the batch.
double gradient_at_first(const Model& model, int64_t distance, uint64_t seed) {
  lib::Generator generator(seed, static_cast<uint64_t>(1000 + distance));
  const Variable x = autograd::parameter(
      tensor::normal({kBatch, distance + 1, kWidth}, 0, 1, generator, Dtype::float64));
  const Tensor cotangent =
      tensor::normal({kBatch, 1, kWidth}, 0, 1 / std::sqrt(kWidth), generator, Dtype::float64);
  const Variable dx = autograd::grad({model(x)}, {x}, {cotangent})[0];
  const Tensor first = autograd::slice(dx, 1, 0, 1).value();  // (B, 1, C)
  double squares = 0;
  for (const double d : first.to_vector()) squares += d * d;
  return std::sqrt(squares / kBatch);
}

constexpr const char* kRnn = "RNN";
constexpr const char* kLstm = "LSTM";
constexpr const char* kOpenLstm = "LSTM, forget +1";
constexpr const char* kAttention = "RNN with attention";
constexpr const char* kTransformer = "Transformer";

std::vector<Point> run(const Words& words) {
  const SeedJob job = parse_seed_job(words);
  lib::Generator generator(job.seed);
  const std::pair<const char*, Model> models[] = {
      {kRnn, recurrent<nn::RNN>(generator)},
      {kLstm, recurrent<nn::LSTM>(generator)},
      {kOpenLstm, lstm_with_forget_bias(1, generator)},
      {kAttention, rnn_with_attention(generator)},
      {kTransformer, transformer(generator)},
  };
  std::vector<Point> points;
  for (const auto& [name, model] : models) {
    for (int64_t distance = 1; distance <= (job.quick ? 64 : 128); distance *= 2) {
      const double gradient = gradient_at_first(model, distance, job.seed);
      points.push_back({name, static_cast<double>(distance), {{"gradient", gradient}}});
    }
  }
  return points;
}

std::vector<Claim> claims(const Results& results) {
  const auto gradient = [&](const char* line, double distance) {
    return results.at(line, distance, "gradient").mean;
  };
  const auto factor = [&](const char* line, double from, double to) {  // for each position
    return std::pow(gradient(line, to) / gradient(line, from), 1 / (to - from));
  };
  std::vector<Claim> claims;
  for (const char* line : {kRnn, kLstm, kOpenLstm}) {
    const double early = factor(line, 8, 16), late = factor(line, 32, 64);
    claims.push_back({str(line, ": exponential; each position multiplies the gradient by ",
                          short_number(early), " (8 to 16) or ", short_number(late), " (32 to 64)"),
                      early <= 0.9 && late <= 0.9 && late >= 0.7 * early});
  }
  for (const char* line : {kAttention, kTransformer}) {
    const double power = std::log2(gradient(line, 64) / gradient(line, 8)) / std::log2(64.0 / 8);
    claims.push_back(
        {str(line, ": not exponential; from 8 to 64 the gradient falls like distance ^ ",
             short_number(power)),
         power >= -1.5 && power <= 0});
  }
  const double ratio = gradient(kTransformer, 64) / gradient(kLstm, 64);
  claims.push_back({str("at distance 64 the first word's gradient in the Transformer is ",
                        short_number(ratio), " times that in the LSTM"),
                    ratio >= 1e6});
  return claims;
}

}  // namespace

Study reach_study() {
  return {
      .name = "reach",
      .question = "How well is the first word heard at the last?",
      .setting =
          str("Untrained models of width ", kWidth, ", as their constructors leave them; the ",
              "Transformer has ", kLayers, " causal layers\nof ", kHeads,
              " heads. Random inputs of unit variance. A random vector of length 1 reaches ",
              "the last output;\nthe gradient is the length of what reaches the first input, ",
              "`distance` positions before it."),
      .figures = {{"gradient",
                   "gradient at the first input",
                   {"distance", Scale::log2},
                   {"length of the gradient", Scale::log10}}},
      .jobs = job_for_each_seed,
      .run = run,
      .claims = claims,
  };
}

}  // namespace qkv::examples
