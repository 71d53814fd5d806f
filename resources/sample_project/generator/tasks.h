// The instruction tasks of the sample project: definition, examples, rows to train on and rows held
// out. No held-out input is ever trained, and where a task asks for a fact about a word or a pair
// (opposites, plurals, towns, sizes), the whole word or pair is held out: the tuned model can only
// know it from the stories. Beside it: task_file.h writes them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenes.h"

namespace dayrun::sample_generator {

enum class TaskKind { Exact, Generation };

struct Task {
    std::string name;  // file name without ".json"
    TaskKind kind;
    std::string category;  // a task type of Super-NaturalInstructions
    std::string reasoning;
    std::string definition;
    std::vector<Row> train, held_out;
};

std::vector<Task> make_tasks(std::uint64_t seed);

}  // namespace dayrun::sample_generator
