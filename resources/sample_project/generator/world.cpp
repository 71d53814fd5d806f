// The tables of world.h. A word has one plural and at most one opposite, so that each question
// has one right answer. Constant data, any thread.
#include "world.h"

namespace dayrun::sample_generator {

const std::vector<Person>& people() {
    static const std::vector<Person> kPeople = [] {
        std::vector<Person> all;
        for (const char* name : {"Tom", "Ben", "Leo", "Sam", "Max", "Finn", "Otto", "Paul", "Hugo"})
            all.push_back({name, "he", "his", "him"});
        for (const char* name :
             {"Mia", "Anna", "Lucy", "Rosa", "Ella", "Nina", "Ida", "Kate", "Lily"})
            all.push_back({name, "she", "her", "her"});
        return all;
    }();
    return kPeople;
}

const std::vector<Noun>& animals() {
    static const std::vector<Noun> kAnimals = {
        {"ant", "ants"},       {"bee", "bees"},    {"butterfly", "butterflies"},
        {"mouse", "mice"},     {"frog", "frogs"},  {"bird", "birds"},
        {"duck", "ducks"},     {"hen", "hens"},    {"rabbit", "rabbits"},
        {"cat", "cats"},       {"goose", "geese"}, {"fox", "foxes"},
        {"dog", "dogs"},       {"wolf", "wolves"}, {"sheep", "sheep"},
        {"goat", "goats"},     {"pig", "pigs"},    {"pony", "ponies"},
        {"donkey", "donkeys"}, {"cow", "cows"},    {"horse", "horses"},
        {"bear", "bears"},     {"ox", "oxen"},     {"elephant", "elephants"},
    };
    return kAnimals;
}

const std::vector<Noun>& things() {
    static const std::vector<Noun> kThings = {
        {"ball", "balls"},      {"box", "boxes"},       {"book", "books"},
        {"cup", "cups"},        {"knife", "knives"},    {"leaf", "leaves"},
        {"dish", "dishes"},     {"brush", "brushes"},   {"hat", "hats"},
        {"shoe", "shoes"},      {"chair", "chairs"},    {"table", "tables"},
        {"bench", "benches"},   {"boat", "boats"},      {"kite", "kites"},
        {"lamp", "lamps"},      {"key", "keys"},        {"clock", "clocks"},
        {"glass", "glasses"},   {"dress", "dresses"},   {"scarf", "scarves"},
        {"shelf", "shelves"},   {"toy", "toys"},        {"drum", "drums"},
        {"bell", "bells"},      {"rope", "ropes"},      {"basket", "baskets"},
        {"bottle", "bottles"},  {"flower", "flowers"},  {"stone", "stones"},
        {"coat", "coats"},      {"watch", "watches"},   {"loaf", "loaves"},
        {"spoon", "spoons"},    {"bag", "bags"},        {"bus", "buses"},
        {"berry", "berries"},   {"apple", "apples"},    {"peach", "peaches"},
        {"cherry", "cherries"}, {"potato", "potatoes"}, {"tomato", "tomatoes"},
    };
    return kThings;
}

const std::vector<Opposite>& opposites() {
    static const std::vector<Opposite> kOpposites = {
        {"big", "small"},     {"hot", "cold"},        {"long", "short"},   {"fast", "slow"},
        {"old", "new"},       {"happy", "sad"},       {"wet", "dry"},      {"full", "empty"},
        {"open", "closed"},   {"hard", "soft"},       {"high", "low"},     {"loud", "quiet"},
        {"rich", "poor"},     {"strong", "weak"},     {"wide", "narrow"},  {"clean", "dirty"},
        {"early", "late"},    {"up", "down"},         {"left", "right"},   {"day", "night"},
        {"summer", "winter"}, {"morning", "evening"}, {"sweet", "sour"},   {"north", "south"},
        {"east", "west"},     {"first", "last"},      {"always", "never"}, {"good", "bad"},
        {"deep", "shallow"},  {"awake", "asleep"},    {"true", "false"},   {"easy", "difficult"},
        {"top", "bottom"},    {"win", "lose"},        {"push", "pull"},    {"give", "take"},
        {"buy", "sell"},      {"love", "hate"},       {"friend", "enemy"}, {"alive", "dead"},
    };
    return kOpposites;
}

const std::vector<Place>& places() {
    static const std::vector<Place> kPlaces = {
        {"garden", "in the garden"}, {"kitchen", "in the kitchen"}, {"river", "by the river"},
        {"hill", "on the hill"},     {"school", "at the school"},   {"market", "at the market"},
        {"farm", "on the farm"},     {"forest", "in the forest"},   {"lake", "by the lake"},
        {"barn", "in the barn"},     {"bridge", "on the bridge"},   {"park", "in the park"},
        {"shop", "in the shop"},     {"field", "in the field"},
    };
    return kPlaces;
}

const std::vector<Town>& towns() {
    static const std::vector<Town> kTowns = {
        {"Miro", "cheese", "green"},   {"Tolva", "honey", "red"},    {"Karn", "glass", "blue"},
        {"Belmo", "bread", "white"},   {"Sirta", "silk", "yellow"},  {"Dunlo", "wool", "grey"},
        {"Pavik", "salt", "black"},    {"Orsa", "fish", "blue"},     {"Lumet", "paper", "green"},
        {"Velda", "wine", "purple"},   {"Nubra", "roses", "pink"},   {"Fenor", "boats", "white"},
        {"Jusko", "clocks", "orange"}, {"Rilma", "music", "red"},    {"Tarben", "apples", "green"},
        {"Quill", "books", "brown"},   {"Zembo", "drums", "yellow"}, {"Askel", "shoes", "black"},
        {"Ibis", "gold", "yellow"},    {"Yarrow", "soap", "pink"},   {"Umbra", "lamps", "purple"},
        {"Ostrel", "corn", "red"},     {"Noro", "rice", "blue"},     {"Sylva", "butter", "green"},
    };
    return kTowns;
}

const std::vector<Action>& actions() {
    static const std::vector<Action> kActions = {
        {"walks", "walked", "to the {place}"},
        {"runs", "ran", "to the {place}"},
        {"rides", "rode", "to the {place}"},
        {"sees", "saw", "{a colour} {animal}"},
        {"finds", "found", "{a colour} {thing}"},
        {"buys", "bought", "{a colour} {thing}"},
        {"sells", "sold", "the {thing} to {person}"},
        {"sings", "sang", "{where}"},
        {"draws", "drew", "{a colour} {animal}"},
        {"makes", "made", "{a thing} for {person}"},
        {"gives", "gave", "{person} {a colour} {thing}"},
        {"loses", "lost", "the {thing} {where}"},
        {"takes", "took", "the {thing} to the {place}"},
        {"brings", "brought", "the {thing} to {person}"},
        {"hides", "hid", "the {thing} {where}"},
        {"sleeps", "slept", "{where}"},
        {"writes", "wrote", "to {person}"},
        {"carries", "carried", "the {thing} to the {place}"},
        {"opens", "opened", "the {colour} box"},
        {"paints", "painted", "the {thing} {colour}"},
        {"feeds", "fed", "the {animal} {where}"},
        {"washes", "washed", "the {thing} {where}"},
        {"hears", "heard", "the {animal} {where}"},
        {"throws", "threw", "the ball to {person}"},
        {"catches", "caught", "the {animal} {where}"},
        {"builds", "built", "{a thing} {where}"},
        {"drops", "dropped", "the {thing} {where}"},
        {"keeps", "kept", "the {colour} {thing}"},
        {"holds", "held", "the {thing} of {person}"},
        {"meets", "met", "{person} {where}"},
        {"helps", "helped", "{person} {where}"},
        {"plays", "played", "with {person} {where}"},
        {"waits", "waited", "for {person} {where}"},
        {"tells", "told", "{person} about the {animal}"},
    };
    return kActions;
}

const std::vector<std::string>& colours() {
    static const std::vector<std::string> kColours = {"red",   "blue",   "green", "yellow",
                                                      "black", "white",  "brown", "grey",
                                                      "pink",  "purple", "orange"};
    return kColours;
}

const std::vector<std::string>& numbers() {
    static const std::vector<std::string> kNumbers = {
        "zero",     "one",     "two",     "three",     "four",     "five",     "six",
        "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen",
        "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"};
    return kNumbers;
}

const std::vector<std::string>& good_feelings() {
    static const std::vector<std::string> kGood = {"happy", "glad",   "proud",   "cheerful",
                                                   "merry", "joyful", "pleased", "delighted"};
    return kGood;
}

const std::vector<std::string>& bad_feelings() {
    static const std::vector<std::string> kBad = {"sad",    "angry",   "upset",   "lonely",
                                                  "gloomy", "unhappy", "worried", "hurt"};
    return kBad;
}

const std::vector<std::string>& good_events() {
    static const std::vector<std::string> kGood = {
        "{} won the game",     "{} found a friend",          "{} got a gift",
        "{} ate a sweet cake", "{} heard a merry song",      "{} saw the sun come out",
        "{} won first prize",  "{} came home to a warm fire"};
    return kGood;
}

const std::vector<std::string>& bad_events() {
    static const std::vector<std::string> kBad = {
        "{} lost the game",   "{} fell into the mud", "{} broke the best toy",
        "{} burned the soup", "{} missed the bus",    "{} got wet in the storm",
        "{} lost a friend",   "{} stepped on a thorn"};
    return kBad;
}

std::vector<Noun> all_nouns() {
    std::vector<Noun> nouns = animals();
    nouns.insert(nouns.end(), things().begin(), things().end());
    return nouns;
}

}  // namespace dayrun::sample_generator
