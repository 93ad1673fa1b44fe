# Runs PROGRAM, writes what it prints to ACTUAL, and compares that with EXPECTED, to the letter.
cmake_minimum_required(VERSION 3.22)

execute_process(COMMAND ${PROGRAM} OUTPUT_FILE ${ACTUAL} RESULT_VARIABLE exit_code)
if(NOT exit_code EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${exit_code}")
endif()

execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files --ignore-eol ${EXPECTED} ${ACTUAL}
  RESULT_VARIABLE different ERROR_QUIET)
if(different)
  find_program(DIFF diff)
  if(DIFF)
    execute_process(COMMAND ${DIFF} -u ${EXPECTED} ${ACTUAL})
  endif()
  message(FATAL_ERROR "The output differs. If that is right: cp ${ACTUAL} ${EXPECTED}")
endif()
