// What the data steps found, as a person looks at it, offscreen: duplicates and overlap side by
// side, rows left out one by one and brought back, evaluation files named, templates tried out.
#include <QComboBox>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QTableView>
#include <QTableWidget>
#include <QTreeView>
#include <QTreeWidget>
#include <filesystem>

#include "core/base/atomic_file.h"
#include "tests/support/test_registry.h"
#include "tests/ui/fixture.h"
#include "ui/look/job.h"
#include "ui/look/text.h"
#include "ui/panels/cache_panel.h"
#include "ui/panels/text_pair_view.h"
#include "ui/project/prepared_data.h"
#include "ui/shell/main_window.h"
#include "ui/stages/data/data_stage.h"
#include "ui/stages/data/findings/drops_page.h"
#include "ui/stages/data/findings/duplicates_page.h"
#include "ui/stages/data/findings/overlap_page.h"
#include "ui/stages/data/rows_page.h"
#include "ui/stages/data/template_page.h"

using namespace dayrun;
using namespace dayrun::tests;
using namespace dayrun::ui;

namespace {

/// The words of a side that are marked as shared.
QString marked(const PairSide& side) {
    QStringList texts;
    for (const PairPart& part : side.parts) {
        for (const auto& [begin, end] : part.shared) {
            texts << toQt(std::string_view(part.text).substr(begin, end - begin));
        }
    }
    return texts.join(QLatin1Char('|'));
}

}  // namespace

class TestFindings : public QObject {
    Q_OBJECT

  private:
    TempFolder m_folder;
    std::unique_ptr<MainWindow> m_window;

    DataStage& stage() { return *m_window->dataStage(); }
    ProjectDocument& document() { return *m_window->document(); }
    bool waitUntilPrepared() { return tests::waitUntilPrepared(*m_window); }
    /// The page shows what was found in the newest data.
    bool waitUntilFound(MatchesPage* page) {
        return waitUntilPrepared() && waitFor([&] {
                   return !page->isLooking() &&
                          page->matches().prepared() == stage().prepared().prepared();
               });
    }
    static bool waitForPair(MatchesPage* page, const QString& left, const QString& right) {
        return waitFor([&] {
            return page->pair()->pair().left.title == left &&
                   page->pair()->pair().right.title == right;
        });
    }

  private Q_SLOTS:
    void initTestCase() {
        makeTextProject(m_folder.path());
        m_window = std::make_unique<MainWindow>(optionsWith(fakeEngine()), Memory::Forget);
        m_window->show();
        QVERIFY(m_window->openProject(m_folder.path(), ProjectDocument::OpenAs::Existing));
        LoopWatch watch;
        m_window->showStage(StageId::Data);
        QVERIFY(waitUntilPrepared());
        watch.note("opened stage Data");
        // Each page is made when it is first shown.
        for (int page = 0; page < static_cast<int>(DataPage::kCount); ++page) {
            stage().showPage(static_cast<DataPage>(page));
            QVERIFY(waitFor([] { return JobPool::instance().pendingCount() == 0; }));
            watch.note(qPrintable(QStringLiteral("opened page %1").arg(page)));
        }
        QVERIFY2(watch.longestGapMs() < 500, "the event loop was blocked");
    }
    void cleanupTestCase() { m_window.reset(); }

    void duplicatesAreLookedForAndLeftOutOneByOne() {
        LoopWatch watch;
        stage().showPage(DataPage::Duplicates);
        DuplicatesPage* page = stage().duplicatesPage();
        QVERIFY(waitUntilFound(page));
        QVERIFY(page->matches().groups().empty());
        page->comparedBox()->setCurrentIndex(1);  // equal inputs
        QVERIFY(waitUntilFound(page));
        QCOMPARE(page->matches().groups().size(), size_t{1});
        QCOMPARE(page->matches().groups()[0].title, QStringLiteral("a row 1"));
        QCOMPARE(page->matches().groups()[0].matches.size(), size_t{2});
        QVERIFY2(page->summaryText().contains(QStringLiteral("in use")),
                 qPrintable(page->summaryText()));
        page->select(0, 0);
        QVERIFY(waitForPair(page, QStringLiteral("b row 21"), QStringLiteral("a row 1")));
        QCOMPARE(marked(page->pair()->pair().left),
                 QStringLiteral("Name the longest river of the south"));
        QVERIFY(marked(page->pair()->pair().right).startsWith(QStringLiteral("Name the longest")));
        QCOMPARE(page->pair()->pair().sharedWords, int64_t{7});

        QTest::mouseClick(page->leaveOutButton(), Qt::LeftButton);
        QCOMPARE(document().recipe().data[1].drop_rows, std::vector<int64_t>{21});
        QCOMPARE(document().undoStack().undoText(), QStringLiteral("Leave out b row 21"));
        QVERIFY(waitUntilFound(page));
        // The data was not tokenized again, and the next row of the group is selected.
        QVERIFY(stage().prepared().prepared()->data->sources[1].from_cache);
        QCOMPARE(page->matches().groups()[0].matches.size(), size_t{1});
        QVERIFY(waitForPair(page, QStringLiteral("b row 22"), QStringLiteral("a row 1")));
        document().undoStack().undo();
        QVERIFY(document().recipe().data[1].drop_rows.empty());
        QVERIFY(waitUntilFound(page));
        QCOMPARE(page->matches().groups()[0].matches.size(), size_t{2});

        page->comparedBox()->setCurrentIndex(2);  // whole texts
        QVERIFY(waitUntilFound(page));
        QCOMPARE(page->matches().groups()[0].matches.size(), size_t{1});
        watch.note("looked at duplicates");
        QVERIFY2(watch.longestGapMs() < 500, "the event loop was blocked");
    }

    void whatTheRecipeLeavesOutIsFoldedAndItsFirstRowCanGo() {
        DuplicatesPage* page = stage().duplicatesPage();
        QVERIFY(document().setSetting(QStringLiteral("mix.dedupe"), QStringLiteral("near")).ok());
        page->comparedBox()->setCurrentIndex(0);
        QVERIFY(waitUntilFound(page));
        QCOMPARE(page->matches().groups().size(), size_t{1});
        page->select(0, 0);
        QVERIFY(!page->leaveOutButton()->isEnabled());
        page->select(0, -1);
        QVERIFY(page->leaveOutButton()->isEnabled());
        QTest::mouseClick(page->leaveOutButton(), Qt::LeftButton);
        QCOMPARE(document().recipe().data[0].drop_rows, std::vector<int64_t>{1});
        QVERIFY(waitUntilFound(page));
        // It is told under its reason, and can be brought back from there.
        stage().showPage(DataPage::LeftOut);
        DropsPage* drops = stage().dropsPage();
        QTreeWidgetItem* reason = drops->tree()->topLevelItem(0)->child(0);
        QCOMPARE(reason->text(0), QString::fromUtf8(core::kLeftOutByNumber));
        QCOMPARE(reason->child(0)->text(0), QStringLiteral("row 1"));
        QVERIFY(!drops->bringBackButton()->isEnabled());
        drops->tree()->setCurrentItem(reason->child(0));
        QTest::mouseClick(drops->bringBackButton(), Qt::LeftButton);
        QVERIFY(document().recipe().data[0].drop_rows.empty());
        QCOMPARE(document().undoStack().undoText(), QStringLiteral("Bring back a row 1"));
        QVERIFY(document().setSetting(QStringLiteral("mix.dedupe"), QStringLiteral("none")).ok());
        QVERIFY(waitUntilPrepared());
    }

    void evaluationFilesAreNamedAndTheirHitsTakenOut() {
        LoopWatch watch;
        stage().showPage(DataPage::Overlap);
        OverlapPage* page = stage().overlapPage();
        QVERIFY(waitUntilFound(page));
        QVERIFY(page->matches().groups().empty());
        page->addFiles({pathText(m_folder / "eval.csv")});
        QCOMPARE(document().undoStack().undoText(), QStringLiteral("Compare with eval.csv"));
        QCOMPARE(document().recipe().overlap.files.size(), size_t{1});
        QVERIFY(waitUntilFound(page));
        QCOMPARE(page->matches().groups().size(), size_t{1});
        QCOMPARE(page->matches().groups()[0].title, QStringLiteral("a and eval.csv"));
        QCOMPARE(page->sets()->rowCount(), 1);
        QCOMPARE(page->sets()->item(0, 1)->text(), QStringLiteral("2"));
        QCOMPARE(page->sets()->item(0, 4)->text(), QStringLiteral("1"));
        page->select(0, 0);
        QVERIFY(waitForPair(page, QStringLiteral("a row 32"), QStringLiteral("eval.csv:3")));
        QCOMPARE(marked(page->pair()->pair().left), QString::fromUtf8(kEvaluationText));
        QCOMPARE(marked(page->pair()->pair().right), QString::fromUtf8(kEvaluationText));
        QTest::mouseClick(page->leaveOutButton(), Qt::LeftButton);
        QCOMPARE(document().recipe().data[0].drop_rows, std::vector<int64_t>{32});
        QVERIFY(waitUntilFound(page));
        QVERIFY(page->matches().groups().empty());
        QVERIFY(page->summaryText().startsWith(QStringLiteral("No training row")));
        document().undoStack().undo();

        // A file that cannot be read is said so, and can be taken out again.
        QVERIFY(core::write_file(m_folder / "broken.parquet", "PAR1 no").ok());
        page->addFiles({pathText(m_folder / "broken.parquet")});
        QVERIFY(waitFor([&] { return !stage().prepared().problem().isEmpty(); }));
        QVERIFY2(page->summaryText().contains(QStringLiteral("broken.parquet")),
                 qPrintable(page->summaryText()));
        QCOMPARE(page->sets()->rowCount(), 2);
        page->sets()->selectRow(1);
        page->removeFile();
        QCOMPARE(document().recipe().overlap.files.size(), size_t{1});
        QVERIFY(waitUntilFound(page));
        watch.note("looked at overlap");
        QVERIFY2(watch.longestGapMs() < 500, "the event loop was blocked");
    }

    void validationRowsAreShownFromTheirOwnSource() {
        OverlapPage* page = stage().overlapPage();
        QVERIFY(document()
                    .setSetting(QStringLiteral("data[1].use"), QStringLiteral("validation"))
                    .ok());
        QVERIFY(waitUntilFound(page));
        QCOMPARE(page->sets()->item(0, 0)->text(), QStringLiteral("validation"));
        QCOMPARE(page->matches().groups()[0].title, QStringLiteral("a and validation"));
        page->select(0, 0);
        QVERIFY(waitForPair(page, QStringLiteral("a row 1"), QStringLiteral("b row 21")) ||
                waitForPair(page, QStringLiteral("a row 1"), QStringLiteral("b row 22")));
        document().undoStack().undo();
        QVERIFY(waitUntilPrepared());
    }

    // What the template cannot show, and what a row is used without, is told where a person looks.
    void turnsThatAreNotShownAreCounted() {
        const auto turn = [](const std::string& role, const std::string& text) {
            return "{\"role\": \"" + role + "\", \"content\": \"" + text + "\"}";
        };
        const std::string ask = turn("user", "Why?"), reply = turn("assistant", "So.");
        const std::string begin = "{\"messages\": [", end = "]}\n";
        const std::string rows = begin + ask + ", " + ask + ", " + reply + end + begin + ask +
                                 ", " + reply + ", " + ask + end;
        QVERIFY(core::write_file(m_folder / "talk.jsonl", rows).ok());
        document().addSources({document().draftSource(m_folder / "talk.jsonl")});
        QVERIFY(waitUntilPrepared());
        stage().showPage(DataPage::LeftOut);
        const QTreeWidget* tree = stage().dropsPage()->tree();
        const QTreeWidgetItem* source = tree->topLevelItem(tree->topLevelItemCount() - 1);
        QCOMPARE(source->text(0), QStringLiteral("talk"));
        QCOMPARE(source->childCount(), 2);
        QCOMPARE(source->child(0)->text(0),
                 QStringLiteral("the template does not show every user turn"));
        QCOMPARE(source->child(0)->child(0)->text(0), QStringLiteral("row 1"));
        QCOMPARE(source->child(1)->text(0),
                 QStringLiteral("used without turns behind the last reply"));
        QCOMPARE(source->child(1)->text(1), QStringLiteral("1"));
        document().undoStack().undo();
        QVERIFY(waitUntilPrepared());
    }

    // promises.md row 8: the caches' size is shown, and they can be pruned.
    void cachesAreListedAndPruned() {
        // Another template makes other caches; those of before lie there unused.
        QVERIFY(document()
                    .setSetting(QStringLiteral("prompt.template"), QStringLiteral("alpaca"))
                    .ok());
        QVERIFY(waitUntilPrepared());
        CachePanel* panel = stage().showCaches();
        QVERIFY(waitFor([&] { return panel->table()->rowCount() >= 4; }));
        QVERIFY(panel->pruneButton()->isEnabled());
        QTest::mouseClick(panel->pruneButton(), Qt::LeftButton);
        QVERIFY(waitFor([&] { return panel->table()->rowCount() == 2; }));
        QVERIFY(!panel->pruneButton()->isEnabled());
        for (int row = 0; row < 2; ++row) {
            const QString used = panel->table()->item(row, 0)->text();
            QVERIFY2(used == QStringLiteral("a") || used == QStringLiteral("b"), qPrintable(used));
        }
        QVERIFY(waitUntilPrepared());
        QTest::mouseClick(panel->clearButton(), Qt::LeftButton);
        QVERIFY(waitFor([&] { return panel->table()->rowCount() == 0; }));
        panel->reject();
        // What the pages show is read again, so that the next look finds its cache.
        const std::string file = stage().prepared().prepared()->data->sources[0].cache_file;
        QVERIFY(waitFor([&] { return std::filesystem::exists(file); }));
        QVERIFY(waitUntilPrepared());
        QVERIFY(!stage().prepared().prepared()->data->sources[0].from_cache);
        document().undoStack().undo();
        QVERIFY(waitUntilPrepared());
    }

    void anExampleGoesToItsRow() {
        stage().showExample(1, QStringLiteral("row 5 = a row 1"));
        QCOMPARE(stage().page(), DataPage::Rows);
        QVERIFY(waitFor([&] { return stage().rowsPage()->table()->currentIndex().row() == 4; }));
    }

    void templatesAreCheckedWhileTyping() {
        stage().showPage(DataPage::Template);
        TemplatePage* page = stage().templatePage();
        const auto checked = [&] { return waitFor([&] { return !page->isChecking(); }); };
        QVERIFY(checked());
        QVERIFY2(page->stateText().contains(QStringLiteral("uses this template")),
                 qPrintable(page->stateText()));
        page->nameBox()->setCurrentIndex(page->nameBox()->count() - 1);
        Q_EMIT page->nameBox()->activated(page->nameBox()->currentIndex());
        page->textBox()->setPlainText(QStringLiteral("Ask:\n{instruction"));
        QVERIFY(checked());
        QVERIFY(page->check().error.has_value());
        QVERIFY2(page->stateText().contains(QLatin1Char('{')), qPrintable(page->stateText()));
        QVERIFY(!page->useButton()->isEnabled());
        page->textBox()->setPlainText(QStringLiteral("Ask: {no_such_field}\n"));
        QVERIFY(checked());
        QVERIFY2(page->stateText().contains(QStringLiteral("no_such_field")),
                 qPrintable(page->stateText()));
        page->textBox()->setPlainText(QStringLiteral("Ask: {instruction}\nSay: "));
        QVERIFY(checked());
        QVERIFY2(!page->check().error, qPrintable(page->stateText()));
        // A real row of the data, with what is trained of it.
        const auto& spans = page->check().spans;
        QVERIFY(std::any_of(spans.begin(), spans.end(), [](const core::TemplateSpan& span) {
            return span.text.find("longest river") != std::string::npos && !span.is_trained;
        }));
        QVERIFY(std::any_of(spans.begin(), spans.end(), [](const core::TemplateSpan& span) {
            return span.text.find("The Nile") != std::string::npos && span.is_trained;
        }));
        QVERIFY(page->useButton()->isEnabled());
        QTest::mouseClick(page->useButton(), Qt::LeftButton);
        QCOMPARE(document().recipe().prompt.prompt_template,
                 std::string("Ask: {instruction}\nSay: "));
        document().undoStack().undo();
        QCOMPARE(document().recipe().prompt.prompt_template, std::string("upaya"));
        QVERIFY(checked());
        QCOMPARE(page->nameBox()->currentData().toString(), QStringLiteral("upaya"));
    }
};

DAYRUN_TEST(TestFindings)
#include "test_findings.moc"
