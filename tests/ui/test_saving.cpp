// Saving the recipe never takes away what somebody else wrote into its file meanwhile.
#include <QAction>
#include <QApplication>
#include <QLabel>
#include <QMessageBox>
#include <QPushButton>
#include <QTimer>

#include "core/base/atomic_file.h"
#include "tests/support/test_registry.h"
#include "tests/ui/fixture.h"
#include "ui/forms/setting_editor.h"
#include "ui/look/text.h"
#include "ui/panels/status_strip.h"
#include "ui/project/project_document.h"
#include "ui/stages/plan/plan_stage.h"

using namespace dayrun;
using namespace dayrun::tests;
using namespace dayrun::ui;

class TestSaving : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init() {
        m_folder = std::make_unique<TempFolder>();
        makeProject(m_folder->path());
        m_window = std::make_unique<MainWindow>(optionsWith(fakeEngine()), Memory::Forget);
        m_window->show();
        QVERIFY(m_window->openProject(m_folder->path(), ProjectDocument::OpenAs::Existing));
        QVERIFY(document().setSetting("adapter.lora_rank", "16").ok());
    }
    void cleanup() {
        if (m_window->document() != nullptr) document().undoStack().setClean();
        m_window.reset();
    }

    void aFileThatNobodyTouchedIsSavedAgainAndAgain() {
        for (const char* const rank : {"17", "18", "19"}) {
            QVERIFY(document().setSetting("adapter.lora_rank", rank).ok());
            save();
            QVERIFY(document().undoStack().isClean());
            QVERIFY(text().find(std::string("lora_rank: ") + rank) != std::string::npos);
        }
    }

    void aFileThatWasChangedIsNotOverwritten() {
        const auto time = std::filesystem::last_write_time(file());
        const std::string by_hand = text() + "# by hand\n";
        QVERIFY(core::write_file(file(), by_hand).ok());
        // The time tells nothing: an editor or a copy may keep it.
        std::filesystem::last_write_time(file(), time);
        save();
        QCOMPARE(text(), by_hand);
        QVERIFY(!document().undoStack().isClean());
        QCOMPARE(document().recipe().adapter.lora_rank, 16);
        QVERIFY2(said().contains("was changed by another program since it was read"),
                 qPrintable(said()));
        QVERIFY2(said().contains("Save recipe as"), qPrintable(said()));
        // The way out: another file, which is saved from then on.
        const auto original = file();
        QVERIFY(document().saveAs(original.parent_path() / "mine.yaml").ok());
        QCOMPARE(*core::read_file(original), by_hand);
        QVERIFY(document().setSetting("adapter.lora_rank", "17").ok());
        save();
        QVERIFY(document().undoStack().isClean());
    }

    // A command may come while a field still has the focus: what stands in it is what counts.
    void whatIsTypedCountsBeforeACommand() {
        SettingEditor* const rank = typed("adapter.lora_rank", "24");
        m_window->action(QStringLiteral("file.save"))->trigger();
        QCOMPARE(document().recipe().adapter.lora_rank, 24);
        QVERIFY(text().find("lora_rank: 24") != std::string::npos);
        QCOMPARE(rank->value(), QStringLiteral("24"));
        typed("batch.epochs", "7");
        m_window->action(QStringLiteral("run.estimate"))->trigger();
        QCOMPARE(document().recipe().batch.epochs, 7.0);
        save();
        // Closing asks about it.
        typed("adapter.lora_rank", "32");
        bool has_asked = false;
        QTimer::singleShot(0, [&] {
            auto* const box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget());
            has_asked = box != nullptr;
            if (box != nullptr) box->button(QMessageBox::Cancel)->click();
        });
        QVERIFY(!m_window->close());
        QVERIFY(has_asked);
        QCOMPARE(document().recipe().adapter.lora_rank, 32);
    }

    void aLinkedRecipeStaysALink() {
        const auto target = m_folder->path() / "elsewhere.yaml";
        std::filesystem::rename(file(), target);
        std::filesystem::create_symlink(target, file());
        QVERIFY(document().setSetting("adapter.lora_rank", "17").ok());
        save();
        QVERIFY(std::filesystem::is_symlink(file()));
        QVERIFY(core::read_file(target)->find("lora_rank: 17") != std::string::npos);
    }

    void openingItAgainMakesItOurs() {
        QVERIFY(core::write_file(file(), text() + "# by hand\n").ok());
        QVERIFY(!document().save().ok());
        QVERIFY(document().loadRecipe(file()).ok());
        QVERIFY(document().setSetting("adapter.lora_rank", "17").ok());
        QVERIFY(document().save().ok());
    }

    // The same bytes under a newer time are no change.
    void aFileThatWasOnlyTouchedIsSaved() {
        QVERIFY(core::write_file(file(), text()).ok());
        save();
        QVERIFY(document().undoStack().isClean());
    }

    void aFileThatIsGoneIsNotMadeAnewInSilence() {
        std::filesystem::remove(file());
        save();
        QVERIFY(!std::filesystem::exists(file()));
        QVERIFY(!document().undoStack().isClean());
        QVERIFY2(said().contains("is gone since it was read"), qPrintable(said()));
        QVERIFY(document().saveAs(file()).ok());
        QVERIFY(std::filesystem::exists(file()));
    }

    void aFileThatCannotBeReadIsNotOverwritten() {
        const auto recipe = file();
        std::filesystem::remove(recipe);
        std::filesystem::create_directory(recipe);
        save();
        QVERIFY(std::filesystem::is_directory(recipe));
        QVERIFY(!document().undoStack().isClean());
        QVERIFY2(said().contains("is a folder"), qPrintable(said()));
    }

    // An unreadable recipe leaves an empty draft, whose name may be taken.
    void aDraftDoesNotTakeThePlaceOfAFile() {
        m_window->closeProject();
        std::filesystem::remove(m_folder->path() / "recipes" / "test.yaml");
        const auto draft = m_folder->path() / "recipes" / "draft.yaml";
        QVERIFY(core::write_file(draft, "no: recipe\n").ok());
        QVERIFY(m_window->openProject(m_folder->path(), ProjectDocument::OpenAs::Existing));
        QVERIFY(document().setSetting("adapter.lora_rank", "16").ok());
        save();
        QCOMPARE(*core::read_file(draft), std::string("no: recipe\n"));
        QVERIFY2(said().contains("is there already"), qPrintable(said()));
    }

    void closingWithSaveKeepsTheWindowOpen() {
        QVERIFY(core::write_file(file(), text() + "# by hand\n").ok());
        const std::string by_hand = text();
        QTimer::singleShot(0, m_window.get(), [] {
            for (QWidget* widget : QApplication::topLevelWidgets()) {
                auto* box = qobject_cast<QMessageBox*>(widget);
                if (box != nullptr) box->button(QMessageBox::Save)->click();
            }
        });
        m_window->action(QStringLiteral("file.close"))->trigger();
        QVERIFY(m_window->document() != nullptr);
        QVERIFY(!document().undoStack().isClean());
        QCOMPARE(text(), by_hand);
    }

  private:
    ProjectDocument& document() const { return *m_window->document(); }
    std::filesystem::path file() const { return document().recipeFile(); }
    std::string text() const { return core::read_file(file()).value_or("cannot be read"); }
    void save() { m_window->action(QStringLiteral("file.save"))->trigger(); }
    // Types into a setting of the whole form and leaves the focus there.
    SettingEditor* typed(const char* key, const QString& text) {
        m_window->showStage(StageId::Plan);
        m_window->planStage()->fullForm();
        QApplication::setActiveWindow(m_window.get());
        for (SettingEditor* editor : m_window->findChildren<SettingEditor*>()) {
            if (editor->key() != QLatin1String(key) || !editor->isVisible()) continue;
            editor->control()->setFocus();
            QTest::keyClick(editor->control(), Qt::Key_A, Qt::ControlModifier);
            QTest::keyClicks(editor->control(), text);
            return editor;
        }
        return nullptr;
    }
    // What the window tells now.
    QString said() const {
        QStringList texts;
        for (const QLabel* label : m_window->findChild<StatusStrip*>()->findChildren<QLabel*>()) {
            texts << label->text();
        }
        return texts.join(QLatin1Char(' '));
    }

    std::unique_ptr<TempFolder> m_folder;
    std::unique_ptr<MainWindow> m_window;
};

DAYRUN_TEST(TestSaving)
#include "test_saving.moc"
