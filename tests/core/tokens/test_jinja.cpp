// The templates' language against figures of jinja2 (fixtures/jinja.json, made with its sandbox and
// the options that chat templates are rendered with), what lies outside it, and what it may cost.
#include <QTest>

#include "core/tokens/jinja/template.h"
#include "tests/core/templates/template_fixture.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

jinja::Value value_of(const nlohmann::json& json) {
    if (json.is_null()) return jinja::None{};
    if (json.is_boolean()) return json.get<bool>();
    if (json.is_number_integer()) return json.get<int64_t>();
    if (json.is_string()) return jinja::Text(json.get<std::string>());
    if (json.is_array()) {
        std::vector<jinja::Value> items;
        for (const auto& item : json) items.push_back(value_of(item));
        return jinja::make_list(std::move(items));
    }
    auto dict = std::make_shared<jinja::Dict>();
    for (const auto& [key, item] : json.items()) {
        dict->set(jinja::Text(key), value_of(item));
    }
    return dict;
}

Result<jinja::Text> rendered(const std::string& text, const nlohmann::json& context = {}) {
    TRY(parsed, jinja::Template::parse(text));
    jinja::Context names;
    for (const auto& [name, value] : context.items()) names.emplace_back(name, value_of(value));
    return parsed.render(std::move(names));
}

std::string outcome(const std::string& text, const nlohmann::json& context = {}) {
    const auto out = rendered(text, context);
    return out.ok() ? out->bytes() : "error: " + out.error().text();
}

}  // namespace

class TestJinja : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void renders_what_jinja2_renders() {
        const auto cases = read_fixture("tokens/fixtures/jinja.json");
        QVERIFY(cases.size() > 25);
        for (const auto& one : cases) {
            const std::string text = one["template"];
            const auto out = rendered(text, one["context"]);
            const std::string told = out.ok() ? out->bytes() : out.error().message;
            QVERIFY2(out.ok() == one.contains("text"), (text + " -> " + told).c_str());
            if (out.ok()) QVERIFY2(told == one["text"], (text + " -> " + told).c_str());
        }
    }

    void keeps_where_characters_came_from() {
        const auto parsed = jinja::Template::parse(
            "a{{ m.strip() }}{{ (m ~ 'z')|upper }}{{ m.split(' ')[1] }}{{ m|replace('x', 'y') }}"
            "{% generation %}{{ m[1:2] }}!{% endgeneration %}");
        QVERIFY(parsed.ok());
        const auto out = parsed->render({{"m", jinja::Text(" x q", 4)}});
        QVERIFY(out.ok());
        std::string shown;
        size_t at = 0;
        for (const jinja::Run& run : out->runs()) {
            const std::string part = out->bytes().substr(at, run.size);
            shown += (run.origin == 4 ? "<" + part + ">" : part) + (run.is_generated ? "*" : "");
            at += run.size;
        }
        QCOMPARE(shown, std::string("a<x q X Q>Z<x >y< q><x>*!*"));
    }

    void refuses_by_name_what_lies_outside() {
        const std::pair<const char*, const char*> outside[] = {
            {"{% include 'x' %}", "tag 'include'"},
            {"{{ x|wordcount }}", "filter 'wordcount'"},
            {"{{ x is divisibleby 3 }}", "test 'divisibleby'"},
            {"{{ x.encode() }}", "method 'encode'"},
            {"a\n{{ lipsum() }}", "function 'lipsum'"},
            {"{{ 2 ** 3 }}", "operator '**'"},
            {"{% for a in b recursive %}{% endfor %}", "'recursive'"}};
        for (const auto& [text, name] : outside) {
            const auto parsed = jinja::Template::parse(text);
            QVERIFY(!parsed.ok());
            QCOMPARE(parsed.error().code, ErrorCode::Unsupported);
            QVERIFY2(parsed.error().text().find(name) != std::string::npos,
                     parsed.error().text().c_str());
        }
        QCOMPARE(jinja::Template::parse("a\n{{ lipsum() }}").error().where.line, 2);
    }

    void mistakes_name_their_place() {
        const char* const broken[] = {"{{ x",         "{% if %}",
                                      "{% if x %}",   "{{ ) }}",
                                      "{% endfor %}", "{{ 'a }}",
                                      "{# never",     "{% set = 3 %}",
                                      "{{ x[ }}",     "{{ {'a' 1} }}",
                                      "{% break %}",  "{{ a b }}",
                                      "{{ 1 if }}",   "{% macro f(a=1, b) %}{% endmacro %}"};
        for (const char* const text : broken) {
            const auto parsed = jinja::Template::parse(std::string("ab\n") + text);
            QVERIFY2(!parsed.ok(), text);
            QVERIFY2(parsed.error().where.line >= 2, parsed.error().text().c_str());
            QCOMPARE(parsed.error().code, ErrorCode::BadTokenizer);
        }
    }

    // A template is a stranger's program: it may neither hang nor exhaust memory or stack.
    void a_costly_template_is_stopped() {
        const std::string all[] = {
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
            "{{ range(99999999999) }}",
            "{{ 'abcdefgh' * 99999999 }}",
            "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}"
            "{% endfor %}{{ ns.s }}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{% set ns = namespace(l=[]) %}{% for i in range(9999) %}{% set ns.l = [ns.l] %}"
            "{% endfor %}{{ ns.l }}",
            "{% set l = [] %}{{ l.append(l) }}",
            "{% set ns = namespace() %}{% set ns.n = ns %}"};
        for (const std::string& text : all) {
            const std::string told = outcome(text);
            QVERIFY2(told.starts_with("error: "), told.substr(0, 200).c_str());
        }
        const std::string deep = std::string(5000, '(') + "1" + std::string(5000, ')');
        QVERIFY(!jinja::Template::parse("{{ " + deep + " }}").ok());
        std::string nested;
        for (int i = 0; i < 5000; ++i) nested += "{% if 1 %}";
        QVERIFY(!jinja::Template::parse(nested).ok());
        QVERIFY(!jinja::Template::parse("{{ " + std::string(5000, '-') + "1 }}").ok());
        QVERIFY(outcome("{{ 9223372036854775807 + 1 }}").starts_with("error: "));
    }
};

DAYRUN_TEST(TestJinja)
#include "test_jinja.moc"
