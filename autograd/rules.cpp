// The list of rules, in the order of ops.h.
#include "autograd/rules.h"

#include <algorithm>

namespace qkv::autograd {
namespace {

std::vector<Rule> simple_rules() {
  return {
      {"add", "y = a + b", {"da = dy, db = dy"}},
      {"sub", "y = a - b", {"da = dy, db = -dy"}},
      {"mul", "y = a b", {"da = dy b, db = dy a"}},
      {"div", "y = a / b", {"da = dy / b, db = -dy a / b²"}},
      {"maximum",
       "y = a where a > b, else b",
       {"da = dy where a > b, dy / 2 where a = b, else 0; db = dy - da"}},
      {"neg", "y = -x", {"dx = -dy"}},
      {"scale", "y = c x", {"dx = c dy"}},
      {"shift", "y = x + c", {"dx = dy"}},
      {"exp", "y = exp(x)", {"dx = dy y"}},
      {"log", "y = ln x", {"dx = dy / x"}},
      {"sqrt", "y = √x", {"dx = dy / (2 y)"}},
      {"pow", "y = x^c", {"dx = dy c x^(c-1)"}},
      {"tanh", "y = tanh x", {"dx = dy (1 - y²)"}},
      {"sigmoid", "y = 1 / (1 + exp(-x))", {"dx = dy y (1 - y)"}},
      {"relu", "y = max(x, 0)", {"dx = dy where y > 0, else 0"}},
      {"silu", "y = x s, s = 1 / (1 + exp(-x))", {"dx = dy (s + x s (1 - s))"}},
      {"erf", "y = 2/√π ∫₀ˣ exp(-t²) dt", {"dx = dy 2/√π exp(-x²)"}},
      {"gelu",
       "y = x Φ(x), Φ(x) = (1 + erf(x / √2)) / 2",
       {"dx = dy (Φ(x) + x φ(x)), φ(x) = exp(-x²/2) / √(2π), the derivative of Φ"}},
      {"gelu_tanh",
       "y = x (1 + tanh u) / 2, u = √(2/π) (x + 0.044715 x³)",
       {"dx = dy ((1 + tanh u) / 2 + x (1 - tanh² u) u' / 2), u' = √(2/π) (1 + 0.134145 x²)"}},
  };
}

std::vector<Rule> moving_rules() {
  return {
      {"sum", "y = Σ x over the axes", {"dx = dy, repeated along them"}},
      {"mean", "y = (Σ x) / n", {"dx = dy / n, repeated"}},
      {"max", "y = x[m], m = argmax x along the axis", {"dx = dy at m, 0 elsewhere"}},
      {"expand", "y = x repeated to a larger shape", {"dx = dy summed back"}},
      {"reduce_to", "y = x summed back to a smaller one", {"dx = dy repeated"}},
      {"reshape", "y = x in another shape", {"dx = dy in x's shape"}},
      {"transpose", "y = x with axes moved", {"dx = dy with the axes moved back"}},
      {"permute", "y = x with axes moved", {"dx = dy with the axes moved back"}},
      {"slice", "y = x[begin : end : step]", {"dx = zeros, dy put in its place"}},
      {"slice_adjoint", "y = zeros with y[begin : : step] = x", {"dx = dy[begin : : step]"}},
      {"concat", "y = parts side by side", {"each part gets its slice of dy"}},
      {"unbind", "y_i = x[i]", {"dx = the dy_i side by side, zeros where there is none"}},
      {"piece", "y_i = x[i]", {"dy into the list, 1 to unbind"}},
      {"alias", "y = x", {"dx = dy"}},
      {"where", "y = c ? a : b", {"da = c ? dy : 0, db = c ? 0 : dy"}},
      {"masked_fill", "y = mask ? value : x", {"dx = mask ? 0 : dy"}},
      {"gather", "y[i] = x[index[i]]", {"dx = zeros, dx[index[i]] += dy[i]"}},
      {"scatter_add", "y = zeros, y[index[i]] += x[i]", {"dx[i] = dy[index[i]]"}},
      {"index_select", "y_i = x_index[i]", {"dx = zeros, dx_index[i] += dy_i"}},
      {"index_add", "y = zeros, y_index[i] += x_i", {"dx_i = dy_index[i]"}},
      {"embedding", "y_i = table[ids_i]", {"dtable = zeros, dtable[ids_i] += dy_i"}},
      {"scatter_add_rows", "table = zeros, table[ids_i] += y_i", {"dy_i = dtable[ids_i]"}},
      {"dropout", "y = x m, m = 0 with probability p, else 1 / (1 - p)", {"dx = dy m"}},
  };
}

std::vector<Rule> fused_rules() {
  return {
      {"matmul", "C = A B", {"dA = dC Bᵀ", "dB = Aᵀ dC"}},
      {"linear", "y = x Wᵀ + b", {"dx = dy W", "dW = dyᵀ x", "db = Σ dy over all positions"}},
      {"softmax", "y_i = exp(x_i) / Σ_j exp(x_j)", {"dx = y (dy - Σ_j dy_j y_j)"}},
      {"masked_softmax",
       "y = softmax over the allowed elements, 0 elsewhere; a row with none allowed is 0",
       {"as softmax: where y is 0, dx is exactly 0"}},
      {"log_softmax",
       "y_i = x_i - log Σ_j exp(x_j)",
       {"∂y_i/∂x_j = δ_ij - softmax_j, so dx = dy - exp(y) Σ_i dy_i"}},
      {"logsumexp",
       "y = log Σ_j exp(x_j)",
       {"dx_j = dy exp(x_j) / Σ_i exp(x_i) = dy exp(x_j - y)"}},
      {"attention",
       "P = softmax(scale Q Kᵀ) over the allowed keys",
       {"dV = Pᵀ dO", "dS = P (dP - rowsum(dO O)), dP = dO Vᵀ", "dQ = scale dS K",
        "dK = scale dSᵀ Q"}},
      {"causal_product",
       "Y = (Q Kᵀ ∘ M) V",
       {"dQ = (dY Vᵀ ∘ M) K", "dK = (V dYᵀ ∘ Mᵀ) Q", "dV = (K Qᵀ ∘ Mᵀ) dY"}},
      {"layer_norm",
       "n = (x - mean) / deviation, y = n gamma + beta",
       {"dgamma = Σ dy n over all positions", "dbeta = Σ dy",
        "dn = dy gamma, dx = (dn - mean(dn) - n mean(dn n)) / deviation"}},
      {"rms_norm",
       "n = x / √(mean(x²) + eps), y = n gamma",
       {"dgamma = Σ dy n over all positions",
        "dn = dy gamma, dx = (dn - n mean(dn n)) / √(mean(x²) + eps)"}},
      {"rnn_cell", "h' = tanh(from_x + from_h)", {"dfrom_x = dfrom_h = dh' (1 - h'²)"}},
      {"gru_cell",
       "h' = (1 - z) n + z h = n + z (h - n)",
       {"dn = dh' (1 - z), dz = dh' (h - n), dh = dh' z",
        "dx_n = dn (1 - n²), dr = dx_n h_n, dh_n = dx_n r",
        "dx_r = dh_r = dr r (1 - r), dx_z = dh_z = dz z (1 - z)"}},
      {"lstm_cell",
       "c' = f c + i g, h' = o tanh(c')",
       {"do = dh' tanh(c'), dc' += dh' o (1 - tanh²(c'))",
        "df = dc' c, di = dc' g, dg = dc' i, dc = dc' f",
        "dx_i = dh_i = di i (1 - i), likewise f and o; dx_g = dh_g = dg (1 - g²)"}},
      {"recurrence",
       "state_t = cell(from_x_t, W h_{t-1} + b, state_{t-1})",
       {"dfrom_x_t, dfrom_h_t, dstate_{t-1} = those of the cell at dstate_t, t = T-1 ... 0",
        "dh_{t-1} += dfrom_h_t W", "dW = Σ_t dfrom_h_tᵀ h_{t-1}",
        "db = Σ_t dfrom_h_t, over the batch too"}},
      {"cross_entropy",
       "loss = -Σ_rows w_row Σ_j q_j log p_j p = softmax(logits), w = 1 / count",
       {"dlogits_j = dloss w (p_j - q_j)"}},
      {"mse_loss",
       "loss = (1/n) Σ (x - t)² over all n elements",
       {"dx = dloss 2 (x - t) / n, dt = -dx"}},
  };
}

}  // namespace

const std::vector<Rule>& rules() {
  static const std::vector<Rule> list = [] {
    std::vector<Rule> all = simple_rules();
    for (const auto& more : {moving_rules(), fused_rules()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return list;
}

const Rule* rule_of(const std::string& op) {
  const auto found =
      std::find_if(rules().begin(), rules().end(), [&](const Rule& rule) { return rule.op == op; });
  return found == rules().end() ? nullptr : &*found;
}

}  // namespace qkv::autograd
