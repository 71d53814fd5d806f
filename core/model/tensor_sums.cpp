// Summing tensors by pieces on all threads, while one thread reads ahead. Neighbour: tensor_sums.h.
#include "core/model/tensor_sums.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <span>
#include <string_view>
#include <thread>

#include "core/base/check.h"
#include "core/base/checksum.h"
#include "core/model/files/kept_sums.h"
#include "kernels/common/parallel.h"

namespace dayrun::core {
namespace {

constexpr size_t kPieceBytes = size_t{4} << 20;
// What the reading thread may be ahead of the sums: enough for any disk, and little memory.
constexpr size_t kPiecesAhead = 16;

/// Pieces summed so far; a reader that is ahead of them waits.
class Progress {
  public:
    void add(size_t pieces) {
        m_done += pieces;
        m_done.notify_one();
    }
    /// Nothing is summed any more: nobody waits.
    void end() { add(std::numeric_limits<size_t>::max() / 2); }
    bool is_passed(size_t piece) const { return piece < m_done; }
    void wait_before(size_t piece) const {
        for (size_t now = m_done; piece > now + kPiecesAhead; now = m_done) m_done.wait(now);
    }

  private:
    std::atomic<size_t> m_done = 0;
};

size_t piece_count(size_t bytes) {
    return (bytes + kPieceBytes - 1) / kPieceBytes;
}

std::span<const std::byte> piece_of(std::span<const std::byte> bytes, size_t index) {
    const size_t begin = index * kPieceBytes;
    return bytes.subspan(begin, std::min(kPieceBytes, bytes.size() - begin));
}

/// A tensor's bytes and the file that they are mapped from.
struct Part {
    const SafetensorsFile* file = nullptr;
    std::span<const std::byte> bytes;
};

// Threads take the next piece as they come, so that the file is read from front to back.
std::string sum_of(const Part& part, Pages pages, Progress& progress) {
    std::vector<std::string> sums(piece_count(part.bytes.size()));
    std::atomic<size_t> next = 0;
    kernels::parallel_for(static_cast<int64_t>(sums.size()), 1, [&](int64_t, int64_t) {
        for (size_t i = next++; i < sums.size(); i = next++) {
            const std::span<const std::byte> piece = piece_of(part.bytes, i);
            part.file->fault_in(piece);
            Checksum checksum;
            checksum.add(piece);
            sums[i] = checksum.hex();
            if (pages == Pages::Drop) part.file->drop_pages(piece);
            progress.add(1);
        }
    });
    Checksum all;
    for (const std::string& sum : sums) all.add(sum);
    return all.hex();
}

void read_ahead(const std::vector<Part>& parts, const Progress& progress) {
    size_t piece = 0;
    for (const Part& part : parts) {
        for (size_t i = 0; i < piece_count(part.bytes.size()); ++i, ++piece) {
            progress.wait_before(piece);
            if (!progress.is_passed(piece)) part.file->fault_in(piece_of(part.bytes, i));
        }
    }
}

/// Ends the progress however its block is left, so that the reading thread can be joined.
class LastWord {
  public:
    explicit LastWord(Progress& progress) : m_progress(progress) {}
    ~LastWord() { m_progress.end(); }
    LastWord(const LastWord&) = delete;
    LastWord& operator=(const LastWord&) = delete;

  private:
    Progress& m_progress;
};

}  // namespace

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
    CHECK(false);
    return nullptr;
}

void TensorSums::add(const TensorView& tensor) {
    if (is_known(tensor)) return;
    Progress progress;
    m_sums[tensor.name] = sum_of({holder_of(tensor), tensor.bytes}, Pages::Drop, progress);
}

bool TensorSums::holds(const TensorView& tensor) const {
    Progress progress;
    return sum_of({holder_of(tensor), tensor.bytes}, Pages::Keep, progress) ==
           m_sums.at(tensor.name);
}

void TensorSums::read(const std::vector<TensorView>& tensors, Pages pages) {
    std::vector<const TensorView*> wanted;
    std::vector<Part> parts;
    for (const TensorView& tensor : tensors) {
        if (pages == Pages::Drop && is_known(tensor)) continue;
        wanted.push_back(&tensor);
        parts.push_back({holder_of(tensor), tensor.bytes});
    }
    const bool are_known = std::all_of(wanted.begin(), wanted.end(),
                                       [&](const auto* tensor) { return is_known(*tensor); });
    if (are_known) {
        for (const Part& part : parts) part.file->fault_in(part.bytes);
        return;
    }
    Progress progress;
    const std::jthread ahead([&] { read_ahead(parts, progress); });
    const LastWord last_word(progress);
    for (size_t i = 0; i < parts.size(); ++i) {
        if (!is_known(*wanted[i])) {
            m_sums[wanted[i]->name] = sum_of(parts[i], pages, progress);
            continue;
        }
        parts[i].file->fault_in(parts[i].bytes);
        progress.add(piece_count(parts[i].bytes.size()));
    }
}

void TensorSums::finish() {
    for (const File& one : m_files) {
        if (one.is_known) continue;
        read(one.file->tensors(), Pages::Drop);
        SumsByTensor sums;
        for (const TensorView& tensor : one.file->tensors()) {
            sums[tensor.name] = m_sums[tensor.name];
        }
        // The same state before and after, and not one that may still change under its stamp.
        const auto now = stamp_of(one.file->path());
        if (now == one.file->stamp() && is_settled(*now, m_now_s)) keep_sums(*now, sums);
    }
}

}  // namespace dayrun::core
