// Unicode normal forms: what the standard's own examples become, in which order marks come, what
// stays as it is, and that cutting a text into stretches changes nothing.
#include <QTest>
#include <random>

#include "core/tokens/bpe/normal_form.h"
#include "core/tokens/bpe/unicode_class.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

std::string normal(const char* form, std::string text) {
    NormalForm::named(form)->apply(text);
    return text;
}

std::string utf8(std::initializer_list<uint32_t> codes) {
    std::string text;
    for (const uint32_t code : codes) append_utf8(code, text);
    return text;
}

}  // namespace

class TestNormalForm : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void knows_four_forms() {
        for (const char* name : {"NFC", "NFD", "NFKC", "NFKD"}) QVERIFY(NormalForm::named(name));
        QVERIFY(NormalForm::named("nfc") == nullptr && NormalForm::named("") == nullptr);
    }

    // Figures 3 to 6 of UAX #15, and what is special: Hangul, exclusions, marks in disorder.
    void forms_data() {
        using Codes = std::initializer_list<uint32_t>;
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("nfc");
        QTest::addColumn<QByteArray>("nfd");
        QTest::addColumn<QByteArray>("nfkc");
        QTest::addColumn<QByteArray>("nfkd");
        const auto row = [](const char* name, Codes text, Codes nfc, Codes nfd, Codes nfkc,
                            Codes nfkd) {
            auto& to = QTest::newRow(name);
            for (const auto& codes : {text, nfc, nfd, nfkc, nfkd}) {
                to << QByteArray::fromStdString(utf8(codes));
            }
        };
        row("angstrom sign", {0x212B}, {0xC5}, {0x41, 0x30A}, {0xC5}, {0x41, 0x30A});
        row("two dots", {0x1E9B, 0x323}, {0x1E9B, 0x323}, {0x17F, 0x323, 0x307}, {0x1E69},
            {0x73, 0x323, 0x307});
        row("dot below comes first", {0x64, 0x307, 0x323}, {0x1E0D, 0x307}, {0x64, 0x323, 0x307},
            {0x1E0D, 0x307}, {0x64, 0x323, 0x307});
        row("ligature", {0xFB01, 0x78}, {0xFB01, 0x78}, {0xFB01, 0x78}, {0x66, 0x69, 0x78},
            {0x66, 0x69, 0x78});
        row("power", {0x32, 0x2075}, {0x32, 0x2075}, {0x32, 0x2075}, {0x32, 0x35}, {0x32, 0x35});
        row("syllable", {0x1100, 0x1161, 0x11A8}, {0xAC01}, {0x1100, 0x1161, 0x11A8}, {0xAC01},
            {0x1100, 0x1161, 0x11A8});
        row("syllable takes a tail", {0xAC00, 0x11A8}, {0xAC01}, {0x1100, 0x1161, 0x11A8}, {0xAC01},
            {0x1100, 0x1161, 0x11A8});
        row("composition exclusion", {0x958}, {0x915, 0x93C}, {0x915, 0x93C}, {0x915, 0x93C},
            {0x915, 0x93C});
        row("begins with a mark", {0x301, 0x61, 0x301}, {0x301, 0xE1}, {0x301, 0x61, 0x301},
            {0x301, 0xE1}, {0x301, 0x61, 0x301});
        row("second of two letters", {0x9C7, 0x9BE}, {0x9CB}, {0x9C7, 0x9BE}, {0x9CB},
            {0x9C7, 0x9BE});
        row("blocked mark", {0x61, 0x315, 0x300, 0x5AE, 0x62}, {0xE0, 0x5AE, 0x315, 0x62},
            {0x61, 0x5AE, 0x300, 0x315, 0x62}, {0xE0, 0x5AE, 0x315, 0x62},
            {0x61, 0x5AE, 0x300, 0x315, 0x62});
    }

    void forms() {
        QFETCH(QByteArray, text);
        for (const auto& [name, column] : {std::pair{"NFC", "nfc"}, std::pair{"NFD", "nfd"},
                                           std::pair{"NFKC", "nfkc"}, std::pair{"NFKD", "nfkd"}}) {
            const auto want = QTest::qData(column, QMetaType::fromType<QByteArray>().id());
            const std::string form = static_cast<const QByteArray*>(want)->toStdString();
            QCOMPARE(normal(name, text.toStdString()), form);
            QCOMPARE(normal(name, form), form);
            // Neighbours that nothing joins change nothing.
            QCOMPARE(normal(name, "plain text, " + text.toStdString() + "\n世"),
                     "plain text, " + form + "\n世");
        }
    }

    void keeps_what_is_no_text() {
        QCOMPARE(normal("NFC", ""), std::string());
        QCOMPARE(normal("NFC", std::string("a\0b", 3)), std::string("a\0b", 3));
        QCOMPARE(normal("NFC", "e\xCC\x81\xFF\xCC\x81z\xE4\xB8"),
                 std::string("é\xFF\xCC\x81z\xE4\xB8"));
        QCOMPARE(normal("NFC", "\xED\xA0\x80"), std::string("\xED\xA0\x80"));
    }

    // A text in one piece is what its parts are, cut where a letter begins; normal text stays.
    void cuts_where_nothing_joins() {
        std::mt19937 random(3);
        const std::vector<uint32_t> pool{'a',   'o',    0xE4,   0x1E0B, 0x323,  0x307,  0x301,
                                         0x327, 0x1100, 0x1161, 0x11A7, 0x11A8, 0xAC00, 0xFDFA,
                                         0x345, 0x3B1,  0x9C7,  0x9BE,  0xFF76, 0xFF9E, 0x4E16};
        for (const char* name : {"NFC", "NFD", "NFKC", "NFKD"}) {
            for (int i = 0; i < 2000; ++i) {
                std::string whole, parts;
                for (int part = 0; part < 4; ++part) {
                    std::string text = "x";
                    for (auto n = random() % 6; n > 0; --n) {
                        append_utf8(pool[random() % pool.size()], text);
                    }
                    whole += text;
                    parts += normal(name, text);
                }
                QCOMPARE(normal(name, whole), parts);
                QCOMPARE(normal(name, parts), parts);
            }
        }
    }

    void long_runs_of_marks_take_no_square_time() {
        std::string text = "a";
        for (int i = 0; i < 200000; ++i) text += i % 2 == 0 ? "\u0301" : "\u0316";
        const std::string got = normal("NFC", text);
        QCOMPARE(got.size(), text.size() - 1);  // a with its first acute is one letter
        QVERIFY(got.starts_with("á\u0316\u0316"));
    }
};

DAYRUN_TEST(TestNormalForm)
#include "test_normal_form.moc"
