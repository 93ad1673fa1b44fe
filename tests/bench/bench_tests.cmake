# What CTest asks of the benchmark: that it runs, where there is one, and that the README shows the
# stored result.
qkv_test("bench: README" 60 qkv_bench_table tests/bench/results/reference.json README.md --check)
qkv_test("bench: smoke" 300 ${SH} tests/bench/smoke.sh ${PROJECT_BINARY_DIR})
set_tests_properties("bench: smoke" PROPERTIES SKIP_RETURN_CODE 77)  # without Google Benchmark
