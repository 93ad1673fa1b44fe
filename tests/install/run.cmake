# Configures, builds and runs the project in this folder against qkv, in one of two modes:
#   find_package       BUILD is installed into a fresh folder, and found there
#   add_subdirectory   SOURCE becomes part of the outside project (Debug, so -O0: it builds fastest,
#                      and our own invariants are checked on the way)
cmake_minimum_required(VERSION 3.22)

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE exit_code OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(NOT exit_code EQUAL 0)
    string(REPLACE ";" " " command "${ARGV}")
    message(FATAL_ERROR "${command}\n${output}\nended with ${exit_code}")
  endif()
  message(STATUS "${output}")
endfunction()

set(place ${BUILD}/install-test/${MODE})
file(REMOVE_RECURSE ${place})
if(MODE STREQUAL "find_package")
  run(${CMAKE_COMMAND} --install ${BUILD} --config ${CONFIG} --prefix ${place}/prefix)
else()
  set(CONFIG Debug)
endif()

run(${CMAKE_COMMAND} -S ${SOURCE}/tests/install -B ${place}/build -G ${GENERATOR}
  -D MODE=${MODE} -D QKV_SOURCE=${SOURCE} -D CMAKE_PREFIX_PATH=${place}/prefix
  -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_BUILD_TYPE=${CONFIG}
  -D CMAKE_RUNTIME_OUTPUT_DIRECTORY=${place}/bin)
run(${CMAKE_COMMAND} --build ${place}/build --config ${CONFIG} --parallel 2)

file(GLOB_RECURSE program ${place}/bin/outside ${place}/bin/outside.exe)
run(${program})
