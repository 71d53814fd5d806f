// The limit and the figures. Neighbour: check_card.h.
#include "tests/gpu/check_card.h"

#include "core/base/units.h"
#include "core/device/card_monitor.h"
#include "core/device/cuda_probe.h"
#include "tests/gpu/tiny_base.h"

namespace dayrun::tests {
namespace {

namespace fs = std::filesystem;

core::CudaDevice card_of(int device) {
    const auto card = core::usable_cuda_device(device);
    demand(card);
    return *card;
}

core::StepOutcome step(core::Engine& engine) {
    const auto outcome = engine.apply_step(1e-3);
    demand(outcome);
    return *outcome;
}

// Long enough that what the layers keep is most of the memory.
core::PackedBatch long_batch(const TinyBase& base) {
    return random_batch(std::vector<int64_t>(128, 128), base.vocab, 1);
}

std::string goes_on_leaner(const fs::path& folder, const TinyBase& base, core::Device gpu) {
    const core::PackedBatch batch = long_batch(base);
    const auto divisor = static_cast<double>(batch.target_token_count);
    core::Recipe recipe = lora_recipe_of(folder);
    core::StepOutcome want;
    int64_t peak = 0;
    {
        const auto engine = open_engine(gpu, recipe);
        const auto done = engine->accumulate(batch, divisor);
        demand(done);
        want = step(*engine);
        peak = engine->device_bytes_peak();
    }
    const core::CudaDevice card = card_of(gpu.index);
    recipe.budget.max_device_bytes = card.total_bytes - card.free_bytes + peak / 100 * 85;
    const auto engine = open_engine(gpu, recipe);
    auto done = engine->accumulate(batch, divisor);
    require(!done.ok() && done.error().code == core::ErrorCode::OutOfGpuMemory,
            "the limit was not noticed");
    int leaner = 0;
    while (!done.ok() && engine->make_leaner()) {
        engine->drop_gradients();
        done = engine->accumulate(batch, divisor);
        ++leaner;
    }
    demand(done);
    const core::StepOutcome got = step(*engine);
    require(got.loss == want.loss && got.grad_norm == want.grad_norm, "the step differs");
    const core::CudaDevice after = card_of(gpu.index);
    const int64_t used = after.total_bytes - after.free_bytes;
    require(used <= *recipe.budget.max_device_bytes, "the limit was passed");
    return std::to_string(leaner) + " plan(s) leaner, " + core::format_bytes(peak) + " to " +
           core::format_bytes(engine->device_bytes_peak()) + ", the same bits";
}

}  // namespace

void check_card(Checks& checks, const GpuArguments& arguments) {
    const core::Device gpu{.kind = core::DeviceKind::Cuda, .index = arguments.device};
    const fs::path work = arguments.out / "card-work";
    const TinyBase base;
    checks.run("out of memory goes on with a leaner plan", [&] {
        write_tiny_base(work / "base", base);
        return goes_on_leaner(work / "base", base, gpu);
    });
    checks.run("what the card tells", [&] {
        const auto monitor = core::CardMonitor::open(card_of(arguments.device).pci_bus_id);
        if (monitor == nullptr) throw Skip("NVML is not here");
        const core::CardReading reading = monitor->read();
        require(reading.used_bytes && reading.utilization_percent && reading.temperature_c,
                "NVML does not tell memory, load or temperature");
        return core::to_text(reading);
    });
    fs::remove_all(work);
}

}  // namespace dayrun::tests
