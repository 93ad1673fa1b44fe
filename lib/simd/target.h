// The target region: code between QKV_TARGET_BEGIN("avx2,fma") and QKV_TARGET_END is compiled for
// that instruction set, whatever the file's flags say. Inside a region stand only our own kernels,
// on raw pointers: a lambda, a static or a std:: template compiled there could be shared by the
// linker with code that must run on older processors (and then crashes them).
#pragma once

#define QKV_PRAGMA(text) _Pragma(#text)

#if defined(__clang__)
#define QKV_TARGET_BEGIN(isa) \
  QKV_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define QKV_TARGET_END QKV_PRAGMA(clang attribute pop)
#elif defined(__GNUC__)
#define QKV_TARGET_BEGIN(isa) QKV_PRAGMA(GCC push_options) QKV_PRAGMA(GCC target(isa))
#define QKV_TARGET_END QKV_PRAGMA(GCC pop_options)
#else
#define QKV_TARGET_BEGIN(isa)
#define QKV_TARGET_END
#endif
