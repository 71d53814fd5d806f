// A base as a 4-bit checkpoint: bitsandbytes' names and config, everything but the linear modules
// unchanged; merging an adapter into the weights that NF4 gives back, from both sides.
#include <QTest>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/export/merge.h"
#include "core/export/nf4_export.h"
#include "core/model/files/element_convert.h"
#include "core/quantize/nf4_cache.h"
#include "tests/core/model/model_fixture.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

const std::string kModule = "model.layers.1.mlp.down_proj";  // [8, 12]
const std::string kOther = "model.layers.0.self_attn.q_proj";

void write_adapter(const std::filesystem::path& folder) {
    write_text(folder / "adapter_config.json", R"({"r": 2, "lora_alpha": 3})");
    TensorSet tensors;
    tensors.add(lora_a_name(kModule), {2, 12}, pattern_values(24, 1));
    tensors.add(lora_b_name(kModule), {8, 2}, pattern_values(16, 2));
    QVERIFY(tensors.write(folder / "adapter_model.safetensors").ok());
}

std::vector<float> values_of(const CheckpointFiles& files, const std::string& name) {
    const TensorView* const tensor = files.find(name);
    if (tensor == nullptr) return {};
    std::vector<float> values(static_cast<size_t>(tensor->element_count()));
    to_float32(tensor->dtype, tensor->bytes, values);
    return values;
}

}  // namespace

class TestNf4Export : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void writes_what_bitsandbytes_loads() {
        const Folder folder;
        write_tiny_model(folder / "base");
        write_text(folder / "base" / "tokenizer.json", "{}");
        const auto report = export_nf4({.base = folder / "base", .out = folder / "out"});
        QVERIFY2(report.ok(), report.ok() ? "" : report.error().text().c_str());
        QCOMPARE(report->quantized_modules, int64_t(14));
        QVERIFY(std::filesystem::exists(folder / "out" / "tokenizer.json"));
        const auto config = read_model_config(folder / "out");
        QVERIFY(config.ok());
        QCOMPARE(config->quantization, std::string("nf4"));
        const auto json = nlohmann::json::parse(*read_file(folder / "out" / "config.json"));
        const auto& quantization = json["quantization_config"];
        QVERIFY(quantization["load_in_4bit"].get<bool>());
        QVERIFY(quantization["bnb_4bit_use_double_quant"].get<bool>());
        QCOMPARE(quantization["bnb_4bit_compute_dtype"].get<std::string>(), std::string("float32"));

        const auto before = CheckpointFiles::open(folder / "base");
        const auto after = CheckpointFiles::open(folder / "out");
        QVERIFY(values_of(*after, "lm_head.weight") == values_of(*before, "lm_head.weight"));
        const TensorView* const codes = after->find(kModule + ".weight");
        QVERIFY(codes->dtype == TensorDtype::UInt8);
        QVERIFY((codes->shape == std::vector<int64_t>{48, 1}));
        for (const char* const part : {".absmax", ".quant_map", ".nested_absmax",
                                       ".nested_quant_map", ".quant_state.bitsandbytes__nf4"}) {
            QVERIFY2(after->find(kModule + ".weight" + part) != nullptr, part);
        }
        // A head that its config.json ties and its weights do not.
        write_text(folder / "base" / "config.json", tied_config());
        QVERIFY(export_nf4({.base = folder / "base", .out = folder / "untied"}).ok());
        const auto untied = read_model_config(folder / "untied");
        QVERIFY(untied.ok() && !untied->tie_word_embeddings && untied->notes.empty());
        const auto again = export_nf4({.base = folder / "out", .out = folder / "twice"});
        QVERIFY(!again.ok() && again.error().code == ErrorCode::BadUsage);
    }

    // Over the 16-bit base with `dequantized`, and over its 4-bit checkpoint: the same weights, the
    // ones that the products of training saw plus the adapter.
    void merges_into_what_training_saw() {
        const Folder folder;
        write_tiny_model(folder / "base");
        write_adapter(folder / "adapter");
        QVERIFY(export_nf4({.base = folder / "base", .out = folder / "four"}).ok());
        const auto wide = merge_adapter({.base = folder / "base",
                                         .adapter = folder / "adapter",
                                         .out = folder / "a",
                                         .dequantized = Nf4Options{}});
        QVERIFY2(wide.ok(), wide.ok() ? "" : wide.error().text().c_str());
        const auto narrow = merge_adapter(
            {.base = folder / "four", .adapter = folder / "adapter", .out = folder / "b"});
        QVERIFY2(narrow.ok(), narrow.ok() ? "" : narrow.error().text().c_str());
        QVERIFY(wide->is_dequantized && narrow->is_dequantized);

        const auto a = CheckpointFiles::open(folder / "a"), b = CheckpointFiles::open(folder / "b");
        const auto base = CheckpointFiles::open(folder / "base");
        const auto config = read_model_config(folder / "b");
        QVERIFY(config.ok() && config->quantization.empty());
        const WeightMap map = make_weight_map(*config);
        for (const WeightInfo& weight : weights_of(*config, map)) {
            QVERIFY2(!values_of(*a, weight.name).empty(), weight.name.c_str());
            QVERIFY(values_of(*a, weight.name) == values_of(*b, weight.name));
        }
        QCOMPARE(std::ssize(b->files()[0]->tensors()), std::ssize(weights_of(*config, map)));

        TensorSums sums(*base);
        const auto cache = open_nf4_cache(folder / "base", *base, map, {}, sums);
        const auto dequantized = [&](const std::string& module, std::vector<int64_t> shape) {
            const auto tensor =
                read_nf4_tensor([&](std::string_view name) { return cache->file->find(name); },
                                module + ".weight", shape);
            std::vector<float> values(static_cast<size_t>(shape[0] * shape[1]));
            dequantize(*tensor, values);
            return values;
        };
        QVERIFY(values_of(*a, kOther + ".weight") == dequantized(kOther, {8, 8}));
        const std::vector<float> w = dequantized(kModule, {8, 12});
        const auto la = pattern_values(24, 1), lb = pattern_values(16, 2);
        const std::vector<float> merged = values_of(*a, kModule + ".weight");
        for (size_t o = 0; o < 8; ++o) {
            for (size_t i = 0; i < 12; ++i) {
                double want = w[o * 12 + i];
                for (size_t r = 0; r < 2; ++r) want += 1.5 * lb[o * 2 + r] * la[r * 12 + i];
                QVERIFY(std::abs(merged[o * 12 + i] - want) < 1e-6);
            }
        }
    }
};

DAYRUN_TEST(TestNf4Export)
#include "test_nf4_export.moc"
