// Implements scenes.h from the tables of world.h. Pure functions of the random numbers.
#include "scenes.h"

#include "text.h"

namespace dayrun::sample_generator {

namespace {

void replace_all(std::string& text, std::string_view hole, std::string_view value) {
    for (std::size_t at = text.find(hole); at != std::string::npos; at = text.find(hole, at))
        text.replace(at, hole.size(), value);
}

// Fills the named holes of an Action's rest; each hole draws, used or not, so that the random
// numbers of what follows do not depend on the verb.
std::string complete(std::string rest, const Person& other, Random& random) {
    const Place& place = random.pick(places());
    const std::string& thing = random.pick(things()).one;
    const std::string& colour = random.pick(colours());
    replace_all(rest, "{place}", place.name);
    replace_all(rest, "{where}", place.where);
    replace_all(rest, "{thing}", thing);
    replace_all(rest, "{a thing}", with_article(thing));
    replace_all(rest, "{animal}", random.pick(animals()).one);
    replace_all(rest, "{colour}", colour);
    replace_all(rest, "{a colour}", with_article(colour));
    replace_all(rest, "{person}", other.name);
    return rest;
}

}  // namespace

std::vector<Person> two_people(Random& random) {
    return random.sample(people(), 2);
}

std::vector<Row> opposite_rows() {
    std::vector<Row> rows;
    for (const Opposite& pair : opposites()) {
        rows.push_back({pair.first, pair.second});
        rows.push_back({pair.second, pair.first});
    }
    return rows;
}

std::vector<Row> plural_rows() {
    std::vector<Row> rows;
    for (const Noun& noun : all_nouns()) rows.push_back({noun.one, noun.many});
    return rows;
}

std::vector<Row> town_rows() {
    std::vector<Row> rows;
    for (const Town& town : towns()) rows.push_back({town.name, town.known_for});
    return rows;
}

Scene colour_scene(Random& random) {
    return colour_scenes(random).front();
}

std::vector<Scene> colour_scenes(Random& random) {
    const auto seen = random.sample(things(), static_cast<std::size_t>(random.between(2, 4)));
    const auto shades = random.sample(colours(), seen.size());
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < seen.size(); ++i)
        parts.push_back(fill("the {} is {}", {seen[i].one, shades[i]}));
    const std::string text = capitalized(listed(parts)) + ".";
    std::vector<Scene> questions;
    for (std::size_t i = 0; i < seen.size(); ++i)
        questions.push_back({text, fill("What colour is the {}?", {seen[i].one}), shades[i]});
    random.shuffle(questions);
    return questions;
}

Scene count_scene(Random& random) {
    const int animal_count = random.between(1, 4);
    const int thing_count = random.between(0, 2);
    std::vector<std::string> parts;
    for (const Noun& noun : random.sample(animals(), static_cast<std::size_t>(animal_count)))
        parts.push_back(with_article(noun.one));
    for (const Noun& noun : random.sample(things(), static_cast<std::size_t>(thing_count)))
        parts.push_back(with_article(noun.one));
    random.shuffle(parts);
    return {fill("{} {}.",
                 {capitalized(random.pick(places()).where + (parts.size() > 1 ? " are" : " is")),
                  listed(parts)}),
            "How many animals are there?", numbers()[static_cast<std::size_t>(animal_count)]};
}

Scene sum_scene(Random& random) {
    const auto pair = two_people(random);
    const Noun& thing = random.pick(things());
    const auto amount = [&](int n) { return numbers()[static_cast<std::size_t>(n)]; };
    const auto with_noun = [&](int n) {
        return amount(n) + " " + (n == 1 ? thing.one : thing.many);
    };
    const int had = random.between(1, 9);
    const int more = random.between(1, 9);
    return {fill("{} has {}. {} gives {} {} more.",
                 {pair[0].name, with_noun(had), pair[1].name, pair[0].him, amount(more)}),
            fill("How many {} has {} now?", {thing.many, pair[0].name}), amount(had + more)};
}

Scene backwards_scene(Random& random) {
    std::vector<std::string> words;
    for (const Noun& noun :
         random.sample(all_nouns(), static_cast<std::size_t>(random.between(2, 4))))
        words.push_back(noun.one);
    const std::vector<std::string> reversed(words.rbegin(), words.rend());
    return {joined(words, ", "), "Say it backwards.", joined(reversed, ", ")};
}

Scene mood_scene(Random& random) {
    const auto pair = two_people(random);
    const bool good = random.chance(50);
    const std::string event =
        fill(random.pick(good ? good_events() : bad_events()), {pair[0].name});
    const std::string& feeling = random.pick(good ? good_feelings() : bad_feelings());
    const std::string where = random.pick(places()).where;
    std::string text =
        random.chance(50)
            ? fill("{} {}. {} was {}.", {event, where, capitalized(pair[0].he), feeling})
            : fill("{} was {} {}. {} told {} why: {}.",
                   {pair[0].name, feeling, where, capitalized(pair[0].he), pair[1].name, event});
    return {std::move(text), fill("Was it a good day or a bad day for {}?", {pair[0].name}),
            good ? "good" : "bad"};
}

Scene bigger_scene(std::size_t left, std::size_t right) {
    const std::string& first = animals()[left].one;
    const std::string& second = animals()[right].one;
    return {"", fill("Is the {} bigger than the {}?", {first, second}),
            left > right ? "yes" : "no"};
}

Scene walk_scene(Random& random) {
    const Person& person = random.pick(people());
    const Place& place = random.pick(places());
    const std::string sight =
        random.pick(colours()) + " " +
        (random.chance(50) ? random.pick(animals()).one : random.pick(things()).one);
    const std::string& feeling = random.pick(random.chance(50) ? good_feelings() : bad_feelings());
    static const std::vector<std::string> kDays = {"sunny", "rainy", "windy", "cold", "warm"};
    static const std::vector<std::string> kVerbs = {"went", "walked", "ran", "rode"};
    const std::string He = capitalized(person.he);
    return {
        fill("{} {} to the {}. It was a {} day. There {} saw {}. {} was {}.",
             {person.name, random.pick(kVerbs), place.name, random.pick(kDays), person.he,
              with_article(sight), He, feeling}),
        "What happened, in short?",
        fill("{} saw {} {} and was {}.", {person.name, with_article(sight), place.where, feeling})};
}

Scene lost_scene(Random& random) {
    const auto pair = two_people(random);
    const std::string thing = random.pick(colours()) + " " + random.pick(things()).one;
    const std::string he = pair[0].he, He = capitalized(he);
    const Place& place = random.pick(places());
    return {fill("{} lost {} {}. {} looked for it {}.",
                 {pair[0].name, pair[0].his, thing, He, place.where}),
            "How does the story end?",
            fill("{} helped {}. They found the {} under {}, and {} was {}.",
                 {pair[1].name, pair[0].him, thing, with_article(random.pick(things()).one),
                  pair[0].name, random.pick(good_feelings())})};
}

Scene tense_scene(Random& random) {
    const auto pair = two_people(random);
    const Action& action = random.pick(actions());
    const std::string rest = complete(action.rest, pair[1], random);
    return {fill("{} {} {}.", {pair[0].name, action.present, rest}), "And yesterday?",
            fill("{} {} {}.", {pair[0].name, action.past, rest})};
}

}  // namespace dayrun::sample_generator
