// Reading formulas: words and signs, then factors with their sub- and superscripts, then products
// and fractions.
//
//   parts    item ... ; two spaces or more are a gap
//   item     sign | factor | factors "/" factor       all factors before, up to the last sign
//   factor   scripted [ scripted ]                    a name, and parentheses that follow at once
//   scripted primary ("_" script | "^" script | "'")*
//   primary  number | name | word | "(" parts ")" | "[" parts "]" | "|" parts "|" | "sqrt(" ... ")"
#include "examples/book/math.h"

#include <stdexcept>
#include <utility>

#include "examples/book/math_signs.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

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
    std::string above, below;   // if the product is a fraction
    const auto close = [&] { done += product, product.clear(), above.clear(); };
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
        if (is_gap || product.ends_with("\u00a0</mi>")) close();  // words are no factor
        (is_gap ? done : product) += is_gap ? space("2em") : product.empty() ? "" : narrow_space();
      } else if (here() == '/' && !product.empty()) {
        ++at_;
        while (here() == ' ') ++at_;
        if (in_script_) {  // too small for a line
          product += tag("mo", "/");
          continue;
        }
        const bool goes_on = !above.empty();  // a / b / c is a over b times c
        if (!goes_on) above = without_brackets(product), below.clear();
        below += (goes_on ? tag("mo", "·") : "") + denominator();
        product = tag("mfrac", row(above) + row(goes_on ? below : without_brackets(below)));
      } else if (const std::string sign = a_sign(); !sign.empty()) {
        const bool is_product = sign == tag("mo", "⋅");  // "q . k / 2": q . k above the line
        if (!is_product) close();
        (is_product ? product : done) += sign;
        above.clear();
      } else if (here() == ')' || here() == ']') {
        break;  // whoever opened it will see
      } else {
        product += factor();
        above.clear();
      }
    }
    close();
    --depth_;
    return done;
  }

  // Between factors: numbers keep apart, and so do functions and gradients from what they follow.
  std::string narrow_space() {
    if (is_digit(here())) return space("0.5em");
    const bool after_gradient = at_ > 2 && text_[at_ - 3] == 'd' && is_upper(text_[at_ - 2]);
    const size_t begin = at_;
    const std::string word = letters();
    const bool apart = word.size() == 1 ? after_gradient : word != "sum" && !is_prose(word);
    at_ = begin;
    return apart && !word.empty() ? space("0.17em") : "";
  }

  std::string a_sign() {
    const char before = at_ > 0 ? text_[at_ - 1] : ' ';
    if (here() == '.' && is_letter(before) && is_letter(here(1))) {  // x.grad()
      ++at_;
      return words(".");
    }
    for (const auto& [plain, set] : kSigns) {
      if (!take(plain)) continue;
      const bool is_negative =
          plain == "-" && here() != ' ' && std::string(" ([{|").find(before) != std::string::npos;
      return is_negative ? "<mo form=\"prefix\">−</mo>" : tag("mo", set);
    }
    return "";
  }

  // (a + b) / c: the line holds a + b together.
  std::string without_brackets(const std::string& set) { return set == bracketed_ ? inside_ : set; }

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
    const std::string base = with_scripts(primary(), has_limits);
    return is_name && here() == '(' ? base + with_scripts(primary(), false) : base;  // f(x)_i
  }

  std::string with_scripts(const std::string& base, bool has_limits) {
    std::string below, above;
    while (here() == '_' || here() == '^' || (here() == '\'' && !is_letter(here(1)))) {
      const char kind = here();
      ++at_;
      if (kind == '\'') {
        above += tag("mo", "′");
      } else {
        (kind == '_' ? below : above) += script();
      }
    }
    return has_limits ? tag("munder", base + row(below)) : scripted(base, below, above);
  }

  // After "_" or "^": a group, whose parentheses are not shown, or letters and digits.
  std::string script() {
    if (take("(")) {
      const bool outer = std::exchange(in_script_, true);
      const std::string inside = parts(")");
      need(")");
      in_script_ = outer;
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
    if (take("'")) return prose("'" + letters());  // chapter 8's output
    const size_t begin = at_++;                    // something else, perhaps of several bytes
    while ((here() & 0xc0) == 0x80) ++at_;
    return words(text_.substr(begin, at_ - begin));
  }

  std::string bracketed(const std::string& open, const std::string& close) {
    const std::string inside = parts(close);
    need(close);
    const std::string all = in_brackets(open, inside, close);
    if (open == "(") bracketed_ = all, inside_ = inside;
    return all;
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
    if (all == "a" && at_ > 2 && text_[at_ - 3] == ',' && prose_follows()) return prose(all);
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
    if (here() != '_' || beginning.size() < 3 || end - at_ < 4) return "";
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
      if (!is_prose(next) && !(next == "a" && prose_follows())) {
        at_ = end;  // mathematics begins again
        break;
      }
      all += gap + next;
    }
    return words((needs_space(text_, begin - 1, begin - 2) ? "\u00a0" : "") + all +
                 (needs_space(text_, at_, at_ + 1) ? "\u00a0" : ""));
  }

  // Is the word that ends here one of a sentence?
  [[nodiscard]] bool is_prose(const std::string& word) const {
    if (word.size() < 2 || kGreek.contains(word)) return false;
    if (is_upper(word[1]) && (word.size() == 2 || !is_upper(word[0]))) return false;  // not RNN
    if (word.size() == 2 && (word[0] == 'd' || is_upper(word[0])) && word != "do") return false;
    return here() != '(' && here() != '_' && here() != '^' && !is_digit(here());
  }

  bool prose_follows() {  // "a row": a word, too
    const size_t begin = at_;
    const bool follows = take(" ") && is_prose(letters());
    at_ = begin;
    return follows;
  }

  const std::string& text_;
  size_t at_ = 0;
  int depth_ = 0;
  bool in_script_ = false;
  std::string bracketed_, inside_;  // the latest (...), and what it holds
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
