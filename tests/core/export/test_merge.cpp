// Merging an adapter: by hand on a tiny model, and against reference merges.
#include <QTest>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/export/merge.h"
#include "core/export/model_files.h"
#include "core/model/files/element_convert.h"
#include "tests/core/model/model_fixture.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

const std::string kModule = "model.layers.1.mlp.down_proj";  // [8, 12]

std::vector<float> values_of(const TensorView& tensor) {
    std::vector<float> values(static_cast<size_t>(tensor.element_count()));
    to_float32(tensor.dtype, tensor.bytes, values);
    return values;
}

void write_tiny_adapter(const std::filesystem::path& folder, const char* config) {
    write_text(folder / "adapter_config.json", config);
    TensorSet tensors;
    tensors.add(lora_a_name(kModule), {2, 12}, pattern_values(24, 1));
    tensors.add(lora_b_name(kModule), {8, 2}, pattern_values(16, 2));
    QVERIFY(tensors.write(folder / "adapter_model.safetensors").ok());
}

/// w + scaling * b a in double.
std::vector<double> merged_by_hand(const std::vector<float>& w, double scaling) {
    const auto a = pattern_values(24, 1);
    const auto b = pattern_values(16, 2);
    std::vector<double> merged(w.begin(), w.end());
    for (size_t o = 0; o < 8; ++o) {
        for (size_t i = 0; i < 12; ++i) {
            for (size_t r = 0; r < 2; ++r) {
                merged[o * 12 + i] += scaling * double(b[o * 2 + r]) * double(a[r * 12 + i]);
            }
        }
    }
    return merged;
}

}  // namespace

class TestMerge : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void merges_and_leaves_the_rest_alone() {
        const Folder folder;
        write_tiny_model(folder / "base");
        write_text(folder / "base" / "tokenizer.json", "{}");
        write_text(folder / "base" / "generation_config.json", "{}");
        write_tiny_adapter(folder / "adapter", R"({"r": 2, "lora_alpha": 3})");
        const auto report = merge_adapter(
            {.base = folder / "base", .adapter = folder / "adapter", .out = folder / "out"});
        QVERIFY2(report.ok(), report.ok() ? "" : report.error().text().c_str());
        QCOMPARE(report->merged_modules, int64_t(1));
        const auto before = CheckpointFiles::open(folder / "base");
        const auto after = CheckpointFiles::open(folder / "out");
        QVERIFY(after.ok());
        for (const TensorView& tensor : before->files()[0]->tensors()) {
            const auto merged = values_of(*after->find(tensor.name));
            if (tensor.name != kModule + ".weight") {
                QVERIFY(values_of(tensor) == merged);
                continue;
            }
            const auto expected = merged_by_hand(values_of(tensor), 1.5);
            for (size_t i = 0; i < merged.size(); ++i) {
                QVERIFY(std::abs(double(merged[i]) - expected[i]) < 1e-6);
            }
        }
        QVERIFY(std::filesystem::exists(folder / "out" / "tokenizer.json"));
        QVERIFY(std::filesystem::exists(folder / "out" / "generation_config.json"));
    }

    void rounds_once_to_the_wanted_dtype() {
        const Folder folder;
        write_tiny_model(folder / "base");
        write_tiny_adapter(folder / "adapter", R"({"r": 2, "lora_alpha": 3})");
        const auto report = merge_adapter({.base = folder / "base",
                                           .adapter = folder / "adapter",
                                           .out = folder / "out",
                                           .dtype = TensorDtype::BFloat16});
        QVERIFY(report.ok());
        const auto after = CheckpointFiles::open(folder / "out");
        const TensorView* const tensor = after->find(kModule + ".weight");
        QVERIFY(tensor->dtype == TensorDtype::BFloat16);
        const auto base = CheckpointFiles::open(folder / "base");
        const auto expected = merged_by_hand(values_of(*base->find(kModule + ".weight")), 1.5);
        const auto merged = values_of(*tensor);
        for (size_t i = 0; i < merged.size(); ++i) {
            QVERIFY(std::abs(double(merged[i]) - expected[i]) <= std::abs(expected[i]) / 256);
        }
        const auto json = nlohmann::json::parse(*read_file(folder / "out" / "config.json"));
        QCOMPARE(json["torch_dtype"].get<std::string>(), std::string("bfloat16"));
        QCOMPARE(json["hidden_size"].get<int>(), 8);
    }

    // Its config.json ties the head, its weights hold another one: the merged config says so.
    void a_stored_head_is_untied_in_the_merged_config() {
        const Folder folder;
        write_tiny_model(folder / "base");
        write_text(folder / "base" / "config.json", tied_config());
        write_tiny_adapter(folder / "adapter", R"({"r": 2, "lora_alpha": 3})");
        const MergeRequest request{
            .base = folder / "base", .adapter = folder / "adapter", .out = folder / "out"};
        QVERIFY(merge_adapter(request).ok());
        const auto tie = [&] {
            const auto json = nlohmann::json::parse(*read_file(folder / "out" / "config.json"));
            return json["tie_word_embeddings"].get<bool>();
        };
        QVERIFY(!tie());
        const auto merged = read_model_config(folder / "out");
        QVERIFY(!merged->tie_word_embeddings && merged->notes.empty());
        // Without a head in the files the config was right.
        const auto all = CheckpointFiles::open(folder / "base");
        TensorSet headless;
        for (const TensorView& tensor : all->files()[0]->tensors()) {
            if (tensor.name == "lm_head.weight") continue;
            headless.add(tensor.name, tensor.shape, values_of(tensor));
        }
        QVERIFY(headless.write(folder / "base" / "model.safetensors").ok());
        QVERIFY(merge_adapter(request).ok());
        QVERIFY(tie());
    }

    void refuses_what_cannot_be_merged() {
        const Folder folder;
        write_tiny_model(folder / "base");
        write_tiny_adapter(folder / "adapter", R"({"r": 2, "lora_alpha": 3})");
        auto same = merge_adapter(
            {.base = folder / "base", .adapter = folder / "adapter", .out = folder / "base"});
        QVERIFY(!same.ok() && same.error().code == ErrorCode::BadUsage);
        write_text(folder / "adapter" / "adapter_config.json", R"({"r": 2, "lora_alpha": 1e38})");
        TensorSet broken;
        broken.add(lora_a_name(kModule), {2, 12}, std::vector<float>(24, 1e30f));
        broken.add(lora_b_name(kModule), {8, 2}, std::vector<float>(16, 1e30f));
        QVERIFY(broken.write(folder / "adapter" / "adapter_model.safetensors").ok());
        const auto infinite = merge_adapter(
            {.base = folder / "base", .adapter = folder / "adapter", .out = folder / "out"});
        QVERIFY(!infinite.ok() && infinite.error().code == ErrorCode::NotFinite);
        QVERIFY(infinite.error().message.find(kModule) != std::string::npos);
        QVERIFY(!std::filesystem::exists(folder / "out" / "model.safetensors"));
    }

    void converts_half_precision_exactly() {
        // Every half goes to float and back; ties round to even.
        for (uint32_t bits = 0; bits < 65536; ++bits) {
            const auto half = static_cast<uint16_t>(bits);
            float value = 0;
            to_float32(TensorDtype::Float16, std::as_bytes(std::span(&half, 1)), {&value, 1});
            uint16_t back = 0;
            from_float32({&value, 1}, TensorDtype::Float16,
                         std::as_writable_bytes(std::span(&back, 1)));
            if (std::isnan(value)) {
                QVERIFY((back & 0x7c00) == 0x7c00 && (back & 0x3ff) != 0);
            } else {
                QCOMPARE(back, half);
            }
        }
        const auto half_of = [](float value) {
            uint16_t half = 0;
            from_float32({&value, 1}, TensorDtype::Float16,
                         std::as_writable_bytes(std::span(&half, 1)));
            return half;
        };
        QCOMPARE(half_of(1.0f + 0x1p-11f), uint16_t(0x3c00));
        QCOMPARE(half_of(1.0f + 3 * 0x1p-11f), uint16_t(0x3c02));
        QCOMPARE(half_of(65520.0f), uint16_t(0x7c00));
        QCOMPARE(half_of(65519.0f), uint16_t(0x7bff));
        QCOMPARE(half_of(0x1p-25f), uint16_t(0));
        QCOMPARE(half_of(-0x1.8p-25f), uint16_t(0x8001));
    }

    void equals_reference_merges() {
        DAYRUN_REQUIRE_SHARED(goldens, "goldens/models");
        int compared = 0;
        for (const auto& entry : std::filesystem::directory_iterator(goldens)) {
            for (const char* const method : {"lora", "rslora", "dora"}) {
                const auto golden = entry.path() / method;
                if (!std::filesystem::exists(golden / "merged.safetensors")) continue;
                const Folder folder;
                const auto report = merge_adapter(
                    {.base = entry.path(), .adapter = golden / "final", .out = folder.path()});
                QVERIFY2(report.ok(), report.ok() ? "" : report.error().text().c_str());
                const auto ours = CheckpointFiles::open(folder.path());
                const auto theirs = SafetensorsFile::open(golden / "merged.safetensors");
                QVERIFY(ours.ok() && theirs.ok());
                for (const TensorView& tensor : (*theirs)->tensors()) {
                    const auto mine = ours->require(tensor.name, tensor.shape);
                    QVERIFY2(mine.ok(), mine.ok() ? "" : mine.error().text().c_str());
                    const auto expected = values_of(tensor);
                    const auto merged = values_of(*mine);
                    for (size_t i = 0; i < merged.size(); ++i) {
                        QVERIFY2(std::abs(merged[i] - expected[i]) < 1e-6f, tensor.name.c_str());
                    }
                    ++compared;
                }
            }
        }
        QVERIFY(compared > 50);
    }
};

DAYRUN_TEST(TestMerge)
#include "test_merge.moc"
