// Families, and what is compared. Neighbour: check_goldens.h.
#include "tests/gpu/check_goldens.h"

#include <cmath>
#include <cstdlib>
#include <fstream>

#include "tests/gpu/tiny_base.h"
#include "tests/support/tensor_file.h"

namespace dayrun::tests {
namespace {

namespace fs = std::filesystem;

// As on a CPU (tests/engine/test_goldens.cpp): float32, sums in another order only.
constexpr double kLogits = 1e-4, kGradients = 1e-4, kLoss = 1e-5, kNorm = 1e-4;

nlohmann::json read_json(const fs::path& path) {
    std::ifstream file(path);
    return nlohmann::json::parse(file);
}

fs::path models_folder() {
    const char* const chosen = std::getenv("DAYRUN_SHARED");
    const fs::path shared =
        chosen != nullptr ? fs::path(chosen) : fs::path(DAYRUN_SOURCE_DIR).parent_path() / "shared";
    return shared / "goldens/models";
}

template <class T>
const T& value_of(const core::Result<T>& result) {
    demand(result);
    return *result;
}

std::string figure(const char* what, double off) {
    char text[64];
    std::snprintf(text, sizeof(text), "%s %.1e", what, off);
    return text;
}

class Family {
  public:
    Family(fs::path folder, fs::path work, core::Device device)
        : m_folder(std::move(folder)), m_work(std::move(work)), m_device(device) {}

    std::string forward() const {
        const TensorFile want = read_tensors(m_folder / "forward.safetensors");
        const auto engine = open("");
        const fs::path file = m_work / "logits.safetensors";
        const auto result = engine->logprobs(read_rows(want), file, {});
        const core::LogprobsResult& got = value_of(result);
        std::vector<float> logprobs;
        for (const auto& row : got.logprobs) {
            logprobs.insert(logprobs.end(), row.begin(), row.end());
        }
        const double off = std::max(
            largest_difference(read_tensors(file).values.at("logits"), want.values.at("logits")),
            largest_difference(logprobs, want.values.at("token_logprobs")));
        require(off < kLogits, figure("logits or log-probabilities are off by", off));
        const double loss = read_json(m_folder / "forward.json")["loss"].get<double>();
        require(std::abs(got.loss - loss) < kLoss, figure("the loss is off by", got.loss - loss));
        return figure("logits off by", off);
    }

    std::string gradients() const {
        const TensorFile want = read_tensors(m_folder / "lora/step1.safetensors");
        const auto engine = open("lora");
        const fs::path file = m_work / "gradients.safetensors";
        value_of(engine->logprobs(read_rows(want), {}, file));
        const TensorFile got = read_tensors(file);
        double worst = 0;
        for (const auto& [name, values] : want.values) {
            if (!name.starts_with("grad.")) continue;
            worst = std::max(worst, relative_difference(got.values.at(name.substr(5)), values));
        }
        require(worst < kGradients, figure("a gradient is off by", worst));
        return figure("gradients off by", worst);
    }

    std::string run() const {
        const auto want = read_json(m_folder / "lora/train.json");
        const auto rows = read_rows(read_tensors(m_folder / "lora/train_rows.safetensors"));
        const auto engine = open("lora");
        size_t next = 0;
        double worst = 0;
        for (const auto& step : want["log"]) {
            std::vector<core::PackedBatch> batches;
            int64_t targets = 0;
            for (int micro = 0; micro < 2; ++micro, next += 2) {
                batches.push_back(core::make_batch({rows[next % 8], rows[(next + 1) % 8]}, 0));
                targets += batches.back().target_token_count;
            }
            for (const core::PackedBatch& batch : batches) {
                const auto done = engine->accumulate(batch, static_cast<double>(targets));
                demand(done);
            }
            const auto outcome = engine->apply_step(step["lr"].get<double>());
            const double loss = step["loss"].get<double>();
            const double norm = step["grad_norm_before_clip"].get<double>();
            const double off = std::abs(value_of(outcome).loss - loss) / loss;
            require(off < kLoss, figure("a step's loss is off by", off));
            require(std::abs(outcome->grad_norm - norm) < kNorm * norm, "a step's norm is off");
            worst = std::max(worst, off);
        }
        return figure("losses off by", worst);
    }

    std::string greedy() const {
        const auto want = read_json(m_folder / "generate.json");
        const auto ids = want["greedy"].get<std::vector<int32_t>>();
        const auto engine = open("");
        core::GenerateOptions options;
        options.max_new_tokens = static_cast<int64_t>(ids.size());
        const auto got = engine->generate(want["prompt"].get<std::vector<int32_t>>(), options);
        require(value_of(got) == ids, "the continuation differs");
        return "continuation equal";
    }

    bool has_run() const { return fs::exists(m_folder / "lora/final"); }

  private:
    std::unique_ptr<core::Engine> open(const char* adapter) const {
        core::Recipe recipe = lora_recipe_of(m_folder);
        recipe.optimizer.weight_decay = 0.01;
        recipe.optimizer.max_grad_norm = 0.3;
        if (*adapter == '\0') {
            recipe.adapter.target_modules = std::vector<std::string>{};
        } else {
            recipe.adapter.init_from = (m_folder / adapter / "init").string();
        }
        return open_engine(m_device, recipe);
    }

    fs::path m_folder, m_work;
    core::Device m_device;
};

}  // namespace

void check_goldens(Checks& checks, const GpuArguments& arguments) {
    const fs::path work = arguments.out / "golden-work";
    fs::create_directories(work);
    for (const char* const name : {"llama", "llama3-rope", "mistral", "qwen1", "qwen2", "qwen3"}) {
        checks.run(std::string("goldens of ") + name, [&] {
            const fs::path folder = models_folder() / name;
            if (!fs::exists(folder)) throw Skip("the reference data is not here (DAYRUN_SHARED)");
            const Family family(folder, work,
                                {.kind = core::DeviceKind::Cuda, .index = arguments.device});
            std::string text = family.forward() + ", " + family.gradients();
            if (family.has_run()) text += ", " + family.run();
            return text + ", " + family.greedy();
        });
    }
    fs::remove_all(work);
}

}  // namespace dayrun::tests
