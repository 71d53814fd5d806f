// How fast text becomes ids, side by side with Hugging Face tokenizers 0.23: bytes per core-second
// over real rows and over one long text, in interleaved pairs. The peer goes into an environment of
// its own; without Python and a network or pip cache our side is printed alone. No figure is judged
// here. Run by `./test --bench`.
#include <QDir>
#include <QFile>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base/atomic_file.h"
#include "core/tokens/tokenizer.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

const QString kScripts = QStringLiteral(DAYRUN_SOURCE_DIR "/tests/core/tokens/peer/");

double cpu_seconds() {
    timespec time = {};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// The texts of a JSONL file's question and answer fields.
std::vector<std::string> texts_of(const std::filesystem::path& path) {
    std::vector<std::string> texts;
    std::istringstream lines(*read_file(path));
    for (std::string line; std::getline(lines, line);) {
        const auto json = nlohmann::json::parse(line, nullptr, false);
        if (!json.is_object()) continue;
        for (const auto& [key, value] : json.items()) {
            if (value.is_string()) texts.push_back(value.get<std::string>());
        }
    }
    return texts;
}

/// Output of a program that ended well, else nothing.
std::optional<QByteArray> output_of(const QString& program, const QStringList& arguments) {
    QProcess process;
    process.start(program, arguments);
    if (!process.waitForFinished(600000) || process.exitCode() != 0) return std::nullopt;
    return process.readAllStandardOutput();
}

/// Python with the peer in it; empty when it cannot be had.
QString peer_python() {
    const QString folder = QStandardPaths::writableLocation(QStandardPaths::GenericCacheLocation) +
                           "/dayrun/tokenizers";
    const QString python = folder + "/bin/python";
    const QStringList check{"-c", "import tokenizers; assert tokenizers.__version__ > '0.23'"};
    if (QFile::exists(python) && output_of(python, check)) return python;
    const QStringList install{
        "-m", "pip", "install", "-q", "--no-deps", "-r", kScripts + "requirements.txt"};
    if (!output_of("python3", {"-m", "venv", folder}) || !output_of(python, install)) return {};
    return output_of(python, check) ? python : QString();
}

/// Seconds and ids of one pass; seconds below 0 when there is no figure.
struct Pass {
    double seconds = -1;
    size_t ids = 0;
};

Pass our_pass(const Tokenizer& tokenizer, const std::vector<std::string>& texts) {
    Pass pass;
    const double from = cpu_seconds();
    for (const std::string& text : texts) {
        pass.ids += tokenizer.encode(text, SpecialTokens::Plain).size();
    }
    pass.seconds = cpu_seconds() - from;
    return pass;
}

Pass peer_pass(const QString& python, const std::filesystem::path& vocabulary,
               const QString& texts_file) {
    const auto output = output_of(
        python,
        {kScripts + "encode_texts.py", QString::fromStdString(vocabulary.string()), texts_file});
    if (!output) return {};
    const auto json = nlohmann::json::parse(output->toStdString(), nullptr, false);
    if (!json.is_object()) return {};
    return {json.value("seconds", -1.0), json.value("ids", size_t{0})};
}

void keep_best(Pass& best, const Pass& pass) {
    if (pass.seconds > 0 && (best.seconds < 0 || pass.seconds < best.seconds)) best = pass;
}

}  // namespace

class TestTokenizerBench : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void prints_speeds() {
        DAYRUN_REQUIRE_SHARED(rows, "data/gsm8k/train.jsonl");
        DAYRUN_REQUIRE_SHARED(tokenizers, "tokenizers");
        const auto texts = texts_of(rows);
        size_t bytes = 0;
        for (const std::string& text : texts) bytes += text.size();
        const QTemporaryDir folder;
        const QString file = folder.filePath("texts.json");
        QVERIFY(write_file(file.toStdString(), nlohmann::json(texts).dump()).ok());
        const QString python = peer_python();
        if (python.isEmpty()) std::printf("The peer cannot be installed here: our side alone.\n");
        struct Vocabulary {
            const char* ours;
            const char* peers;  // the same vocabulary in a form that the peer reads
        };
        std::printf("%-34s %12s %12s %8s %6s\n", "vocabulary", "Dayrun MB/s", "peer MB/s", "ratio",
                    "ids");
        for (const auto& [ours, peers] :
             {Vocabulary{"gpt2/tokenizer.json", "gpt2/tokenizer.json"},
              Vocabulary{"mistral-7b-v0.1/tokenizer.json", "mistral-7b-v0.1/tokenizer.json"},
              Vocabulary{"mistral-7b-v0.1/tokenizer.model", "mistral-7b-v0.1/tokenizer.json"},
              Vocabulary{"qwen/qwen.tiktoken", "qwen/qwen.tiktoken"},
              Vocabulary{"torchtune/tokenizer.json", "torchtune/tokenizer.json"}}) {
            const auto tokenizer = open_tokenizer(tokenizers / ours);
            QVERIFY(tokenizer.ok());
            Pass own, other;
            for (int round = 0; round < 3; ++round) {
                keep_best(own, our_pass(**tokenizer, texts));
                if (!python.isEmpty()) {
                    keep_best(other, peer_pass(python, tokenizers / peers, file));
                }
            }
            const auto speed = [&](const Pass& pass) {
                return pass.seconds > 0 ? static_cast<double>(bytes) / pass.seconds / 1e6 : 0.0;
            };
            std::printf("%-34s %12.1f %12.1f %7.1fx %6s\n", ours, speed(own), speed(other),
                        speed(other) > 0 ? speed(own) / speed(other) : 0.0,
                        other.seconds < 0      ? "-"
                        : own.ids == other.ids ? "same"
                                               : "differ");
        }
    }
};

DAYRUN_TEST(TestTokenizerBench)
#include "test_tokenizer_bench.moc"
