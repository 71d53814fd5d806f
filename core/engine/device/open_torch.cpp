// The program's side: finding the plug-in, the ledger that libtorch's memory is counted in, and
// codes made exceptions of this room again. Neighbour: open_torch.h.
#include "core/engine/device/open_torch.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <new>
#include <optional>

#include "core/base/build_info.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/device/libtorch_memory.h"
#include "core/device/plug_in.h"
#include "core/engine/device/accelerator.h"
#include "core/engine/memory/arena.h"

namespace dayrun::engine {
namespace {

core::PlugIn plug_in() {
    const bool is_built = !core::build_info().torch_version.empty();
    return {.file = "libdayrun_torch.so",
            .title = "libtorch plug-in",
            .libraries = "libtorch",
            .variable = "DAYRUN_TORCH_PLUGIN",
            .missing = core::ErrorCode::NoLibtorch,
            .not_built = is_built ? ""
                                  : "This Dayrun was built without libtorch: it reads, plans and "
                                    "compares, but trains nothing.",
            .not_built_hint = "Build it with DAYRUN_TORCH=ON, as ./run does."};
}

// Read by the libraries when they are loaded or at their first product, and set before main,
// because other threads may read the environment later. libgomp's threads are never more than their
// caller: were there any, they should not spin. libtorch's oneDNN and the layer above it each keep
// 1,024 primitives, about 0.4 MB each, and rows of every length need their own: over 600 lengths
// the process grows by 0.9 GB, with 16 kept by 30 MB in the same CPU time (measured).
[[maybe_unused]] const bool s_libraries_are_bounded = [] {
    setenv("OMP_WAIT_POLICY", "PASSIVE", 0);
    for (const char* const name : {"ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"}) {
        setenv(name, "64", 0);
    }
    return true;
}();

std::mutex s_opening;
const TorchTable* s_table = nullptr;

// A request over the budget ends inside libtorch as a failed allocation; this says why.
thread_local std::optional<OverBudget> s_over_budget;

bool take(int64_t bytes) {
    try {
        host_arena().ledger().add(MemoryPart::Libtorch, bytes);
        return true;
    } catch (const OverBudget& over) {
        s_over_budget = over;
        return false;
    }
}

void give_back(int64_t bytes) {
    host_arena().ledger().remove(MemoryPart::Libtorch, bytes);
}

}  // namespace

// Never closed: libtorch's own statics end with the process.
core::Result<void> open_torch() {
    const std::lock_guard lock(s_opening);
    if (s_table != nullptr) return {};
    const core::PlugIn own = plug_in();
    TRY(path, core::find_plug_in(own));
    const int64_t before = core::resident_bytes();
    TRY(symbol, core::open_plug_in(own, path, DAYRUN_TORCH_OPEN_SYMBOL));
    const auto open = reinterpret_cast<DayrunTorchOpenFunction>(symbol);
    const TorchTable* const table = open({.take = &take, .give_back = &give_back});
    const bool is_ours = table != nullptr && table->layout == kTorchTableLayout;
    if (!is_ours) return core::other_version(own, path);
    core::set_libtorch_bytes(std::max<int64_t>(1, core::resident_bytes() - before));
    s_table = table;
    return {};
}

const TorchTable& torch() {
    CHECK(s_table != nullptr);
    return *s_table;
}

void multiply_by_onednn(const Product& product) {
    std::array<char, 512> reason{};
    s_over_budget.reset();
    const TorchOutcome outcome = torch().product_onednn(product, reason.data(), reason.size());
    if (outcome == TorchOutcome::Done) return;
    if (s_over_budget) throw OverBudget(*s_over_budget);
    if (outcome == TorchOutcome::OutOfMemory) throw std::bad_alloc();
    throw ComputationFailed{reason.data()};
}

}  // namespace dayrun::engine
