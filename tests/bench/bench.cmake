# ./qkv bench: the program, where Google Benchmark is installed; the peers that are compiled for it,
# each optional; and the program that writes the README's tables.

# What ./qkv bench measures, and the peers beside it, which are never linked into qkv.
set(bench_sources
  tests/bench/main.cpp tests/bench/harness.cpp tests/bench/peaks.cpp tests/bench/matmul_bench.cpp
  tests/bench/math_bench.cpp tests/bench/rows_bench.cpp tests/bench/attention_bench.cpp
  tests/bench/graph_bench.cpp tests/bench/step_bench.cpp tests/bench/memory.cpp
  tests/bench/report.cpp tests/bench/peers.cpp tests/bench/cblas_peer.cpp
  tests/bench/torch_peer.cpp)
set(bench_peers tests/bench/eigen_peer.cpp tests/bench/onednn_peer.cpp
  tests/bench/libtorch_peer.cpp)
set(bench_table_sources tests/bench/table_main.cpp tests/bench/table.cpp)

qkv_program(qkv_bench_table qkv-bench-table ${bench_table_sources})
target_link_libraries(qkv_bench_table PRIVATE nlohmann_json::nlohmann_json)

find_package(benchmark QUIET)
if(NOT benchmark_FOUND OR NOT UNIX)  # it starts processes and loads libraries by POSIX
  return()
endif()
qkv_program(qkv_bench qkv-bench ${bench_sources})
target_link_libraries(qkv_bench PRIVATE
  benchmark::benchmark nlohmann_json::nlohmann_json ${CMAKE_DL_LIBS})
target_compile_definitions(qkv_bench PRIVATE QKV_SOURCE_DIR="${PROJECT_SOURCE_DIR}")

# A peer is a module that qkv-bench loads when it runs, so that nothing of it is linked into ours.
# (OpenBLAS and BLIS are loaded as they are, by tests/bench/peers.cpp.)
#
# qkv_bench_peer(NAME LIBRARY ...)
function(qkv_bench_peer name)
  set(target qkv_bench_${name})
  set(source ${bench_peers})
  list(FILTER source INCLUDE REGEX "/${name}_peer")
  add_library(${target} MODULE ${source})
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME qkv-bench-${name})
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE ${ARGN})
  string(TOUPPER ${target} macro)
  target_compile_definitions(qkv_bench PRIVATE ${macro}="$<TARGET_FILE:${target}>")
  add_dependencies(qkv_bench ${target})
endfunction()

find_package(Eigen3 QUIET NO_MODULE)
if(TARGET Eigen3::Eigen)
  qkv_bench_peer(eigen Eigen3::Eigen)
  # Eigen chooses its instruction set when it is compiled; inside a module the flag does no harm.
  target_compile_options(qkv_bench_eigen PRIVATE -march=native)
endif()

# Not by its package file, which asks for OpenCL.
find_library(QKV_ONEDNN dnnl)
find_path(QKV_ONEDNN_HEADERS dnnl.hpp)
mark_as_advanced(QKV_ONEDNN QKV_ONEDNN_HEADERS)
if(QKV_ONEDNN AND QKV_ONEDNN_HEADERS)
  qkv_bench_peer(onednn ${QKV_ONEDNN})
endif()

# Clang does not take the headers of PyTorch 1.13 for C++20.
find_library(QKV_LIBTORCH torch_cpu)
find_library(QKV_LIBTORCH_C10 c10)
find_path(QKV_LIBTORCH_HEADERS torch/torch.h PATH_SUFFIXES torch/csrc/api/include)
mark_as_advanced(QKV_LIBTORCH QKV_LIBTORCH_C10 QKV_LIBTORCH_HEADERS)
if(QKV_LIBTORCH AND QKV_LIBTORCH_C10 AND QKV_LIBTORCH_HEADERS AND
   CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  qkv_bench_peer(libtorch ${QKV_LIBTORCH} ${QKV_LIBTORCH_C10})
  target_include_directories(qkv_bench_libtorch SYSTEM PRIVATE ${QKV_LIBTORCH_HEADERS})
endif()
