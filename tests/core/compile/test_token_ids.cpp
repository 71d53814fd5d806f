// Rows of finished ids are used one by one in file order, also those that train nothing, so that a
// run can be compared step by step with another trainer (contracts.md, "Number by number").
#include <QTemporaryDir>
#include <QTest>

#include "core/base/atomic_file.h"
#include "core/compile/cache/data_compiler.h"
#include "core/recipe/recipe_yaml.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

class TestTokenIds : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void a_row_without_labels_keeps_its_place() {
        QTemporaryDir folder;
        const std::filesystem::path path = folder.path().toStdString();
        QVERIFY(write_file(path / "rows.jsonl",
                           "{\"input_ids\": [1, 2, 3]}\n"
                           "{\"input_ids\": [4, 5], \"labels\": [-100, -100]}\n"
                           "{\"input_ids\": [6, 7, 8, 9], \"labels\": [-100, -100, 8, 9]}\n")
                    .ok());
        const auto recipe = parse_recipe(
            "base: {path: base}\ndata: [{name: t, path: rows.jsonl, converter: token_ids, use: "
            "train}]\n"
            "mix: {shuffle: false}\ntokens: {packing: false}\nbatch: {micro_batch_size: 2}\n",
            "r.yaml", path);
        QVERIFY2(recipe.ok(), recipe.ok() ? "" : recipe.error().text().c_str());
        const auto data = compile_data(*recipe, nullptr, path / "cache");
        QVERIFY2(data.ok(), data.ok() ? "" : data.error().text().c_str());
        const EpochPlan plan = (*data)->plan_epoch(0);
        QCOMPARE(plan.rows.size(), size_t{3});
        QCOMPARE((*data)->read_row(plan, 1)->tokens, (std::vector<int32_t>{4, 5}));
        QCOMPARE((*data)->read_row(plan, 1)->target_token_count, int64_t{0});
        QCOMPARE((*data)->read_row(plan, 2)->target_token_count, int64_t{2});
        QCOMPARE((*data)->micro_batches_in_epoch(0), int64_t{2});
    }
};

DAYRUN_TEST(TestTokenIds)
#include "test_token_ids.moc"
