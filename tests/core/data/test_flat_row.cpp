// The reader of common rows beside simdjson: the same values, or no answer at all.
#include <QTest>

#include "core/base/rng.h"
#include "core/data/readers/flat_row.h"
#include "core/data/readers/json_value.h"
#include "tests/support/flat_row_check.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using dayrun::tests::flat_row_differs;

namespace {

// Texts with backslashes are plain strings: moc does not understand them raw.
bool is_read(const std::string& text) {
    Value row;
    std::string padded = text + std::string(64, '"');
    return read_flat_row(std::string_view(padded).substr(0, text.size()), Utf8::Unchecked, row);
}

}  // namespace

class TestFlatRow : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void common_rows_are_read() {
        for (const char* text : {
                 R"({"a":"b"})",
                 R"({ "a" : "b" , "c" : 12, "d": -7, "e": null, "f": true, "g" : false })",
                 "{\"a\":\"x\\\"y\\\\z\\/"
                 "\\b\\f\\n\\r\\t\\u00e9\\u4f60\\ud83d\\ude00\\u0000\",\"\":\"\"}",
                 R"({"a":1,"a":2})",
                 "{\"a\":\"\xC3\xA9\xE4\xBD\xA0\xF0\x9F\x98\x80\"}",
                 R"({"a":999999999999999999,"b":0,"c":-0})",
             }) {
            QVERIFY2(is_read(text), text);
            QVERIFY2(!flat_row_differs(text), text);
        }
    }

    void everything_else_is_left_to_the_library() {
        for (const char* text : {
                 "",
                 "{",
                 "{}",
                 "[1]",
                 "\"a\"",
                 R"({"a")",
                 R"({"a":})",
                 R"({"a":"b")",
                 R"({"a":"b",})",
                 R"({"a":"b"}})",
                 R"({"a":"b"} x)",
                 R"({"a":"b" "c":1})",
                 R"({"a":01})",
                 R"({"a":1.5})",
                 R"({"a":1e3})",
                 R"({"a":-})",
                 R"({"a":1000000000000000000000})",
                 R"({"a":nul})",
                 R"({"a":nulls})",
                 R"({"a":NaN})",
                 R"({"a":[1]})",
                 R"({"a":{"b":1}})",
                 "{\"a\":\"\\x\"}",
                 "{\"a\":\"\\u12g4\"}",
                 "{\"a\":\"\\ud83d\"}",
                 "{\"a\":\"\\ude00\"}",
                 "{\"a\":\"\\ud83d\\u0041\"}",
                 "{\"a\":\"b\nc\"}",
                 "{\"a\":\"\x01\"}",
                 "{\"a\":\"\xFF\"}",
                 "{\"a\":\"b\\",
                 R"({a:1})",
             }) {
            QVERIFY2(!is_read(text), text);
            QVERIFY2(!flat_row_differs(text), text);
        }
    }

    // Good rows with one byte changed: what is still read is what simdjson reads.
    void changed_rows_agree_with_the_library() {
        const std::string rows[] = {
            "{\"instruction\": \"Say \\\"hi\\\".\\n\", \"input\": \"\", \"output\": \"hi "
            "\\u2019\\ud83d\\ude00\", \"n\": 12}",
            "{\"q\":\"\xC3\xA9 and a text of more than thirty-two bytes\",\"ok\":true,\"x\":null}"};
        const std::string marks = "\"\\{}[]:,0159-+.eEtfnu \t\n\r\x01\x7F\x80\xC3\xE4\xF0\xFF";
        Rng rng(3, "flat row");
        for (int i = 0; i < 60'000; ++i) {
            std::string text = rows[rng.below(2)];
            for (uint64_t changes = 1 + rng.below(2); changes > 0; --changes) {
                const size_t at = rng.below(text.size());
                const char mark = marks[rng.below(marks.size())];
                if (rng.below(3) == 0) {
                    text.erase(at, 1 + rng.below(3));
                } else if (rng.below(2) == 0) {
                    text.insert(at, 1, mark);
                } else {
                    text[at] = mark;
                }
                if (text.empty()) text = "{";
            }
            QVERIFY2(!flat_row_differs(text), text.c_str());
        }
    }

    // The value of the row before is used again: nothing of it may be left.
    void a_row_leaves_nothing_for_the_next() {
        JsonParser parser;
        Value value;
        for (const char* text :
             {R"({"a":"long text here","b":[1,2,{"c":"d"}],"e":{"f":1}})", R"({"a":1,"b":"x"})",
              R"({"b":{"c":[true]},"z":null})", R"({"z":"s"})", R"([1,"a"])", R"({})"}) {
            std::string padded = text + std::string(64, '\0');
            const auto size = std::string_view(text).size();
            const auto row = std::string_view(padded).substr(0, size);
            QVERIFY(parser.parse_padded(row, Utf8::Unchecked, value).ok());
            QCOMPARE(value.json(), parser.parse(text)->json());
        }
    }
};

DAYRUN_TEST(TestFlatRow)
#include "test_flat_row.moc"
