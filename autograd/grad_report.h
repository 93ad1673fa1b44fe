// How a gradient check tells what it has found: the message of a report that has not passed.
#pragma once

#include "autograd/grad_check.h"

namespace qkv::autograd {

// Several lines without a newline at the end; the first names the worst element, both values and
// both errors. An `obstacle`, if there is one, is what kept the check from comparing.
[[nodiscard]] std::string describe(const std::string& name, const GradCheckReport& report,
                                   const GradCheckOptions& options, const std::string& obstacle);

}  // namespace qkv::autograd
