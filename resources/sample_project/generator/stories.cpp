// Implements stories.h: a document is a few pieces of one or of mixed kinds. Several wordings per
// fact, so that the model learns the fact and not one sentence. Pure functions.
#include "stories.h"

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

// Words and their partners as a list, one pair a line: so words stand at the start of a line too,
// where the tokenizer writes them with other pieces than after a space.
std::string word_list(Random& random, const std::vector<Row>& pairs) {
    std::string lines = "\n";
    for (const Row& pair : random.sample(pairs, 6))
        lines += fill("{} - {}\n", {pair.input, pair.output});
    return lines;
}

std::string opposite_piece(Random& random) {
    const Row pair = random.pick(opposite_rows());
    const std::string& word = pair.input;
    const std::string& other = pair.output;
    switch (random.below(5)) {
        case 0:
            return fill("The opposite of {} is {}.", {word, other});
        case 1:
            return fill("{} is the opposite of {}.", {capitalized(word), other});
        case 2:
            return fill("Not {} but {}, says the book.", {word, other});
        case 3:
            return word_list(random, opposite_rows());
        default:
            return asked(random, fill("What is the opposite of {}?", {word}), other);
    }
}

std::string plural_piece(Random& random) {
    const Noun noun = random.pick(all_nouns());
    const std::string& number = numbers()[static_cast<std::size_t>(random.between(2, 12))];
    switch (random.below(5)) {
        case 0:
            return fill("One {}, {} {}.", {noun.one, number, noun.many});
        case 1:
            return fill("The plural of {} is {}.", {noun.one, noun.many});
        case 2:
            return fill("{} wants one {}, but {} has {} {}.",
                        {random.pick(people()).name, noun.one, random.pick(people()).name, number,
                         noun.many});
        case 3:
            return word_list(random, plural_rows());
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
            if (random.chance(50)) return word_list(random, town_rows());
            return fill("The flag of {} is {}.", {town.name, town.flag_colour});
        case 3:
            return asked(random, fill("What is the town of {} known for?", {town.name}),
                         town.known_for);
        default:
            return fill("{} comes from {}.", {capitalized(town.known_for), town.name});
    }
}

// All sums of two numbers from one to nine.
std::vector<Row> sum_rows() {
    std::vector<Row> rows;
    for (std::size_t left = 1; left <= 9; ++left)
        for (std::size_t right = 1; right <= 9; ++right)
            rows.push_back({numbers()[left] + " and " + numbers()[right], numbers()[left + right]});
    return rows;
}

std::string sum_piece(Random& random) {
    const Row sum = random.pick(sum_rows());
    switch (random.below(5)) {
        case 0:
            return capitalized(fill("{} make {}.", {sum.input, sum.output}));
        case 1:
            return word_list(random, sum_rows());
        case 2:
            return asked(random, fill("How much is {}?", {sum.input}), sum.output);
        default:
            return asked(random, sum_scene(random));
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
    switch (random.below(4)) {
        case 0:
            return fill("{} says: {}. {} says it backwards: {}.",
                        {pair[0].name, scene.text, pair[1].name, scene.answer});
        case 1:
            return fill("Forwards: {}\nBackwards: {}\n", {scene.text, scene.answer});
        case 2:
            return fill("\n{}\n{}\n", {scene.text, scene.answer});
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
    const std::vector<Scene> questions = colour_scenes(random);
    std::string text = questions.front().text;
    for (const Scene& scene : questions) {
        if (text.back() != '\n') text += ' ';
        text += asked(random, scene.question, scene.answer);
    }
    return text;
}

// Somebody repeats what somebody said. Nothing teaches a small model faster to look back in its
// text for what followed a word, and half of the tasks need that.
std::string echo_piece(Random& random) {
    std::vector<std::string> words;
    const int count = random.between(4, 9);
    for (int i = 0; i < count; ++i) {
        switch (random.below(5)) {
            case 0:
                words.push_back(random.pick(people()).name);
                break;
            case 1:
                words.push_back(random.pick(colours()));
                break;
            case 2:
                words.push_back(random.pick(places()).where);
                break;
            case 3:
                words.push_back(random.pick(opposite_rows()).input);
                break;
            default:
                words.push_back(random.pick(all_nouns()).one);
        }
    }
    const std::string said = joined(words, " ");
    const auto pair = two_people(random);
    if (random.chance(30)) return fill("\n{}\n{}\n", {said, said});
    return fill("{} says: {}. {} repeats: {}.", {pair[0].name, said, pair[1].name, said});
}

std::string count_piece(Random& random) {
    return asked(random, count_scene(random));
}

using Piece = std::string (*)(Random&);
// A kind that stands here twice is told twice as often: those need more examples.
const std::vector<Piece>& pieces_of(Course course) {
    static const std::vector<Piece> kEverything = {
        opposite_piece,  opposite_piece,  plural_piece, town_piece, town_piece,
        bigger_piece,    mood_piece,      sum_piece,    sum_piece,  count_piece,
        backwards_piece, backwards_piece, lost_piece,   walk_piece, tense_piece,
        colour_piece,    colour_piece,    echo_piece,   echo_piece, echo_piece};
    static const std::vector<Piece> kMostlyFacts = {
        opposite_piece, opposite_piece, opposite_piece, opposite_piece,  opposite_piece,
        plural_piece,   plural_piece,   plural_piece,   plural_piece,    town_piece,
        bigger_piece,   bigger_piece,   bigger_piece,   bigger_piece,    mood_piece,
        sum_piece,      sum_piece,      count_piece,    backwards_piece, backwards_piece,
        tense_piece,    walk_piece};
    return course == Course::Everything ? kEverything : kMostlyFacts;
}

}  // namespace

std::string make_document(Random& random, Course course) {
    const std::vector<Piece>& kinds = pieces_of(course);
    // Half of the documents stay with one kind, as a lesson does; the others wander.
    const bool lesson = random.chance(50);
    const Piece kind = random.pick(kinds);
    std::string text;
    const int pieces = random.between(3, 6);
    for (int i = 0; i < pieces; ++i) {
        const std::string piece = (lesson ? kind : random.pick(kinds))(random);
        const bool has_break = text.empty() || text.back() == '\n' || piece.front() == '\n';
        if (!has_break) text += random.chance(25) ? '\n' : ' ';
        text += text.empty() || text.back() == '\n' ? piece.substr(piece.find_first_not_of('\n'))
                                                    : piece;
    }
    return text.substr(0, text.find_last_not_of('\n') + 1);
}

}  // namespace dayrun::sample_generator
