// A head in the weights against what config.json says of it: the weights decide, a copy of the
// embedding stays tied, and what cannot be a head is refused.
#include <QTest>
#include <nlohmann/json.hpp>

#include "core/model/model_folder.h"
#include "tests/core/model/model_fixture.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

const std::string kEmbedding = "model.embed_tokens.weight", kHead = "lm_head.weight";
constexpr int64_t kHeadSize = 16 * 8;

/// The tiny model with this head, or without one where there are no values.
void write_model(const std::filesystem::path& folder, std::vector<float> head,
                 const std::vector<int64_t>& shape = {16, 8}) {
    const auto config = parse_model_config(kTinyConfig, "config.json");
    TensorSet tensors;
    for (const auto& weight : weights_of(*config, make_weight_map(*config))) {
        if (weight.name == kHead) continue;
        int64_t count = 1;
        for (const int64_t size : weight.shape) count *= size;
        tensors.add(weight.name, weight.shape, pattern_values(count, 1));
    }
    if (!head.empty()) tensors.add(kHead, shape, std::move(head));
    QVERIFY(tensors.write(folder / "model.safetensors").ok());
}

}  // namespace

class TestStoredHead : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void another_head_is_untied_and_told() {
        const Folder folder;
        write_text(folder / "config.json", tied_config());
        // A config alone is followed.
        const auto alone = read_model_config(folder.path());
        QVERIFY(alone->tie_word_embeddings && alone->notes.empty());
        write_model(folder.path(), pattern_values(kHeadSize, 2));
        const auto config = read_model_config(folder.path());
        QVERIFY2(config.ok(), config.ok() ? "" : config.error().text().c_str());
        QVERIFY(!config->tie_word_embeddings);
        QCOMPARE(config->notes.size(), size_t(1));
        QVERIFY2(config->notes[0].find("hold another 'lm_head.weight'") != std::string::npos,
                 config->notes[0].c_str());
        QCOMPARE(parameter_count(*config), parameter_count(*alone) + kHeadSize);
        QCOMPARE(inspect_model_folder(folder.path()).parameter_count, parameter_count(*config));
        // Drawn weights are not those of the file.
        QVERIFY(read_model_config(folder.path(), WeightSource::Drawn)->tie_word_embeddings);
    }

    // One bit is enough, at the very end too.
    void a_copy_of_the_embedding_stays_tied() {
        const Folder folder;
        write_text(folder / "config.json", tied_config());
        std::vector<float> head = pattern_values(kHeadSize, 1);
        write_model(folder.path(), head);
        const auto config = read_model_config(folder.path());
        QVERIFY(config->tie_word_embeddings && config->notes.empty());
        head.back() = std::nextafter(head.back(), 2.0F);
        write_model(folder.path(), head);
        QVERIFY(!read_model_config(folder.path())->tie_word_embeddings);
    }

    void another_number_format_is_another_head() {
        const Folder folder;
        write_text(folder / "config.json", tied_config());
        const std::vector<float> values(kHeadSize, 1);
        const std::vector<uint16_t> narrow(kHeadSize, 0x3f80);  // one in bfloat16
        QVERIFY(write_safetensors(
                    folder / "model.safetensors",
                    {{kEmbedding, TensorDtype::Float32, {16, 8}, std::as_bytes(std::span(values))},
                     {kHead, TensorDtype::BFloat16, {16, 8}, std::as_bytes(std::span(narrow))}})
                    .ok());
        QVERIFY(!read_model_config(folder.path())->tie_word_embeddings);
    }

    void finds_a_head_in_another_shard() {
        const Folder folder;
        write_model(folder.path(), {});
        std::filesystem::rename(folder / "model.safetensors", folder / "a.safetensors");
        TensorSet head;
        head.add(kHead, {16, 8}, pattern_values(kHeadSize, 2));
        QVERIFY(head.write(folder / "b.safetensors").ok());
        nlohmann::json map = {{kHead, "b.safetensors"}};
        const auto file = SafetensorsFile::open(folder / "a.safetensors");
        for (const TensorView& tensor : (*file)->tensors()) map[tensor.name] = "a.safetensors";
        write_text(folder / "model.safetensors.index.json",
                   nlohmann::json{{"weight_map", map}}.dump());
        write_text(folder / "config.json", tied_config());
        const auto config = read_model_config(folder.path());
        QVERIFY(config.ok() && !config->tie_word_embeddings);
    }

    void refuses_what_is_no_head_of_this_model() {
        const Folder folder;
        write_text(folder / "config.json", tied_config());
        write_model(folder.path(), pattern_values(17 * 8, 2), {17, 8});
        const auto longer = read_model_config(folder.path());
        QVERIFY(!longer.ok());
        QVERIFY2(longer.error().message.find("[17, 8], but config.json asks for [16, 8]") !=
                     std::string::npos,
                 longer.error().message.c_str());
        // A 4-bit head is refused by name, tied or not.
        const std::vector<uint8_t> codes(kHeadSize / 2, 7);
        QVERIFY(
            write_safetensors(
                folder / "model.safetensors",
                {{kHead, TensorDtype::UInt8, {kHeadSize / 2, 1}, std::as_bytes(std::span(codes))}})
                .ok());
        const std::string four_bit = R"(, "quantization_config": {"quant_method": "bitsandbytes",
            "load_in_4bit": true, "bnb_4bit_quant_type": "nf4"}})";
        for (std::string config : {tied_config(), std::string(kTinyConfig)}) {
            write_text(folder / "config.json", config.replace(config.rfind('}'), 1, four_bit));
            const auto quantized = read_model_config(folder.path());
            QVERIFY(!quantized.ok() && quantized.error().code == ErrorCode::Unsupported);
            QVERIFY(quantized.error().message.find("is quantized") != std::string::npos);
        }
    }

    // transformers would draw one at random.
    void an_untied_model_without_a_head_is_not_ready() {
        const Folder folder;
        write_text(folder / "config.json", kTinyConfig);
        write_model(folder.path(), {});
        const ModelFolderInfo info = inspect_model_folder(folder.path());
        QVERIFY2(info.problems[0].find("no tensor 'lm_head.weight'") != std::string::npos,
                 info.problems[0].c_str());
    }
};

DAYRUN_TEST(TestStoredHead)
#include "test_stored_head.moc"
