// The harness of the programs that run on a GPU machine: named checks, one line each, and a JSON
// file of the figures. No Qt and no test framework, so that the programs run where only libtorch
// and CUDA are. Neighbours: gpu_check.cpp and gpu_bench.cpp are the programs. Main thread.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace dayrun::tests {

/// Thrown by a check that cannot run here; its text is the reason.
struct Skip : std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// Thrown by a check that found a fault.
struct Fault : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws a Fault unless `good`.
void require(bool good, const std::string& what);
/// Throws a Fault with the error in words unless there is a result.
template <class T>
void demand(const core::Result<T>& result) {
    require(result.ok(), result.ok() ? "" : result.error().text());
}

class Checks {
  public:
    /// Runs one check and prints "ok", "SKIP" or "FAIL", its name and what it returned.
    void run(const std::string& name, const std::function<std::string()>& check);
    /// Keeps a figure for the JSON file.
    void note(const std::string& name, nlohmann::ordered_json figure);
    /// Writes FOLDER/NAME.json; false when that fails.
    bool write(const std::filesystem::path& folder, const std::string& name) const;
    int failed() const { return m_failed; }
    int skipped() const { return m_skipped; }

  private:
    nlohmann::ordered_json m_results = nlohmann::ordered_json::array();
    nlohmann::ordered_json m_figures = nlohmann::ordered_json::object();
    int m_failed = 0;
    int m_skipped = 0;
};

/// Where results go and which card is used, from the command line: [--out DIR] [--device N]
/// [--only NAME[,NAME...]] [--steps N].
struct GpuArguments {
    std::filesystem::path out = ".";
    int device = 0;
    std::string only;
    int most_steps = 0;  // of each timed setting; 0: as many as it has

    bool wants(const std::string& part) const {
        return only.empty() || ("," + only + ",").find("," + part + ",") != std::string::npos;
    }
};
GpuArguments read_arguments(int argc, char** argv);

/// Empty when the card can be used; else the reason, as `dayrun doctor` would say it.
std::string no_gpu_reason(int device);

}  // namespace dayrun::tests
