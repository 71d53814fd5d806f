// Implements stories.h: a document is a few pieces of one or of mixed kinds. Several wordings per
// fact, so that the model learns the fact and not one sentence. Pure functions.
#include "stories.h"

#include <array>

#include "scenes.h"
#include "text.h"

namespace dayrun::sample_generator {

namespace {

// A question with its answer, in one of the ways people write them down.
std::string asked(Random& random, const std::string& question, const std::string& answer) {
    switch (random.below(5)) {
        case 0:
            return fill("{} {}.", {question, capitalized(answer)});
        case 1:
            return fill("The teacher asks: {} {} says: {}.",
                        {question, random.pick(people()).name, answer});
        case 2:
            return fill("Question: {}\nAnswer: {}\n", {question, answer});
        case 3: {
            const auto pair = two_people(random);
            return fill("\"{}\" asked {}. \"{},\" said {}.",
                        {question, pair[0].name, capitalized(answer), pair[1].name});
        }
        default:
            return fill("{} The answer is {}.", {question, answer});
    }
}

std::string asked(Random& random, const Scene& scene) {
    const std::string answered = asked(random, scene.question, scene.answer);
    return scene.text.empty() ? answered : scene.text + " " + answered;
}

std::string opposite_piece(Random& random) {
    const Opposite& pair = random.pick(opposites());
    const bool swap = random.chance(50);
    const std::string& word = swap ? pair.second : pair.first;
    const std::string& other = swap ? pair.first : pair.second;
    switch (random.below(4)) {
        case 0:
            return fill("The opposite of {} is {}.", {word, other});
        case 1:
            return fill("{} is the opposite of {}.", {capitalized(word), other});
        case 2:
            return fill("What is not {} may be {}.", {word, other});
        default:
            return asked(random, fill("What is the opposite of {}?", {word}), other);
    }
}

std::string plural_piece(Random& random) {
    const Noun noun = random.pick(all_nouns());
    const std::string& number = numbers()[static_cast<std::size_t>(random.between(2, 12))];
    switch (random.below(4)) {
        case 0:
            return fill("One {}, {} {}.", {noun.one, number, noun.many});
        case 1:
            return fill("The plural of {} is {}.", {noun.one, noun.many});
        case 2:
            return fill("{} wants one {}, but {} has {} {}.",
                        {random.pick(people()).name, noun.one, random.pick(people()).name, number,
                         noun.many});
        default:
            return asked(random, fill("What is the plural of {}?", {noun.one}), noun.many);
    }
}

std::string bigger_piece(Random& random) {
    const std::size_t left = random.below(animals().size());
    std::size_t right = random.below(animals().size() - 1);
    if (right >= left) ++right;
    const std::string& big = animals()[std::max(left, right)].one;
    const std::string& small = animals()[std::min(left, right)].one;
    switch (random.below(4)) {
        case 0:
            return fill("The {} is bigger than the {}.", {big, small});
        case 1:
            return fill("The {} is smaller than the {}.", {small, big});
        default:
            return asked(random, bigger_scene(left, right));
    }
}

std::string town_piece(Random& random) {
    const Town& town = random.pick(towns());
    switch (random.below(5)) {
        case 0:
            return fill("The town of {} is known for {}.", {town.name, town.known_for});
        case 1:
            return fill("{} went to {} to buy {}.",
                        {random.pick(people()).name, town.name, town.known_for});
        case 2:
            return fill("The flag of {} is {}.", {town.name, town.flag_colour});
        case 3:
            return asked(random, fill("What is the town of {} known for?", {town.name}),
                         town.known_for);
        default:
            return fill("{} comes from {}.", {capitalized(town.known_for), town.name});
    }
}

std::string sum_piece(Random& random) {
    if (random.chance(45)) return asked(random, sum_scene(random));
    const int left = random.between(1, 9);
    const int right = random.between(1, 9);
    const auto word = [](int n) { return numbers()[static_cast<std::size_t>(n)]; };
    switch (random.below(3)) {
        case 0:
            return capitalized(
                fill("{} and {} make {}.", {word(left), word(right), word(left + right)}));
        case 1:
            return capitalized(
                fill("{} less {} is {}.", {word(left + right), word(right), word(left)}));
        default:
            return asked(random, fill("How much is {} and {}?", {word(left), word(right)}),
                         word(left + right));
    }
}

std::string mood_piece(Random& random) {
    const Scene scene = mood_scene(random);
    if (random.chance(50)) return asked(random, scene);
    return fill("{} It was a {} day.", {scene.text, scene.answer});
}

std::string backwards_piece(Random& random) {
    const Scene scene = backwards_scene(random);
    const auto pair = two_people(random);
    switch (random.below(3)) {
        case 0:
            return fill("{} says: {}. {} says it backwards: {}.",
                        {pair[0].name, scene.text, pair[1].name, scene.answer});
        case 1:
            return fill("Forwards: {}\nBackwards: {}\n", {scene.text, scene.answer});
        default:
            return fill("From the front it is {}, and from the back it is {}.",
                        {scene.text, scene.answer});
    }
}

std::string tense_piece(Random& random) {
    const Scene scene = tense_scene(random);
    return random.chance(50) ? fill("Today: {} Yesterday: {}", {scene.text, scene.answer})
                             : fill("Now {} Then, long ago, {}", {scene.text, scene.answer});
}

std::string walk_piece(Random& random) {
    const Scene scene = walk_scene(random);
    return random.chance(30) ? scene.text : fill("{} In short: {}", {scene.text, scene.answer});
}

std::string lost_piece(Random& random) {
    const Scene scene = lost_scene(random);
    return fill("{} {}", {scene.text, scene.answer});
}

std::string colour_piece(Random& random) {
    return asked(random, colour_scene(random));
}
std::string count_piece(Random& random) {
    return asked(random, count_scene(random));
}

using Piece = std::string (*)(Random&);
// A kind that stands here twice is told twice as often: those need more examples.
constexpr std::array<Piece, 16> kPieces = {
    opposite_piece, plural_piece, bigger_piece, bigger_piece,    town_piece,      sum_piece,
    sum_piece,      mood_piece,   colour_piece, backwards_piece, backwards_piece, tense_piece,
    walk_piece,     lost_piece,   count_piece,  count_piece};

}  // namespace

std::string make_document(Random& random) {
    // Half of the documents stay with one kind, as a lesson does; the others wander.
    const bool lesson = random.chance(50);
    const Piece kind = kPieces[random.below(kPieces.size())];
    std::string text;
    const int pieces = random.between(3, 6);
    for (int i = 0; i < pieces; ++i) {
        if (!text.empty() && text.back() != '\n') text += ' ';
        text += (lesson ? kind : kPieces[random.below(kPieces.size())])(random);
    }
    while (text.back() == '\n') text.pop_back();
    return text;
}

}  // namespace dayrun::sample_generator
