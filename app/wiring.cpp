// Device, engine and project for the commands. Neighbour: wiring.h.
#include "app/wiring.h"

#include <fmt/format.h>

#include <charconv>

#include "core/base/build_info.h"
#include "core/base/units.h"
#include "core/device/cuda_probe.h"
#include "core/device/worker_threads.h"
#include "core/engine/engine_factory.h"
#include "core/model/adapter_config.h"

namespace dayrun::app {
namespace {

core::Result<core::Device> cuda_device(const std::string& text, int threads) {
    int index = 0;
    const std::string_view digits = std::string_view(text).substr(std::min<size_t>(5, text.size()));
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (!text.starts_with("cuda:") || code != std::errc() || end != digits.data() + digits.size()) {
        return core::Error{.code = core::ErrorCode::BadUsage,
                           .message = fmt::format("'{}' is not a device.", text),
                           .hint = "Write auto, cpu or cuda:0."};
    }
    return core::Device{.kind = core::DeviceKind::Cuda, .index = index, .threads = threads};
}

}  // namespace

core::Result<core::Device> choose_device(const CommonOptions& common) {
    const int threads = core::worker_threads();
    const core::Device cpu{.kind = core::DeviceKind::Cpu, .index = 0, .threads = threads};
    if (common.device == "cpu") return cpu;
    if (common.device != "auto") return cuda_device(common.device, threads);
    // The first card that runs our code; make_engine says why a named one does not.
    if (!core::build_info().has_cuda() || !core::has_nvidia_driver()) return cpu;
    const auto cards = core::cuda_devices();
    if (!cards.ok()) return cpu;
    for (const core::CudaDevice& card : *cards) {
        if (core::usable_cuda_device(card.index).ok()) {
            return core::Device{
                .kind = core::DeviceKind::Cuda, .index = card.index, .threads = threads};
        }
    }
    return cpu;
}

core::Result<std::optional<int64_t>> card_memory(const core::Device& device,
                                                 const core::Recipe& recipe) {
    if (device.kind != core::DeviceKind::Cuda) return std::optional<int64_t>();
    TRY(card, core::usable_cuda_device(device.index));
    return std::optional(recipe.budget.max_device_bytes.value_or(card.free_bytes));
}

std::string device_name(const core::Device& device) {
    if (device.kind == core::DeviceKind::Cuda) {
        const auto card = core::usable_cuda_device(device.index);
        const std::string index = fmt::format("cuda:{}", device.index);
        return card.ok() ? fmt::format("{} ({})", card->name, index) : index;
    }
    return "CPU, " + core::count_of(device.threads, "thread");
}

std::filesystem::path project_folder_of(const std::filesystem::path& folder,
                                        const std::string& given) {
    if (!given.empty()) return given;
    std::error_code ignored;
    const std::filesystem::path whole = folder.empty() ? std::filesystem::current_path(ignored)
                                                       : std::filesystem::absolute(folder, ignored);
    std::filesystem::path around = whole.lexically_normal();
    for (; around.has_relative_path(); around = around.parent_path()) {
        // A project that merely lies somewhere above, in the home folder say, is not meant.
        const std::filesystem::path inside = whole.lexically_relative(around);
        const bool is_its_own = inside == "." || *inside.begin() == "recipes";
        if (is_its_own && core::Project::is_project(around)) return around;
    }
    return folder;
}

core::EngineFactory engine_factory() {
    return [](const core::Device& device) { return engine::make_engine(device); };
}

core::RunOrder order_for(const core::Device& device) {
    core::RunOrder order;
    order.device = device;
    order.device_name = device_name(device);
    order.build_id = std::string(core::build_info().build_id);
    return order;
}

core::Result<std::unique_ptr<core::Engine>> open_model(const CommonOptions& common,
                                                       const std::filesystem::path& model,
                                                       const std::filesystem::path& adapter,
                                                       core::DtypeChoice dtype,
                                                       const core::QuantizationSpec& quantization) {
    TRY(device, choose_device(common));
    core::Recipe recipe;
    recipe.base.path = std::filesystem::absolute(model).string();
    recipe.base.dtype = dtype;
    recipe.quantization = quantization;
    recipe.optimizer.learning_rate = 0;
    if (!adapter.empty()) {
        TRY(config, core::read_adapter_config(adapter));
        recipe.adapter.init_from = std::filesystem::absolute(adapter).string();
        recipe.adapter.method = config.use_rslora ? core::AdapterMethod::RsLora
                                : config.use_dora ? core::AdapterMethod::Dora
                                                  : core::AdapterMethod::Lora;
        recipe.adapter.lora_rank = static_cast<int>(config.rank);
        recipe.adapter.lora_alpha = config.alpha;
        recipe.adapter.target_modules = config.target_modules;
    }
    TRY(engine, engine::make_engine(device));
    auto prepared = adapter.empty() ? engine->prepare_base(recipe) : engine->prepare(recipe);
    if (!prepared.ok()) return std::move(prepared).error();
    for (const std::string& note : prepared->notes) fmt::print(stderr, "dayrun: {}\n", note);
    return engine;
}

}  // namespace dayrun::app
