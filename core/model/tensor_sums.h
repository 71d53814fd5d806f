// Checksums of a checkpoint's tensors, each taken where its bytes are read anyway, so that what a
// base is can be compared without reading it twice. They are kept in the user's cache for as long
// as a file stays the very same (file_stamp.h); a later opening then sums nothing. A sum is 16 hex
// digits, the same for any number of threads: pieces of a fixed length are summed apart.
// Neighbours: core/base/checksum.h is the sum, base_fingerprint.h what is made of them. One thread,
// whose kernels' threads help.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/model/safetensors.h"

namespace dayrun::core {

/// Whether a tensor's pages stay in memory after it was summed: those used where they are mapped.
enum class Pages { Keep, Drop };

class TensorSums {
  public:
    TensorSums() = default;
    /// Takes over what the user's cache knows of these files, which outlive the object. `now_s` is
    /// the time of day: sums of a file that was changed a moment before are not kept.
    explicit TensorSums(const CheckpointFiles& files, double now_s = unix_time_s());

    /// Sums a tensor whose bytes have just passed, unless its sum is known; its pages may go.
    void add(const TensorView& tensor);
    /// Reads tensors and sums those whose sums are not known; a thread reads ahead meanwhile, so
    /// that the disk does not wait for the sums. With Pages::Keep all of them are in memory
    /// afterwards.
    void read(const std::vector<TensorView>& tensors, Pages pages);
    /// Whether the tensor's bytes are still those of its sum; reads them again.
    bool holds(const TensorView& tensor) const;
    /// Sums what is left, and keeps the sums for the next opening.
    void finish();
    /// By tensor; complete after finish().
    const std::map<std::string, std::string>& sums() const { return m_sums; }

  private:
    struct File {
        const SafetensorsFile* file = nullptr;
        bool is_known = false;  // from the user's cache
    };
    const SafetensorsFile* holder_of(const TensorView& tensor) const;
    bool is_known(const TensorView& tensor) const { return m_sums.contains(tensor.name); }

    std::vector<File> m_files;
    std::map<std::string, std::string> m_sums;
    double m_now_s = 0;
};

}  // namespace dayrun::core
