// What a folder holds and lacks, in words, and the models of the local cache.
#include <QTest>

#include "core/model/model_folder.h"
#include "tests/core/model/model_fixture.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

class TestModelFolder : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void describes_a_whole_model() {
        const Folder folder;
        write_tiny_model(folder.path());
        write_text(folder / "tokenizer.model", "x");
        const ModelFolderInfo info = inspect_model_folder(folder.path());
        QVERIFY2(info.is_ready(), info.is_ready() ? "" : info.problems[0].c_str());
        QVERIFY(info.config->family == ModelFamily::Llama);
        // 2 * 16*8 embeddings, 5 norms of 8, per layer q 64, k 32, v 32, o 64 and 3 * 96.
        QCOMPARE(info.parameter_count, int64_t(2 * 128 + 5 * 8 + 2 * (64 + 32 + 32 + 64 + 288)));
        QCOMPARE(info.dtype, std::string("F32"));
        QVERIFY(info.weight_bytes > info.parameter_count * 4);
        QCOMPARE(info.tokenizer_file.filename().string(), std::string("tokenizer.model"));
    }

    void says_what_is_missing() {
        const Folder folder;
        ModelFolderInfo info = inspect_model_folder(folder / "nothing");
        QCOMPARE(info.problems.size(), size_t(1));
        info = inspect_model_folder(folder.path());
        QCOMPARE(info.problems.size(), size_t(3));
        write_tiny_model(folder.path());
        info = inspect_model_folder(folder.path());
        QCOMPARE(info.problems.size(), size_t(1));
        QVERIFY(info.problems[0].find("no tokenizer") != std::string::npos);
        std::string config = kTinyConfig;
        config.replace(config.find("\"vocab_size\": 16"), 16, "\"vocab_size\": 17");
        write_text(folder / "config.json", config);
        info = inspect_model_folder(folder.path());
        QCOMPARE(info.problems.size(), size_t(2));
        QVERIFY(info.problems[0].find("[16, 8], but config.json asks for [17, 8]") !=
                std::string::npos);
    }

    void tells_weights_with_more_layers_than_the_config() {
        const Folder folder;
        write_tiny_model(folder.path());
        std::string config = kTinyConfig;
        config.replace(config.find("\"num_hidden_layers\": 2"), 22, "\"num_hidden_layers\": 1");
        write_text(folder / "config.json", config);
        const ModelFolderInfo info = inspect_model_folder(folder.path());
        QVERIFY2(info.problems[0].find("hold 'model.layers.1.input_layernorm.weight', but "
                                       "config.json asks for 1 layer only") != std::string::npos,
                 info.problems[0].c_str());
    }

    void lists_the_local_cache() {
        const Folder folder;
        const auto hub = folder / "hub";
        const std::string commit(40, 'a');
        const auto repository = hub / "models--org--name";
        write_text(repository / "refs" / "main", commit);
        write_text(repository / "snapshots" / commit / "config.json", "{}");
        write_text(repository / "snapshots" / std::string(40, 'b') / "config.json", "{}");
        write_text(hub / "models--org--partial" / "refs" / "main", commit);
        write_text(hub / "datasets--org--name" / "snapshots" / commit / "config.json", "{}");
        write_text(folder / "own" / "tiny" / "config.json", "{}");
        qputenv("HF_HUB_CACHE", QByteArray::fromStdString(hub.string()));
        const auto models = list_local_models({folder / "own", folder / "own" / "tiny"});
        qunsetenv("HF_HUB_CACHE");
        QCOMPARE(models.size(), size_t(3));
        QCOMPARE(models[0].name, std::string("org/name"));
        QVERIFY(models[0].folder == repository / "snapshots" / commit);
        QCOMPARE(models[1].name, std::string("tiny"));
    }

    void finds_the_cache_as_the_hub_library_does() {
        for (const char* const name :
             {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"}) {
            qunsetenv(name);
        }
        const QByteArray home = qgetenv("HOME");
        qputenv("HOME", "/h");
        QCOMPARE(hub_cache_folder().string(), std::string("/h/.cache/huggingface/hub"));
        qputenv("XDG_CACHE_HOME", "/x");
        QCOMPARE(hub_cache_folder().string(), std::string("/x/huggingface/hub"));
        qputenv("HF_HOME", "~/hf");
        QCOMPARE(hub_cache_folder().string(), std::string("/h/hf/hub"));
        qputenv("HUGGINGFACE_HUB_CACHE", "/old");
        QCOMPARE(hub_cache_folder().string(), std::string("/old"));
        qputenv("HF_HUB_CACHE", "/new");
        QCOMPARE(hub_cache_folder().string(), std::string("/new"));
        for (const char* const name :
             {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"}) {
            qunsetenv(name);
        }
        qputenv("HOME", home);
    }

    void is_ready_with_a_real_model() {
        DAYRUN_REQUIRE_SHARED(model, "models/stories260K/hf-bf16");
        const ModelFolderInfo info = inspect_model_folder(model);
        QVERIFY2(info.is_ready(), info.is_ready() ? "" : info.problems[0].c_str());
        QCOMPARE(info.parameter_count, int64_t(260032));
        QCOMPARE(info.dtype, std::string("BF16"));
    }
};

DAYRUN_TEST(TestModelFolder)
#include "test_model_folder.moc"
