// A module's parameters in a file: safetensors with the parameters' names as keys.
#pragma once

#include <map>
#include <string>

#include "nn/module.h"

namespace qkv::nn {

// Writes all parameters, atomically. Throws what save_safetensors throws.
void save_parameters(const std::string& path, const Module& module,
                     const std::map<std::string, std::string>& metadata = {});

// Overwrites the module's parameters with the file's. Names, shapes and dtypes must agree; if they
// do not, nothing is changed, and the std::runtime_error lists everything that is missing, extra or
// different. Throws what load_safetensors throws for a file that is damaged.
void load_parameters(const std::string& path, Module& module);

}  // namespace qkv::nn
