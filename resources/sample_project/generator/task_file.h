// Writes a task as a file in the layout of Super-NaturalInstructions. Beside it: tasks.h.
#pragma once

#include <string>
#include <vector>

#include "tasks.h"

namespace dayrun::sample_generator {

// The text of one task file with these rows as its Instances. `part` ("train", "heldout") goes into
// the ids of the rows.
std::string task_file_text(const Task& task, const std::vector<Row>& rows, const std::string& part);

}  // namespace dayrun::sample_generator
