// A damaged token cache is never used: whichever bit of it is flipped and wherever it is cut, what
// is read is what was written, or the cache is built anew and that is told. Damage by Arrow's own
// rules is test_arrow_file's.
#include <QTest>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/compile/cache/cache_folder.h"
#include "core/compile/cache/data_compiler.h"
#include "core/compile/cache/data_report.h"
#include "core/compile/cache/token_cache.h"
#include "core/compile/packing/batch_stream.h"
#include "tests/core/compile/row_folder.h"
#include "tests/core/tokens/byte_tokenizer.h"
#include "tests/support/damaged_cache.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;
namespace fs = std::filesystem;

namespace {

const ByteTokenizer kTokenizer;

/// Rows with words in common, one without an answer, and one that is no JSON.
std::string text_rows() {
    std::string rows;
    for (int i = 0; i < 14; ++i) {
        const std::string question = "Which of the seven old rivers of the south is the longest " +
                                     std::to_string(i / 2 * 7 % 5);
        const std::string answer = i == 5 ? "" : "the river " + std::to_string(i);
        rows += nlohmann::json{{"question", question}, {"answer", answer}}.dump() + "\n";
    }
    return rows + "{\n";
}

/// Ids whose labels are others, and ids alone.
std::string id_rows() {
    return "{\"input_ids\": [5, 6, 7, 8, 9], \"labels\": [-100, -100, 1007, 8, 9]}\n"
           "{\"input_ids\": [1, 2, 3, 4]}\n"
           "{\"input_ids\": [70, 80, 90], \"labels\": [-100, 80, 90]}\n";
}

std::string text_of(std::span<const int32_t> numbers) {
    std::string text;
    for (const int32_t number : numbers) text += std::to_string(number) + " ";
    return text + "\n";
}

std::string text_of(const PackedBatch& batch) {
    std::string text = text_of(batch.tokens) + text_of(batch.targets);
    for (const DocumentSpan& span : batch.documents) {
        text += std::to_string(span.sample_id) + " " + std::to_string(span.source_index) + " ";
    }
    return text + "\n";
}

/// Everything that is read out of the caches: an epoch as the trainer gets it, the held-out rows,
/// the report with drops, duplicates and overlap, and the manifest. FileDamaged as the readers say.
Result<std::string> everything(const CompiledData& data) {
    std::string all = data.manifest_json();
    TRY(report, data_report_json(data, &kTokenizer));
    auto json = nlohmann::json::parse(report);
    json.erase("warnings");
    for (auto& source : json["sources"]) source.erase("from_cache");
    all += json.dump() + "\n";
    for (const SourceReport& source : data.sources) {
        all += std::to_string(source.max_token_id) + "\n";
    }
    BatchStream stream(std::make_shared<const CompiledData>(data));
    for (int64_t i = 0; i < data.micro_batches_in_epoch(0); ++i) {
        TRY(streamed, stream.next());
        all += text_of(streamed.batch);
    }
    TRY(validation, data.validation_batches());
    for (const PackedBatch& batch : validation) all += text_of(batch);
    return all;
}

}  // namespace

class TestCacheDamage : public QObject, RowFolder {
    Q_OBJECT

    Recipe m_recipe;

    /// Compiles until everything can be read, as one start after the other would; `told` gets what
    /// was said.
    std::string read_all(std::string& told) {
        for (int start = 0; start < 3; ++start) {
            const auto data = compile_data(m_recipe, &kTokenizer, folder() / "cache");
            if (!data.ok()) return data.error().text();
            for (const std::string& warning : (*data)->warnings) {
                if (warning.find("built anew") != std::string::npos) told += warning;
            }
            const auto read = everything(**data);
            if (read.ok()) return *read;
            if (read.error().code != ErrorCode::FileDamaged) return read.error().text();
            told += read.error().message;
        }
        return "it is damaged for ever: " + told;
    }

  private Q_SLOTS:
    void init() {
        m_recipe = recipe_of({write(text_rows()), write(id_rows())});
        m_recipe.data[0].max_bad_rows = 0.5;
        m_recipe.data[1].converter = "token_ids";
        m_recipe.mix.dedupe = DedupeMode::Near;
        m_recipe.mix.near_threshold = 0.95;
        m_recipe.split.validation.rows = 3;
        m_recipe.overlap.ngram = 4;
        m_recipe.tokens.max_seq_len = 400;
        fs::remove_all(folder() / "cache");
    }

    void a_flipped_bit_is_told_or_changes_nothing_data() {
        QTest::addColumn<int>("source");
        QTest::newRow("text") << 0;
        QTest::newRow("token ids") << 1;
    }
    void a_flipped_bit_is_told_or_changes_nothing() {
        QFETCH(int, source);
        std::string told;
        const std::string wanted = read_all(told);
        QVERIFY2(wanted.find("built anew") == std::string::npos && told.empty(), told.c_str());
        const auto data = compile_data(m_recipe, &kTokenizer, folder() / "cache");
        const std::string file = (*data)->sources[static_cast<size_t>(source)].cache_file;
        const std::string whole = *read_file(file);
        // Each byte in turn would take long; an odd step meets every region and every bit.
        const size_t step = std::max<size_t>(1, whole.size() / 250) | 1;
        int noticed = 0, tried = 0;
        for (size_t at = 0; at < whole.size(); at += step, ++tried) {
            std::string changed = whole;
            changed[at] = static_cast<char>(changed[at] ^ (1 << (tried % 8)));
            replace(file, changed);
            told.clear();
            const std::string read = read_all(told);
            QVERIFY2(read == wanted, qPrintable(QStringLiteral("bit %1 of byte %2 of %3: %4")
                                                    .arg(tried % 8)
                                                    .arg(at)
                                                    .arg(whole.size())
                                                    .arg(QString::fromStdString(told))));
            noticed += told.empty() ? 0 : 1;
            // What was noticed is whole again, byte for byte.
            if (!told.empty()) QVERIFY(*read_file(file) == whole);
        }
        qInfo("%d of %d flips noticed, the others change nothing", noticed, tried);
        QVERIFY(tried >= 200 && noticed > tried / 3);
    }

    void a_cut_cache_is_built_anew_and_told() {
        std::string told;
        const std::string wanted = read_all(told);
        const auto data = compile_data(m_recipe, &kTokenizer, folder() / "cache");
        const std::string file = (*data)->sources[0].cache_file;
        const std::string whole = *read_file(file);
        const size_t step = std::max<size_t>(1, whole.size() / 60);
        for (size_t size = 0; size < whole.size(); size += step) {
            replace(file, std::string_view(whole).substr(0, size));
            told.clear();
            QCOMPARE(read_all(told), wanted);
            QVERIFY2(told.find("'s0': The token cache " + file) != std::string::npos, told.c_str());
        }
    }

    // `data compile` asks for whole caches: it reads what it would not need.
    void every_row_is_checked_where_that_is_asked_for() {
        const auto compiled = [&](CacheCheck check) {
            return *compile_data(m_recipe, &kTokenizer, folder() / "cache", {}, {}, check);
        };
        const std::string wanted = *everything(*compiled(CacheCheck::EveryRow));
        QVERIFY(compiled(CacheCheck::EveryRow)->rebuilt_caches.empty());
        QVERIFY(flip_all_tokens(folder() / "cache") > 100);
        QVERIFY(compiled(CacheCheck::AsRead)->rebuilt_caches.empty());
        const auto data = compiled(CacheCheck::EveryRow);
        QCOMPARE(data->rebuilt_caches.size(), size_t{2});
        QCOMPARE(*everything(*data), wanted);
    }

    void a_cache_of_an_older_dayrun_is_built_anew_and_told() {
        std::string told;
        const std::string wanted = read_all(told);
        const auto data = compile_data(m_recipe, &kTokenizer, folder() / "cache");
        const std::string file = (*data)->sources[0].cache_file;
        std::string old = *read_file(file);
        const size_t word = old.find("dayrun_version");
        const size_t value = old.rfind('3', word);
        QVERIFY(word != std::string::npos && word - value < 40);
        old[value] = '2';
        replace(file, old);
        QCOMPARE(read_all(told), wanted);
        QVERIFY2(told.find("is of another version. It was built anew.") != std::string::npos,
                 told.c_str());
    }

    // The file is damaged while it is mapped: whoever reads the row says so, and sets it aside.
    void damage_under_an_open_cache_is_met_where_the_row_is_read() {
        const auto data = compile_data(m_recipe, &kTokenizer, folder() / "cache");
        QVERIFY(data.ok());
        const fs::path file = (*data)->sources[0].cache_file;
        const std::string wanted = *everything(**data);
        QVERIFY(!(*data)->has_damaged_cache());
        QVERIFY(flip_tokens(file) > 100);
        const auto read = everything(**data);
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, ErrorCode::FileDamaged);
        QCOMPARE(read.error().message, "The token cache " + file.string() + " is damaged.");
        QVERIFY2(read.error().hint.find("the next start builds it anew") != std::string::npos,
                 read.error().hint.c_str());
        QVERIFY((*data)->has_damaged_cache());
        // No start uses it again, and it is listed among what may be deleted.
        QVERIFY(!fs::exists(file) && fs::exists(file.string() + ".damaged"));
        const auto listed = list_cache_files(folder() / "cache");
        QCOMPARE(listed.size(), size_t{2});
        for (const CacheFile& one : listed) {
            QCOMPARE(one.is_leftover, one.path == file.string() + ".damaged");
        }
        const auto again = compile_data(m_recipe, &kTokenizer, folder() / "cache");
        QCOMPARE((*again)->rebuilt_caches.size(), size_t{1});
        QCOMPARE(*everything(**again), wanted);
        QCOMPARE((*again)->data_sha256, (*data)->data_sha256);
        QVERIFY(!fs::exists(file.string() + ".damaged"));
    }

    // Two programs share the folder: the one whose old file is damaged leaves the other's alone.
    void a_cache_that_took_its_place_stays() {
        const auto data = compile_data(m_recipe, &kTokenizer, folder() / "cache");
        const fs::path file = (*data)->sources[0].cache_file;
        const fs::path old = folder() / "old.arrow";
        fs::rename(file, old);
        const auto other = compile_data(m_recipe, &kTokenizer, folder() / "cache");
        QVERIFY(other.ok() && fs::exists(file));
        QVERIFY(flip_tokens(old) > 100);
        QVERIFY(!everything(**data).ok());
        QVERIFY(everything(**other).ok());
        QVERIFY(fs::exists(file) && !fs::exists(file.string() + ".damaged"));
    }

    void the_stream_goes_on_with_mended_data() {
        auto data = *compile_data(m_recipe, &kTokenizer, folder() / "cache");
        std::string wanted;
        const auto batches = static_cast<int>(data->micro_batches_in_epoch(0)) * 3;
        BatchStream whole(data);
        for (int i = 0; i < batches; ++i) wanted += text_of(whole.next()->batch);
        int mended = 0;
        BatchStream stream(data, 0, [&](const Error& damage) {
            ++mended;
            if (damage.code != ErrorCode::FileDamaged) ++mended;
            return compile_data(m_recipe, &kTokenizer, folder() / "cache");
        });
        std::string read;
        for (int i = 0; i < batches; ++i) {
            if (i == 1) {
                QVERIFY(flip_all_tokens(folder() / "cache") > 100);
            }
            const auto next = stream.next();
            QVERIFY2(next.ok(), next.ok() ? "" : next.error().text().c_str());
            QCOMPARE(next->batch.batch_index, static_cast<uint64_t>(i));
            read += text_of(next->batch);
        }
        QCOMPARE(read, wanted);
        QCOMPARE(mended, 2);
        // Without a mender the stream says what is wrong, again and again.
        QVERIFY(flip_all_tokens(folder() / "cache") > 100);
        BatchStream helpless(*compile_data(m_recipe, &kTokenizer, folder() / "cache"));
        Result<StreamedBatch> next = helpless.next();
        for (int i = 0; i < batches && next.ok(); ++i) next = helpless.next();
        QVERIFY(!next.ok() && next.error().code == ErrorCode::FileDamaged);
        QVERIFY(!helpless.next().ok());
    }
};

DAYRUN_TEST(TestCacheDamage)
#include "test_cache_damage.moc"
