// The table of settings is complete and consistent, and every key reads, writes and differs.
#include <QTest>
#include <set>

#include "core/recipe/nearest_word.h"
#include "core/recipe/recipe_schema.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

class TestRecipeSchema : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void every_setting_is_described() {
        std::set<std::string> keys;
        for (const SettingInfo& info : settings()) {
            const char* key = info.key.c_str();
            QVERIFY2(keys.insert(info.key).second, key);
            QVERIFY2(!info.label.empty() && info.help.size() > 10 && info.help.back() == '.', key);
            QVERIFY2(info.help.size() <= 130, key);
            QVERIFY2((info.type == SettingType::Choice) <= !info.choices.empty(), key);
            QVERIFY2(!info.minimum || !info.maximum || *info.minimum <= *info.maximum, key);
        }
        QVERIFY(keys.size() > 70);
    }

    void every_default_can_be_set_again() {
        Recipe recipe;
        recipe.data.emplace_back();
        recipe.data[0].name = "a";
        recipe.data[0].path = "b";
        for (const std::string& key : setting_keys(recipe)) {
            const std::string value = setting_value(recipe, key);
            if (value.empty()) continue;
            const auto done = set_setting(recipe, key, value);
            QVERIFY2(done.ok(), done.ok() ? "" : done.error().text().c_str());
            QCOMPARE(setting_value(recipe, key), value);
        }
    }

    void a_refused_value_changes_nothing() {
        Recipe recipe;
        QVERIFY(!set_setting(recipe, "adapter.lora_rank", "-3").ok());
        QCOMPARE(recipe.adapter.lora_rank, Recipe{}.adapter.lora_rank);
    }

    void diff_names_the_settings_that_differ() {
        Recipe a;
        Recipe b;
        QVERIFY(set_setting(b, "adapter.lora_rank", "64").ok());
        QVERIFY(set_setting(b, "adapter.target_modules", "[q_proj]").ok());
        b.data.emplace_back();
        b.data[0].name = "more";
        const std::vector<Recipe> both{a, b};
        const auto differences = recipe_diff(both);
        QCOMPARE(differences[0].key, std::string("adapter.lora_rank"));
        QCOMPARE(differences[0].values, (std::vector<std::string>{"16", "64"}));
        QCOMPARE(differences[1].values[1], std::string("[q_proj]"));
        QCOMPARE(differences[2].key, std::string("data[0].name"));
        QVERIFY(recipe_diff(std::vector<Recipe>{a, a}).empty());
    }

    void nearest_word_finds_slips_only() {
        const std::vector<std::string> known{"lora_rank", "lora_alpha", "method"};
        QCOMPARE(nearest_word("lora_rnk", known), std::string("lora_rank"));
        QCOMPARE(nearest_word("alpha", known), std::string("lora_alpha"));
        QCOMPARE(nearest_word("zebra", known), std::string());
    }
};

DAYRUN_TEST(TestRecipeSchema)
#include "test_recipe_schema.moc"
