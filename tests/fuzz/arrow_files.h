// The reader of token caches as a function of bytes: every value of a file that opens is read.
// Neighbours: fuzz_arrow_file.cpp (libFuzzer), tests/core/compile/test_arrow_file.cpp.
#pragma once

#include "core/compile/arrow_file/arrow_reader.h"
#include "tests/fuzz/memory_file.h"

namespace dayrun::fuzz {

template <typename Number>
uint64_t sum(std::span<const Number> numbers) {
    uint64_t total = 0;
    for (const Number number : numbers) total += static_cast<uint64_t>(number);
    return total;
}

inline uint64_t sum_of_column(const core::ArrowFile& file, size_t batch, size_t column) {
    const core::ArrowKind kind = file.columns()[column].kind;
    if (kind == core::ArrowKind::UInt8) return sum(file.numbers<uint8_t>(batch, column));
    if (kind == core::ArrowKind::Int32) return sum(file.numbers<int32_t>(batch, column));
    if (kind == core::ArrowKind::UInt64) return sum(file.numbers<uint64_t>(batch, column));
    uint64_t total = 0;
    for (int64_t row = 0; row < file.row_count(batch); ++row) {
        total += sum(file.list<uint32_t>(batch, column, row));
    }
    return total;
}

inline void read_arrow_file(const uint8_t* data, size_t size) {
    const MemoryFile content(data, size);
    const auto file = core::ArrowFile::open(content.path());
    if (!file.ok()) return;
    volatile uint64_t total = (*file)->metadata("dayrun_key").size();
    for (size_t batch = 0; batch < (*file)->batch_count(); ++batch) {
        for (size_t column = 0; column < (*file)->columns().size(); ++column) {
            total = total + sum_of_column(**file, batch, column);
        }
    }
}

}  // namespace dayrun::fuzz
