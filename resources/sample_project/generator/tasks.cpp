// Implements tasks.h. Each task draws from its own random stream, so that a change of one task
// leaves the rows of the others as they are. Single thread.
#include "tasks.h"

#include <functional>
#include <set>

#include "scenes.h"
#include "text.h"

namespace dayrun::sample_generator {

namespace {

constexpr std::size_t kTrainRows = 240;
// The long answers of a generation task weigh more in the loss: half as many rows keep the balance.
constexpr std::size_t kGenerationRows = 120;
constexpr std::size_t kHeldOutRows = 30;

// Rows about single facts: every fact is either trained or held out, in each wording.
void add_facts(Task& task, const std::vector<Row>& facts, const std::vector<std::string>& wordings,
               std::size_t held_out_facts, Random& random) {
    std::vector<Row> order = facts;
    random.shuffle(order);
    for (std::size_t i = 0; i < order.size(); ++i) {
        std::vector<Row>& rows = i < held_out_facts ? task.held_out : task.train;
        for (const std::string& wording : wordings)
            rows.push_back({fill(wording, {order[i].input}), order[i].output});
    }
    random.shuffle(task.train);
}

// Rows drawn one by one; a repeated input is drawn again, so train and held-out inputs differ.
void add_drawn(Task& task, Random& random, const std::function<Row(Random&)>& draw) {
    std::set<std::string> seen;
    const std::size_t train_rows = task.kind == TaskKind::Exact ? kTrainRows : kGenerationRows;
    while (task.train.size() + task.held_out.size() < train_rows + kHeldOutRows) {
        Row row = draw(random);
        if (!seen.insert(row.input).second) continue;
        (task.held_out.size() < kHeldOutRows ? task.held_out : task.train)
            .push_back(std::move(row));
    }
}

Row with_question(const Scene& scene) {
    return {scene.text + " " + scene.question, scene.answer};
}

Task opposite_task(Random& random) {
    Task task{"task001_opposite_word",
              TaskKind::Exact,
              "Word Semantics",
              "Lexical Relations",
              "In this task you are given a word. Write the word that means the opposite.",
              {},
              {}};
    // Both words of a pair stay on one side: else a trained "small: big" would give "big" away.
    std::vector<Opposite> pairs = opposites();
    random.shuffle(pairs);
    const std::vector<std::string> wordings = {"{}", "What is the opposite of {}?", "Word: {}"};
    constexpr std::size_t kHeldOutPairs = 8;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const std::vector<Row> both = {{pairs[i].first, pairs[i].second},
                                       {pairs[i].second, pairs[i].first}};
        add_facts(task, both, wordings, i < kHeldOutPairs ? both.size() : 0, random);
    }
    return task;
}

Task plural_task(Random& random) {
    Task task{"task002_plural_noun",
              TaskKind::Exact,
              "Word Semantics",
              "Morphology",
              "You are given a noun that stands for one. Write the noun for many.",
              {},
              {}};
    add_facts(task, plural_rows(),
              {"{}", "What is the plural of {}?", "One {}, many ...", "Word: {}"}, 10, random);
    return task;
}

Task town_task(Random& random) {
    Task task{
        "task003_town_product",
        TaskKind::Exact,
        "Question Answering",
        "World Knowledge",
        "You are given a question about a town. Answer with the one word for what the town is "
        "known for.",
        {},
        {}};
    add_facts(task, town_rows(),
              {"What is the town of {} known for?", "What comes from {}?", "The town of {}",
               "Tom went to {}. What did he buy there?"},
              8, random);
    return task;
}

Task bigger_task(Random& random) {
    Task task{"task004_bigger_animal",
              TaskKind::Exact,
              "Answer Verification",
              "Commonsense Reasoning",
              "You are given a question about the size of two animals. Answer yes or no.",
              {},
              {}};
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t right = 0; right < animals().size(); ++right)
        for (std::size_t left = 0; left < right; ++left) pairs.emplace_back(left, right);
    random.shuffle(pairs);
    for (std::size_t i = 0; i < kHeldOutRows + kTrainRows && i < pairs.size(); ++i) {
        auto [left, right] = pairs[i];
        if (random.chance(50)) std::swap(left, right);
        const Scene scene = bigger_scene(left, right);
        (i < kHeldOutRows ? task.held_out : task.train).push_back({scene.question, scene.answer});
    }
    return task;
}

Task colour_task(Random& random) {
    Task task{
        "task005_colour_of_thing",
        TaskKind::Exact,
        "Information Extraction",
        "Reading Comprehension",
        "You are given a text and a question. Answer the question with one word from the text.",
        {},
        {}};
    add_drawn(task, random, [](Random& r) { return with_question(colour_scene(r)); });
    return task;
}

Task count_task(Random& random) {
    Task task{
        "task006_count_animals",
        TaskKind::Exact,
        "Question Answering",
        "Quantitative Reasoning",
        "In this task you are given a list. Count the animals in it and write the number as a "
        "word.",
        {},
        {}};
    add_drawn(task, random, [](Random& r) {
        const Scene scene = count_scene(r);
        return Row{scene.text, scene.answer};
    });
    return task;
}

Task sum_task(Random& random) {
    Task task{"task007_how_many_now",
              TaskKind::Exact,
              "Mathematics",
              "Quantitative Reasoning",
              "You are given a short story with numbers and a question. Write the number that "
              "answers it as a word.",
              {},
              {}};
    add_drawn(task, random, [](Random& r) { return with_question(sum_scene(r)); });
    return task;
}

Task mood_task(Random& random) {
    Task task{"task008_good_or_bad_day",
              TaskKind::Exact,
              "Sentiment Analysis",
              "Commonsense Reasoning",
              "Read the text and say if the day was good or bad. Answer with good or bad.",
              {},
              {}};
    add_drawn(task, random, [](Random& r) {
        const Scene scene = mood_scene(r);
        return Row{scene.text, scene.answer};
    });
    return task;
}

Task backwards_task(Random& random) {
    Task task{"task009_words_backwards",
              TaskKind::Exact,
              "Program Execution",
              "",
              "You are given some words. Write the same words backwards, from the last to the "
              "first.",
              {},
              {}};
    add_drawn(task, random, [](Random& r) {
        const Scene scene = backwards_scene(r);
        return Row{scene.text, scene.answer};
    });
    return task;
}

Task scene_task(Task task, Random& random, Scene (*make_scene)(Random&)) {
    add_drawn(task, random, [&](Random& r) {
        const Scene scene = make_scene(r);
        return Row{scene.text, scene.answer};
    });
    return task;
}

Task tense_task(Random& random) {
    return scene_task({"task010_past_tense",
                       TaskKind::Generation,
                       "Text Modification",
                       "",
                       "You are given a sentence about today. Write the same sentence in the past.",
                       {},
                       {}},
                      random, tense_scene);
}

Task short_task(Random& random) {
    return scene_task({"task011_story_in_short",
                       TaskKind::Generation,
                       "Summarization",
                       "",
                       "You are given a story. Tell it in short, in one sentence.",
                       {},
                       {}},
                      random, walk_scene);
}

Task ending_task(Random& random) {
    return scene_task({"task012_story_ending",
                       TaskKind::Generation,
                       "Text Completion",
                       "Commonsense Reasoning",
                       "You are given the start of a story. Write how the story ends.",
                       {},
                       {}},
                      random, lost_scene);
}

}  // namespace

std::vector<Task> make_tasks(std::uint64_t seed) {
    using Maker = Task (*)(Random&);
    constexpr Maker kMakers[] = {opposite_task,  plural_task, town_task,  bigger_task,
                                 colour_task,    count_task,  sum_task,   mood_task,
                                 backwards_task, tense_task,  short_task, ending_task};
    std::vector<Task> tasks;
    for (const Maker make : kMakers) {
        Random random(seed + 1000 * (tasks.size() + 1));
        tasks.push_back(make(random));
    }
    return tasks;
}

}  // namespace dayrun::sample_generator
