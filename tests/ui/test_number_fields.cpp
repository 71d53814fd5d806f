// Every field for a number of the window, under a language that writes 1,5: what is typed is what
// the recipe gets, or the field says why not and nothing changes. The room's application runs with
// LC_ALL=de_DE.UTF-8 (fixture.cpp).
#include <QAbstractSpinBox>
#include <QApplication>
#include <QComboBox>
#include <QLineEdit>
#include <QPointer>
#include <clocale>
#include <set>

#include "core/recipe/recipe_schema.h"
#include "tests/support/test_registry.h"
#include "tests/ui/fixture.h"
#include "ui/forms/setting_editor.h"
#include "ui/forms/setting_form.h"
#include "ui/look/number_field.h"
#include "ui/look/text.h"
#include "ui/project/project_document.h"
#include "ui/stages/data/data_stage.h"
#include "ui/stages/plan/plan_stage.h"

using namespace dayrun;
using namespace dayrun::tests;
using namespace dayrun::ui;

namespace {

const QStringList kTyped = {"1.5", "2.5", "1000", "1,5", "1.000", "-3", "1e", "0.00001"};

void typeInto(QWidget* field, const QString& text) {
    QTest::keyClick(field, Qt::Key_A, Qt::ControlModifier);
    QTest::keyClicks(field, text);
    QTest::keyClick(field, Qt::Key_Return);
}

bool isNumber(const SettingEditor& editor) {
    return editor.info().type == core::SettingType::Integer ||
           editor.info().type == core::SettingType::Real;
}

// The number that the text is in a recipe; nothing when it is none there.
std::optional<double> inRecipe(const QString& text) {
    bool is_number = false;
    const double number = text.toDouble(&is_number);
    return is_number ? std::optional(number) : std::nullopt;
}

}  // namespace

class TestNumberFields : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init() {
        makeTextProject(m_folder.path());
        m_window = std::make_unique<MainWindow>(optionsWith(fakeEngine()), Memory::Forget);
        m_window->show();
        QVERIFY(m_window->openProject(m_folder.path(), ProjectDocument::OpenAs::Existing));
        for (const StageId stage :
             {StageId::Model, StageId::Plan, StageId::Run, StageId::Compare, StageId::Data}) {
            m_window->showStage(stage);
        }
        for (int page = 0; page < static_cast<int>(DataPage::kCount); ++page) {
            m_window->dataStage()->showPage(static_cast<DataPage>(page));
        }
        m_window->planStage()->fullForm();
        QVERIFY(waitUntilPrepared(*m_window));
    }
    void cleanup() { m_window.reset(); }

    void numbersAreWrittenAsInARecipe() {
        QCOMPARE(QLocale::system().decimalPoint(), QStringLiteral(","));
        QCOMPARE(QLocale().decimalPoint(), QStringLiteral("."));
        QCOMPARE(QLocale().toString(1000), QStringLiteral("1000"));
        QCOMPARE(QString::fromLatin1(std::localeconv()->decimal_point), QStringLiteral("."));
    }

    void everySettingGetsWhatIsTyped() {
        std::set<QString> tried;
        for (SettingEditor* editor : m_window->findChildren<SettingEditor*>()) {
            if (!isNumber(*editor) || !editor->control()->isEnabled()) continue;
            auto* combo = qobject_cast<QComboBox*>(editor->control());
            if (combo != nullptr && !combo->isEditable()) continue;
            for (const QString& typed : kTyped) {
                const std::string key = toStd(editor->key());
                const QString before = editor->value();
                typeInto(combo != nullptr ? combo->lineEdit() : editor->control(), typed);
                const QString after = toQt(core::setting_value(document().recipe(), key));
                const QString told =
                    editor->key() + " " + typed + ": " + after + " " + editor->problem();
                if (editor->problem().isEmpty()) {
                    QVERIFY2(inRecipe(typed).has_value(), qPrintable(told));
                    QVERIFY2(after.toDouble() == *inRecipe(typed), qPrintable(told));
                } else {
                    QVERIFY2(after == before, qPrintable(told));
                }
                editor->setValue(after);
            }
            tried.insert(editor->key());
        }
        QVERIFY2(tried.contains("optimizer.learning_rate"), "a field of a real number");
        QVERIFY2(tried.contains("adapter.lora_rank"), "a field of a whole number");
        QVERIFY2(tried.size() > 25, qPrintable(QString::number(tried.size())));
    }

    // By copies and by weight: the same fields.
    void everyOtherNumberGetsWhatIsTyped() {
        int tried = 0;
        for (const bool by_weight : {false, true}) {
            if (by_weight) {
                QVERIFY(
                    document()
                        .setSettings("weights", {{"data[0].weight", "1"}, {"data[1].weight", "1"}})
                        .ok());
            }
            for (QAbstractSpinBox* field : m_window->findChildren<QAbstractSpinBox*>()) {
                auto* whole = qobject_cast<WholeNumberField*>(field);
                auto* number = qobject_cast<NumberField*>(field);
                QVERIFY2(whole != nullptr || number != nullptr,
                         "a field that swallows keys: take those of ui/look/number_field.h");
                const bool is_setting =
                    qobject_cast<SettingEditor*>(field->parentWidget()) != nullptr;
                if (is_setting || !field->isEnabled()) continue;
                for (const QString& typed : kTyped) {
                    const auto value = [&] { return whole ? whole->value() : number->value(); };
                    const double before = value();
                    typeInto(field, typed);
                    const QString problem = whole ? whole->problem() : number->problem();
                    const QString told = field->accessibleName() + " " + typed + ": " +
                                         QString::number(value()) + " " + problem;
                    if (problem.isEmpty()) {
                        QVERIFY2(inRecipe(typed) && value() == *inRecipe(typed), qPrintable(told));
                    } else {
                        QVERIFY2(value() == before, qPrintable(told));
                        QVERIFY2(problem.contains(typed), qPrintable(told));
                    }
                }
                ++tried;
            }
        }
        QVERIFY2(tried >= 8, qPrintable(QString::number(tried)));
        // The last text that was a number stands in the recipe.
        QCOMPARE(*document().recipe().data[0].weight, 1.0);
        QCOMPARE(*document().recipe().data[1].weight, 1.0);
        QCOMPARE(document().recipe().data[0].copies, int64_t{1000});
    }

    // The fault that this file was written for: 1.5 became 15,0000.
    void aWeightWithADotIsNotMultipliedByTen() {
        QVERIFY(document()
                    .setSettings("weights", {{"data[0].weight", "1"}, {"data[1].weight", "1"}})
                    .ok());
        NumberField* field = m_window->dataStage()->findChildren<NumberField*>().value(0);
        QVERIFY(field != nullptr);
        typeInto(field, "1.5");
        QCOMPARE(field->text(), QStringLiteral("1.5000"));
        QCOMPARE(*document().recipe().data[0].weight, 1.5);
        typeInto(field, "1,5");
        QCOMPARE(*document().recipe().data[0].weight, 1.5);
        QVERIFY(!field->problem().isEmpty());
        typeInto(field, "2.5");
        QCOMPARE(*document().recipe().data[0].weight, 2.5);
        QVERIFY(field->problem().isEmpty());
    }

  private:
    ProjectDocument& document() const { return *m_window->document(); }

    TempFolder m_folder;
    std::unique_ptr<MainWindow> m_window;
};

DAYRUN_TEST(TestNumberFields)
#include "test_number_fields.moc"
