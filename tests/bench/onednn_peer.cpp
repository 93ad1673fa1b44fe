// oneDNN as a module of its own. A primitive is its word for one operation compiled for one shape;
// it is made outside the timed calls, as its users do.
#include <dnnl.hpp>

#include <optional>
#include <unordered_map>

#include "tests/bench/peer.h"

namespace qkv::bench {
namespace {

using dnnl::memory;
using Arguments = std::unordered_map<int, memory>;
constexpr auto kFloat32 = memory::data_type::f32;

struct Device {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
};

Device& device() {
  static Device one;
  return one;
}

memory over(const memory::desc& layout, const float* data) {
  return memory(layout, device().engine, const_cast<float*>(data));
}

Call execute(const dnnl::primitive& primitive, const Arguments& arguments) {
  return [primitive, arguments] {
    primitive.execute(device().stream, arguments);
    device().stream.wait();
  };
}

memory::desc rows_of(const Rows& r) {
  return memory::desc({r.rows, r.n}, kFloat32, memory::format_tag::ab);
}

// oneDNN's matmul; where a transposed operand or a batch is stored is said by strides.
Call make_matmul(const Product<float>& p) {
  using Strides = memory::dims;
  const memory::desc A({p.batch, p.M, p.K}, kFloat32,
                       p.transposed_a ? Strides{p.M * p.K, 1, p.M} : Strides{p.M * p.K, p.K, 1});
  const memory::desc B({p.batch, p.K, p.N}, kFloat32,
                       p.transposed_b ? Strides{p.K * p.N, 1, p.K} : Strides{p.K * p.N, p.N, 1});
  const memory::desc C({p.batch, p.M, p.N}, kFloat32, Strides{p.M * p.N, p.N, 1});
  const dnnl::matmul::primitive_desc plan({A, B, C}, device().engine);
  return execute(dnnl::matmul(plan), {{DNNL_ARG_SRC, over(A, p.A)},
                                      {DNNL_ARG_WEIGHTS, over(B, p.B)},
                                      {DNNL_ARG_DST, over(C, p.C)}});
}

dnnl::softmax_forward::primitive_desc softmax_plan(const memory::desc& rows) {
  return {{dnnl::prop_kind::forward_training, rows, 1}, device().engine};
}

dnnl::normalization_flags scale_and_shift() {
  return dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
}

memory::desc numbers(int64_t n) { return memory::desc({n}, kFloat32, memory::format_tag::a); }

dnnl::layer_normalization_forward::primitive_desc layer_norm_plan(const memory::desc& rows) {
  return {{dnnl::prop_kind::forward_training, rows, 1e-5f, scale_and_shift()}, device().engine};
}

std::optional<dnnl::algorithm> algorithm_of(lib::Function f) {
  switch (f) {
    case lib::Function::exp:
      return dnnl::algorithm::eltwise_exp;
    case lib::Function::log:
      return dnnl::algorithm::eltwise_log;
    case lib::Function::tanh:
      return dnnl::algorithm::eltwise_tanh;
    case lib::Function::sigmoid:
      return dnnl::algorithm::eltwise_logistic;
    case lib::Function::gelu:
      return dnnl::algorithm::eltwise_gelu_erf;
    default:
      return {};
  }
}

class OnednnPeer : public Peer {
 public:
  [[nodiscard]] std::string name() const override { return "oneDNN"; }

  Call matmul(const Product<float>& p) override { return make_matmul(p); }

  Call softmax(const Rows& r) override {
    const memory::desc rows = rows_of(r);
    return execute(dnnl::softmax_forward(softmax_plan(rows)),
                   {{DNNL_ARG_SRC, over(rows, r.x)}, {DNNL_ARG_DST, over(rows, r.y)}});
  }

  Call softmax_backward(const Rows& r) override {
    const memory::desc rows = rows_of(r);
    const dnnl::softmax_backward::primitive_desc plan({rows, rows, 1}, device().engine,
                                                      softmax_plan(rows));
    return execute(dnnl::softmax_backward(plan), {{DNNL_ARG_DST, over(rows, r.y)},
                                                  {DNNL_ARG_DIFF_DST, over(rows, r.dy)},
                                                  {DNNL_ARG_DIFF_SRC, over(rows, r.dx)}});
  }

  Call layer_norm(const Rows& r) override {
    const auto plan = layer_norm_plan(rows_of(r));
    return forward(r, plan, r.y, memory(plan.mean_desc(), device().engine),
                   memory(plan.variance_desc(), device().engine));
  }

  // The means and variances are those of a forward pass, run once here.
  Call layer_norm_backward(const Rows& r) override {
    const memory::desc rows = rows_of(r);
    const auto plan = layer_norm_plan(rows);
    const memory mean(plan.mean_desc(), device().engine);
    const memory variance(plan.variance_desc(), device().engine);
    forward(r, plan, r.y, mean, variance)();
    const dnnl::layer_normalization_backward::primitive_desc backward(
        {dnnl::prop_kind::backward, rows, rows, 1e-5f, scale_and_shift()}, device().engine, plan);
    return execute(dnnl::layer_normalization_backward(backward),
                   {{DNNL_ARG_SRC, over(rows, r.x)},
                    {DNNL_ARG_DIFF_DST, over(rows, r.dy)},
                    {DNNL_ARG_MEAN, mean},
                    {DNNL_ARG_VARIANCE, variance},
                    {DNNL_ARG_SCALE, over(numbers(r.n), r.gamma)},
                    {DNNL_ARG_SHIFT, over(numbers(r.n), r.beta)},
                    {DNNL_ARG_DIFF_SRC, over(rows, r.dx)},
                    {DNNL_ARG_DIFF_SCALE, over(numbers(r.n), r.dgamma)},
                    {DNNL_ARG_DIFF_SHIFT, over(numbers(r.n), r.dbeta)}});
  }

  Call map(lib::Function f, int64_t n, const float* x, float* y) override {
    const auto algorithm = algorithm_of(f);
    if (!algorithm) return {};
    const dnnl::eltwise_forward::primitive_desc plan(
        {dnnl::prop_kind::forward_inference, *algorithm, numbers(n), 0.0f, 0.0f}, device().engine);
    return execute(dnnl::eltwise_forward(plan),
                   {{DNNL_ARG_SRC, over(numbers(n), x)}, {DNNL_ARG_DST, over(numbers(n), y)}});
  }

 private:
  static Call forward(const Rows& r, const dnnl::layer_normalization_forward::primitive_desc& plan,
                      float* y, const memory& mean, const memory& variance) {
    const memory::desc rows = rows_of(r);
    return execute(dnnl::layer_normalization_forward(plan),
                   {{DNNL_ARG_SRC, over(rows, r.x)},
                    {DNNL_ARG_DST, over(rows, y)},
                    {DNNL_ARG_SCALE, over(numbers(r.n), r.gamma)},
                    {DNNL_ARG_SHIFT, over(numbers(r.n), r.beta)},
                    {DNNL_ARG_MEAN, mean},
                    {DNNL_ARG_VARIANCE, variance}});
  }
};

}  // namespace
}  // namespace qkv::bench

extern "C" qkv::bench::Peer* qkv_make_peer() { return new qkv::bench::OnednnPeer; }
