// gzip and Zstandard files: members end to end, any size of read, and files that are cut, changed
// or followed by something else. Packed here by zlib and libzstd themselves.
#include <zlib.h>
#include <zstd.h>

#include <QTemporaryDir>
#include <QTest>
#include <fstream>
#include <random>

#include "core/data/readers/byte_stream.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

std::string gzip(const std::string& text) {
    z_stream stream = {};
    deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
    std::string packed(deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

std::string zstd(const std::string& text) {
    ZSTD_CCtx* const context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    std::string packed(ZSTD_compressBound(text.size()), '\0');
    packed.resize(ZSTD_compress2(context, packed.data(), packed.size(), text.data(), text.size()));
    ZSTD_freeCCtx(context);
    return packed;
}

std::string letters(size_t count) {
    std::mt19937 random(5);
    std::string text(count, ' ');
    for (char& c : text) c = static_cast<char>('a' + random() % 26);
    return text;
}

}  // namespace

class TestPackedFiles : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    SourceFile file(const std::string& bytes, Compression compression) {
        const std::filesystem::path path = m_folder.path().toStdString() + "/packed";
        std::ofstream(path, std::ios::binary) << bytes;
        return {.path = path,
                .format = FileFormat::Jsonl,
                .compression = compression,
                .bytes = static_cast<int64_t>(bytes.size())};
    }
    /// What comes out of packed bytes, read `at_once` bytes at a time.
    Result<std::string> unpacked(const std::string& bytes, Compression compression,
                                 size_t at_once) {
        const SourceFile packed = file(bytes, compression);
        TRY(stream, open_bytes(packed));
        std::string text, piece(at_once, '\0');
        while (true) {
            TRY(size, stream->read(piece.data(), piece.size()));
            if (size == 0) break;
            text.append(piece, 0, size);
        }
        if (stream->file_bytes_read() != packed.bytes) {
            return Error{.code = ErrorCode::Internal, .message = "not all bytes were counted"};
        }
        return text;
    }

  private Q_SLOTS:
    void kinds_data() {
        QTest::addColumn<int>("kind");
        QTest::newRow("gzip") << static_cast<int>(Compression::Gzip);
        QTest::newRow("zstd") << static_cast<int>(Compression::Zstd);
    }

    void reads_every_size_data() { kinds_data(); }
    void reads_every_size() {
        QFETCH(int, kind);
        const auto compression = static_cast<Compression>(kind);
        const auto pack = compression == Compression::Gzip ? gzip : zstd;
        // Random letters hardly shrink, so the last ones fill the packed buffer more than once.
        for (const size_t size : {0, 1, 1000, 300'000, 1'200'000}) {
            const std::string text = letters(size);
            for (const size_t at_once : {size_t{7}, size_t{64} << 10, size_t{4} << 20}) {
                if (at_once == 7 && size > 300'000) continue;
                const auto back = unpacked(pack(text), compression, at_once);
                QVERIFY2(back.ok(), back.ok() ? "" : back.error().text().c_str());
                QVERIFY(*back == text);
            }
        }
        // A little that unpacks to much: more than fits into one read.
        const std::string zeros(9'000'000, '\0');
        const auto back = unpacked(pack(zeros), compression, 64 << 10);
        QVERIFY(back.ok() && *back == zeros);
    }

    void reads_members_end_to_end_data() { kinds_data(); }
    void reads_members_end_to_end() {
        QFETCH(int, kind);
        const auto compression = static_cast<Compression>(kind);
        const auto pack = compression == Compression::Gzip ? gzip : zstd;
        const std::string one = "{\"a\": 1}\n", two = letters(400'000);
        const std::string bytes = pack(one) + pack("") + pack(two) + pack(one);
        for (const size_t at_once : {size_t{5}, size_t{1} << 20}) {
            const auto back = unpacked(bytes, compression, at_once);
            QVERIFY(back.ok() && *back == one + two + one);
        }
        const auto empty = unpacked("", compression, 100);
        QVERIFY(empty.ok() && empty->empty());
    }

    void tells_what_is_damaged_data() { kinds_data(); }
    void tells_what_is_damaged() {
        QFETCH(int, kind);
        const auto compression = static_cast<Compression>(kind);
        const auto pack = compression == Compression::Gzip ? gzip : zstd;
        const std::string first = pack("first\n"), second = pack(letters(200));
        const std::string bytes = first + second;
        const auto is_told = [&](const std::string& broken) {
            const auto back = unpacked(broken, compression, 64);
            return !back.ok() && back.error().code == ErrorCode::FileDamaged &&
                   back.error().message.find("packed is damaged or cut short") !=
                       std::string::npos &&
                   !back.error().hint.empty() && !back.error().detail.empty();
        };
        for (size_t size = 1; size < bytes.size(); ++size) {
            const std::string cut = bytes.substr(0, size);
            if (size == first.size()) {
                QVERIFY(unpacked(cut, compression, 64).ok());
            } else {
                QVERIFY2(is_told(cut), std::to_string(size).c_str());
            }
        }
        // A changed bit is told, unless it was one that fills a byte up and means nothing.
        const std::string text = "first\n" + letters(200);
        size_t told = 0;
        for (size_t at = first.size() + 15; at < bytes.size(); ++at) {
            std::string changed = bytes;
            changed[at] = static_cast<char>(changed[at] ^ 0x10);
            if (is_told(changed)) {
                ++told;
            } else {
                const auto back = unpacked(changed, compression, 64);
                QVERIFY2(back.ok() && *back == text, std::to_string(at).c_str());
            }
        }
        QVERIFY(told > second.size() / 2);
        QVERIFY(is_told(bytes + "something else"));
        QVERIFY(is_told("no packed file at all"));
        const auto missing = open_bytes(
            {.path = m_folder.path().toStdString() + "/none", .compression = compression});
        QVERIFY(!missing.ok() && missing.error().code == ErrorCode::FileMissing);
    }
};

DAYRUN_TEST(TestPackedFiles)
#include "test_packed_files.moc"
