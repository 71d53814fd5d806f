// Whole training steps. Neighbour: check_engine.h.
#include "tests/gpu/check_engine.h"

#include <cmath>

#include "core/base/atomic_file.h"
#include "core/device/cuda_probe.h"
#include "tests/gpu/tiny_base.h"

namespace dayrun::tests {
namespace {

namespace fs = std::filesystem;

constexpr int kSteps = 50;
constexpr int64_t kMemoryBack = int64_t{1} << 20;

struct Trained {
    std::vector<double> losses, norms;
    std::string adapter;  // the file's bytes
};

void train(core::Engine& engine, int first, int last, Trained& trained) {
    for (int step = first; step < last; ++step) {
        const auto seed = static_cast<uint64_t>(step);
        const core::PackedBatch batch = random_batch({130 + step % 7, 1, 77, 201}, 512, seed);
        const auto done = engine.accumulate(batch, static_cast<double>(batch.target_token_count));
        demand(done);
        const auto outcome = engine.apply_step(1e-3);
        demand(outcome);
        require(!outcome->skipped, "a step was skipped");
        trained.losses.push_back(outcome->loss);
        trained.norms.push_back(outcome->grad_norm);
    }
}

std::string adapter_of(core::Engine& engine, const fs::path& folder) {
    const auto saved = engine.save_adapter(folder);
    demand(saved);
    const auto bytes = core::read_file(folder / "adapter_model.safetensors");
    demand(bytes);
    return *bytes;
}

Trained train_all(core::Device device, const core::Recipe& recipe, const fs::path& folder) {
    const auto engine = open_engine(device, recipe);
    Trained trained;
    train(*engine, 0, kSteps, trained);
    trained.adapter = adapter_of(*engine, folder);
    return trained;
}

double largest_relative(const std::vector<double>& got, const std::vector<double>& want) {
    double largest = 0;
    for (size_t i = 0; i < want.size(); ++i) {
        largest = std::max(largest, std::abs(got[i] - want[i]) / std::abs(want[i]));
    }
    return largest;
}

// bfloat16 rounds differently along other orders of sums; float32 hardly.
std::string agreement(const core::Recipe& recipe, const fs::path& work, core::Device gpu,
                      double tolerance) {
    const Trained want = train_all({.kind = core::DeviceKind::Cpu}, recipe, work / "cpu");
    const Trained got = train_all(gpu, recipe, work / "gpu");
    const double off = largest_relative(got.losses, want.losses);
    require(off < tolerance, "losses differ by " + std::to_string(off));
    return "largest difference of a loss " + std::to_string(off);
}

// The other recipe's way: 4-bit weights, their constants quantized too, states in the host's
// memory.
core::Recipe qlora_recipe_of(const fs::path& base) {
    core::Recipe recipe = lora_recipe_of(base);
    recipe.quantization.base = core::BaseQuantization::Nf4;
    recipe.quantization.double_quant = true;
    recipe.optimizer.name = core::OptimizerName::PagedAdamW32bit;
    return recipe;
}

int64_t free_bytes(int device) {
    const auto card = core::usable_cuda_device(device);
    demand(card);
    return card->free_bytes;
}

}  // namespace

void check_engine(Checks& checks, const GpuArguments& arguments) {
    const core::Device gpu{.kind = core::DeviceKind::Cuda, .index = arguments.device};
    const fs::path work = arguments.out / "engine-work";
    TinyBase narrow, wide, windowed;
    wide.dtype = "float32";
    windowed.window = 40;
    windowed.architecture = "MistralForCausalLM";
    windowed.model_type = "mistral";
    checks.run("write the bases", [&] {
        write_tiny_base(work / "narrow", narrow);
        write_tiny_base(work / "wide", wide);
        write_tiny_base(work / "windowed", windowed);
        return std::string();
    });
    checks.run("50 steps as on the CPU, float32",
               [&] { return agreement(lora_recipe_of(work / "wide"), work, gpu, 1e-4); });
    checks.run("50 steps as on the CPU, bfloat16",
               [&] { return agreement(lora_recipe_of(work / "narrow"), work, gpu, 2e-2); });
    checks.run("50 steps as on the CPU, window",
               [&] { return agreement(lora_recipe_of(work / "windowed"), work, gpu, 2e-2); });
    checks.run("50 steps as on the CPU, NF4, paged states",
               [&] { return agreement(qlora_recipe_of(work / "narrow"), work, gpu, 2e-2); });
    checks.run("reruns are bit-equal", [&] {
        const core::Recipe recipe = qlora_recipe_of(work / "narrow");
        const Trained first = train_all(gpu, recipe, work / "first");
        const Trained second = train_all(gpu, recipe, work / "second");
        require(first.losses == second.losses && first.norms == second.norms,
                "losses or norms differ");
        require(first.adapter == second.adapter, "the adapters differ");
        return std::string("50 steps");
    });
    checks.run("every plan gives the same bits", [&] {
        const core::Recipe recipe = qlora_recipe_of(work / "narrow");
        const Trained everything = train_all(gpu, recipe, work / "everything");
        for (const core::Keep keep :
             {core::Keep::DropGateUp, core::Keep::InputOnly, core::Keep::Offload}) {
            const auto engine = open_engine(gpu, recipe);
            engine->set_activation_plan(core::ActivationPlan(narrow.layers, keep));
            Trained trained;
            train(*engine, 0, kSteps, trained);
            require(trained.losses == everything.losses && trained.norms == everything.norms,
                    "losses or norms differ under " + std::string(core::to_string(keep)));
        }
        return std::string("4 plans");
    });
    checks.run("continues bit-equal", [&] {
        const core::Recipe recipe = qlora_recipe_of(work / "narrow");
        Trained straight, stopped;
        const auto whole = open_engine(gpu, recipe);
        train(*whole, 0, 20, straight);
        {
            const auto before = open_engine(gpu, recipe);
            train(*before, 0, 10, stopped);
            const auto saved = before->save_state(work / "state");
            demand(saved);
        }
        const auto after = open_engine(gpu, recipe);
        const auto loaded = after->load_state(work / "state");
        demand(loaded);
        train(*after, 10, 20, stopped);
        require(straight.losses == stopped.losses, "losses differ after continuing");
        require(adapter_of(*whole, work / "a") == adapter_of(*after, work / "b"),
                "the adapters differ");
        return std::string("10 + 10 steps as 20");
    });
    checks.run("memory comes back 50 times", [&] {
        const core::Recipe recipe = lora_recipe_of(work / "narrow");
        int64_t baseline = 0, worst = 0;
        for (int run = 0; run < 50; ++run) {
            {
                Trained trained;
                const auto engine = open_engine(gpu, recipe);
                train(*engine, 0, 2, trained);
            }
            // The first run leaves the context and the libraries' handles behind.
            if (run == 0) baseline = free_bytes(arguments.device);
            worst = std::max(worst, baseline - free_bytes(arguments.device));
        }
        require(worst <= kMemoryBack, std::to_string(worst) + " bytes were not given back");
        return "at most " + std::to_string(worst) + " bytes off";
    });
}

}  // namespace dayrun::tests
