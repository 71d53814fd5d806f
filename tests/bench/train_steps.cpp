// A program that trains an adapter with Dayrun's engine one step at a time, as its standard input
// asks: the counterpart of tests/scenarios/peft/train_steps.py in a process of its own, so that
// each side's peak memory is its own. One JSON object as argument (see the Python file), then one
// command a line and one JSON answer a line:
//     rows FILE.jsonl   the rows of all further steps: {"input_ids": [...], "labels": [...]}
//     step              one optimizer step on them: {cpu_s, wall_s, loss}
//     gradients FILE    of the mean loss, to a safetensors file; no step: {loss}
//     memory            {peak_bytes, start_bytes}: resident at most, and before the model
//     floor             the matrix products of one step alone: {cpu_s}
// Neighbours: products_floor.h, tests/engine/test_peft_bench.cpp.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/base/clock.h"
#include "core/device/libtorch_memory.h"
#include "core/engine/decoder_engine.h"
#include "core/engine/device/open_torch.h"
#include "tests/bench/products_floor.h"

using namespace dayrun;
using nlohmann::json;

namespace {

core::PackedRow row_of(const json& line) {
    core::PackedRow row;
    row.tokens = line["input_ids"].get<std::vector<int32_t>>();
    row.labels = line["labels"].get<std::vector<int32_t>>();
    row.documents.push_back({.end = static_cast<int32_t>(row.tokens.size())});
    for (size_t i = 1; i < row.labels.size(); ++i) {
        row.target_token_count += row.labels[i] != core::kIgnoreLabel;
    }
    return row;
}

core::Recipe recipe_of(const json& settings) {
    core::Recipe recipe;
    recipe.base.path = settings["model"].get<std::string>();
    recipe.base.dtype =
        settings["dtype"] == "bfloat16" ? core::DtypeChoice::BFloat16 : core::DtypeChoice::Float32;
    recipe.adapter.init_from = settings["adapter"].get<std::string>();
    recipe.optimizer.max_grad_norm = 1.0;
    return recipe;
}

/// The commands, over one engine.
class Steps {
  public:
    explicit Steps(const json& settings)
        : m_settings(settings),
          m_start_bytes(m_engine.device_bytes()),
          m_recipe(recipe_of(settings)),
          m_prepared(m_engine.prepare(m_recipe)) {}

    json ready() const {
        if (!m_prepared.ok()) return {{"error", m_prepared.error().text()}};
        return {{"ready", true}};
    }

    json run(const std::string& command, const std::string& argument) {
        if (command == "rows") return read_rows(argument);
        if (command == "step") return step();
        if (command == "gradients") return gradients(argument);
        if (command == "floor") return {{"cpu_s", products_floor_s(m_engine.decoder(), m_batch)}};
        if (command == "memory") {
            return {{"peak_bytes", m_engine.device_bytes_peak()}, {"start_bytes", m_start_bytes}};
        }
        return {{"error", "unknown command " + command}};
    }

  private:
    json read_rows(const std::string& path) {
        m_rows.clear();
        std::ifstream file(path);
        for (std::string line; std::getline(file, line);) {
            m_rows.push_back(row_of(json::parse(line)));
        }
        m_batch = core::make_batch(m_rows, 0);
        return {{"rows", m_rows.size()}};
    }

    json step() {
        const core::Stopwatch watch;
        const double cpu = core::process_cpu_s();
        const auto done =
            m_engine.accumulate(m_batch, static_cast<double>(m_batch.target_token_count));
        if (!done.ok()) return {{"error", done.error().text()}};
        const auto outcome = m_engine.apply_step(m_settings["learning_rate"].get<double>());
        if (!outcome.ok()) return {{"error", outcome.error().text()}};
        return {{"cpu_s", core::process_cpu_s() - cpu},
                {"wall_s", watch.elapsed_s()},
                {"loss", outcome->loss}};
    }

    json gradients(const std::string& path) {
        const auto result = m_engine.logprobs(m_rows, {}, path);
        if (!result.ok()) return {{"error", result.error().text()}};
        return {{"loss", result->loss}};
    }

    json m_settings;
    engine::DecoderEngine m_engine{core::Device{.threads = m_settings["threads"].get<int>()}};
    int64_t m_start_bytes = 0;
    core::Recipe m_recipe;
    core::Result<core::PreparedModel> m_prepared;
    std::vector<core::PackedRow> m_rows;
    core::PackedBatch m_batch;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const int64_t planned = core::planned_libtorch_bytes();
    if (!engine::open_torch().ok()) return 1;
    if (std::string_view(argv[1]) == "--libtorch") {
        std::cout << planned << ' ' << core::held_libtorch_bytes() << std::endl;
        return 0;
    }
    Steps steps(json::parse(argv[1]));
    std::cout << steps.ready().dump() << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        const size_t space = line.find(' ');
        const std::string argument = space == std::string::npos ? "" : line.substr(space + 1);
        std::cout << steps.run(line.substr(0, space), argument).dump() << std::endl;
    }
    return 0;
}
