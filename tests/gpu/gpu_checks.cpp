// The harness. Neighbour: gpu_checks.h.
#include "tests/gpu/gpu_checks.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "core/device/cuda_probe.h"

namespace dayrun::tests {

void require(bool good, const std::string& what) {
    if (!good) throw Fault(what);
}

void Checks::run(const std::string& name, const std::function<std::string()>& check) {
    const auto start = std::chrono::steady_clock::now();
    std::string state = "ok", text;
    try {
        text = check();
    } catch (const Skip& skip) {
        state = "SKIP";
        text = skip.what();
        ++m_skipped;
    } catch (const std::exception& fault) {
        state = "FAIL";
        text = fault.what();
        ++m_failed;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%-4s %-40s %6.1f s  %s\n", state.c_str(), name.c_str(), took.count(),
                text.c_str());
    std::fflush(stdout);
    m_results.push_back(
        {{"check", name}, {"state", state}, {"text", text}, {"seconds", took.count()}});
}

void Checks::note(const std::string& name, nlohmann::ordered_json figure) {
    m_figures[name] = std::move(figure);
}

bool Checks::write(const std::filesystem::path& folder, const std::string& name) const {
    std::error_code ignored;
    std::filesystem::create_directories(folder, ignored);
    std::ofstream file(folder / (name + ".json"));
    file << nlohmann::ordered_json{{"checks", m_results}, {"figures", m_figures}}.dump(1) << '\n';
    return file.good();
}

GpuArguments read_arguments(int argc, char** argv) {
    GpuArguments arguments;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string name = argv[i];
        if (name == "--out") arguments.out = argv[i + 1];
        if (name == "--device") arguments.device = std::atoi(argv[i + 1]);
        if (name == "--only") arguments.only = argv[i + 1];
        if (name == "--steps") arguments.most_steps = std::atoi(argv[i + 1]);
    }
    return arguments;
}

std::string no_gpu_reason(int device) {
    const auto card = core::usable_cuda_device(device);
    return card.ok() ? std::string() : card.error().message;
}

}  // namespace dayrun::tests
