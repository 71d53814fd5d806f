// The texts from which the base model learns its language: short stories and school lessons about
// the world of world.h, in plain sentences, never in the form of an instruction prompt. Beside it:
// tasks.h asks about the same facts. Pure function of the random numbers.
#pragma once

#include <string>

#include "random.h"

namespace dayrun::sample_generator {

// What a document is about. The base model first reads everything, then mostly facts and counting:
// a tiny model has them last, and one mix for all would take twice the tokens.
enum class Course { Everything, MostlyFacts };

// One document of about 60 to 180 tokens.
std::string make_document(Random& random, Course course);

}  // namespace dayrun::sample_generator
