// Bases and adapters that cannot be used: one sentence that names what is wrong, from the door of
// the engine, and no crash. The readers' own tests (tests/core/model) have the finer cases.
#include <QTemporaryDir>
#include <QTest>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "tests/engine/engine_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;
using dayrun::engine::DecoderEngine;

namespace {

namespace fs = std::filesystem;

const std::string kUp = "model.layers.0.mlp.up_proj.weight";

void edit_json(const fs::path& path, const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json json = nlohmann::json::parse(*read_file(path));
    change(json);
    QVERIFY(write_file(path, json.dump()).ok());
}

/// A model's tensors in memory, to be changed and written again.
struct Weights {
    std::vector<TensorToWrite> tensors;
    std::vector<std::string> bytes;

    explicit Weights(const fs::path& folder) {
        const auto file = SafetensorsFile::open(folder / "model.safetensors");
        bytes.reserve((*file)->tensors().size());
        for (const TensorView& view : (*file)->tensors()) {
            bytes.emplace_back(reinterpret_cast<const char*>(view.bytes.data()), view.bytes.size());
            tensors.push_back(
                {view.name, view.dtype, view.shape, std::as_bytes(std::span(bytes.back()))});
        }
    }
    size_t index(const std::string& name) const {
        for (size_t i = 0; i < tensors.size(); ++i) {
            if (tensors[i].name == name) return i;
        }
        return 0;
    }
    TensorToWrite& at(const std::string& name) { return tensors[index(name)]; }
    void set_value(const std::string& name, float value) {
        std::memcpy(bytes[index(name)].data() + 40, &value, 4);
    }
    void write(const fs::path& path) const { QVERIFY(write_safetensors(path, tensors).ok()); }
};

}  // namespace

class TestBadBases : public QObject {
    Q_OBJECT

    std::unique_ptr<QTemporaryDir> m_folder;
    TinyModel m_model;

    fs::path base() const { return m_folder->path().toStdString(); }
    fs::path weights() const { return base() / "model.safetensors"; }

    void refuses(const Recipe& recipe, ErrorCode code, const std::string& named) const {
        DecoderEngine engine(Device{.threads = 1});
        const auto prepared = engine.prepare(recipe);
        QVERIFY(!prepared.ok());
        const std::string text = prepared.error().text();
        QVERIFY2(prepared.error().code == code, text.c_str());
        QVERIFY2(text.find(named) != std::string::npos, text.c_str());
    }
    void refuses(ErrorCode code, const std::string& named) const {
        refuses(lora_recipe(base()), code, named);
    }

  private Q_SLOTS:
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        QVERIFY(write_tiny_model(base(), m_model, 3));
    }

    void unknown_architecture() {
        edit_json(base() / "config.json", [](auto& json) {
            json["architectures"] = {"FalconForCausalLM"};
            json["model_type"] = "falcon";
        });
        refuses(ErrorCode::Unsupported, "FalconForCausalLM");
    }
    void unsupported_rope() {
        edit_json(base() / "config.json", [](auto& json) {
            json["rope_scaling"] = {{"rope_type", "longrope"}, {"factor", 2.0}};
        });
        refuses(ErrorCode::BadModel, "longrope");
    }
    void dynamic_rope_beyond_its_length() {
        const auto plain = open_engine(lora_recipe(base()));
        const std::vector<PackedRow> row{random_row(16, m_model.vocab, 1)};
        const auto loss_without = plain->logprobs(row, {}, {});
        edit_json(base() / "config.json", [](auto& json) {
            json["rope_scaling"] = {{"rope_type", "dynamic"}, {"factor", 2.0}};
            json["max_position_embeddings"] = 16;
        });
        const auto engine = open_engine(lora_recipe(base()));
        QVERIFY(engine != nullptr);
        const auto loss = engine->logprobs(row, {}, {});
        REQUIRE_OK(loss);
        QCOMPARE(loss->loss, loss_without->loss);
        const auto longer = engine->logprobs({random_row(17, m_model.vocab, 1)}, {}, {});
        QVERIFY(!longer.ok() && longer.error().code == ErrorCode::Unsupported);
        GenerateRequest request{.prompt = {1, 2, 3}, .options = {.max_new_tokens = 14}};
        REQUIRE_OK(engine->generate_batch({request}));
        request.options.max_new_tokens = 15;
        QVERIFY(!engine->generate_batch({request}).ok());
    }
    void missing_tensor() {
        Weights weights_of(base());
        weights_of.at(kUp).name = "model.layers.0.mlp.other.weight";
        weights_of.write(weights());
        refuses(ErrorCode::BadModel, kUp);
    }
    void wrong_shape() {
        Weights weights_of(base());
        std::swap(weights_of.at(kUp).shape[0], weights_of.at(kUp).shape[1]);
        weights_of.write(weights());
        refuses(ErrorCode::BadModel, kUp);
    }
    void wrong_type() {
        Weights weights_of(base());
        weights_of.at(kUp).dtype = TensorDtype::Int32;
        weights_of.write(weights());
        refuses(ErrorCode::BadModel, "I32");
        Recipe quantized = lora_recipe(base());
        quantized.quantization.base = BaseQuantization::Nf4;
        refuses(quantized, ErrorCode::BadModel, "I32");
    }
    void named_twice_and_foreign_index() {
        const Weights weights_of(base());
        weights_of.write(base() / "a.safetensors");
        weights_of.write(base() / "b.safetensors");
        nlohmann::json map;
        for (const auto& tensor : weights_of.tensors) map[tensor.name] = "a.safetensors";
        map[kUp] = "b.safetensors";
        QVERIFY(write_file(base() / "model.safetensors.index.json",
                           nlohmann::json{{"weight_map", map}}.dump())
                    .ok());
        fs::remove(weights());
        refuses(ErrorCode::BadModel, "stored twice");
        // The shard that should hold it does not.
        std::vector<TensorToWrite> rest;
        for (const auto& tensor : weights_of.tensors) {
            if (tensor.name != kUp) rest.push_back(tensor);
        }
        QVERIFY(write_safetensors(base() / "a.safetensors", rest).ok());
        QVERIFY(write_safetensors(base() / "b.safetensors", {rest.front()}).ok());
        refuses(ErrorCode::BadModel, rest.front().name);
        fs::remove(base() / "b.safetensors");
        refuses(ErrorCode::FileMissing, "b.safetensors");
    }

    void not_a_number_is_named_at_the_first_loss() {
        Weights weights_of(base());
        weights_of.set_value(kUp, NAN);
        weights_of.write(weights());
        auto engine = open_engine(lora_recipe(base()));
        QVERIFY(engine);
        const PackedRow row = random_row(12, m_model.vocab, 1);
        const auto evaluated = engine->evaluate({make_batch({row}, 0)}, 1);
        const auto logprobs = engine->logprobs({row}, {}, {});
        GenerateOptions options;
        options.max_new_tokens = 4;
        const auto generated = engine->generate({1, 2, 3}, options);
        QVERIFY(!evaluated.ok() && !logprobs.ok() && !generated.ok());
        for (const Error& error : {evaluated.error(), logprobs.error(), generated.error()}) {
            QCOMPARE(error.code, ErrorCode::NotFinite);
            QVERIFY2(error.message.find(kUp) != std::string::npos, error.message.c_str());
        }
        Recipe quantized = lora_recipe(base());
        quantized.quantization.base = BaseQuantization::Nf4;
        refuses(quantized, ErrorCode::NotFinite, kUp);
    }

    void target_that_matches_nothing() {
        Recipe recipe = lora_recipe(base());
        recipe.adapter.target_modules = std::vector<std::string>{"q_proj", "c_attn"};
        refuses(recipe, ErrorCode::BadRecipe, "gate_proj");
        recipe.adapter.target_modules = std::string(".*c_attn");
        refuses(recipe, ErrorCode::BadRecipe, "q_proj");
        recipe.adapter.target_modules = std::string("(unclosed");
        refuses(recipe, ErrorCode::BadRecipe, "unclosed");
    }

    void regular_expressions_choose_modules() {
        Recipe recipe = lora_recipe(base());
        recipe.adapter.target_modules = std::string(R"(model\.layers\.1\..*(q|up)_proj)");
        DecoderEngine engine(Device{.threads = 1});
        const auto prepared = engine.prepare(recipe);
        REQUIRE_OK(prepared);
        QVERIFY((prepared->adapted_modules ==
                 std::vector<std::string>{"model.layers.1.self_attn.q_proj",
                                          "model.layers.1.mlp.up_proj"}));
    }

    void foreign_adapters() {
        auto engine = open_engine(lora_recipe(base(), 4));
        QVERIFY(engine);
        const fs::path adapter = base() / "adapter";
        REQUIRE_OK(engine->save_adapter(adapter));
        Recipe recipe = lora_recipe(base());
        recipe.adapter.init_from = adapter.string();
        edit_json(adapter / "adapter_config.json", [](auto& json) { json["r"] = 8; });
        refuses(recipe, ErrorCode::BadModel, "lora_A");
        edit_json(adapter / "adapter_config.json", [](auto& json) {
            json["r"] = 4;
            json["modules_to_save"] = {"lm_head"};
        });
        refuses(recipe, ErrorCode::BadModel, "modules_to_save");
        edit_json(adapter / "adapter_config.json",
                  [](auto& json) { json["modules_to_save"] = nullptr; });
        TinyModel other = m_model;
        other.hidden = 48;
        QVERIFY(write_tiny_model(base(), other, 3));
        refuses(recipe, ErrorCode::BadModel, "[4, 24]");
    }

    void adapters_that_are_not_finite() {
        Recipe recipe = lora_recipe(base(), 4);
        auto engine = open_engine(recipe);
        QVERIFY(engine);
        engine->parameters().all().back().value[1] = INFINITY;
        const fs::path adapter = base() / "adapter";
        REQUIRE_OK(engine->save_adapter(adapter));
        recipe.adapter.init_from = adapter.string();
        refuses(recipe, ErrorCode::NotFinite, "holds values that are not finite");
    }

    // Ranks and scales of single modules, as PEFT's patterns give them.
    void adapters_with_patterns() {
        auto engine = open_engine(lora_recipe(base(), 4));
        QVERIFY(engine);
        const fs::path adapter = base() / "adapter";
        REQUIRE_OK(engine->save_adapter(adapter));
        edit_json(adapter / "adapter_config.json", [](auto& json) {
            json["r"] = 2;
            json["rank_pattern"] = {{".*_proj", 4}};
            json["alpha_pattern"] = {{"layers.0.*", 16}};
        });
        Recipe recipe = lora_recipe(base());
        recipe.adapter.init_from = adapter.string();
        auto opened = open_engine(recipe);
        QVERIFY(opened);
        const auto& layers = opened->decoder().weights().layers;
        QCOMPARE(layers[0].qkv.linears()[0].rank, int64_t{4});
        QCOMPARE(layers[0].qkv.linears()[0].scaling, 4.0F);
        QCOMPARE(layers[1].qkv.linears()[0].scaling, 2.0F);
    }
};

DAYRUN_TEST(TestBadBases)
#include "test_bad_bases.moc"
