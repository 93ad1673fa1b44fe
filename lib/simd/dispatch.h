// What a file needs before it includes lib/simd/every_isa.inl.
#pragma once

#include <cstdint>

#include "lib/cpu.h"
#include "lib/kernels/double_math.h"
#include "lib/kernels/pieces.h"
#include "lib/simd/intrinsics.h"
#include "lib/simd/target.h"
