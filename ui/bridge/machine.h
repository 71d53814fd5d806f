// What this computer has, for the machine card and the memory bar: processor, memory, card, disk.
// Reads /proc and the file system; any thread (not the ui thread: a disk may sleep).
#pragma once

#include <QString>
#include <cstdint>
#include <filesystem>

namespace dayrun::ui {

struct MachineFacts {
    QString processor;
    int threads = 0;
    int64_t memory_bytes = 0;
    int64_t memory_free_bytes = 0;
    QString gpu;         // empty: none that a driver knows
    QString gpu_driver;  // empty without one
    int64_t disk_free_bytes = 0;
};

/// `folder` is where projects lie; the nearest existing folder above it tells the free space.
MachineFacts readMachine(std::filesystem::path folder);
/// Host memory of this computer in bytes.
int64_t hostMemoryBytes();

}  // namespace dayrun::ui
