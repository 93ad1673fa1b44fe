# The programs behind ./qkv, and of which sources each is built.

# A program of ours: build/<name>, from the sources given.
function(qkv_program target name)
  add_executable(${target} ${ARGN})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name})
  target_link_libraries(${target} PRIVATE qkv::qkv)
  qkv_compile_options(${target})
endfunction()

# A library of a program of ours, quick to compile: the arithmetic is in qkv.
function(qkv_program_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC qkv::qkv nlohmann_json::nlohmann_json)
  qkv_compile_options(${name})
  target_precompile_headers(${name} REUSE_FROM qkv)
  if(NOT MSVC)
    target_compile_options(${name} PRIVATE -O1)
  endif()
endfunction()

# ---- which there are ---------------------------------------------------------------------------

# The lab behind ./qkv train: everything but its main is a library, so that tests can call it.
set(lab_sources
  examples/lab/program.cpp examples/lab/json_text.cpp examples/lab/suggestion.cpp
  examples/lab/config_file.cpp examples/lab/config_table.cpp examples/lab/presets.cpp
  examples/lab/config.cpp
  examples/lab/task_sequences.cpp examples/lab/task_add.cpp examples/lab/task_recall.cpp
  examples/lab/alignment.cpp examples/lab/grammar.cpp examples/lab/grammar_facts.cpp
  examples/lab/task_translate.cpp examples/lab/task_text.cpp examples/lab/tasks.cpp
  examples/lab/models/shared.cpp examples/lab/models/encoder.cpp
  examples/lab/models/masked_encoder.cpp examples/lab/models/decoder.cpp
  examples/lab/models/writer.cpp examples/lab/models/encoder_decoder.cpp
  examples/lab/models/seq2seq.cpp examples/lab/model.cpp
  examples/lab/metrics.cpp examples/lab/trainer.cpp examples/lab/run.cpp examples/lab/ngram.cpp
  examples/lab/text_run.cpp examples/lab/progress.cpp examples/lab/attention_map.cpp
  examples/lab/report.cpp examples/lab/run_folder.cpp)

# The checks behind ./qkv gradcheck, verify and mutants, the same way.
set(check_sources
  examples/checks/model_rows_attention.cpp examples/checks/model_rows_variations.cpp
  examples/checks/model_rows_recurrent.cpp examples/checks/model_rows_seq2seq.cpp
  examples/checks/model_rows_transformer.cpp examples/checks/model_rows.cpp
  examples/checks/gradcheck.cpp examples/checks/golden.cpp examples/checks/golden_call.cpp
  examples/checks/golden_ops_elementwise.cpp examples/checks/golden_ops_shapes.cpp
  examples/checks/golden_ops_rows.cpp examples/checks/golden_ops_attention.cpp
  examples/checks/golden_ops_variations.cpp examples/checks/golden_ops_recurrent.cpp
  examples/checks/golden_ops_seq2seq.cpp examples/checks/golden_ops_transformer.cpp
  examples/checks/golden_ops_models.cpp examples/checks/golden_ops_optimizers.cpp
  examples/checks/golden_ops.cpp examples/checks/verify.cpp)

# Wrong gradients, and a table of which gradient checks see them: part of the checks.
set(mutant_sources
  examples/mutants/elementwise.cpp examples/mutants/shapes.cpp examples/mutants/selection.cpp
  examples/mutants/products.cpp examples/mutants/softmax.cpp examples/mutants/losses.cpp
  examples/mutants/attention.cpp examples/mutants/score_attention.cpp
  examples/mutants/variations.cpp examples/mutants/recurrent_cells.cpp
  examples/mutants/recurrent.cpp examples/mutants/seq2seq.cpp examples/mutants/layers.cpp
  examples/mutants/models.cpp examples/mutants/mutants.cpp examples/mutants/weak_checks.cpp
  examples/mutants/kill_table.cpp)

# Experiments over several seeds, and their charts, behind ./qkv study.
set(study_sources
  examples/studies/jobs.cpp examples/studies/ruler.cpp examples/studies/chart_maps.cpp
  examples/studies/chart.cpp examples/studies/results.cpp examples/studies/study.cpp
  examples/studies/stored.cpp examples/studies/reach.cpp examples/studies/scaling.cpp
  examples/studies/parallel.cpp examples/studies/training.cpp examples/studies/bottleneck.cpp
  examples/studies/positions.cpp examples/studies/heads.cpp examples/studies/translate.cpp
  examples/studies/text.cpp examples/studies/references.cpp examples/studies/studies.cpp)

# The book behind ./qkv book: all chapters on one page.
set(book_sources
  examples/book/math.cpp examples/book/html.cpp examples/book/blocks.cpp
  examples/book/figures.cpp examples/book/plot.cpp examples/book/page.cpp examples/book/seeds.cpp)

# Each chapter prints what tests/story/<chapter>.txt says, to the letter.
set(chapters
  01_tensors
  02_chain_rule
  03_matmul_by_hand
  04_matmul_ladder
  05_softmax
  06_how_we_know
  07_soft_lookup
  08_qkv_by_hand
  09_why_sqrt_d
  10_score_functions
  11_bottleneck
  12_alignment
  13_masks
  14_many_heads
  15_positions
  16_weights_by_hand
  17_transformer
  18_flash
  19_variations
  20_before_attention
  21_museum
)

# Each exercise is three sources of this name in examples/exercises: the stub that a reader edits,
# the solution, and the grader of both. An exercise belongs to the chapter that its stub names.
set(exercises
  01_product_rule 02_tanh_backward 03_bias_gradient 04_matmul_backward 05_stable_softmax
  06_softmax_backward 07_cross_entropy_backward 08_attention 09_covariance 10_additive_score
  11_lstm_cell 12_lstm_backward 13_teacher_forcing 14_causal_mask 15_padding_mask
  16_masked_softmax 17_sinusoidal_positions 18_rotary_embedding 19_layer_norm_backward 20_adam
  21_online_softmax
)

# ---- their targets ------------------------------------------------------------------------------

qkv_program_library(lab ${lab_sources})
qkv_program(qkv_lab qkv-lab examples/lab/main.cpp)
target_link_libraries(qkv_lab PRIVATE lab)

qkv_program_library(checks ${check_sources} ${mutant_sources})
target_link_libraries(checks PUBLIC lab qkv::checks)
qkv_program(qkv_check qkv-check examples/checks/main.cpp)
target_link_libraries(qkv_check PRIVATE checks)

qkv_program_library(studies ${study_sources})
target_link_libraries(studies PUBLIC lab)
qkv_program(qkv_study qkv-study examples/studies/main.cpp)
target_link_libraries(qkv_study PRIVATE studies)

qkv_program_library(book ${book_sources})
target_link_libraries(book PUBLIC studies)  # their charts; and chapters are run as jobs
qkv_program(qkv_book qkv-book examples/book/main.cpp)
target_link_libraries(qkv_book PRIVATE book)

add_custom_target(chapters)
add_dependencies(qkv_book chapters)  # it runs them
foreach(chapter IN LISTS chapters)
  qkv_program(chapter_${chapter} ${chapter} examples/${chapter}.cpp examples/chapter.cpp)
  target_link_libraries(chapter_${chapter} PRIVATE lab qkv::checks)
  set_target_properties(chapter_${chapter} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
    ${PROJECT_BINARY_DIR}/chapters)
  add_dependencies(chapters chapter_${chapter})
endforeach()

# exercise_NAME is build/exercises/NAME, what ./qkv exercise runs; solution_NAME is for the tests,
# and only they need them all. All of it shares what grader.h includes, compiled once. A stub uses
# little of what it is given; a reader's index that is out of range is to be told, not followed.
function(exercise_options target)
  qkv_compile_options(${target})
  target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)
  target_compile_options(${target} PRIVATE
    $<IF:$<CXX_COMPILER_ID:MSVC>,/wd4100,-O1;-Wno-unused-parameter>)
endfunction()

add_library(grader STATIC examples/exercises/grader.cpp)
target_link_libraries(grader PUBLIC qkv::checks)
exercise_options(grader)
target_precompile_headers(grader PRIVATE examples/exercises/grader.h)

# exercise_program(TARGET NAME FOLDER SOURCE)
function(exercise_program target exercise folder source)
  add_executable(${target} ${source} $<TARGET_OBJECTS:grader_${exercise}>)
  target_link_libraries(${target} PRIVATE grader)
  exercise_options(${target})
  target_precompile_headers(${target} REUSE_FROM grader)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${exercise}
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
endfunction()

foreach(exercise IN LISTS exercises)
  add_library(grader_${exercise} OBJECT examples/exercises/graders/${exercise}.cpp)
  target_link_libraries(grader_${exercise} PRIVATE grader)
  exercise_options(grader_${exercise})
  target_precompile_headers(grader_${exercise} REUSE_FROM grader)
  exercise_program(exercise_${exercise} ${exercise} exercises
    examples/exercises/${exercise}.cpp)
  exercise_program(solution_${exercise} ${exercise} exercises/solutions
    examples/exercises/solutions/${exercise}.cpp)
  if(NOT QKV_BUILD_TESTS)
    set_target_properties(grader_${exercise} exercise_${exercise} solution_${exercise}
      PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endforeach()
