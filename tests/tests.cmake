# The tests in CTest, by the beginnings of their names:
#
#   unit:...       one entry for each doctest case, and all of them once more in one process
#   chapter: ...   a chapter runs, and its whole output is compared
#   exercise: ...  a solution is right, and a stub is told what is wrong with it
#   command line   what the programs say to a user's mistakes
#   script: ...    training: the same bits, every seed learns; studies; what the README shows
#   install: ...   a project outside this folder uses the library
#   bench: ...     the benchmark runs, and the README shows what it found
#   style: ...     the house rules, and a test of that test

# tensor/views stands for tests/tensor/views_test.cpp.
set(tests
  compare
  lib/text lib/check lib/random lib/memory lib/scratch lib/short_list lib/parallel lib/file lib/cpu
  lib/matmul lib/matmul_large lib/arithmetic lib/softmax lib/softmax_relatives lib/cross_entropy
  lib/attention lib/attention_edges lib/causal_product lib/layer_norm lib/update lib/vector_math
  lib/vector_math_accuracy lib/vector_math_backward lib/elementary lib/recurrent_cells
  tensor/shape tensor/dtype tensor/tensor tensor/create tensor/print tensor/strided tensor/views
  tensor/elementwise tensor/functions tensor/arithmetic tensor/reduce tensor/matmul tensor/linear
  tensor/softmax tensor/index tensor/update
  autograd/variable autograd/record autograd/engine autograd/wanted autograd/memory autograd/misuse
  autograd/operands autograd/saved autograd/passes autograd/anomaly
  autograd/graph autograd/tape autograd/explain autograd/hessian
  autograd/op_table autograd/functions autograd/fused autograd/attention autograd/recurrence
  autograd/unbind autograd/numeric autograd/taylor autograd/grad_check autograd/diagnosis
  autograd/kinks autograd/eps_sweep
  nn/module nn/layers nn/mask nn/attention nn/multi_head nn/variations nn/variations_masks
  nn/varied_models nn/linear_attention nn/score_attention nn/additive_start nn/attention_memory
  nn/local_attention nn/recurrent nn/recurrent_layers nn/decoder_step nn/positions nn/transformer
  nn/decoder nn/masked_tokens nn/decoding nn/beam_search nn/teacher_forcing nn/seq2seq
  nn/seq2seq_decoding nn/kv_cache nn/kv_cache_memory nn/language_model nn/encoder_decoder
  nn/dependency nn/padding nn/optimizer nn/schedule nn/safetensors_header nn/safetensors
  nn/safetensors_faults nn/checkpoint
  examples/config examples/config_fit examples/tasks examples/task_answers examples/grammar
  examples/translate examples/text examples/alignment examples/metrics examples/ngram
  examples/lab_models examples/pairs examples/trainer examples/run examples/progress
  examples/attention_map examples/run_folder examples/jobs examples/results examples/chart
  examples/study examples/stored examples/grader examples/gradcheck examples/mutants
  examples/golden examples/golden_ops examples/verify examples/book_math examples/book_html
  examples/book_page examples/book_seeds examples/book_plot
  determinism/bits determinism/recurrent_bits determinism/one_hash bench/table
)
set(test_support tests/main.cpp tests/allocations.cpp tests/bench/table.cpp)

enable_testing()
qkv_dependency(doctest 2.4.6 https://github.com/doctest/doctest.git v2.4.12)
if(doctest_DIR)
  include(${doctest_DIR}/doctest.cmake)
else()
  include(${doctest_SOURCE_DIR}/scripts/cmake/doctest.cmake)
endif()

list(TRANSFORM tests REPLACE ".+" "tests/\\0_test.cpp")
qkv_program(qkv_tests qkv-tests ${test_support} ${tests})
target_link_libraries(qkv_tests PRIVATE checks studies grader book doctest::doctest)
target_compile_definitions(qkv_tests PRIVATE
  QKV_SOURCE_DIR="${PROJECT_SOURCE_DIR}" QKV_LAB="$<TARGET_FILE:qkv_lab>")
add_dependencies(qkv_tests qkv_lab qkv_check qkv_study)
target_precompile_headers(qkv_tests PRIVATE ${standard_headers})
if(NOT MSVC)
  target_compile_options(qkv_tests PRIVATE -O1)  # most of their time is the compiler's
endif()

# The tests of the bits alone, quick to build where nothing is optimised: ctest does not run them.
qkv_program(qkv_bits_tests qkv-bits-tests tests/main.cpp tests/determinism/bits_test.cpp
  tests/determinism/recurrent_bits_test.cpp tests/determinism/one_hash_test.cpp)
set_target_properties(qkv_bits_tests PROPERTIES EXCLUDE_FROM_ALL ON)
target_link_libraries(qkv_bits_tests PRIVATE lab doctest::doctest)

# qkv_test(NAME SECONDS COMMAND ...): in the project's folder; the longest tests start first.
function(qkv_test name seconds)
  add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${seconds} COST ${seconds})
endfunction()

qkv_test("all unit tests in one process" 1200 qkv_tests)
doctest_discover_tests(qkv_tests TEST_PREFIX unit: WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
  PROPERTIES TIMEOUT 600)

foreach(chapter IN LISTS chapters)
  qkv_test("chapter: ${chapter}" 120 ${CMAKE_COMMAND}
    -D PROGRAM=$<TARGET_FILE:chapter_${chapter}> -D ACTUAL=${PROJECT_BINARY_DIR}/${chapter}.txt
    -D EXPECTED=tests/story/${chapter}.txt -P tests/story/compare_output.cmake)
endforeach()

foreach(exercise IN LISTS exercises)
  qkv_test("exercise: solution ${exercise}" 60 solution_${exercise})
endforeach()

foreach(mode find_package add_subdirectory)
  qkv_test("install: ${mode}" 900 ${CMAKE_COMMAND}
    -D MODE=${mode} -D CONFIG=$<CONFIG> -D SOURCE=${PROJECT_SOURCE_DIR}
    -D BUILD=${PROJECT_BINARY_DIR} -D COMPILER=${CMAKE_CXX_COMPILER}
    -D GENERATOR=${CMAKE_GENERATOR} -P tests/install/run.cmake)
endforeach()

find_program(SH sh)
if(SH)
  include(tests/bench/bench_tests.cmake)
  set(lab $<TARGET_FILE:qkv_lab>)
  qkv_test("command line: mistakes" 300 ${SH} tests/fault/command_line.sh ${lab}
    $<TARGET_FILE:qkv_check>)
  qkv_test("command line: exercises" 60 ${SH} tests/fault/exercise.sh)
  foreach(exercise IN LISTS exercises)
    qkv_test("exercise: stub ${exercise}" 60 ${SH} tests/story/exercise.sh
      $<TARGET_FILE:exercise_${exercise}> examples/exercises/${exercise}.cpp)
    set_tests_properties("exercise: stub ${exercise}" PROPERTIES SKIP_RETURN_CODE 77)
  endforeach()
  qkv_test("script: same bits" 600 ${SH} tests/determinism/runs.sh ${lab} steps=150)
  qkv_test("script: every seed learns copy" 600 ${SH} tests/story/every_seed_learns.sh ${lab} copy)
  qkv_test("script: every seed learns reverse" 600
    ${SH} tests/story/every_seed_learns.sh ${lab} reverse)
  qkv_test("script: text beside n-grams" 300 ${SH} tests/story/text.sh ${lab})
  qkv_test("script: studies that fail" 120 ${SH} tests/fault/study.sh $<TARGET_FILE:qkv_study>)
  foreach(study bottleneck reach scaling parallel positions heads translate text references)
    qkv_test("script: study ${study}" 300
      ${SH} tests/story/study.sh $<TARGET_FILE:qkv_study> ${study})
  endforeach()
  qkv_test("script: README" 300 ${SH} tests/story/readme.sh
    ${PROJECT_SOURCE_DIR}/README.md ${lab}
    $<TARGET_FILE:qkv_check> $<TARGET_FILE:qkv_study> ${PROJECT_BINARY_DIR})
  qkv_test("script: book" 600 ${SH} tests/story/book.sh $<TARGET_FILE:qkv_book>
    ${PROJECT_BINARY_DIR}/chapters)
  qkv_test("script: every gradient" 300 qkv_check gradcheck)
  qkv_test("style: check" 60 ${SH} tests/style/check.sh)
  qkv_test("style: self_test" 120 ${SH} tests/style/self_test.sh)
endif()
