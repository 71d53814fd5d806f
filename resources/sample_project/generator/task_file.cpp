// Implements task_file.h: JSON by hand, one row a line, so that a change shows as a small diff.
#include "task_file.h"

#include "text.h"

namespace dayrun::sample_generator {

namespace {

std::string one_item(const std::string& key, const std::string& value) {
    const std::string item = value.empty() ? "" : json_quoted(value);
    return fill("  {}: [{}],\n", {json_quoted(key), item});
}

}  // namespace

std::string task_file_text(const Task& task, const std::vector<Row>& rows,
                           const std::string& part) {
    std::string out = "{\n";
    out += one_item("Contributors", "Dayrun");
    out += one_item("Source", "dayrun_sample_generator");
    out += one_item("URL", "");
    out += one_item("Categories", task.category);
    out += one_item("Reasoning", task.reasoning);
    out += one_item("Definition", task.definition);
    out += one_item("Input_language", "English");
    out += one_item("Output_language", "English");
    out += one_item("Instruction_language", "English");
    out += one_item("Domains", "Story");
    // Not in the published layout; its readers ignore unknown keys.
    out += one_item("Metric", task.kind == TaskKind::Exact ? "exact match" : "rouge-l");
    const Row& example = task.train.front();
    out +=
        fill("  \"Positive Examples\": [{\"input\": {}, \"output\": {}, \"explanation\": \"\"}],\n",
             {json_quoted(example.input), json_quoted(example.output)});
    out += "  \"Negative Examples\": [],\n  \"Instances\": [\n";
    const std::string id_start = task.name.substr(0, task.name.find('_')) + "-" + part + "-";
    for (std::size_t i = 0; i < rows.size(); ++i) {
        out += fill("    {\"id\": {}, \"input\": {}, \"output\": [{}]}",
                    {json_quoted(id_start + std::to_string(i + 1)), json_quoted(rows[i].input),
                     json_quoted(rows[i].output)});
        out += i + 1 < rows.size() ? ",\n" : "\n";
    }
    return out + "  ],\n  \"Instance License\": [\"GPL-3.0\"]\n}\n";
}

}  // namespace dayrun::sample_generator
