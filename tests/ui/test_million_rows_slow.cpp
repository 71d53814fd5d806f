// A million rows in the table: indexed, scrolled, searched and looked at, with the event loop never
// blocked for 500 ms. Generated here, 90 MB. And a hundred thousand duplicates in one group.
#include <QComboBox>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QTableView>
#include <QTreeView>

#include "core/base/atomic_file.h"
#include "tests/support/test_registry.h"
#include "tests/ui/fixture.h"
#include "ui/models/sample_table_model.h"
#include "ui/project/prepared_data.h"
#include "ui/shell/main_window.h"
#include "ui/stages/data/data_stage.h"
#include "ui/stages/data/findings/duplicates_page.h"
#include "ui/stages/data/rows_page.h"

using namespace dayrun;
using namespace dayrun::tests;
using namespace dayrun::ui;

class TestMillionRows : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void scrollsWithoutAStutter() {
        constexpr int kRows = 1'000'000;
        const TempFolder folder;
        std::string text;
        for (int i = 0; i < kRows; ++i) {
            const std::string n = std::to_string(i);
            text += "{\"instruction\": \"Say the number " + n + "\", \"output\": \"It is " + n +
                    "\", \"task\": \"t" + std::to_string(i % 1000) + "\"}\n";
        }
        QVERIFY(core::write_file(folder / "many.jsonl", text).ok());
        text.clear();
        MainWindow window(optionsWith(fakeEngine()), Memory::Forget);
        window.show();
        QVERIFY(window.openProject(folder / "project", ProjectDocument::OpenAs::CreateIfMissing));
        ProjectDocument& document = *window.document();
        LoopWatch watch;
        document.addSources({document.draftSource(folder / "many.jsonl")});
        SampleTableModel& rows = window.dataStage()->rowsPage()->rows();
        QTableView* table = window.dataStage()->rowsPage()->table();
        // Scrolled while the index still grows.
        QVERIFY(waitFor([&] { return rows.rowCount() > 1000; }, 120'000));
        table->scrollToBottom();
        QVERIFY(waitFor([&] { return rows.isComplete() && rows.rowCount() == kRows; }, 300'000));
        watch.note("indexed");
        QScrollBar* bar = table->verticalScrollBar();
        for (int i = 0; i <= 200; ++i) {
            bar->setValue(static_cast<int>(int64_t{bar->maximum()} * ((i * 37) % 201) / 200));
            watch.turn();
        }
        watch.note("scrolled");
        table->selectRow(kRows - 1);
        QVERIFY(waitFor([&] { return rows.row(kRows - 1) != nullptr; }, 60'000));
        QCOMPARE(rows.row(kRows - 1)->row_index, int64_t{kRows - 1});
        for (int i = 0; i < 50; ++i) QTest::keyClick(table, Qt::Key_Up);
        QCOMPARE(table->currentIndex().row(), kRows - 51);
        watch.note("stepped");
        window.dataStage()->rowsPage()->searchBox()->setText(QStringLiteral("task:t7 number"));
        QVERIFY(waitFor([&] { return rows.rowCount() >= 100; }, 120'000));
        watch.note("searched");
        window.dataStage()->rowsPage()->searchBox()->clear();
        QVERIFY(waitFor([&] { return rows.rowCount() == kRows; }));
        qInfo("longest time without an event: %lld ms",
              static_cast<long long>(watch.longestGapMs()));
        QVERIFY2(watch.longestGapMs() < 500, "the event loop was blocked");
    }

    // One group of a hundred thousand duplicates: listed, opened, walked through, and too many to
    // be named one by one.
    void manyDuplicatesStayQuick() {
        constexpr int kRows = 200'000;
        const TempFolder folder;
        std::string text;
        for (int i = 0; i < kRows; ++i) {
            text += "{\"instruction\": \"Say " + std::to_string(i % 2 == 0 ? 0 : i) +
                    "\", \"output\": \"It is " + std::to_string(i) + "\"}\n";
        }
        QVERIFY(core::write_file(folder / "many.jsonl", text).ok());
        MainWindow window(optionsWith(fakeEngine()), Memory::Forget);
        window.show();
        QVERIFY(window.openProject(folder / "project", ProjectDocument::OpenAs::CreateIfMissing));
        ProjectDocument& document = *window.document();
        const QString base = QStringLiteral(DAYRUN_SOURCE_DIR "/resources/sample_project/base");
        QVERIFY(document.setSetting(QStringLiteral("base.path"), base).ok());
        document.addSources({document.draftSource(folder / "many.jsonl")});
        const PreparedData& data = window.dataStage()->prepared();
        QVERIFY(waitFor([&] { return data.isExact() && !data.isBusy(); }, 300'000));
        LoopWatch watch;
        window.dataStage()->showPage(DataPage::Duplicates);
        DuplicatesPage* page = window.dataStage()->duplicatesPage();
        page->comparedBox()->setCurrentIndex(1);
        QVERIFY(waitFor([&] { return !page->isLooking(); }, 60'000));
        QCOMPARE(page->matches().groups().size(), size_t{1});
        QCOMPARE(page->matches().groups()[0].matches.size(), size_t{kRows / 2 - 1});
        watch.note("found");
        page->tree()->expand(page->matches().index(0, 0));
        for (int i = 0; i < 50; ++i) QTest::keyClick(page->tree(), Qt::Key_Down);
        watch.note("opened and walked");
        page->select(0, -1);
        QVERIFY(waitFor([&] { return page->leaveOutButton()->isEnabled(); }));
        watch.note("selected");
        QTest::mouseClick(page->leaveOutButton(), Qt::LeftButton);
        QVERIFY(document.recipe().data[0].drop_rows.empty());
        watch.note("refused");
        qInfo("longest time without an event: %lld ms",
              static_cast<long long>(watch.longestGapMs()));
        QVERIFY2(watch.longestGapMs() < 500, "the event loop was blocked");
    }
};

DAYRUN_TEST(TestMillionRows)
#include "test_million_rows_slow.moc"
