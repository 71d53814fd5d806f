// Combinations of settings that no single key can tell are wrong. Neighbour: recipe_schema.h.
#include <fmt/format.h>

#include <bit>
#include <set>

#include "core/recipe/recipe_schema.h"

namespace dayrun::core {
namespace {

Error finding(std::string message, std::string hint) {
    return {.code = ErrorCode::BadRecipe, .message = std::move(message), .hint = std::move(hint)};
}

// What no model can be trained with, whatever its files hold.
void check_method(const Recipe& recipe, std::vector<Error>& findings) {
    const bool is_full = recipe.adapter.method == AdapterMethod::Full;
    if (recipe.base.random_init && !is_full) {
        findings.push_back(finding("base.random_init is true, but adapter.method is not full.",
                                   "An adapter on random weights learns nothing of use; set "
                                   "adapter.method: full, or random_init: false."));
    }
    if (is_full && !recipe.adapter.init_from.empty()) {
        findings.push_back(finding("adapter.init_from is set, but adapter.method is full.",
                                   "Merge the adapter first, or use method lora."));
    }
    if (is_full && recipe.adapter.lora_dropout > 0) {
        findings.push_back(
            finding("adapter.lora_dropout is set, but adapter.method full has no "
                    "adapter to drop inputs of.",
                    "Set adapter.lora_dropout to 0, or adapter.method to lora."));
    }
    if (recipe.quantization.base != BaseQuantization::Nf4) return;
    if (is_full) {
        findings.push_back(
            finding("quantization.base is nf4, but adapter.method is full, and "
                    "weights in NF4 are frozen.",
                    "Set adapter.method to lora, or quantization.base to none."));
    }
    // check_nf4_options says the same of options that come from no recipe.
    if (!std::has_single_bit(static_cast<unsigned>(recipe.quantization.block_size))) {
        findings.push_back(
            finding(fmt::format("quantization.block_size is {}, which NF4 does not have.",
                                recipe.quantization.block_size),
                    "Use 32, 64, 128, 256, 512, 1024, 2048 or 4096."));
    }
}

void check_sources(const Recipe& recipe, std::vector<Error>& findings) {
    std::set<std::string> names;
    size_t weighted = 0;
    size_t trained = 0;
    double weights = 0;
    for (size_t i = 0; i < recipe.data.size(); ++i) {
        const DataSpec& source = recipe.data[i];
        const std::string key = fmt::format("data[{}]", i);
        if (source.name.empty()) {
            findings.push_back(finding(fmt::format("{}.name is missing.", key),
                                       "Every source needs a short name of its own."));
        } else if (!names.insert(source.name).second) {
            findings.push_back(finding(fmt::format("Two sources are called '{}'.", source.name),
                                       "Give each source a name of its own."));
        } else if (source.name == "all") {
            findings.push_back(finding("A source is called 'all', which names the sum of all.",
                                       "Choose another name."));
        }
        if (source.path.empty()) {
            findings.push_back(finding(fmt::format("{}.path is missing.", key),
                                       "Write the file or folder of the source."));
        }
        if (source.take.rows && source.take.fraction) {
            findings.push_back(
                finding(fmt::format("{}.take has rows and fraction.", key), "Keep one of them."));
        }
        const bool is_trained = source.use == SourceUse::BySplit || source.use == SourceUse::Train;
        trained += is_trained ? 1 : 0;
        if (is_trained && source.weight) {
            ++weighted;
            weights += *source.weight;
        }
    }
    if (trained == 0) {
        findings.push_back(finding("The recipe names no source to train on.",
                                   "Add a source under data, with name and path."));
    }
    if (weighted != 0 && weighted != trained) {
        findings.push_back(
            finding(fmt::format("{} of {} training sources have a weight.", weighted, trained),
                    "Give every training source a weight, or none."));
    } else if (weighted != 0 && weights <= 0) {
        findings.push_back(finding("All weights of the mix are 0.", "Raise at least one."));
    }
}

}  // namespace

std::vector<Error> check_recipe(const Recipe& recipe) {
    std::vector<Error> findings;
    if (recipe.base.path.empty()) {
        findings.push_back(finding("base.path is missing.", "Write the folder of the base model."));
    }
    check_method(recipe, findings);
    check_sources(recipe, findings);
    if (recipe.tokens.sample_limit && *recipe.tokens.sample_limit > recipe.tokens.max_seq_len) {
        findings.push_back(
            finding(fmt::format("tokens.sample_limit ({}) is above tokens.max_seq_len ({}).",
                                *recipe.tokens.sample_limit, recipe.tokens.max_seq_len),
                    "A sample must fit into one row: lower the limit or raise the row length."));
    }
    if (recipe.tokens.too_long == TooLong::Split && recipe.prompt.train_on != TrainOn::All) {
        findings.push_back(finding("tokens.too_long is split, but only replies are trained.",
                                   "Splitting is for plain text: set prompt.train_on: all."));
    }
    return findings;
}

}  // namespace dayrun::core
