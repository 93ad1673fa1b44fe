// Reading formulas: words and signs, then factors with their sub- and superscripts, then products
// and fractions.
//
//   parts    item ... ; two spaces or more are a gap
//   item     sign | factor | factors "/" factor       all factors before, up to the last sign
//   factor   primary ("_" script | "^" script | "'")* [ "(" parts ")" ]   if it follows at once
//   primary  number | name | word | "(" parts ")" | "[" parts "]" | "|" parts "|" | "sqrt(" ... ")"
#include "examples/book/math.h"

#include <map>
#include <stdexcept>
#include <vector>

#include "lib/text.h"

namespace qkv::examples {
namespace {

using Names = std::map<std::string, std::string>;

const Names kGreek = {{"alpha", "α"},   {"beta", "β"}, {"gamma", "γ"}, {"delta", "δ"},
                      {"epsilon", "ε"}, {"eps", "ε"},  {"theta", "θ"}, {"lambda", "λ"},
                      {"mu", "μ"},      {"pi", "π"},   {"rho", "ρ"},   {"sigma", "σ"},
                      {"tau", "τ"},     {"phi", "φ"},  {"omega", "ω"}, {"Delta", "Δ"}};

// Signs between factors, the longest first where one begins another.
const std::vector<std::pair<std::string, std::string>> kSigns = {
    {"...", "…"},  {"<=", "≤"}, {">=", "≥"}, {"!=", "≠"}, {"<-", "←"}, {"->", "→"},
    {"=", "="},    {"+", "+"},  {"-", "−"},  {"*", "·"},  {".", "⋅"},  {"<", "&lt;"},
    {">", "&gt;"}, {"~", "∼"},  {",", ","},  {";", ";"},  {":", ":"}};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string tag(const std::string& name, const std::string& inside) {
  return "<" + name + ">" + inside + "</" + name + ">";
}
std::string row(const std::string& inside) { return tag("mrow", inside); }

// As an identifier, which several letters make upright: around <mtext> signs have no space of their
// own.
std::string words(const std::string& text) {
  return tag(lib::columns_of(text) > 1 ? "mi" : "mtext", lib::xml_escaped(text));
}

class Reader {
 public:
  explicit Reader(const std::string& text) : text_(text) {}

  std::string read() {
    const std::string all = parts("");
    if (at_ < text_.size()) throw std::invalid_argument("a bracket that nobody opened");
    return all;
  }

 private:
  [[nodiscard]] char here(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool take(const std::string& sign) {
    if (text_.compare(at_, sign.size(), sign) != 0) return false;
    at_ += sign.size();
    return true;
  }
  void need(const std::string& sign) {
    if (!take(sign)) throw std::invalid_argument("no " + sign);
  }

  // Up to a character of `ends` or the end of the text.
  std::string parts(const std::string& ends) {
    if (++depth_ > 32) throw std::invalid_argument("nested too deeply");
    std::string done, product;  // product: the factors since the last sign
    const auto close = [&] { done += product, product.clear(); };
    while (at_ < text_.size()) {
      const bool is_bar = here() == '|' && here(1) == ' ' && at_ > 0 && text_[at_ - 1] == ' ';
      if (!is_bar && ends.find(here()) != std::string::npos) break;
      if (is_bar) {  // P(w | h)
        ++at_;
        close();
        done += tag("mo", "∣");
      } else if (here() == ' ') {
        const size_t begin = at_;
        while (here() == ' ') ++at_;
        const bool is_gap = at_ - begin > 1 && at_ < text_.size();
        const bool would_merge = product.ends_with("</mn>") && is_digit(here());  // "2 3"
        if (is_gap) close();
        if (is_gap || would_merge) {
          (is_gap ? done : product) +=
              is_gap ? "<mspace width=\"2em\"/>" : "<mspace width=\"0.5em\"/>";
        }
      } else if (here() == '/' && !product.empty()) {
        ++at_;
        while (here() == ' ') ++at_;
        product = tag("mfrac", row(product) + row(denominator()));
      } else if (const std::string sign = a_sign(); !sign.empty()) {
        const bool is_product = sign == "⋅";  // "q . k / 2" has all of q . k above the line
        if (!is_product) close();
        (is_product ? product : done) += tag("mo", sign);
      } else if (here() == ')' || here() == ']') {
        break;  // whoever opened it will see
      } else {
        product += factor();
      }
    }
    close();
    --depth_;
    return done;
  }

  std::string a_sign() {
    for (const auto& [plain, set] : kSigns) {
      if (take(plain)) return set;
    }
    return "";
  }

  // What stands below the line is one factor, and what it is applied to: "sum_j exp(x_j)".
  std::string denominator() {
    const std::string minus = take("-") ? tag("mo", "−") : "";
    const bool is_sum = text_.compare(at_, 4, "sum_") == 0 || text_.compare(at_, 4, "max_") == 0;
    std::string all = factor();
    if (is_sum) {
      while (here() == ' ') ++at_;
      all += factor();
    }
    return minus + all;
  }

  std::string factor() {
    const bool has_limits =
        text_.compare(at_, 4, "sum_") == 0 || text_.compare(at_, 4, "max_") == 0;
    const bool is_name = is_letter(here());
    std::string base = primary(), below, above;
    while (here() == '_' || here() == '^' || here() == '\'') {
      const char kind = here();
      ++at_;
      if (kind == '\'') {
        above += tag("mo", "′");
      } else {
        (kind == '_' ? below : above) += script();
      }
    }
    if (has_limits) {
      base = tag("munder", base + row(below));
    } else if (!below.empty() && !above.empty()) {
      base = tag("msubsup", row(base) + row(below) + row(above));
    } else if (!below.empty()) {
      base = tag("msub", row(base) + row(below));
    } else if (!above.empty()) {
      base = tag("msup", row(base) + row(above));
    }
    return is_name && here() == '(' ? base + primary() : base;  // f(x)
  }

  // After "_" or "^": a group, whose parentheses are not shown, or letters and digits.
  std::string script() {
    if (take("(")) {
      const std::string inside = parts(")");
      need(")");
      return inside;
    }
    const std::string minus = take("-") ? tag("mo", "−") : "";
    if (is_digit(here())) return minus + number();
    const std::string name = letters();
    if (name.empty()) throw std::invalid_argument("nothing beneath or above");
    if (name == "T") return "<mi mathvariant=\"normal\">T</mi>";
    if (kGreek.contains(name)) return minus + tag("mi", kGreek.at(name));
    if (name.size() > 3) return minus + words(name);
    std::string indices = minus;
    for (const char c : name) indices += tag("mi", std::string(1, c));
    return indices + (is_digit(here()) ? number() : "");
  }

  std::string primary() {
    if (take("(")) return bracketed("(", ")");
    if (take("[")) return bracketed("[", "]");
    if (take("|")) return bracketed("|", "|");
    if (take("sqrt(")) {
      const std::string inside = parts(")");
      need(")");
      return tag("msqrt", row(inside));
    }
    if (is_digit(here())) return number();
    if (is_letter(here())) return name();
    const size_t begin = at_++;  // something else, perhaps of several bytes
    while ((here() & 0xc0) == 0x80) ++at_;
    return words(text_.substr(begin, at_ - begin));
  }

  std::string bracketed(const std::string& open, const std::string& close) {
    const std::string inside = parts(close);
    need(close);
    const bool tall = inside.find("<mfrac") != std::string::npos;
    const std::string sign = tall ? "<mo>" : "<mo stretchy=\"false\">";
    return row(sign + open + "</mo>" + inside + sign + close + "</mo>");
  }

  std::string number() {
    const size_t begin = at_;
    while (is_digit(here()) || (here() == '.' && is_digit(here(1)))) ++at_;
    if (here() == 'e' && (is_digit(here(1)) || (here(1) == '-' && is_digit(here(2))))) {
      at_ += 2;  // 1e8
      while (is_digit(here())) ++at_;
    }
    return tag("mn", text_.substr(begin, at_ - begin));
  }

  std::string letters() {
    const size_t begin = at_;
    while (is_letter(here())) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  // One letter, d and a letter, a letter with its index (Wq, W1, dWq), a Greek letter, a function;
  // all else are words, and so are the words that follow it.
  std::string name() {
    const std::string all = letters();
    if (kGreek.contains(all)) return tag("mi", kGreek.at(all));
    if (all == "sum" && here() == '_') return "<mo largeop=\"true\">∑</mo>";
    const size_t d = all[0] == 'd' && all.size() > 1 && all != "do" ? 1 : 0;
    const std::string rest = all.substr(d), first = tag("mi", rest.substr(0, 1));
    const std::string before = d == 1 ? tag("mi", "d") : "";
    const bool has_index = rest.size() == 2 && is_upper(rest[0]) &&
                           std::string("qkvo").find(rest[1]) != std::string::npos;
    if (rest.size() == 1 && is_digit(here())) return before + tag("msub", first + number());
    if (rest.size() == 1) return before + first;
    if (has_index) return before + tag("msub", first + tag("mi", rest.substr(1)));
    if (const std::string more = rest_of_identifier(all); !more.empty()) {
      return words(all + more);
    }
    if (here() == '(' || here() == '_' || here() == '^') return tag("mi", all);
    if (is_digit(here())) return tag("msub", tag("mi", all) + number());  // log2
    return prose(all);
  }

  // masked_softmax is the name of a function, not masked with an index.
  std::string rest_of_identifier(const std::string& beginning) {
    size_t end = at_ + 1;
    while (end < text_.size() && is_letter(text_[end])) ++end;
    if (here() != '_' || beginning.size() < 3 || end - at_ < 5) return "";
    const std::string rest = text_.substr(at_, end - at_);
    at_ = end;
    return rest;
  }

  // Spaces at the ends of a text are not shown, unless they are no-break spaces.
  std::string prose(std::string all) {
    const size_t begin = at_ - all.size();
    while (here() == ' ' || here() == '-') {
      const size_t end = at_;
      const std::string gap(1, here());
      ++at_;
      const std::string next = letters();
      if (!is_prose(next)) {
        at_ = end;  // mathematics begins again
        break;
      }
      all += gap + next;
    }
    const auto needs_space = [&](size_t space, size_t beyond) {  // signs bring their own
      return space < text_.size() && text_[space] == ' ' && beyond < text_.size() &&
             std::string("=+-*/<>,;").find(text_[beyond]) == std::string::npos;
    };
    return words((needs_space(begin - 1, begin - 2) ? "\u00a0" : "") + all +
                 (needs_space(at_, at_ + 1) ? "\u00a0" : ""));
  }

  // Is the word that ends here one of a sentence?
  [[nodiscard]] bool is_prose(const std::string& word) const {
    if (word.size() < 2 || is_upper(word[1]) || kGreek.contains(word)) return false;
    if (word.size() == 2 && (word[0] == 'd' || is_upper(word[0])) && word != "do") return false;
    return here() != '(' && here() != '_' && here() != '^' && !is_digit(here());
  }

  const std::string& text_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::string math_ml(const std::string& formula) {
  std::string inside;
  try {
    inside = row(Reader(formula).read());
  } catch (const std::invalid_argument&) {
    inside = tag("mtext", lib::xml_escaped(formula));
  }
  return "<math alttext=\"" + lib::xml_escaped(formula) + "\">" + inside + "</math>";
}

}  // namespace qkv::examples
