// The four shipped recipes: they read, explain and compile, the same bytes each time, on whatever
// of their sets is there; what is missing is told with its hub id and layout.
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <filesystem>

#include "core/base/hash.h"
#include "core/compile/cache/data_compiler.h"
#include "core/recipe/recipe_schema.h"
#include "core/recipe/recipe_yaml.h"
#include "tests/core/templates/template_fixture.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

const std::filesystem::path kRecipes = DAYRUN_SOURCE_DIR "/resources/recipes";
const char* const kFixtures = DAYRUN_SOURCE_DIR "/tests/core/data/fixtures";

std::filesystem::path recipe_file(const QString& name) {
    return kRecipes / (name.toStdString() + ".yaml");
}

/// A recipe with every source on the fixture of its converter.
Recipe on_fixtures(Recipe recipe) {
    for (DataSpec& source : recipe.data) {
        const std::string converter = source.converter.empty() ? "oasst1" : source.converter;
        source.path = converter == "natural_instructions" ? "natural_instructions"
                      : converter == "math_instruct"      ? "math_instruct.json"
                      : converter == "quac"               ? "quac.json"
                      : converter == "bigbench"           ? "bigbench/task.json"
                      : converter == "truthfulqa"         ? "truthfulqa_choice.jsonl"
                                                          : converter + ".jsonl";
        source.split.clear();
        source.filter.min_input_words.reset();  // the fixtures are short
        source.take = {};
    }
    recipe.sources.folder = kFixtures;
    recipe.mix.fraction = 1;
    recipe.split = {};  // 2,000 test rows would be all there are
    return recipe;
}

/// Hash over every cache file of a folder.
std::string bytes_of(const std::filesystem::path& folder) {
    std::vector<std::string> hashes;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        hashes.push_back(entry.path().filename().string() + *sha256_file(entry.path()));
    }
    std::sort(hashes.begin(), hashes.end());
    std::string all;
    for (const std::string& hash : hashes) all += hash + "\n";
    return all;
}

const ByteTokenizer s_tokenizer({"<s>", "</s>"}, "<s>", "</s>");

}  // namespace

class TestShippedRecipes : public QObject {
    Q_OBJECT

    static void add_recipes() {
        QTest::addColumn<QString>("name");
        for (const char* const name :
             {"upaya_article", "upaya_code", "percent_bfd_article", "percent_bfd_code"}) {
            QTest::newRow(name) << name;
        }
    }

  private Q_SLOTS:
    void reads_and_explains_data() { add_recipes(); }
    void reads_and_explains() {
        QFETCH(QString, name);
        const auto recipe = read_recipe(recipe_file(name));
        QVERIFY2(recipe.ok(), recipe.ok() ? "" : recipe.error().text().c_str());
        QVERIFY(setting_keys(*recipe).size() > 100);
        const auto again = parse_recipe(write_recipe(*recipe), "again.yaml", recipe->folder);
        QVERIFY2(again.ok(), again.ok() ? "" : again.error().text().c_str());
        const std::vector<Recipe> both{*recipe, *again};
        QVERIFY(recipe_diff(both).empty());
    }

    void compiles_every_source_twice_alike_data() { add_recipes(); }
    void compiles_every_source_twice_alike() {
        QFETCH(QString, name);
        const auto shipped = read_recipe(recipe_file(name));
        QVERIFY(shipped.ok());
        const Recipe recipe = on_fixtures(*shipped);
        std::string bytes[2], manifests[2];
        for (int i = 0; i < 2; ++i) {
            const QTemporaryDir folder;
            const std::filesystem::path cache = folder.path().toStdString();
            const auto data = compile_data(recipe, &s_tokenizer, cache);
            QVERIFY2(data.ok(), data.ok() ? "" : data.error().text().c_str());
            manifests[i] = (*data)->manifest_json();
            bytes[i] = bytes_of(cache);
            for (const SourceReport& source : (*data)->sources) {
                QVERIFY2(source.rows_in > 0, source.name.c_str());
                const bool is_dropped_whole = name == "percent_bfd_code" &&
                                              (source.name == "lima" || source.name == "oasst1");
                // All the winners' rows of these two have an empty instruction.
                QVERIFY2((source.train_rows + source.validation_rows + source.test_rows > 0) !=
                             (is_dropped_whole || source.name == "ni_generation" ||
                              source.name == "oasst1"),
                         source.name.c_str());
            }
        }
        QCOMPARE(bytes[0], bytes[1]);
        QCOMPARE(manifests[0], manifests[1]);
    }

    void missing_sets_are_told_and_left_out_when_asked() {
        const QTemporaryDir folder;
        const std::filesystem::path cache = folder.path().toStdString();
        auto recipe = read_recipe(recipe_file("upaya_code"),
                                  {{"sources.folder", folder.path().toStdString()}});
        QVERIFY(recipe.ok());
        const auto stopped = compile_data(*recipe, &s_tokenizer, cache);
        QVERIFY(!stopped.ok());
        QCOMPARE(stopped.error().code, ErrorCode::FileMissing);
        for (const char* const told :
             {"8 of 8", "TIGER-Lab/MathInstruct", "source, instruction, output", "leave_out"}) {
            QVERIFY2(stopped.error().text().find(told) != std::string::npos, told);
        }
        *recipe = on_fixtures(*recipe);
        recipe->data[2].path = "nowhere";
        recipe->sources.missing = MissingSource::LeaveOut;
        const auto data = compile_data(*recipe, &s_tokenizer, cache);
        QVERIFY2(data.ok(), data.ok() ? "" : data.error().text().c_str());
        const auto& warnings = (*data)->warnings;
        QVERIFY(std::any_of(warnings.begin(), warnings.end(), [](const std::string& warning) {
            return warning.starts_with("Left out: 'math_instruct'");
        }));
        QVERIFY((*data)->train_rows() > 0);
    }

    void compiles_on_the_real_sets_data() { add_recipes(); }
    void compiles_on_the_real_sets() {
        DAYRUN_REQUIRE_SHARED(real, "data");
        QFETCH(QString, name);
        auto recipe = read_recipe(recipe_file(name), {{"sources.folder", real.string()},
                                                      {"sources.missing", "leave_out"}});
        QVERIFY(recipe.ok());
        for (DataSpec& source : recipe->data) {
            // These lie there under other names.
            if (source.name == "quac") source.split.clear();
            if (source.name == "dolly") source.path = "litgpt/dolly.json";
            if (source.name == "oasst1") source.path = "oasst/en_100_tree.jsonl";
        }
        std::string hashes[2];
        for (std::string& hash : hashes) {
            const QTemporaryDir folder;
            const auto data = compile_data(*recipe, &s_tokenizer, folder.path().toStdString());
            QVERIFY2(data.ok(), data.ok() ? "" : data.error().text().c_str());
            hash = (*data)->data_sha256 + bytes_of(folder.path().toStdString());
            QVERIFY((*data)->train_rows() > 0);
        }
        QCOMPARE(hashes[0], hashes[1]);
    }
};

DAYRUN_TEST(TestShippedRecipes)
#include "test_shipped_recipes.moc"
