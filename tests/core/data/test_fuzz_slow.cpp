// The data readers on changed seeds, without a fuzzer: short, and on every machine. `./test
// --slow`. The long way is tests/fuzz (libFuzzer).
#include <QTest>

#include "tests/fuzz/changed_seeds.h"
#include "tests/fuzz/data_readers.h"
#include "tests/support/test_registry.h"

using namespace dayrun;

class TestFuzzSlow : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void jsonl() { fuzz::read_changed_seeds("jsonl", fuzz::read_jsonl); }
    void json() { fuzz::read_changed_seeds("json", fuzz::read_json); }
    void csv() { fuzz::read_changed_seeds("csv", fuzz::read_csv); }
    void parquet() { fuzz::read_changed_seeds("parquet", fuzz::read_parquet); }
    void packed() { fuzz::read_changed_seeds("packed", fuzz::read_packed); }
    void flat_row() { fuzz::read_changed_seeds("flat_row", fuzz::read_flat_row); }
    void where() { fuzz::read_changed_seeds("where", fuzz::read_where); }
};

DAYRUN_TEST(TestFuzzSlow)
#include "test_fuzz_slow.moc"
