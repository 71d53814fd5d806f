// The closed world that all texts and tasks of the sample project talk about: its people, animals,
// things, towns and the relations between them. Stories and tasks read the same tables, so what a
// task asks was told in the stories. Constant data, any thread.
#pragma once

#include <string>
#include <vector>

namespace dayrun::sample_generator {

struct Person {
    std::string name, he, his, him;
};
struct Noun {
    std::string one, many;
};
struct Opposite {
    std::string first, second;
};
struct Place {
    std::string name, where;  // "river", "by the river"
};
struct Town {
    std::string name, known_for, flag_colour;
};
// A verb in both tenses and what follows it, with holes such as "{place}" and "{a thing}" that
// scenes.cpp fills.
struct Action {
    std::string present, past, rest;
};

const std::vector<Person>& people();
const std::vector<Noun>& animals();  // from the smallest to the biggest: the order is a fact
const std::vector<Noun>& things();
const std::vector<Opposite>& opposites();
const std::vector<Place>& places();
const std::vector<Town>& towns();
const std::vector<Action>& actions();
const std::vector<std::string>& colours();
const std::vector<std::string>& numbers();  // "zero" to "twenty"
const std::vector<std::string>& good_feelings();
const std::vector<std::string>& bad_feelings();
const std::vector<std::string>& good_events();  // "{} won the game", {} is the person
const std::vector<std::string>& bad_events();

// Animals and things together, for singular and plural.
std::vector<Noun> all_nouns();

}  // namespace dayrun::sample_generator
