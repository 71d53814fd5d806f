// Field access of a sample and the bookkeeping of dropped rows. Any thread.
#include "core/data/sample.h"

namespace dayrun::core {
namespace {

const std::string kNoText;
constexpr size_t kMaxExamples = 3;

}  // namespace

const std::string& Sample::field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? kNoText : found->second;
}

void DropReport::add(const std::string& reason, const std::string& example) {
    Reason& entry = reasons[reason];
    ++entry.count;
    if (!example.empty() && entry.examples.size() < kMaxExamples) entry.examples.push_back(example);
}

void DropReport::add(const DropReport& other) {
    for (const auto& [name, reason] : other.reasons) {
        Reason& entry = reasons[name];
        entry.count += reason.count;
        for (const std::string& example : reason.examples) {
            if (entry.examples.size() < kMaxExamples) entry.examples.push_back(example);
        }
    }
}

int64_t DropReport::total() const {
    int64_t sum = 0;
    for (const auto& [name, reason] : reasons) sum += reason.count;
    return sum;
}

}  // namespace dayrun::core
