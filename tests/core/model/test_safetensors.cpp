// Every rule of the safetensors format, one broken file each, and files that must be read.
#include <QTest>

#include "core/base/atomic_file.h"
#include "core/base/hash.h"
#include "tests/core/model/model_fixture.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

class TestSafetensors : public QObject {
    Q_OBJECT
    Folder m_folder;

    /// The error of a file with these bytes; fails the test when it opens.
    std::string refused(const std::string& bytes) {
        write_text(m_folder / "x.safetensors", bytes);
        const auto file = SafetensorsFile::open(m_folder / "x.safetensors");
        if (file.ok()) return "opened";
        if (file.error().code != ErrorCode::FileDamaged) return "wrong code";
        if (file.error().text().find("x.safetensors") == std::string::npos) return "no file name";
        if (file.error().hint.empty()) return "no hint";
        return file.error().message;
    }

  private Q_SLOTS:
    void refuses_what_breaks_a_rule_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("said");
        const auto row = [](const char* name, const std::string& bytes, const char* said) {
            QTest::newRow(name) << QByteArray::fromStdString(bytes) << QString(said);
        };
        const std::string good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
        const std::string eight(8, '\1');
        row("empty", "", "it is empty");
        row("short", "abc", "only 3 bytes");
        row("text", "this is a text file", "header claims");
        row("length beyond file", std::string("\xff\0\0\0\0\0\0\0{}", 10), "ends after 10");
        row("huge length", std::string(8, '\xff') + "{}", "header claims");
        row("not JSON", raw_safetensors("{\"a\":", ""), "JSON cannot be read");
        row("not UTF-8", raw_safetensors("{\"\xff\":1}", ""), "JSON cannot be read");
        row("array", raw_safetensors("[]", ""), "not an object");
        row("deep", raw_safetensors("{\"a\":" + std::string(100000, '['), ""), "nested");
        row("duplicate",
            raw_safetensors(good.substr(0, good.size() - 1) + "," + good.substr(1), eight),
            "'a' twice");
        row("trailing bytes", raw_safetensors(good, eight + "x"), "1 bytes follow");
        row("truncated", raw_safetensors(good, eight.substr(1)), "need 8 B");
        row("hole",
            raw_safetensors(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", "xxx"),
            "begins at byte 1");
        row("overlap",
            raw_safetensors(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                            R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                            "xxx"),
            "begins at byte 1");
        row("wrong size",
            raw_safetensors(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", eight),
            "has 8 bytes");
        row("overflow",
            raw_safetensors(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,1],)"
                            R"("data_offsets":[0,0]}})",
                            ""),
            "has 0 bytes");
        row("half a byte",
            raw_safetensors(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}})", "x"),
            "has 1 bytes");
        row("backwards",
            raw_safetensors(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}})", "xx"),
            "data_offsets");
        row("negative",
            raw_safetensors(R"({"a":{"dtype":"U8","shape":[-2],"data_offsets":[0,2]}})", "xx"),
            "whole numbers");
        row("fraction",
            raw_safetensors(R"({"a":{"dtype":"U8","shape":[2.0],"data_offsets":[0,2]}})", "xx"),
            "whole numbers");
        row("unknown dtype",
            raw_safetensors(R"({"a":{"dtype":"F7","shape":[2],"data_offsets":[0,2]}})", "xx"),
            "unknown dtype \"F7\"");
        row("missing field", raw_safetensors(R"({"a":{"dtype":"U8","shape":[2]}})", "xx"),
            "is not described");
        row("metadata number", raw_safetensors(R"({"__metadata__":{"a":1}})", ""), "not a text");
    }

    void refuses_what_breaks_a_rule() {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, said);
        const QString message = QString::fromStdString(refused(bytes.toStdString()));
        QVERIFY2(message.contains(said), qPrintable(message));
    }

    void reads_odd_but_legal_files() {
        // Padding, a scalar, an empty tensor, unaligned data, names out of offset order.
        const std::string header =
            R"(  {"z":{"dtype":"U8","shape":[],"data_offsets":[0,1]},)"
            R"("a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},)"
            R"("e":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[1,1]},)"
            R"("f":{"dtype":"F4","shape":[2],"data_offsets":[5,6]},"__metadata__":{"k":"v"}}   )";
        write_text(m_folder / "odd.safetensors", raw_safetensors(header, "xABCDy"));
        const auto file = SafetensorsFile::open(m_folder / "odd.safetensors");
        QVERIFY2(file.ok(), file.ok() ? "" : file.error().text().c_str());
        QCOMPARE((*file)->tensors().size(), size_t(4));
        QCOMPARE((*file)->tensors()[0].name, std::string("z"));
        QCOMPARE((*file)->tensors()[0].element_count(), int64_t(1));
        QCOMPARE((*file)->find("e")->element_count(), int64_t(0));
        QCOMPARE(std::memcmp((*file)->find("a")->bytes.data(), "ABCD", 4), 0);
        QVERIFY((*file)->find("nothing") == nullptr);
        QCOMPARE((*file)->metadata().at("k"), std::string("v"));
    }

    void writes_as_the_reference_library_does() {
        const std::vector<float> f = {1.5f, -2.0f};
        const std::vector<uint16_t> h = {0x3f80};
        const std::vector<uint8_t> u = {1, 2, 3};
        const std::vector<int64_t> i = {7};
        const auto bytes = [](const auto& values) { return std::as_bytes(std::span(values)); };
        QVERIFY(write_safetensors(m_folder / "w.safetensors",
                                  {{"u", TensorDtype::UInt8, {3}, bytes(u)},
                                   {"h", TensorDtype::BFloat16, {1, 1}, bytes(h)},
                                   {"f2", TensorDtype::Float32, {2}, bytes(f)},
                                   {"f1", TensorDtype::Float32, {2}, bytes(f)},
                                   {"i", TensorDtype::Int64, {}, bytes(i)}})
                    .ok());
        const auto file = SafetensorsFile::open(m_folder / "w.safetensors");
        QVERIFY(file.ok());
        std::string order;
        for (const TensorView& tensor : (*file)->tensors()) order += tensor.name + " ";
        QCOMPARE(order, std::string("i f1 f2 h u "));
        QCOMPARE((*file)->metadata().at("format"), std::string("pt"));
        const auto raw = read_file(m_folder / "w.safetensors");
        uint64_t length = 0;
        std::memcpy(&length, raw->data(), 8);
        QCOMPARE(length % 8, uint64_t(0));
        QCOMPARE((*raw)[8], '{');
        QCOMPARE(std::memcmp((*file)->find("f2")->bytes.data(), f.data(), 8), 0);
    }

    void says_when_the_file_is_missing_or_a_folder() {
        const auto missing = SafetensorsFile::open(m_folder / "nothing");
        QVERIFY(!missing.ok() && missing.error().code == ErrorCode::FileMissing);
        const auto folder = SafetensorsFile::open(m_folder.path());
        QVERIFY(!folder.ok() && folder.error().code == ErrorCode::FileMissing);
    }

    void copies_reference_files_byte_for_byte() {
        DAYRUN_REQUIRE_SHARED(golden, "goldens/models/qwen3/model.safetensors");
        const auto file = SafetensorsFile::open(golden);
        QVERIFY(file.ok());
        std::vector<TensorToWrite> tensors;
        for (const TensorView& tensor : (*file)->tensors()) {
            tensors.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.bytes});
        }
        QVERIFY(
            write_safetensors(m_folder / "copy.safetensors", tensors, (*file)->metadata()).ok());
        QCOMPARE(*sha256_file(m_folder / "copy.safetensors"), *sha256_file(golden));
    }
};

DAYRUN_TEST(TestSafetensors)
#include "test_safetensors.moc"
