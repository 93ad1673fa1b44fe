// log, sin and cos in double precision from + - * / alone. A C library's versions may differ in the
// last bit from machine to machine; these are the same everywhere, so random numbers and position
// codes are too. They are for filling tables, not for speed: the fast ones are in lib/kernels.
#pragma once

namespace qkv::lib {

// Natural logarithm of a finite x > 0. Error at most 2 units in the last place.
[[nodiscard]] double portable_log(double x);

// sin(x) and cos(x) for |x| <= 1e6, x in radians. Absolute error at most 1e-15.
[[nodiscard]] double portable_sin(double x);
[[nodiscard]] double portable_cos(double x);

// exp(x), for |x| <= 700. Relative error at most 1e-15.
[[nodiscard]] double portable_exp(double x);

}  // namespace qkv::lib
