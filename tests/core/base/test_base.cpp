// Hash, generator, units and atomic files against published or hand-computed values.
#include <QTemporaryDir>
#include <QTest>
#include <numeric>
#include <set>

#include "core/base/atomic_file.h"
#include "core/base/hash.h"
#include "core/base/rng.h"
#include "core/base/units.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

class TestBase : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    // The vectors of FIPS 180-4's examples.
    void sha256_matches_published_vectors() {
        QCOMPARE(sha256_hex("abc"),
                 std::string("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        QCOMPARE(sha256_hex(""),
                 std::string("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
        Sha256 pieces;
        pieces.add(std::string(63, 'a'));
        pieces.add(std::string(937, 'a'));
        QCOMPARE(pieces.hex(), sha256_hex(std::string(1000, 'a')));
    }

    void permutation_is_complete_and_repeats_by_seed() {
        const auto first = permutation(1000, 42, "shuffle");
        QCOMPARE(std::set<uint32_t>(first.begin(), first.end()).size(), size_t{1000});
        QVERIFY(first == permutation(1000, 42, "shuffle"));
        QVERIFY(first != permutation(1000, 43, "shuffle"));
        QVERIFY(first != permutation(1000, 42, "split"));
    }

    void bounded_numbers_are_uniform() {
        Rng rng(1, "uniform");
        std::array<int, 6> counts{};
        for (int i = 0; i < 60000; ++i) ++counts[rng.below(6)];
        for (const int count : counts) QVERIFY2(std::abs(count - 10000) < 500, "far from uniform");
    }

    void units_read_and_write() {
        QCOMPARE(*parse_bytes("23.0GiB"), int64_t{24696061952});
        QCOMPARE(*parse_bytes("800 MB"), int64_t{800000000});
        QVERIFY(!parse_bytes("many").ok());
        QVERIFY(!parse_bytes("-1GiB").ok());
        QCOMPARE(format_bytes(1536), std::string("1.50 KiB"));
        QCOMPARE(format_count(-1234567), std::string("-1,234,567"));
        QCOMPARE(format_count(123), std::string("123"));
        QCOMPARE(format_duration(3661), std::string("1:01:01 h"));
        QCOMPARE(format_duration(0.42), std::string("0.42 s"));
        QCOMPARE(format_duration(0.0042), std::string("4.2 ms"));
        QCOMPARE(count_of(1, "row"), std::string("1 row"));
        QCOMPARE(count_of(0, "row"), std::string("0 rows"));
        QCOMPARE(count_of(1234, "token"), std::string("1,234 tokens"));
        QCOMPARE(shortest(0.1), std::string("0.1"));
        QCOMPARE(shortest(0.1F), std::string("0.1"));
    }

    void atomic_file_is_whole_or_absent() {
        QTemporaryDir folder;
        const std::filesystem::path path = folder.filePath("a/b.txt").toStdString();
        QVERIFY(write_file(path, "one").ok());
        {
            auto file = AtomicFile::create(path);
            QVERIFY(file.ok() && file->write("half").ok());
        }
        QCOMPARE(*read_file(path), std::string("one"));
        QCOMPARE(std::distance(std::filesystem::directory_iterator(path.parent_path()), {}), 1);
        QVERIFY(!write_file("/proc/no/such/file", "x").ok());
        QVERIFY(!read_file(path.parent_path()).ok());
    }
};

DAYRUN_TEST(TestBase)
#include "test_base.moc"
