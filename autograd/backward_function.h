// BackwardFunction: what a node does with the gradient of its result, as a closure over what the
// operation has saved. A small closure lies inside this object, hence inside its node: an operation
// on single numbers would spend much of its time on an allocation of its own for it.
#pragma once

#include <concepts>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "autograd/variable.h"

namespace qkv::autograd {

// A closure that wants the gradient of the result (dy) only, or the result itself (y) as well.
template <class F>
inline constexpr bool kTakesResult =
    std::invocable<std::remove_cvref_t<F>&, const Variable&, const Variable&>;

class BackwardFunction {
 public:
  BackwardFunction() = default;
  ~BackwardFunction() { clear(); }
  BackwardFunction(const BackwardFunction&) = delete;
  BackwardFunction& operator=(const BackwardFunction&) = delete;

  // REQUIRES: nothing is set.
  template <class Closure>
  void set(Closure&& closure) {
    using F = std::remove_cvref_t<Closure>;
    if constexpr (sizeof(F) <= sizeof inside_ && alignof(F) <= alignof(std::max_align_t)) {
      closure_ = new (inside_) F(std::forward<Closure>(closure));
      manage_ = [](void* f, Task task) {
        if (task == Task::copy) return copy_and_drop(*static_cast<const F*>(f));
        static_cast<F*>(f)->~F();
      };
    } else {
      closure_ = new F(std::forward<Closure>(closure));
      manage_ = [](void* f, Task task) {
        if (task == Task::copy) return copy_and_drop(*static_cast<const F*>(f));
        delete static_cast<F*>(f);
      };
    }
    call_ = [](void* f, const Variable& dy, [[maybe_unused]] const Variable& y) -> Grads {
      if constexpr (kTakesResult<F>) {
        return (*static_cast<F*>(f))(dy, y);
      } else {
        return (*static_cast<F*>(f))(dy);
      }
    };
  }

  void clear() {
    if (closure_ != nullptr) manage_(std::exchange(closure_, nullptr), Task::destroy);
  }

  // Copies the closure and drops the copy: every Saved in it is copied, which tape.h listens to.
  void copy_and_drop() const {
    if (closure_ != nullptr) manage_(closure_, Task::copy);
  }

  explicit operator bool() const { return closure_ != nullptr; }

  // The gradients of the inputs. REQUIRES: a closure is set.
  Grads operator()(const Variable& dy, const Variable& y) const { return call_(closure_, dy, y); }

 private:
  enum class Task { destroy, copy };

  template <class F>
  static void copy_and_drop(const F& closure) {
    [[maybe_unused]] const F copy(closure);
  }

  Grads (*call_)(void* closure, const Variable& dy, const Variable& y) = nullptr;
  void (*manage_)(void* closure, Task task) = nullptr;
  void* closure_ = nullptr;                          // in inside_, or by itself if it is large
  alignas(std::max_align_t) std::byte inside_[144];  // two shapes, or three saved Variables
};

}  // namespace qkv::autograd
