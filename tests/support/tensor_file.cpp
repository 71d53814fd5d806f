// Reading and comparing. Neighbour: tensor_file.h.
#include "tests/support/tensor_file.h"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "core/model/safetensors.h"
#include "kernels/common/dtype.h"

namespace dayrun::tests {

using namespace dayrun::core;

TensorFile read_tensors(const std::filesystem::path& path) {
    TensorFile read;
    const auto file = SafetensorsFile::open(path);
    if (!file.ok()) {
        std::fprintf(stderr, "%s\n", file.error().text().c_str());
        return read;
    }
    for (const TensorView& view : (*file)->tensors()) {
        std::vector<float>& values = read.values[view.name];
        read.shapes[view.name] = view.shape;
        for (int64_t i = 0; i < view.element_count(); ++i) {
            const std::byte* const at = view.bytes.data() + i * dtype_bytes(view.dtype);
            if (view.dtype == TensorDtype::Int64) {
                int64_t value = 0;
                std::memcpy(&value, at, 8);
                values.push_back(static_cast<float>(value));
            } else if (view.dtype == TensorDtype::BFloat16) {
                kernels::bfloat16 value{};
                std::memcpy(&value, at, 2);
                values.push_back(kernels::to_float(value));
            } else {
                float value = 0;
                std::memcpy(&value, at, 4);
                values.push_back(value);
            }
        }
    }
    return read;
}

PackedRow make_row(std::vector<int32_t> tokens, std::vector<int32_t> labels,
                   uint32_t source_index) {
    PackedRow row;
    const auto length = static_cast<int32_t>(tokens.size());
    row.documents.push_back({.source_index = source_index, .begin = 0, .end = length});
    for (size_t i = 1; i < labels.size(); ++i) row.target_token_count += labels[i] != kIgnoreLabel;
    row.tokens = std::move(tokens);
    row.labels = std::move(labels);
    return row;
}

std::vector<PackedRow> read_rows(const TensorFile& file) {
    std::vector<PackedRow> rows;
    const auto& shape = file.shapes.at("input_ids");
    const std::vector<float>& ids = file.values.at("input_ids");
    const std::vector<float>& labels = file.values.at("labels");
    const auto as_ids = [](auto begin, auto end) { return std::vector<int32_t>(begin, end); };
    for (int64_t i = 0; i < shape[0]; ++i) {
        const int64_t from = i * shape[1], to = from + shape[1];
        rows.push_back(make_row(as_ids(ids.begin() + from, ids.begin() + to),
                                as_ids(labels.begin() + from, labels.begin() + to)));
    }
    return rows;
}

double relative_difference(std::span<const float> got, std::span<const float> want) {
    if (got.size() != want.size() || want.empty()) return INFINITY;
    double difference = 0, norm = 0;
    for (size_t i = 0; i < want.size(); ++i) {
        const double d = double{got[i]} - double{want[i]};
        difference += d * d;
        norm += double{want[i]} * double{want[i]};
    }
    return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

double largest_difference(std::span<const float> got, std::span<const float> want) {
    if (got.size() != want.size() || want.empty()) return INFINITY;
    double largest = 0;
    for (size_t i = 0; i < want.size(); ++i) {
        const double d = std::abs(double{got[i]} - double{want[i]});
        if (!(d <= largest)) largest = d;
    }
    return largest;
}

}  // namespace dayrun::tests
