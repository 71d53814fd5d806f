// A folder of row files for tests that compile: files are numbered, and a recipe reads them as
// sources s0, s1 and so on. Test thread only.
#pragma once

#include <QTemporaryDir>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/recipe/recipe.h"

namespace dayrun::tests {

class RowFolder {
  public:
    std::filesystem::path folder() const { return m_folder.path().toStdString(); }
    /// The new file's name in the folder.
    std::string write(const std::string& content, const std::string& ending = ".jsonl") {
        const std::string name = "rows" + std::to_string(m_files++) + ending;
        std::ofstream(folder() / name, std::ios::binary) << content;
        return name;
    }
    core::Recipe recipe_of(const std::vector<std::string>& files) const {
        core::Recipe recipe;
        recipe.folder = folder();
        for (const std::string& file : files) {
            core::DataSpec spec;
            spec.name = "s" + std::to_string(recipe.data.size());
            spec.path = file;
            recipe.data.push_back(spec);
        }
        return recipe;
    }

  private:
    QTemporaryDir m_folder;
    int m_files = 0;
};

}  // namespace dayrun::tests
