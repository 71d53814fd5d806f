// One instruction row on its way from a file to tokens. Neighbours: the readers make Rows, a
// converter turns a Row into a Sample, core/tokens renders a Sample by its template.
// Plain values: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dayrun::core {

enum class Role { System, User, Assistant };

/// One turn of a dialogue. `trained`: the loss covers it when prompt.train_on is `response`.
struct Message {
    Role role = Role::User;
    std::string content;
    bool trained = false;
};

/// A document for training: either messages, or a plain text, or finished token ids.
struct Sample {
    uint64_t sample_id = 0;         // stable: from the source's name and the row's index
    uint32_t source_index = 0;      // into Recipe::data
    uint64_t row_index = 0;         // of the row (or task instance) in its source, from 0
    std::vector<Message> messages;  // chat shape; a plain instruction is user+assistant
    std::map<std::string, std::string> fields;  // instruction, input, response, and a set's own
    std::vector<int32_t> token_ids;             // converter token_ids only
    std::vector<int32_t> token_labels;          // unshifted, -100 = not trained; empty: all trained
    /// fields[name], or "" when it is not there.
    const std::string& field(const std::string& name) const;
};

/// Why rows were left out: reason -> count, with up to three examples ("file:line: …") each.
struct DropReport {
    struct Reason {
        int64_t count = 0;
        std::vector<std::string> examples;
    };
    std::map<std::string, Reason> reasons;

    void add(const std::string& reason, const std::string& example = {});
    void add(const DropReport& other);
    int64_t total() const;
};

}  // namespace dayrun::core
