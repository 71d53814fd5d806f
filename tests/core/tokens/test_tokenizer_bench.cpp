// How fast text becomes ids: MB per core-second of each reference vocabulary over real rows.
// Prints a table; no figure is judged. Run by `./test --bench`.
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
        std::printf("%-34s %10s %12s %12s\n", "vocabulary", "open s", "rows MB/s", "whole MB/s");
        for (const char* const name : {"gpt2/tokenizer.json", "mistral-7b-v0.1/tokenizer.json",
                                       "mistral-7b-v0.1/tokenizer.model", "qwen/qwen.tiktoken",
                                       "torchtune/tokenizer.json"}) {
            const double start = cpu_seconds();
            const auto tokenizer = open_tokenizer(tokenizers / name);
            const double open_s = cpu_seconds() - start;
            QVERIFY(tokenizer.ok());
            size_t ids = 0;
            double best = 1e9;
            for (int round = 0; round < 3; ++round) {
                const double from = cpu_seconds();
                for (const std::string& text : texts) {
                    ids += (*tokenizer)->encode(text, SpecialTokens::Plain).size();
                }
                best = std::min(best, cpu_seconds() - from);
            }
            std::string whole;
            for (const std::string& text : texts) whole += text + "\n";
            const double from = cpu_seconds();
            ids += (*tokenizer)->encode(whole, SpecialTokens::Plain).size();
            const double whole_s = cpu_seconds() - from;
            QVERIFY(ids > 0);
            std::printf("%-34s %10.3f %12.1f %12.1f\n", name, open_s,
                        static_cast<double>(bytes) / best / 1e6,
                        static_cast<double>(whole.size()) / whole_s / 1e6);
        }
    }
};

DAYRUN_TEST(TestTokenizerBench)
#include "test_tokenizer_bench.moc"
