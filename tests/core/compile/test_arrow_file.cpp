// Our Arrow IPC files against Arrow's own library, both ways and column by column; what is refused;
// and that no damage gets past open().
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/key_value_metadata.h>

#include <QTemporaryDir>
#include <QTest>
#include <random>

#include "core/base/atomic_file.h"
#include "core/compile/arrow_file/arrow_writer.h"
#include "core/compile/cache/token_cache.h"
#include "tests/fuzz/arrow_files.h"
#include "tests/fuzz/changed_seeds.h"
#include "tests/support/test_registry.h"

using namespace dayrun;
using namespace dayrun::core;

namespace {

namespace fs = std::filesystem;

const ArrowColumns kColumns{{"small", ArrowKind::UInt8},
                            {"ids", ArrowKind::Int32List},
                            {"count", ArrowKind::Int32},
                            {"words", ArrowKind::UInt32List},
                            {"hash", ArrowKind::UInt64}};

struct Row {
    uint8_t small;
    std::vector<int32_t> ids;
    int32_t count;
    std::vector<uint32_t> words;
    uint64_t hash;
    bool operator==(const Row&) const = default;
};
using Rows = std::vector<Row>;

/// Batches of these sizes; lists of 0 to 40 numbers, and of a third of the rows none.
std::vector<Rows> random_batches(const std::vector<int>& sizes, bool has_lists = true) {
    std::mt19937_64 random(11);
    std::vector<Rows> batches;
    for (const int size : sizes) {
        Rows rows(static_cast<size_t>(size));
        for (Row& row : rows) {
            row.small = static_cast<uint8_t>(random());
            row.count = static_cast<int32_t>(random());
            row.hash = random();
            if (!has_lists || random() % 3 == 0) continue;
            row.ids.resize(random() % 41);
            row.words.resize(random() % 41);
            for (int32_t& id : row.ids) id = static_cast<int32_t>(random());
            for (uint32_t& word : row.words) word = static_cast<uint32_t>(random());
        }
        batches.push_back(rows);
    }
    return batches;
}

Result<void> write_ours(const fs::path& path, const std::vector<Rows>& batches) {
    TRY(writer, ArrowWriter::create(path, kColumns));
    ArrowBatch batch(kColumns);
    for (const Rows& rows : batches) {
        batch.clear();
        for (const Row& row : rows) {
            batch.add(0, row.small);
            batch.add_list<int32_t>(1, row.ids);
            batch.add(2, row.count);
            batch.add_list<uint32_t>(3, row.words);
            batch.add(4, row.hash);
            batch.end_row();
        }
        TRY_VOID(writer.write(batch));
    }
    return writer.finish({{"key", "a value"}, {"empty", ""}, {"long", std::string(5000, 'x')}});
}

std::vector<Rows> read_ours(const ArrowFile& file) {
    std::vector<Rows> batches;
    for (size_t b = 0; b < file.batch_count(); ++b) {
        Rows rows;
        for (int64_t i = 0; i < file.row_count(b); ++i) {
            const auto at = static_cast<size_t>(i);
            const auto ids = file.list<int32_t>(b, 1, i);
            const auto words = file.list<uint32_t>(b, 3, i);
            rows.push_back({file.numbers<uint8_t>(b, 0)[at],
                            {ids.begin(), ids.end()},
                            file.numbers<int32_t>(b, 2)[at],
                            {words.begin(), words.end()},
                            file.numbers<uint64_t>(b, 4)[at]});
        }
        batches.push_back(rows);
    }
    return batches;
}

std::shared_ptr<arrow::Schema> arrow_schema() {
    const auto list = [](const std::shared_ptr<arrow::DataType>& type) {
        return arrow::list(arrow::field("item", type, false));
    };
    return arrow::schema({arrow::field("small", arrow::uint8(), false),
                          arrow::field("ids", list(arrow::int32()), false),
                          arrow::field("count", arrow::int32(), false),
                          arrow::field("words", list(arrow::uint32()), false),
                          arrow::field("hash", arrow::uint64(), false)});
}

template <typename Builder, typename Numbers>
arrow::Status append_list(arrow::ListBuilder& lists, const Numbers& numbers) {
    ARROW_RETURN_NOT_OK(lists.Append());
    return static_cast<Builder*>(lists.value_builder())
        ->AppendValues(numbers.data(), static_cast<int64_t>(numbers.size()));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> arrow_batch(const Rows& rows) {
    ARROW_ASSIGN_OR_RAISE(
        auto to, arrow::RecordBatchBuilder::Make(arrow_schema(), arrow::default_memory_pool()));
    for (const Row& row : rows) {
        ARROW_RETURN_NOT_OK(to->GetFieldAs<arrow::UInt8Builder>(0)->Append(row.small));
        ARROW_RETURN_NOT_OK(
            append_list<arrow::Int32Builder>(*to->GetFieldAs<arrow::ListBuilder>(1), row.ids));
        ARROW_RETURN_NOT_OK(to->GetFieldAs<arrow::Int32Builder>(2)->Append(row.count));
        ARROW_RETURN_NOT_OK(
            append_list<arrow::UInt32Builder>(*to->GetFieldAs<arrow::ListBuilder>(3), row.words));
        ARROW_RETURN_NOT_OK(to->GetFieldAs<arrow::UInt64Builder>(4)->Append(row.hash));
    }
    return to->Flush();
}

arrow::Status write_arrow(const fs::path& path,
                          const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches,
                          const arrow::ipc::IpcWriteOptions& options) {
    ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::FileOutputStream::Open(path.string()));
    const auto words = arrow::key_value_metadata({{"key", "a value"}, {"empty", ""}});
    ARROW_ASSIGN_OR_RAISE(
        auto writer, arrow::ipc::MakeFileWriter(file, batches.at(0)->schema(), options, words));
    for (const auto& batch : batches) ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
    ARROW_RETURN_NOT_OK(writer->Close());
    return file->Close();
}

}  // namespace

class TestArrowFile : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    fs::path path(const char* name) const { return m_folder.path().toStdString() + "/" + name; }

    /// Whether a one-batch file of these columns is refused, and in which words.
    std::string refusal(const std::shared_ptr<arrow::RecordBatch>& batch,
                        const arrow::ipc::IpcWriteOptions& options) const {
        if (!write_arrow(path("refused"), {batch}, options).ok()) return "not written";
        const auto file = ArrowFile::open(path("refused"));
        if (file.ok()) return "opened";
        return file.error().code == ErrorCode::FileDamaged ? file.error().detail : "other code";
    }

  private Q_SLOTS:
    void arrow_reads_ours_data() {
        QTest::addColumn<QList<int>>("sizes");
        QTest::addColumn<bool>("has_lists");
        QTest::newRow("no batch") << QList<int>{} << true;
        QTest::newRow("one row") << QList<int>{1} << true;
        QTest::newRow("odd sizes") << QList<int>{7, 1, 1000, 0, 33} << true;
        QTest::newRow("empty lists") << QList<int>{5, 3} << false;
    }

    void arrow_reads_ours() {
        QFETCH(QList<int>, sizes);
        QFETCH(bool, has_lists);
        const auto batches = random_batches({sizes.begin(), sizes.end()}, has_lists);
        const auto written = write_ours(path("ours"), batches);
        QVERIFY(written.ok());
        const auto file =
            *arrow::io::MemoryMappedFile::Open(path("ours").string(), arrow::io::FileMode::READ);
        const auto opened = arrow::ipc::RecordBatchFileReader::Open(file);
        QVERIFY2(opened.ok(), opened.status().ToString().c_str());
        const auto& reader = *opened;
        QVERIFY(reader->schema()->Equals(arrow_schema(), true));
        QCOMPARE(*reader->metadata()->Get("key"), std::string("a value"));
        QCOMPARE(reader->metadata()->Get("long")->size(), size_t{5000});
        QCOMPARE(reader->num_record_batches(), static_cast<int>(batches.size()));
        for (size_t i = 0; i < batches.size(); ++i) {
            const auto batch = *reader->ReadRecordBatch(static_cast<int>(i));
            QVERIFY(batch->ValidateFull().ok());
            QVERIFY(batch->Equals(**arrow_batch(batches[i]), true));
        }
        const auto ours = ArrowFile::open(path("ours"));
        QVERIFY(ours.ok() && (*ours)->columns() == kColumns && read_ours(**ours) == batches);
        // The stream inside the file, for readers that know no footer.
        const auto stream = *arrow::io::ReadableFile::Open(path("ours").string());
        QVERIFY(stream->Seek(8).ok());
        const auto table = (*arrow::ipc::RecordBatchStreamReader::Open(stream))->ToTable();
        QVERIFY2(table.ok(), table.status().ToString().c_str());
        QVERIFY((*table)->ValidateFull().ok());
    }

    // What the token cache adds to the format's bytes are columns and words like any other.
    void arrow_reads_a_token_cache() {
        auto writer = TokenCacheWriter::create(path("cache.tokens.arrow"), "a key");
        QVERIFY(writer.ok());
        for (const std::vector<int32_t>& tokens : {std::vector<int32_t>{5, 6, 7}, {8, 9}}) {
            CacheRow row;
            row.sample.tokens = tokens;
            row.sample.labels = tokens;
            row.words = {1, 2};
            QVERIFY(writer->add(row).ok());
        }
        QVERIFY(writer->finish("a report").ok());
        const auto file = *arrow::io::MemoryMappedFile::Open(path("cache.tokens.arrow").string(),
                                                             arrow::io::FileMode::READ);
        const auto reader = arrow::ipc::RecordBatchFileReader::Open(file);
        QVERIFY2(reader.ok(), reader.status().ToString().c_str());
        QCOMPARE(*(*reader)->metadata()->Get("dayrun_report"), std::string("a report"));
        QCOMPARE((*reader)->metadata()->Get("dayrun_checksum")->size(), size_t{16});
        const auto batch = *(*reader)->ReadRecordBatch(0);
        QVERIFY(batch->ValidateFull().ok());
        QCOMPARE(batch->num_rows(), int64_t{2});
        const auto lists =
            std::static_pointer_cast<arrow::ListArray>(batch->GetColumnByName("tokens"));
        QCOMPARE(lists->value_length(0), 3);
        QCOMPARE(std::static_pointer_cast<arrow::Int32Array>(lists->values())->Value(4), 9);
        const auto checksums = batch->GetColumnByName("row_checksum");
        QVERIFY(checksums != nullptr && checksums->type()->Equals(arrow::uint64()));
    }

    void ours_reads_arrow() {
        const auto batches = random_batches({12, 0, 700, 1});
        std::vector<std::shared_ptr<arrow::RecordBatch>> made;
        for (const Rows& rows : batches) made.push_back(*arrow_batch(rows));
        for (const int32_t alignment : {8, 64}) {
            for (const auto version :
                 {arrow::ipc::MetadataVersion::V4, arrow::ipc::MetadataVersion::V5}) {
                auto options = arrow::ipc::IpcWriteOptions::Defaults();
                options.alignment = alignment;
                options.metadata_version = version;
                QVERIFY(write_arrow(path("theirs"), made, options).ok());
                const auto file = ArrowFile::open(path("theirs"));
                QVERIFY2(file.ok(), file.ok() ? "" : file.error().detail.c_str());
                QVERIFY((*file)->columns() == kColumns);
                QVERIFY(read_ours(**file) == batches);
                QCOMPARE((*file)->metadata("key"), std::string("a value"));
                QCOMPARE((*file)->metadata("empty"), std::string());
                QCOMPARE((*file)->metadata("none"), std::string());
            }
        }
        // A slice of a batch: its lists do not begin at 0.
        QVERIFY(write_arrow(path("slice"), {made[2]->Slice(100, 50)}, {}).ok());
        const auto slice = ArrowFile::open(path("slice"));
        QVERIFY(slice.ok());
        QVERIFY(read_ours(**slice)[0] == Rows(batches[2].begin() + 100, batches[2].begin() + 150));
    }

    void refuses_what_it_does_not_know() {
        const auto plain = *arrow_batch(random_batches({40})[0]);
        const auto defaults = arrow::ipc::IpcWriteOptions::Defaults();
        QCOMPARE(refusal(plain, defaults), std::string("opened"));
        auto packed = defaults;
        packed.codec = *arrow::util::Codec::Create(arrow::Compression::ZSTD);
        QCOMPARE(refusal(plain, packed), std::string("a compressed batch"));
        const auto of = [](const std::shared_ptr<arrow::Array>& array) {
            return arrow::RecordBatch::Make(arrow::schema({arrow::field("a", array->type())}),
                                            array->length(), {array});
        };
        arrow::Int32Builder numbers;
        QVERIFY(numbers.AppendValues({1, 2, 3}).ok() && numbers.AppendNull().ok());
        QCOMPARE(refusal(of(*numbers.Finish()), defaults), std::string("missing values"));
        arrow::StringBuilder texts;
        QVERIFY(texts.Append("text").ok());
        QCOMPARE(refusal(of(*texts.Finish()), defaults), std::string("a column of another kind"));
        arrow::Int64Builder longs;
        QVERIFY(longs.Append(1).ok());
        QCOMPARE(refusal(of(*longs.Finish()), defaults), std::string("a column of another kind"));
        const auto missing = ArrowFile::open(path("none"));
        QVERIFY(!missing.ok() && missing.error().code == ErrorCode::FileMissing);
    }

    void no_damage_gets_past_open() {
        QVERIFY(write_ours(path("whole"), random_batches({3, 5})).ok());
        const std::string whole = *read_file(path("whole"));
        for (size_t size = 0; size < whole.size(); size += size < 100 ? 1 : 7) {
            const fuzz::MemoryFile part(reinterpret_cast<const uint8_t*>(whole.data()), size);
            const auto cut = ArrowFile::open(part.path());
            QVERIFY(!cut.ok() && cut.error().code == ErrorCode::FileDamaged);
        }
        // Any value may change unseen; places, lengths and borders may not lead outside.
        fuzz::read_changed_seeds("arrow_file", fuzz::read_arrow_file, 2000);
    }

    void a_full_disk_is_told() {
        const auto full = ArrowWriter::create("/dev/full", kColumns);
        QVERIFY(!full.ok() && full.error().code == ErrorCode::DiskFull);
        QVERIFY(!full.error().detail.empty());
        QVERIFY(!ArrowWriter::create(path("no/folder"), kColumns).ok());
    }
};

DAYRUN_TEST(TestArrowFile)
#include "test_arrow_file.moc"
