// A PEFT adapter folder opened against a base: which module carries which tensors, every name and
// shape checked. Neighbours: adapter_config.h (settings), core/export (merging), core/engine
// (starting from an adapter). Reading is thread-safe after open.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/adapter_config.h"
#include "core/model/base_fingerprint.h"
#include "core/model/safetensors.h"
#include "core/model/weight_map.h"

namespace dayrun::core {

/// Where an adapter_model.safetensors that Dayrun wrote carries, in its metadata, the base it was
/// trained on (to_json(BaseFingerprint)). Other programs pass it over.
inline constexpr std::string_view kTrainedOnKey = "dayrun.base";

/// One linear module's part of an adapter. The views live as long as the AdapterFiles.
struct AdapterModule {
    const LinearInfo* linear = nullptr;     // of the map given to open
    const TensorView* a = nullptr;          // [rank, in_features]
    const TensorView* b = nullptr;          // [out_features, rank]
    const TensorView* magnitude = nullptr;  // [out_features], DoRA only
    int64_t rank = 0;
    double scaling = 0;  // alpha / rank or alpha / sqrt(rank)
};

class AdapterFiles {
  public:
    /// BadModel when the adapter is for another model, has a wrong rank, lacks a tensor or holds
    /// one that nothing uses. `map` must outlive the object.
    static Result<AdapterFiles> open(const std::filesystem::path& folder, const WeightMap& map);

    const AdapterConfig& config() const { return m_config; }
    /// The base it was trained on; nothing in adapters of other programs and older versions.
    const std::optional<BaseFingerprint>& trained_on() const { return m_trained_on; }
    /// In model order.
    const std::vector<AdapterModule>& modules() const { return m_modules; }

  private:
    AdapterConfig m_config;
    std::optional<BaseFingerprint> m_trained_on;
    std::unique_ptr<SafetensorsFile> m_file;
    std::vector<AdapterModule> m_modules;
};

/// A sentence where an adapter was trained on another base (`was`) than the one at hand (`is`),
/// which says how they differ; empty where it was not.
std::string other_base_sentence(const std::filesystem::path& adapter, const BaseFingerprint& was,
                                const std::filesystem::path& base, const BaseFingerprint& is);

}  // namespace dayrun::core
