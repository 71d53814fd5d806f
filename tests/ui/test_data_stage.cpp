// Stage Data as a person uses it, offscreen: files are imported and mapped, the mix is turned, rows
// are filtered, and the token lens shows the trainer's own cache.
#include <QAction>
#include <QApplication>
#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QDropEvent>
#include <QLineEdit>
#include <QMimeData>
#include <QPushButton>
#include <QSlider>
#include <QTabWidget>
#include <QTableView>
#include <QTreeWidget>

#include "core/base/atomic_file.h"
#include "core/compile/cache/token_cache.h"
#include "core/data/converters/converter.h"
#include "tests/support/damaged_cache.h"
#include "tests/support/test_registry.h"
#include "tests/ui/fixture.h"
#include "ui/look/share_bar.h"
#include "ui/look/text.h"
#include "ui/models/cached_sample_model.h"
#include "ui/models/lens_reader.h"
#include "ui/models/lens_token_model.h"
#include "ui/models/row_filter.h"
#include "ui/models/sample_table_model.h"
#include "ui/panels/part_format.h"
#include "ui/panels/token_lens.h"
#include "ui/project/prepared_data.h"
#include "ui/shell/main_window.h"
#include "ui/stages/data/column_mapping.h"
#include "ui/stages/data/data_stage.h"
#include "ui/stages/data/findings/drops_page.h"
#include "ui/stages/data/import_sheet.h"
#include "ui/stages/data/mix_page.h"
#include "ui/stages/data/mix_row.h"
#include "ui/stages/data/rows_page.h"
#include "ui/stages/data/tokens_page.h"

using namespace dayrun;
using namespace dayrun::tests;
using namespace dayrun::ui;

namespace {

constexpr int kBadLine = 17;

// Rows that no known set has, one of them broken.
std::string ownRows() {
    std::string rows;
    for (int i = 1; i <= 200; ++i) {
        const std::string n = std::to_string(i);
        rows += i == kBadLine ? "{\"Frage\": \"broken\n"
                              : "{\"Frage\": \"What is " + n +
                                    " plus one?\", \"Antwort\": \"It is " + std::to_string(i + 1) +
                                    ".\", \"Thema\": \"" + (i % 4 == 0 ? "even" : "odd") + "\"}\n";
    }
    return rows;
}

std::string dollyRows() {
    std::string rows;
    for (int i = 0; i < 50; ++i) {
        const std::string n = std::to_string(i);
        rows += "{\"instruction\": \"Name thing " + n +
                "\", \"context\": \"\", \"response\": \"Thing " + n +
                "\", \"category\": \"open_qa\"}\n";
    }
    return rows;
}

// As a person chooses: the box says it was a choice, not a program.
void choose(QComboBox* box, const QVariant& data) {
    const int row = box->findData(data);
    QVERIFY2(row >= 0, qPrintable(data.toString()));
    box->setCurrentIndex(row);
    Q_EMIT box->activated(row);
}

}  // namespace

class TestDataStage : public QObject {
    Q_OBJECT

  private:
    TempFolder m_folder;
    std::unique_ptr<MainWindow> m_window;

    DataStage& stage() { return *m_window->dataStage(); }
    ProjectDocument& document() { return *m_window->document(); }
    bool waitUntilPrepared() { return tests::waitUntilPrepared(*m_window); }

  private Q_SLOTS:
    void initTestCase() {
        QVERIFY(core::write_file(m_folder / "own.jsonl", ownRows()).ok());
        QVERIFY(core::write_file(m_folder / "dolly.jsonl", dollyRows()).ok());
        m_window = std::make_unique<MainWindow>(optionsWith(fakeEngine()), Memory::Forget);
        m_window->show();
        QVERIFY(
            m_window->openProject(m_folder / "project", ProjectDocument::OpenAs::CreateIfMissing));
        QCOMPARE(m_window->currentStage(), StageId::Data);
        const QString base = QStringLiteral(DAYRUN_SOURCE_DIR "/resources/sample_project/base");
        QVERIFY(document().setSetting(QStringLiteral("base.path"), base).ok());
    }
    void cleanupTestCase() { m_window.reset(); }

    void importsAndMaps() {
        LoopWatch watch;
        ImportSheet* sheet = stage().importPaths({pathText(m_folder / "own.jsonl")});
        QVERIFY(waitFor([&] { return sheet->isQuiet(); }));
        QVERIFY2(sheet->factsText().contains(QStringLiteral("JSONL")),
                 qPrintable(sheet->factsText()));
        // No set fits and no name gives the mapping away: it says which fields there are.
        QVERIFY2(sheet->problemText().contains(QStringLiteral("Frage")),
                 qPrintable(sheet->problemText()));
        choose(sheet->converterBox(), QStringLiteral("*columns"));
        QVERIFY(waitFor([&] { return sheet->isQuiet(); }));
        choose(sheet->mapping()->fieldBox(QStringLiteral("Frage")), QStringLiteral("instruction"));
        choose(sheet->mapping()->fieldBox(QStringLiteral("Antwort")), QStringLiteral("response"));
        QVERIFY(waitFor([&] { return sheet->isQuiet(); }));
        // The first failing row with its file and line.
        const QString place = QStringLiteral("own.jsonl:%1").arg(kBadLine);
        QVERIFY2(sheet->problemText().contains(place), qPrintable(sheet->problemText()));
        QVERIFY2(sheet->factsText().contains(QStringLiteral("200 rows")),
                 qPrintable(sheet->factsText()));
        QTest::mouseClick(sheet->acceptButton(), Qt::LeftButton);
        QCOMPARE(document().recipe().data.size(), size_t{1});
        const core::ColumnMapping wanted{{"instruction", "Frage"}, {"response", "Antwort"}};
        QCOMPARE(document().recipe().data.front().columns, wanted);
        QCOMPARE(document().undoStack().undoText(), QStringLiteral("Add source own"));

        sheet = stage().importPaths({pathText(m_folder / "dolly.jsonl")});
        QVERIFY(waitFor([&] { return sheet->isQuiet(); }));
        QVERIFY2(sheet->factsText().contains(QStringLiteral("CC BY-SA")),
                 qPrintable(sheet->factsText()));
        sheet->nameBox()->setText(QStringLiteral("tasks"));
        Q_EMIT sheet->nameBox()->textEdited(QStringLiteral("tasks"));
        QTest::mouseClick(sheet->acceptButton(), Qt::LeftButton);
        QCOMPARE(document().recipe().data.back().name, std::string("tasks"));
        QVERIFY(waitUntilPrepared());
        watch.note("imported two files");
        QVERIFY2(watch.longestGapMs() < 500, "the event loop was blocked");
    }

    // What is dropped may be anything: each says what is wrong, and only what can be read is added.
    void dropsOfBrokenThingsAreToldCalmly() {
        LoopWatch watch;
        const std::filesystem::path folder = m_folder / "odd";
        QVERIFY(core::write_file(folder / "damaged.parquet", "PAR1 and then nothing").ok());
        QVERIFY(
            core::write_file(folder / "cut.jsonl.gz", std::string("\x1f\x8b\x08\0abc", 7)).ok());
        QVERIFY(core::write_file(folder / "picture.png", std::string("\x89PNG\0\0", 6)).ok());
        QVERIFY(core::write_file(folder / "binary.jsonl", std::string(300, '\0')).ok());
        QVERIFY(core::write_file(folder / "empty.csv", "").ok());
        QVERIFY(core::write_file(m_folder / "no_data" / "deep" / "readme.html", "<p>").ok());
        QVERIFY(core::write_file(folder / "good.jsonl", dollyRows()).ok());
        const std::vector<std::filesystem::path> broken{
            folder / "damaged.parquet", folder / "cut.jsonl.gz", folder / "picture.png",
            folder / "binary.jsonl",    folder / "empty.csv",    folder / "nothing here.jsonl",
            m_folder / "no_data"};
        const size_t before = document().recipe().data.size();
        for (const std::filesystem::path& path : broken) {
            QMimeData dropped;
            dropped.setUrls({QUrl::fromLocalFile(pathText(path))});
            QDragEnterEvent enter(QPoint(50, 50), Qt::CopyAction, &dropped, Qt::LeftButton,
                                  Qt::NoModifier);
            QApplication::sendEvent(&stage(), &enter);
            QVERIFY(enter.isAccepted());
            QDropEvent drop(QPointF(50, 50), Qt::CopyAction, &dropped, Qt::LeftButton,
                            Qt::NoModifier);
            QApplication::sendEvent(&stage(), &drop);
            auto* sheet = stage().findChild<ImportSheet*>();
            QVERIFY2(sheet != nullptr, path.c_str());
            QVERIFY2(waitFor([&] { return sheet->isQuiet(); }), path.c_str());
            qInfo("%s: %s", path.filename().c_str(), qPrintable(sheet->problemText()));
            QVERIFY2(!sheet->problemText().isEmpty(), path.c_str());
            sheet->reject();
            QVERIFY(waitFor([&] { return stage().findChild<ImportSheet*>() == nullptr; }));
        }
        ImportSheet* sheet = stage().importPaths(
            {pathText(folder / "damaged.parquet"), pathText(folder / "good.jsonl")});
        QVERIFY(waitFor([&] { return sheet->isQuiet(); }));
        QCOMPARE(sheet->sources().size(), size_t{1});
        QTest::mouseClick(sheet->acceptButton(), Qt::LeftButton);
        QCOMPARE(document().recipe().data.size(), before + 1);
        QCOMPARE(document().recipe().data.back().name, std::string("good"));
        document().undoStack().undo();
        QVERIFY(waitUntilPrepared());
        QVERIFY2(watch.longestGapMs() < 500, "the event loop was blocked");
    }

    void filtersRows() {
        stage().showSource(0);
        stage().showPage(DataPage::Rows);
        SampleTableModel& rows = stage().rowsPage()->rows();
        QVERIFY(waitFor([&] { return rows.isComplete() && rows.rowCount() == 200; }));
        stage().rowsPage()->searchBox()->setText(QStringLiteral("Thema:even"));
        QVERIFY(waitFor([&] { return rows.hasSearch() && !rows.isSearching(); }));
        QCOMPARE(rows.rowCount(), 50);
        stage().rowsPage()->searchBox()->setText(QStringLiteral("Thema:even \"196 plus\""));
        QVERIFY(waitFor([&] { return rows.rowCount() == 1 && !rows.isSearching(); }));
        QVERIFY(waitFor([&] { return rows.row(0) != nullptr; }));
        QCOMPARE(rows.row(0)->row_index, int64_t{195});
        stage().rowsPage()->searchBox()->clear();
        QVERIFY(waitFor([&] { return rows.rowCount() == 200; }));
    }

    void filterTextBecomesConditions() {
        using Conditions = std::vector<RowFilter::Condition>;
        const Conditions wanted{{{}, QStringLiteral("a word")},
                                {QStringLiteral("task"), QStringLiteral("qa")},
                                {QStringLiteral("input"), QStringLiteral("two words: x")}};
        QCOMPARE(RowFilter::make(QStringLiteral("\"a word\" task:qa input:\"two words: x\""))
                     .conditions(),
                 wanted);
        QVERIFY(RowFilter::make(QStringLiteral("  ")).isEmpty());
    }

    void lensReadsTheTrainersCache() {
        QVERIFY(waitUntilPrepared());
        RowsPage* page = stage().rowsPage();
        page->preview()->setCurrentWidget(page->lens());
        // Behind the broken row, so that the numbering of rows is seen to agree.
        page->table()->selectRow(20);
        QVERIFY(waitFor([&] {
            return page->lens()->page().is_from_cache &&
                   page->lens()->page().documents.size() == 1 &&
                   page->lens()->page().documents.front().title == "own, row 21";
        }));
        const core::LensView& view = page->lens()->page().view;
        QVERIFY(view.trained_tokens > 0);
        QVERIFY(view.tokens.back().is_trained);
        QCOMPARE(view.tokens.back().part, std::string("stop"));
        QVERIFY(std::any_of(view.tokens.begin(), view.tokens.end(), [](const auto& token) {
            return token.part == "instruction" || token.part == "input";
        }));
        qInfo("%zu tokens, %lld trained", view.tokens.size(),
              static_cast<long long>(view.trained_tokens));
        QCOMPARE(page->lens()->tokens().rowCount(), static_cast<int>(view.tokens.size()));
        // The very bytes: the cache's tokens of that row.
        const auto prepared = stage().prepared().prepared();
        const core::TokenCache& cache = prepared->data->cache(0);
        bool found = false;
        for (uint32_t row = 0; row < cache.row_count(); ++row) {
            if (cache.row_indices[row] != 20) continue;
            found = true;
            const auto cached = cache.read(row, 0);
            QVERIFY(cached.ok());
            QVERIFY(std::equal(view.tokens.begin(), view.tokens.end(), cached->tokens.begin(),
                               cached->tokens.end(),
                               [](const auto& token, int32_t id) { return token.id == id; }));
        }
        QVERIFY(found);
        // The arrow keys move the preview.
        QTest::keyClick(page->table(), Qt::Key_Down);
        QVERIFY(waitFor([&] {
            return !page->lens()->page().documents.empty() &&
                   page->lens()->page().documents.front().title == "own, row 22";
        }));
    }

    void leavesOutARowFromTheTable() {
        stage().showSource(0);
        RowsPage* page = stage().rowsPage();
        page->table()->selectRow(4);
        QVERIFY(waitFor([&] { return page->rows().row(4) != nullptr; }));
        m_window->action(QStringLiteral("data.leaveOutRow"))->trigger();
        QCOMPARE(document().recipe().data[0].drop_rows, std::vector<int64_t>{5});
        QVERIFY(waitUntilPrepared());
        QCOMPARE(stage()
                     .prepared()
                     .prepared()
                     ->data->sources[0]
                     .dropped.reasons.at(core::kLeftOutByNumber)
                     .examples,
                 std::vector<std::string>{"row 5"});
        document().undoStack().undo();
        QVERIFY(document().recipe().data[0].drop_rows.empty());
        QVERIFY(waitUntilPrepared());
    }

    void mixesWithUndo() {
        QVERIFY(waitUntilPrepared());
        stage().showPage(DataPage::Mix);
        MixPage* mix = stage().mixPage();
        QCOMPARE(mix->rows().size(), size_t{2});
        const int64_t all = mix->mix().rows_per_epoch;
        QVERIFY(all > 200);
        mix->amountBox()->setCurrentIndex(1);
        Q_EMIT mix->amountBox()->activated(1);
        QVERIFY(document().recipe().data[0].weight.has_value());
        QVERIFY(document().recipe().data[1].weight.has_value());
        const int before = document().undoStack().index();
        // A drag is one command and answers at once.
        QElapsedTimer since;
        since.start();
        for (int place = 200; place <= 500; place += 50) mix->rows()[1]->slider()->setValue(place);
        qInfo("seven slider steps: %lld ms", static_cast<long long>(since.elapsed()));
        QCOMPARE(document().undoStack().index(), before + 1);
        QVERIFY2(std::abs(mix->mix().sources[1].share - 0.5) < 0.01,
                 qPrintable(QString::number(mix->mix().sources[1].share)));
        document().undoStack().undo();
        QVERIFY(mix->mix().sources[1].share < 0.3);
        QCOMPARE(mix->shareBar()->parts().size(), size_t{2});
        // The tick leaves a source out and brings back what it had.
        const double weight = *document().recipe().data[1].weight;
        mix->rows()[1]->includeBox()->click();
        QCOMPARE(*document().recipe().data[1].weight, 0.0);
        QCOMPARE(mix->mix().sources[1].rows_per_epoch, int64_t{0});
        mix->rows()[1]->includeBox()->click();
        QCOMPARE(*document().recipe().data[1].weight, weight);
        // Live figures are those that the compiler gives for the same recipe.
        QVERIFY(waitUntilPrepared());
        const auto& reports = stage().prepared().prepared()->data->sources;
        for (size_t i = 0; i < reports.size(); ++i) {
            QCOMPARE(mix->mix().sources[i].rows_per_epoch, reports[i].rows_per_epoch);
            QVERIFY(std::abs(mix->mix().sources[i].share - reports[i].share) < 1e-9);
            QVERIFY(std::abs(mix->mix().sources[i].effective_epochs - reports[i].effective_epochs) <
                    1e-9);
        }
        mix->amountBox()->setCurrentIndex(0);
        Q_EMIT mix->amountBox()->activated(0);
        QVERIFY(!document().recipe().data[0].weight.has_value());
    }

    void searchesWhatIsNotTrained() {
        QVERIFY(waitUntilPrepared());
        TokensPage* page = stage().tokensPage();
        stage().showPage(DataPage::Tokens);
        const auto found = [&](int count) {
            return waitFor([&] {
                return !page->isSearching() && page->found().prepared() != nullptr &&
                       page->found().prepared() == stage().prepared().prepared() &&
                       (count < 0 ? page->found().rowCount() > 0
                                  : page->found().rowCount() == count);
            });
        };
        page->showSearch(LensSearch::StopNotTrained);
        QVERIFY(found(0));
        // A short limit for replies cuts their stop tokens away.
        QVERIFY(
            document()
                .setSettings(QStringLiteral("short"),
                             {{QStringLiteral("tokens.max_response_tokens"), QStringLiteral("4")},
                              {QStringLiteral("tokens.too_long"), QStringLiteral("keep_head")}})
                .ok());
        const bool is_prepared = waitUntilPrepared();
        QVERIFY2(is_prepared, qPrintable(stage().prepared().problem()));
        QVERIFY(found(-1));
        QVERIFY(waitFor([&] { return page->lens()->page().view.lost_stop_token; }));
        QVERIFY(page->lens()->page().view.truncated_tokens > 0);
        document().undoStack().undo();
        QVERIFY(waitUntilPrepared());

        page->whatBox()->setCurrentIndex(page->whatBox()->count() - 1);
        QVERIFY(found(-1));
        QVERIFY(page->found().isOfRows());
        QVERIFY(waitFor([&] { return page->lens()->page().documents.size() > 1; }));
        const core::LensView& view = page->lens()->page().view;
        // The names of the template's parts follow when the files have been read.
        const auto is_named = [](const core::LensToken& token) { return token.part == "response"; };
        QVERIFY(waitFor([&] {
            const auto& tokens = page->lens()->page().view.tokens;
            return std::any_of(tokens.begin(), tokens.end(), is_named);
        }));
        for (const core::LensToken& token : view.tokens) QVERIFY(isNamedPart(token.part));
        // Positions restart at every border.
        for (size_t i = 1; i < view.tokens.size(); ++i) {
            if (view.tokens[i].document != view.tokens[i - 1].document) {
                QCOMPARE(view.tokens[i].position, 0);
            }
        }
        // Across tokens, and from place to place.
        page->lens()->searchBox()->setText(QStringLiteral("Response:"));
        QCOMPARE(page->lens()->found().size(), page->lens()->page().documents.size());
        QTest::keyClick(page->lens()->searchBox(), Qt::Key_Return);
        QCOMPARE(page->lens()->foundAt(), 1);
        page->lens()->searchBox()->setText(QStringLiteral("id:%1").arg(view.tokens[3].id));
        QVERIFY(!page->lens()->found().empty());
        page->lens()->searchBox()->setText(QStringLiteral("no such words"));
        QVERIFY(page->lens()->found().empty());
        page->lens()->searchBox()->clear();
    }

    void showsWhatIsLeftOut() {
        QVERIFY(waitUntilPrepared());
        stage().showPage(DataPage::LeftOut);
        DropsPage* page = stage().dropsPage();
        QVERIFY2(page->summaryText().startsWith(QStringLiteral("1 of 250 rows")),
                 qPrintable(page->summaryText()));
        const QTreeWidgetItem* reason = page->tree()->topLevelItem(0)->child(0);
        QCOMPARE(reason->text(0), QStringLiteral("bad row"));
        QTreeWidgetItem* example = reason->child(0);
        QVERIFY(example->text(0).contains(QStringLiteral("own.jsonl:%1").arg(kBadLine)));
        // A click shows the row itself, with what is wrong with it.
        Q_EMIT page->tree()->itemClicked(example, 0);
        QVERIFY(waitFor([&] { return stage().page() == DataPage::Rows; }));
        RowsPage* rows = stage().rowsPage();
        QVERIFY(waitFor([&] { return rows->table()->currentIndex().row() == kBadLine - 1; }));
        QVERIFY(waitFor([&] { return rows->rows().row(kBadLine - 1) != nullptr; }));
        QVERIFY(!rows->rows().row(kBadLine - 1)->problem.empty());
    }

    // A cache is damaged while the window has it open: what reads it says so, and the answer is
    // made anew by itself.
    void aDamagedCacheIsToldAndMended() {
        QVERIFY(waitUntilPrepared());
        stage().showPage(DataPage::LeftOut);
        const PreparedData& data = stage().prepared();
        const auto before = data.prepared();
        const std::vector<core::SampleRef> sample{{0, 0}};
        QVERIFY(flip_tokens(before->data->sources[0].cache_file) > 100);
        const auto damaged = readCachedLens(*before, sample);
        QVERIFY(!damaged.ok());
        QCOMPARE(damaged.error().code, core::ErrorCode::FileDamaged);
        QVERIFY(waitFor([&] { return data.prepared() != before && !data.isBusy(); }));
        QVERIFY(readCachedLens(*data.prepared(), sample).ok());
        QVERIFY2(stage().dropsPage()->summaryText().contains(QStringLiteral("It was built anew.")),
                 qPrintable(stage().dropsPage()->summaryText()));
        QCOMPARE(data.prepared()->data->data_sha256, before->data->data_sha256);
    }

    void warnsOfEvaluationSetsOnly() {
        const auto warns = [](const char* converter, const char* path) {
            return !core::training_warning(core::find_converter(converter),
                                           std::filesystem::path(path))
                        .empty();
        };
        QVERIFY(warns("gsm8k", "gsm8k/test.jsonl"));
        QVERIFY(!warns("gsm8k", "gsm8k/train.jsonl"));
        QVERIFY(warns("mmlu", "mmlu/test/anatomy_test.csv"));
        QVERIFY(!warns("mmlu", "mmlu/auxiliary_train/race.csv"));
        QVERIFY(warns("bigbench", "navigate/task.json"));
        QVERIFY(warns("alpaca", "mine/test.json"));
        QVERIFY(!warns("alpaca", "mine/rows.json"));
    }
};

DAYRUN_TEST(TestDataStage)
#include "test_data_stage.moc"
