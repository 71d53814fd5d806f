// Writes everything of the sample project that is not trained: the instruction tasks, the texts for
// the base model, its tokenizer and its config. rebuild.sh runs it, then trains.
// Same arguments, same bytes. Single thread.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "model_config.h"
#include "stories.h"
#include "task_file.h"
#include "text.h"
#include "vocabulary.h"

namespace {

using namespace dayrun::sample_generator;
namespace fs = std::filesystem;

constexpr std::uint64_t kTextSeed = 1;
constexpr std::uint64_t kTaskSeed = 2;
constexpr std::size_t kVocabularyDocuments = 8000;
constexpr std::size_t kValidationDocuments = 200;

bool write_file(const fs::path& path, const std::string& content) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    std::ofstream file(path, std::ios::binary);
    file << content;
    file.close();
    if (!file) std::cerr << "Could not write " << path << ": check the folder and the disk.\n";
    return static_cast<bool>(file);
}

bool write_tasks(const fs::path& folder) {
    for (const Task& task : make_tasks(kTaskSeed)) {
        const fs::path kind = task.kind == TaskKind::Exact ? "exact" : "generation";
        const fs::path file = task.name + ".json";
        if (!write_file(folder / "train" / kind / file,
                        task_file_text(task, task.train, "train")) ||
            !write_file(folder / "heldout" / kind / file,
                        task_file_text(task, task.held_out, "heldout")))
            return false;
    }
    return true;
}

std::string json_lines(const std::vector<std::string>& documents, std::size_t begin,
                       std::size_t end) {
    std::string out;
    for (std::size_t i = begin; i < end; ++i)
        out += "{\"text\": " + json_quoted(documents[i]) + "}\n";
    return out;
}

// The tokenizer learns from the first documents only: more change nothing but the time.
bool write_start_model(const fs::path& folder, const std::vector<std::string>& documents) {
    const std::size_t read = std::min(documents.size(), kVocabularyDocuments);
    std::string error;
    const std::string model =
        learn_vocabulary({documents.begin(), documents.begin() + static_cast<std::ptrdiff_t>(read)},
                         kVocabularySize, error);
    if (model.empty()) {
        std::cerr << "The vocabulary could not be learned: " << error << "\n";
        return false;
    }
    return write_file(folder / "tokenizer.model", model) &&
           write_file(folder / "config.json", std::string(kModelConfig));
}

bool write_texts_and_model(const fs::path& folder, std::size_t first, std::size_t second) {
    Random random(kTextSeed);
    std::vector<std::string> documents;
    while (documents.size() < first + kValidationDocuments)
        documents.push_back(make_document(random, Course::Everything));
    std::vector<std::string> more;
    while (more.size() < second) more.push_back(make_document(random, Course::MostlyFacts));
    return write_file(folder / "texts.jsonl", json_lines(documents, 0, first)) &&
           write_file(folder / "texts_validation.jsonl",
                      json_lines(documents, first, documents.size())) &&
           write_file(folder / "facts.jsonl", json_lines(more, 0, more.size())) &&
           write_start_model(folder / "start", documents);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.size() == 2 && arguments[0] == "tasks")
        return write_tasks(arguments[1]) ? EXIT_SUCCESS : EXIT_FAILURE;
    if (arguments.size() == 4 && arguments[0] == "base") {
        const std::size_t first = std::strtoul(arguments[2].c_str(), nullptr, 10);
        const std::size_t second = std::strtoul(arguments[3].c_str(), nullptr, 10);
        if (first > 0 && first <= 1'000'000 && second <= 1'000'000)
            return write_texts_and_model(arguments[1], first, second) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    std::cerr << "Usage: dayrun_sample_generator tasks DIR\n"
                 "       dayrun_sample_generator base DIR TEXTS FACTS   (documents of the first "
                 "and second course)\n";
    return 2;
}
