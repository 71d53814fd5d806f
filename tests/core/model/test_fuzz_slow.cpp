// The fuzzers' seeds with random bytes changed, without a fuzzer: short, and on every machine.
// `./test --slow`. The long way is tests/fuzz (libFuzzer).
#include <QTest>
#include <random>

#include "core/base/atomic_file.h"
#include "tests/fuzz/readers.h"
#include "tests/support/test_registry.h"

using namespace dayrun;

namespace {

using Reader = void (*)(const uint8_t*, size_t);

/// One to four changes: another byte, a piece cut out, a piece doubled.
std::string changed(std::string bytes, std::mt19937& random) {
    for (auto i = random() % 4 + 1; i > 0 && !bytes.empty(); --i) {
        const size_t at = random() % bytes.size();
        const size_t length = std::min<size_t>(random() % 9 + 1, bytes.size() - at);
        switch (random() % 4) {
            case 0:
                bytes[at] = static_cast<char>(random() % 256);
                break;
            case 1:
                bytes[at] = "0123456789{}[]\",:-e."[random() % 20];
                break;
            case 2:
                bytes.erase(at, length);
                break;
            default:
                bytes.insert(at, bytes.substr(at, length));
        }
    }
    return bytes;
}

}  // namespace

class TestFuzzSlow : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void readers_survive_changed_seeds_data() {
        QTest::addColumn<QString>("folder");
        for (const char* const name :
             {"safetensors", "model_config", "adapter_config", "tokenizer"}) {
            QTest::newRow(name) << name;
        }
    }

    void readers_survive_changed_seeds() {
        QFETCH(QString, folder);
        const std::string name = folder.toStdString();
        const Reader reader = name == "safetensors"      ? fuzz::read_safetensors
                              : name == "model_config"   ? fuzz::read_model_config
                              : name == "adapter_config" ? fuzz::read_adapter_config
                                                         : fuzz::read_tokenizer;
        const auto seeds =
            std::filesystem::path(DAYRUN_SOURCE_DIR) / "tests" / "fuzz" / "seeds" / name;
        std::mt19937 random(1);
        int runs = 0;
        for (const auto& entry : std::filesystem::directory_iterator(seeds)) {
            const auto seed = core::read_file(entry.path());
            QVERIFY(seed.ok());
            for (int i = 0; i < 5000; ++i) {
                const std::string bytes = changed(*seed, random);
                reader(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
                ++runs;
            }
        }
        QVERIFY(runs >= 5000);
    }
};

DAYRUN_TEST(TestFuzzSlow)
#include "test_fuzz_slow.moc"
