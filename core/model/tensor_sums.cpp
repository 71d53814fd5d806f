// Summing tensors by pieces on all threads. Neighbour: tensor_sums.h.
#include "core/model/tensor_sums.h"

#include <algorithm>
#include <atomic>
#include <string_view>

#include "core/base/check.h"
#include "core/base/checksum.h"
#include "core/model/files/kept_sums.h"
#include "kernels/common/parallel.h"

namespace dayrun::core {
namespace {

constexpr size_t kPieceBytes = size_t{4} << 20;

size_t piece_count(size_t bytes) {
    return (bytes + kPieceBytes - 1) / kPieceBytes;
}

std::span<const std::byte> piece_of(std::span<const std::byte> bytes, size_t index) {
    const size_t begin = index * kPieceBytes;
    return bytes.subspan(begin, std::min(kPieceBytes, bytes.size() - begin));
}

// Threads take the next piece as they come, so that the file is read from front to back.
template <class Body>
void for_each_piece(std::span<const std::byte> bytes, Body&& body) {
    const size_t count = piece_count(bytes.size());
    std::atomic<size_t> next = 0;
    kernels::parallel_for(static_cast<int64_t>(count), 1, [&](int64_t, int64_t) {
        for (size_t i = next++; i < count; i = next++) body(i, piece_of(bytes, i));
    });
}

}  // namespace

std::string tensor_checksum(const SafetensorsFile& file, std::span<const std::byte> bytes,
                            Pages pages) {
    std::vector<std::string> sums(piece_count(bytes.size()));
    for_each_piece(bytes, [&](size_t index, std::span<const std::byte> piece) {
        file.fault_in(piece);
        Checksum checksum;
        checksum.add(piece);
        sums[index] = checksum.hex();
        if (pages == Pages::Drop) file.drop_pages(piece);
    });
    Checksum all;
    for (const std::string& sum : sums) all.add(sum);
    return all.hex();
}

TensorSums::TensorSums(const CheckpointFiles& files, double now_s) : m_now_s(now_s) {
    for (const auto& file : files.files()) {
        const auto kept = kept_sums(file->stamp());
        m_files.push_back({.file = file.get(), .is_known = kept.has_value()});
        if (kept) m_sums.insert(kept->begin(), kept->end());
    }
}

const SafetensorsFile* TensorSums::holder_of(const TensorView& tensor) const {
    for (const File& one : m_files) {
        if (one.file->find(tensor.name) != nullptr) return one.file;
    }
    return nullptr;
}

void TensorSums::read(const TensorView& tensor, Pages pages) {
    const bool is_summed = m_sums.contains(tensor.name);
    if (is_summed && pages == Pages::Drop) return;
    const SafetensorsFile* const file = holder_of(tensor);
    CHECK(file != nullptr);
    if (is_summed) {
        for_each_piece(tensor.bytes, [&](size_t, auto piece) { file->fault_in(piece); });
        return;
    }
    m_sums[tensor.name] = tensor_checksum(*file, tensor.bytes, pages);
}

void TensorSums::finish() {
    for (const File& one : m_files) {
        if (one.is_known) continue;
        SumsByTensor sums;
        for (const TensorView& tensor : one.file->tensors()) {
            read(tensor, Pages::Drop);
            sums[tensor.name] = m_sums[tensor.name];
        }
        // The same state before and after, and not one that may still change under its stamp.
        const auto now = stamp_of(one.file->path());
        if (now == one.file->stamp() && is_settled(*now, m_now_s)) keep_sums(*now, sums);
    }
}

}  // namespace dayrun::core
