// Steps of LoRA and QLoRA on random models. Neighbour: bench_train.h.
#include "tests/gpu/bench_train.h"

#include <algorithm>
#include <chrono>
#include <fstream>

#include "core/base/rng.h"
#include "core/base/units.h"
#include "core/device/cuda_probe.h"
#include "core/engine/device/open_cuda.h"
#include "core/engine/linear/gemm.h"
#include "core/plan/memory/layer_memory.h"
#include "core/plan/memory/memory_estimate.h"
#include "tests/gpu/kernel_profile.h"
#include "tests/gpu/random_model.h"
#include "tests/gpu/tiny_base.h"

namespace dayrun::tests {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kWarmSteps = 3;

/// One line of the table.
struct Setting {
    std::string name;
    ModelShape shape;
    bool is_nf4 = false;
    int rank = 16;
    int64_t row_tokens = 8192;
    int64_t rows = 1;
    double cap_gib = 0;  // 0: the card
    int steps = 8;
    bool is_paged = false;
    bool is_deterministic = true;
};

std::vector<Setting> settings() {
    // The model that the peer trains as well comes last and stays.
    return {{"mistral-qlora-r128", mistral_7b(), true, 128, 8192, 2, 23.0, 50, true},
            {"qwen-lora-r8", qwen_14b(), false, 8, 8192, 1, 39.0, 50},
            {"llama-qlora-4096", llama_8b(), true, 16, 4096},
            {"llama-lora-4096", llama_8b(), false, 16, 4096},
            {"llama-lora-any-order", llama_8b(), false, 16, 8192, 1, 0, 8, false, false},
            {"llama-lora", llama_8b()}};
}

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// Documents of about a thousand tokens fill each row, as packed instructions do.
core::PackedBatch batch_of(const Setting& setting, int step) {
    std::vector<int64_t> lengths;
    for (int64_t row = 0; row < setting.rows; ++row) {
        for (int64_t left = setting.row_tokens; left > 0; left -= 1024) {
            lengths.push_back(std::min<int64_t>(left, 1024));
        }
    }
    return random_batch(lengths, setting.shape.vocab, static_cast<uint64_t>(step));
}

core::Recipe recipe_of(const Setting& setting, const fs::path& model) {
    core::Recipe recipe = lora_recipe_of(model, setting.rank);
    recipe.adapter.target_modules = std::vector<std::string>{
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
    if (setting.is_nf4) {
        recipe.quantization.base = core::BaseQuantization::Nf4;
        recipe.quantization.double_quant = true;
    }
    recipe.batch.deterministic = setting.is_deterministic;
    if (setting.is_paged) recipe.optimizer.name = core::OptimizerName::PagedAdamW32bit;
    if (setting.cap_gib > 0) {
        recipe.budget.max_device_bytes = static_cast<int64_t>(setting.cap_gib * (1 << 30));
    }
    return recipe;
}

int64_t used_bytes(int device) {
    const auto card = core::usable_cuda_device(device);
    demand(card);
    return card->total_bytes - card->free_bytes;
}

/// Rows of token ids for the peer, one JSON line a micro-batch, as the converter token_ids reads.
void write_rows(const Setting& setting, const fs::path& model) {
    std::ofstream file(model / (setting.name + ".rows.jsonl"));
    for (int step = 0; step < kWarmSteps + setting.steps; ++step) {
        const core::PackedBatch batch = batch_of(setting, step);
        file << nlohmann::json{{"input_ids", batch.tokens},
                               {"targets", batch.targets},
                               {"position_ids", batch.position_ids},
                               {"cu_seqlens", batch.cu_seqlens}}
                    .dump()
             << '\n';
    }
}

/// bfloat16 FLOP/s of one large product of random values through the engine's own door.
double matmul_peak(int device) {
    const auto opened = engine::open_cuda({.kind = core::DeviceKind::Cuda, .index = device}, {});
    demand(opened);
    const engine::UseAccelerator use(opened->get());
    constexpr int64_t kSize = 8192;
    const int64_t bytes = kSize * kSize * 2;
    engine::Buffer a(bytes, engine::MemoryPart::Working), b(bytes, engine::MemoryPart::Working),
        out(bytes, engine::MemoryPart::Working);
    std::vector<engine::bfloat16> values(static_cast<size_t>(kSize * kSize));
    core::Rng rng(1, "peak");
    for (auto& value : values) value = kernels::to_bfloat16(static_cast<float>(rng.normal()));
    for (engine::Buffer* to : {&a, &b}) {
        (*opened)->arena().copy_from_host(to->data(), values.data(), bytes);
    }
    const auto matrix = [&](engine::Buffer& buffer) {
        return engine::dense(buffer.data(), kSize, kSize, engine::Dtype::BFloat16);
    };
    const auto run = [&](int times) {
        const Clock::time_point start = Clock::now();
        for (int i = 0; i < times; ++i) {
            engine::multiply_nt(matrix(out), matrix(a), matrix(b));
        }
        (*opened)->synchronize();
        return seconds_since(start);
    };
    run(3);
    std::vector<double> seconds;
    for (int i = 0; i < 5; ++i) seconds.push_back(run(10) / 10);
    std::nth_element(seconds.begin(), seconds.begin() + 2, seconds.end());
    return 2.0 * kSize * kSize * kSize / seconds[2];
}

/// Steps until `last`, with the device as far behind as in a run; the losses of all of them.
void run_steps(core::Engine& engine, const Setting& setting, int first, int last,
               std::vector<double>& losses) {
    int64_t unfinished = 0;
    const auto finish_down_to = [&](int64_t most) {
        for (; unfinished > most; --unfinished) {
            const auto outcome = engine.finish_step();
            demand(outcome);
            losses.push_back(outcome->loss);
        }
    };
    for (int step = first; step < last; ++step) {
        const core::PackedBatch batch = batch_of(setting, step);
        demand(engine.accumulate(batch, static_cast<double>(batch.target_token_count)));
        demand(engine.start_step(1e-4));
        ++unfinished;
        finish_down_to(engine.steps_behind());
    }
    finish_down_to(0);
}

/// The plan that a run of this setting would be given, and the bytes that it reckons with.
core::MemoryEstimate plan_of(const Setting& setting, const core::Recipe& recipe, int device) {
    const auto config = core::read_model_config(recipe.base.path);
    demand(config);
    const auto card = core::usable_cuda_device(device);
    demand(card);
    const core::PackedBatch batch = batch_of(setting, 0);
    const core::MemoryInputs inputs{
        .device = core::PlanDevice::Cuda,
        .train = {.tokens = static_cast<int64_t>(batch.tokens.size()),
                  .longest_document = batch.max_seqlen,
                  .targets = batch.target_token_count},
        .eval = {},
        .limit_bytes = recipe.budget.max_device_bytes.value_or(card->total_bytes / 10 * 9)};
    auto estimate = core::estimate_memory(*config, recipe, inputs);
    demand(estimate);
    return *estimate;
}

/// What must lie on the card whatever the code: the model, what is trained, what the plan keeps,
/// and one layer as it is while it works.
int64_t floor_bytes(const Setting& setting, const core::Recipe& recipe,
                    const core::MemoryEstimate& estimate) {
    using core::MemoryPart;
    int64_t sum = 0;
    for (const MemoryPart part :
         {MemoryPart::Weights, MemoryPart::Constants, MemoryPart::Adapters, MemoryPart::Gradients,
          MemoryPart::Optimizer, MemoryPart::Activations}) {
        sum += estimate.bytes_of(part);
    }
    const auto config = core::read_model_config(recipe.base.path);
    demand(config);
    const core::LayerChoice layer =
        core::layer_choice(core::layer_shape(*config), setting.rows * setting.row_tokens, 2, 0);
    return sum + layer.bytes[static_cast<size_t>(core::Keep::Everything)];
}

/// Where the time of one step goes; a machine that records nothing loses this table only.
void profile(Checks& checks, const Setting& setting, const std::function<void()>& step) {
    checks.run("profile " + setting.name, [&] {
        std::string text;
        try {
            text = profile_text(profile_kernels(step), 24);
        } catch (const std::exception& failed) {
            throw Skip(failed.what());
        }
        checks.note(setting.name + " profile", text);
        return "\n" + text;
    });
}

std::string bench(Checks& checks, const Setting& setting, const fs::path& model, double peak,
                  int device) {
    const int64_t before = used_bytes(device);
    const core::Recipe recipe = recipe_of(setting, model);
    const auto engine = open_engine({.kind = core::DeviceKind::Cuda, .index = device}, recipe);
    const core::MemoryEstimate estimate = plan_of(setting, recipe, device);
    engine->set_activation_plan(estimate.plan);
    std::vector<double> losses;
    run_steps(*engine, setting, 0, kWarmSteps, losses);
    const Clock::time_point start = Clock::now();
    run_steps(*engine, setting, kWarmSteps, kWarmSteps + setting.steps, losses);
    const double seconds = seconds_since(start);
    const auto tokens = static_cast<double>(setting.rows * setting.row_tokens * setting.steps);
    const double rate = tokens / seconds;
    const double flops = 4.0 * static_cast<double>(setting.shape.matrix_weights()) * rate;
    const int64_t used = used_bytes(device);
    const int last = kWarmSteps + setting.steps;
    profile(checks, setting, [&] { run_steps(*engine, setting, last, last + 1, losses); });
    checks.note(setting.name, {{"tokens_per_second", rate},
                               {"tflops", flops / 1e12},
                               {"share_of_measured_peak", peak > 0 ? flops / peak : 0},
                               {"share_of_989_tflops", flops / 989e12},
                               {"plan", core::plan_text(estimate.plan)},
                               {"planned_bytes", estimate.total_bytes},
                               {"floor_bytes", floor_bytes(setting, recipe, estimate)},
                               {"used_bytes", used},
                               {"used_bytes_before", before},
                               {"counted_peak_bytes", engine->device_bytes_peak()},
                               {"losses", losses}});
    if (setting.cap_gib > 0) {
        require(used <= static_cast<int64_t>(setting.cap_gib * (1 << 30)),
                core::format_bytes(used) + " is beyond the cap");
    }
    char text[160];
    std::snprintf(text, sizeof(text),
                  "%.0f tokens/s, %.1f TFLOP/s, %s (planned %s), first loss %.4f", rate,
                  flops / 1e12, core::format_bytes(used).c_str(),
                  core::format_bytes(estimate.total_bytes).c_str(), losses.front());
    return text;
}

}  // namespace

void bench_train(Checks& checks, const GpuArguments& arguments) {
    const fs::path models = arguments.out / "models";
    double peak = 0;
    checks.run("matrix-multiply peak, bfloat16", [&] {
        peak = matmul_peak(arguments.device);
        checks.note("matmul_peak_flops", peak);
        return std::to_string(peak / 1e12) + " TFLOP/s";
    });
    std::string made;
    for (Setting setting : settings()) {
        if (!arguments.wants(setting.name)) continue;
        if (arguments.most_steps > 0) setting.steps = std::min(setting.steps, arguments.most_steps);
        const std::string name = setting.shape.name + (setting.is_nf4 ? "-nf4" : "");
        const fs::path model = models / name;
        if (made != name) {
            // One model at a time: three of them would fill the memory they lie in.
            if (!made.empty()) fs::remove_all(models / made);
            checks.run("write " + name, [&] {
                write_random_model(model, setting.shape,
                                   setting.is_nf4 ? WeightFormat::Nf4 : WeightFormat::BFloat16);
                return std::string();
            });
            made = name;
        }
        checks.run("train " + setting.name, [&] {
            write_rows(setting, model);
            return bench(checks, setting, model, peak, arguments.device);
        });
    }
}

}  // namespace dayrun::tests
