// The fuzzers' seeds with random bytes changed, without a fuzzer: short, and on every machine.
// `./test --slow`. The long way is tests/fuzz (libFuzzer).
#include <QTest>

#include "tests/fuzz/changed_seeds.h"
#include "tests/fuzz/readers.h"
#include "tests/support/test_registry.h"

using namespace dayrun;

class TestFuzzSlow : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void readers_survive_changed_seeds_data() {
        QTest::addColumn<QString>("folder");
        for (const char* const name :
             {"safetensors", "model_config", "adapter_config", "tokenizer", "jinja"}) {
            QTest::newRow(name) << name;
        }
    }

    void readers_survive_changed_seeds() {
        QFETCH(QString, folder);
        const std::string name = folder.toStdString();
        const fuzz::Reader reader = name == "safetensors"      ? fuzz::read_safetensors
                                    : name == "model_config"   ? fuzz::read_model_config
                                    : name == "adapter_config" ? fuzz::read_adapter_config
                                    : name == "jinja"          ? fuzz::read_chat_template
                                                               : fuzz::read_tokenizer;
        fuzz::read_changed_seeds(name, reader);
    }
};

DAYRUN_TEST(TestFuzzSlow)
#include "test_fuzz_slow.moc"
