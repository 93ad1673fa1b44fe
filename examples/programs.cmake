# How a program behind ./qkv is built. CMakeLists.txt says which there are, and of what.

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
