// Result, TRY and the texts of errors.
#include <QTest>

#include "core/base/result.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

Result<int> parsed(bool good) {
    if (!good)
        return Error{.code = ErrorCode::BadData, .message = "No number.", .hint = "Write one."};
    return 7;
}

Result<int> doubled(bool good) {
    TRY(value, parsed(good));
    return 2 * value;
}

}  // namespace

class TestResult : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void passes_values_and_errors_on() {
        QCOMPARE(*doubled(true), 14);
        const Result<int> failed = doubled(false);
        QVERIFY(!failed.ok());
        QVERIFY(failed.error().code == ErrorCode::BadData);
    }

    void text_names_place_and_action() {
        const Error error{.message = "Unknown key 'lora_rnk'.",
                          .hint = "Did you mean 'lora_rank'?",
                          .where = {"a.yaml", 3, 5}};
        QCOMPARE(error.text(),
                 std::string("a.yaml:3:5: Unknown key 'lora_rnk'. Did you mean 'lora_rank'?"));
    }
};

DAYRUN_TEST(TestResult)
#include "test_result.moc"
