// A project in a folder of its own, with a recipe over a few rows of token ids: enough for a whole
// run with the FakeEngine, without a model or a tokenizer. One thread.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "core/base/atomic_file.h"
#include "core/recipe/recipe_yaml.h"
#include "core/records/project.h"
#include "tests/support/temp_folder.h"

namespace dayrun::tests {

/// Rows of 6 to 13 ids below 64; the first two of each row are not trained.
inline std::string token_rows(int count, int seed = 1) {
    std::string text;
    unsigned state = static_cast<unsigned>(seed) * 2654435761u + 1u;
    const auto next = [&] { return (state = state * 1664525u + 1013904223u) >> 16; };
    for (int row = 0; row < count; ++row) {
        const int length = 6 + row % 8;
        std::string ids, labels;
        for (int i = 0; i < length; ++i) {
            const unsigned id = next() % 64;
            ids += fmt::format("{}{}", i == 0 ? "" : ",", id);
            labels += fmt::format("{}{}", i == 0 ? "" : ",", i < 2 ? -100 : static_cast<int>(id));
        }
        text += fmt::format("{{\"input_ids\":[{}],\"labels\":[{}]}}\n", ids, labels);
    }
    return text;
}

class TempProject {
  public:
    /// 40 training and 8 validation rows in two files.
    TempProject() {
        [[maybe_unused]] const auto train =
            core::write_file(m_folder / "train.jsonl", token_rows(40, 1));
        [[maybe_unused]] const auto held_out =
            core::write_file(m_folder / "held_out.jsonl", token_rows(8, 2));
    }

    std::filesystem::path folder() const { return m_folder.path(); }
    std::filesystem::path project_folder() const { return m_folder / "project"; }

    core::Result<std::unique_ptr<core::Project>> open() const {
        return core::Project::open_or_create(project_folder());
    }

    /// The recipe as YAML; `more` is added at its end.
    static std::string recipe_yaml(const std::string& more = {}) {
        return "dayrun: 1\nname: tiny\nseed: 7\nbase: {path: base}\n"
               "data:\n"
               "  - {name: train, path: train.jsonl, converter: token_ids, use: train}\n"
               "  - {name: held_out, path: held_out.jsonl, converter: token_ids, use: validation}\n"
               "tokens: {max_seq_len: 32, packing: false}\n"
               "optimizer: {learning_rate: 1.0e-3}\n" +
               more;
    }
    core::Result<core::Recipe> recipe(const std::string& more = {}) const {
        return core::parse_recipe(recipe_yaml(more), "tiny.yaml", m_folder.path());
    }

  private:
    TempFolder m_folder;
};

}  // namespace dayrun::tests
