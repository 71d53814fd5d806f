// Reference figures in safetensors files, and how far others are from them. Without Qt: the
// programs of a GPU machine read the same files. Neighbour: tensor_file.cpp. Test thread only.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/compile/packing/packed.h"

namespace dayrun::tests {

/// A whole tensor file as float32 values by name (I64 ids are converted too).
struct TensorFile {
    std::map<std::string, std::vector<float>> values;
    std::map<std::string, std::vector<int64_t>> shapes;
};
/// Empty, after telling why, when the file cannot be read.
TensorFile read_tensors(const std::filesystem::path& path);

/// One row of one document.
core::PackedRow make_row(std::vector<int32_t> tokens, std::vector<int32_t> labels,
                         uint32_t source_index = 0);
/// Rows from the tensors input_ids and labels [rows, T].
std::vector<core::PackedRow> read_rows(const TensorFile& file);

/// Norm of the difference over the norm of `want`.
double relative_difference(std::span<const float> got, std::span<const float> want);
double largest_difference(std::span<const float> got, std::span<const float> want);

}  // namespace dayrun::tests
