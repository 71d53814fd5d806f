// Model folders: one file, shards by index, and every way in which they do not fit together.
#include <QTest>

#include "tests/core/model/model_fixture.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

class TestCheckpointFiles : public QObject {
    Q_OBJECT

    static std::string one_tensor(const std::string& name) {
        return raw_safetensors(
            "{\"" + name + "\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", "xy");
    }
    static void write_shards(const Folder& folder, const std::string& map) {
        write_text(folder / "model-00001-of-00002.safetensors", one_tensor("a"));
        write_text(folder / "model-00002-of-00002.safetensors", one_tensor("b"));
        write_text(folder / "model.safetensors.index.json",
                   R"({"metadata":{"total_size":4.0},"weight_map":)" + map + "}");
    }
    static constexpr const char* kGoodMap =
        R"({"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"})";

  private Q_SLOTS:
    void reads_shards_by_their_index() {
        const Folder folder;
        write_shards(folder, kGoodMap);
        const auto checkpoint = CheckpointFiles::open(folder.path());
        QVERIFY2(checkpoint.ok(), checkpoint.ok() ? "" : checkpoint.error().text().c_str());
        QCOMPARE(checkpoint->files().size(), size_t(2));
        QCOMPARE(checkpoint->total_bytes(), int64_t(4));
        QVERIFY(checkpoint->find("b") != nullptr);
        QVERIFY(checkpoint->require("a", {2}).ok());
    }

    void names_the_tensor_that_is_missing_or_misshapen() {
        const Folder folder;
        write_shards(folder, kGoodMap);
        const auto checkpoint = CheckpointFiles::open(folder.path());
        const auto missing = checkpoint->require("c", {2});
        QVERIFY(!missing.ok() && missing.error().code == ErrorCode::BadModel);
        QVERIFY(missing.error().message.find("'c'") != std::string::npos);
        const auto shape = checkpoint->require("a", {2, 1});
        QVERIFY(!shape.ok());
        QVERIFY(shape.error().message.find("[2], but config.json asks for [2, 1]") !=
                std::string::npos);
    }

    void refuses_shards_that_do_not_fit_data() {
        QTest::addColumn<QString>("map");
        QTest::addColumn<QString>("said");
        QTest::newRow("missing shard") << R"({"a":"model-00003-of-00002.safetensors"})"
                                       << "lacks 1 of the 1";
        QTest::newRow("wrong shard") << R"({"a":"model-00002-of-00002.safetensors",)"
                                        R"("b":"model-00001-of-00002.safetensors"})"
                                     << "says that 'a' is in";
        QTest::newRow("not in any") << R"({"z":"model-00001-of-00002.safetensors"})"
                                    << "'z'";
        QTest::newRow("path out") << R"({"a":"../x.safetensors"})"
                                  << "no file name";
        QTest::newRow("number") << R"({"a":1})"
                                << "no file name";
        QTest::newRow("empty") << "{}"
                               << "no weight_map";
    }

    void refuses_shards_that_do_not_fit() {
        QFETCH(QString, map);
        QFETCH(QString, said);
        const Folder folder;
        write_shards(folder, map.toStdString());
        const auto checkpoint = CheckpointFiles::open(folder.path());
        QVERIFY(!checkpoint.ok());
        const QString message = QString::fromStdString(checkpoint.error().message);
        QVERIFY2(message.contains(said), qPrintable(message));
    }

    void refuses_a_tensor_that_the_index_does_not_name() {
        const Folder folder;
        write_shards(folder, kGoodMap);
        write_text(folder / "model-00002-of-00002.safetensors",
                   raw_safetensors(R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                   R"("c":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                                   "xy"));
        const auto checkpoint = CheckpointFiles::open(folder.path());
        QVERIFY(!checkpoint.ok());
        QVERIFY(checkpoint.error().message.find("does not name 'c', which model-00002") !=
                std::string::npos);
    }

    void refuses_a_tensor_stored_twice() {
        const Folder folder;
        write_shards(folder, kGoodMap);
        write_text(folder / "model-00002-of-00002.safetensors",
                   raw_safetensors(R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                   R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                                   "xy"));
        const auto checkpoint = CheckpointFiles::open(folder.path());
        QVERIFY(!checkpoint.ok());
        QVERIFY(checkpoint.error().message.find("stored twice") != std::string::npos);
    }

    void refuses_pickles_and_empty_folders() {
        const Folder folder;
        auto checkpoint = CheckpointFiles::open(folder.path());
        QVERIFY(!checkpoint.ok() && checkpoint.error().code == ErrorCode::FileMissing);
        write_text(folder / "pytorch_model.bin", "PK");
        checkpoint = CheckpointFiles::open(folder.path());
        QVERIFY(!checkpoint.ok() && checkpoint.error().code == ErrorCode::Unsupported);
        QVERIFY(checkpoint.error().message.find("pickle") != std::string::npos);
        checkpoint = CheckpointFiles::open(folder / "nothing");
        QVERIFY(!checkpoint.ok() && checkpoint.error().code == ErrorCode::FileMissing);
    }
};

DAYRUN_TEST(TestCheckpointFiles)
#include "test_checkpoint_files.moc"
