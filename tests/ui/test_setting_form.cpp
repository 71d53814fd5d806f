// The forms are drawn from the settings table: every value goes through an undoable command, bad
// ones are told in place, and what cannot be had is disabled with its reason.
#include <QComboBox>
#include <QLineEdit>
#include <QSignalSpy>
#include <QSpinBox>
#include <QStandardItemModel>
#include <QToolButton>

#include "core/recipe/recipe_schema.h"
#include "tests/support/test_registry.h"
#include "tests/ui/fixture.h"
#include "ui/forms/setting_editor.h"
#include "ui/forms/setting_form.h"
#include "ui/look/text.h"
#include "ui/project/project_document.h"

using namespace dayrun;
using namespace dayrun::tests;
using namespace dayrun::ui;

class TestSettingForm : public QObject {
    Q_OBJECT

  private:
    TempFolder m_folder;
    std::unique_ptr<ProjectDocument> m_document;

  private Q_SLOTS:
    void init() {
        static int s_count = 0;
        const auto folder = m_folder / ("project" + std::to_string(++s_count));
        makeProject(folder);
        auto opened = ProjectDocument::open(folder, ProjectDocument::OpenAs::Existing);
        QVERIFY(opened.ok());
        m_document = std::move(opened).value();
    }
    void cleanup() { m_document.reset(); }

    void drawsEverySettingOfTheTable() {
        SettingForm form(*m_document, FormScope::All);
        for (const std::string& key : core::setting_keys(m_document->recipe())) {
            if (key == "dayrun") continue;
            const SettingEditor* editor = form.editor(toQt(key));
            QVERIFY2(editor != nullptr, key.c_str());
            QCOMPARE(editor->value(), toQt(core::setting_value(m_document->recipe(), key)));
            QVERIFY(!editor->control()->accessibleName().isEmpty());
            QVERIFY(!editor->control()->accessibleDescription().isEmpty());
        }
    }

    void typingSetsTheRecipeAndUndoTakesItBack() {
        SettingForm form(*m_document, FormScope::Basic);
        SettingEditor* rank = form.editor(QStringLiteral("adapter.lora_rank"));
        auto* spin = qobject_cast<QSpinBox*>(rank->control());
        QVERIFY(spin != nullptr);
        spin->setValue(64);
        QCOMPARE(m_document->recipe().adapter.lora_rank, 64);
        QCOMPARE(m_document->undoStack().undoText(), QStringLiteral("LoRA rank 4 to 64"));
        QVERIFY(!m_document->undoStack().isClean());
        m_document->undoStack().undo();
        QCOMPARE(m_document->recipe().adapter.lora_rank, 4);
        QCOMPARE(spin->value(), 4);
        m_document->undoStack().redo();
        QCOMPARE(m_document->recipe().adapter.lora_rank, 64);
        QCOMPARE(spin->value(), 64);
    }

    void manySmallChangesOfOneValueAreOneCommand() {
        for (int rank = 5; rank < 20; ++rank) {
            QVERIFY(
                m_document->setSetting(QStringLiteral("adapter.lora_rank"), QString::number(rank))
                    .ok());
        }
        QCOMPARE(m_document->undoStack().count(), 1);
        m_document->undoStack().undo();
        QCOMPARE(m_document->recipe().adapter.lora_rank, 4);
    }

    void tellsABadValueInPlaceAndKeepsTheRecipe() {
        SettingForm form(*m_document, FormScope::All);
        SettingEditor* rate = form.editor(QStringLiteral("optimizer.learning_rate"));
        Q_EMIT rate->edited(rate->key(), QStringLiteral("fast"));
        QVERIFY(!rate->problem().isEmpty());
        QCOMPARE(m_document->recipe().optimizer.learning_rate, 1.0e-3);
        QCOMPARE(m_document->undoStack().count(), 0);
        Q_EMIT rate->edited(rate->key(), QStringLiteral("2.0e-4"));
        QVERIFY(rate->problem().isEmpty());
        QCOMPARE(m_document->recipe().optimizer.learning_rate, 2.0e-4);
    }

    // A template of several lines in a field of one line stays as it is until somebody types.
    void leavesATextOfSeveralLinesAlone() {
        const QString text = QStringLiteral("Ask: {instruction}\n\nSay:\n");
        QVERIFY(m_document->setSetting(QStringLiteral("prompt.template"), text).ok());
        SettingForm form(*m_document, FormScope::All);
        SettingEditor* editor = form.editor(QStringLiteral("prompt.template"));
        const int before = m_document->undoStack().count();
        auto* line = editor->findChild<QLineEdit*>();
        Q_EMIT line->editingFinished();
        QCOMPARE(m_document->undoStack().count(), before);
        QCOMPARE(m_document->recipe().prompt.prompt_template, text.toStdString());
    }

    void marksWhatDiffersAndRevertsWithOneClick() {
        SettingForm form(*m_document, FormScope::All);
        SettingEditor* warmup = form.editor(QStringLiteral("schedule.warmup_steps"));
        QVERIFY(warmup->isChanged());
        const int before = form.changedCount();
        auto* revert = warmup->findChild<QToolButton*>();
        QVERIFY(!revert->isHidden());
        revert->click();
        QVERIFY(!warmup->isChanged());
        QCOMPARE(m_document->recipe().schedule.warmup_steps, 0);
        QCOMPARE(form.changedCount(), before - 1);
    }

    void showsUnavailableChoicesDisabledWithTheirReason() {
        SettingForm form(*m_document, FormScope::All);
        int seen = 0;
        for (const core::SettingInfo& info : core::settings()) {
            for (const auto& [choice, reason] : info.unavailable) {
                const SettingEditor* editor = form.editor(
                    toQt(info.key).replace(QStringLiteral("[]"), QStringLiteral("[0]")));
                if (editor == nullptr) continue;
                const auto* combo = qobject_cast<QComboBox*>(editor->control());
                if (choice == "*") {
                    QVERIFY(!editor->control()->isEnabled());
                } else if (combo != nullptr) {
                    const int row = combo->findData(toQt(choice));
                    QVERIFY(row >= 0);
                    const auto* model = qobject_cast<QStandardItemModel*>(combo->model());
                    QVERIFY(!model->item(row)->isEnabled());
                    QCOMPARE(combo->itemData(row, Qt::ToolTipRole).toString(), toQt(reason));
                }
                ++seen;
            }
        }
        QVERIFY(seen > 0);
    }

    void searchLeavesWhatFits() {
        SettingForm form(*m_document, FormScope::All);
        const int all = form.setSearch({});
        const int few = form.setSearch(QStringLiteral("warmup"));
        QVERIFY(few >= 1 && few < all);
        QVERIFY(!form.editor(QStringLiteral("schedule.warmup_steps"))->isHidden());
        QVERIFY(form.editor(QStringLiteral("adapter.lora_rank"))->isHidden());
    }

    void sourcesComeAndGoByUndo() {
        SettingForm form(*m_document, FormScope::All);
        m_document->addSources(
            {m_document->draftSource(m_document->project().folder() / "rows.jsonl")});
        QCOMPARE(m_document->recipe().data.size(), size_t{2});
        QVERIFY(form.editor(QStringLiteral("data[1].copies")) != nullptr);
        m_document->undoStack().undo();
        QCOMPARE(m_document->recipe().data.size(), size_t{1});
        QVERIFY(form.editor(QStringLiteral("data[1].copies")) == nullptr);
        m_document->undoStack().redo();
        m_document->removeSource(0);
        QCOMPARE(m_document->recipe().data.size(), size_t{1});
        QCOMPARE(m_document->undoStack().undoText(), QStringLiteral("Remove source rows"));
    }

    void savesAndLoadsTheSameRecipe() {
        QVERIFY(
            m_document->setSetting(QStringLiteral("adapter.lora_rank"), QStringLiteral("32")).ok());
        QVERIFY(m_document->save().ok());
        QVERIFY(m_document->undoStack().isClean());
        const auto folder = m_document->project().folder();
        m_document.reset();
        auto again = ProjectDocument::open(folder, ProjectDocument::OpenAs::Existing);
        QVERIFY(again.ok());
        QCOMPARE((*again)->recipe().adapter.lora_rank, 32);
        QCOMPARE((*again)->recipe().data.front().path, std::string("../rows.jsonl"));
    }
};

DAYRUN_TEST(TestSettingForm)
#include "test_setting_form.moc"
