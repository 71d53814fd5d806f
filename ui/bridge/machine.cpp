// Reading of /proc. Neighbour: panels/welcome_page.cpp shows it.
#include "ui/bridge/machine.h"

#include <unistd.h>

#include <fstream>
#include <string>

#include "core/device/worker_threads.h"
#include "ui/look/text.h"

namespace dayrun::ui {
namespace {

namespace fs = std::filesystem;

// The value after "key   :" in a file of such lines; empty when the file or the key is not there.
std::string valueOf(const fs::path& file, std::string_view key) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with(key)) continue;
        const size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        const size_t start = line.find_first_not_of(" \t", colon + 1);
        return start == std::string::npos ? std::string() : line.substr(start);
    }
    return {};
}

std::string firstGpu() {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc/driver/nvidia/gpus", error)) {
        return valueOf(entry.path() / "information", "Model");
    }
    return {};
}

}  // namespace

int64_t hostMemoryBytes() {
    return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}

MachineFacts readMachine(fs::path folder) {
    MachineFacts facts;
    facts.processor = toQt(valueOf("/proc/cpuinfo", "model name"));
    facts.threads = core::processor_count();
    facts.memory_bytes = hostMemoryBytes();
    const std::string available = valueOf("/proc/meminfo", "MemAvailable");
    facts.memory_free_bytes = std::strtoll(available.c_str(), nullptr, 10) * 1024;
    facts.gpu = toQt(firstGpu());
    facts.gpu_driver = toQt(valueOf("/proc/driver/nvidia/version", "NVRM version"));
    std::error_code error;
    while (!folder.empty() && !fs::exists(folder, error) && folder != folder.parent_path()) {
        folder = folder.parent_path();
    }
    const fs::space_info space = fs::space(folder.empty() ? fs::path("/") : folder, error);
    if (!error) facts.disk_free_bytes = static_cast<int64_t>(space.available);
    return facts;
}

}  // namespace dayrun::ui
