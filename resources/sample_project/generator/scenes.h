// Little situations of the closed world with their right answers. stories.cpp tells them, tasks.cpp
// asks about them: one source for both, so a task never asks in words the stories do not use.
// Pure functions of the random numbers, single thread.
#pragma once

#include <string>
#include <vector>

#include "random.h"
#include "world.h"

namespace dayrun::sample_generator {

// A text and what is true in it.
struct Scene {
    std::string text, question, answer;
};

// "The ball is red and the cup is blue." "What colour is the cup?" "blue"
Scene colour_scene(Random& random);
// The same text with a question for each of its things, in random order.
std::vector<Scene> colour_scenes(Random& random);

// "Here are a cat, a cup and a dog." "How many animals are there?" "two"
Scene count_scene(Random& random);

// "Tom has three apples. Mia gives him four more." "How many apples has Tom now?" "seven"
Scene sum_scene(Random& random);

// "cat, cup, dog" "Say it backwards." "dog, cup, cat"
Scene backwards_scene(Random& random);

// "Mia lost the game. She was sad." "Was it a good day or a bad day for Mia?" "bad"
Scene mood_scene(Random& random);

// "Is the horse bigger than the mouse?" "yes", by the order of animals().
Scene bigger_scene(std::size_t left, std::size_t right);

// Four sentences of a walk, and in `answer` the one sentence that tells it in short.
Scene walk_scene(Random& random);

// The beginning of a story in `text`, how it ends in `answer`.
Scene lost_scene(Random& random);

// The same sentence: now in `text`, in the past in `answer`.
Scene tense_scene(Random& random);

// A word and its partner. Each opposite in both directions; each noun with its plural;
// each town with what it is known for.
struct Row {
    std::string input, output;
};
std::vector<Row> opposite_rows();
std::vector<Row> plural_rows();
std::vector<Row> town_rows();

// Two different people.
std::vector<Person> two_people(Random& random);

}  // namespace dayrun::sample_generator
