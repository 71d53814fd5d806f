// Texts of a sample, blocks of samples, and the bookkeeping of dropped rows. Any thread.
#include "core/data/sample.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "core/base/check.h"

namespace dayrun::core {
namespace {

constexpr size_t kMaxExamples = 3;
/// A sample that is used again gives back what one long row made it take.
constexpr size_t kKeptBytes = size_t{1} << 14;
/// What an instruction row holds besides its texts: names of fields, and a few short columns.
constexpr size_t kMoreBytes = 128;

}  // namespace

const Sample::KeptField* Sample::find(std::string_view name) const {
    for (const KeptField& field : m_fields) {
        if (view(field.name) == name) return &field;
    }
    return nullptr;
}

std::string_view Sample::field(std::string_view name) const {
    const KeptField* const found = find(name);
    return found == nullptr ? std::string_view() : view(found->text);
}

bool Sample::has_field(std::string_view name) const {
    return find(name) != nullptr;
}

Sample::Stretch Sample::append(std::string_view text) {
    CHECK(m_text.size() + text.size() < std::numeric_limits<uint32_t>::max());
    const Stretch stretch{static_cast<uint32_t>(m_text.size()), static_cast<uint32_t>(text.size())};
    m_text.append(text);
    return stretch;
}

/// Where a text lies here already, or lies now. A column often repeats a field.
Sample::Stretch Sample::keep(std::string_view text) {
    const std::less_equal<const char*> is_before;
    const char* const begin = m_text.data();
    if (is_before(begin, text.data()) &&
        is_before(text.data() + text.size(), begin + m_text.size())) {
        return {static_cast<uint32_t>(text.data() - begin), static_cast<uint32_t>(text.size())};
    }
    for (const KeptField& field : m_fields) {
        if (view(field.text) == text) return field.text;
    }
    return append(text);
}

void Sample::set_field(std::string_view name, std::string_view text) {
    const Stretch kept = keep(text);
    if (const KeptField* const found = find(name)) {
        m_fields[static_cast<size_t>(found - m_fields.data())].text = kept;
    } else {
        m_fields.push_back({append(name), kept});
    }
}

void Sample::add_field(std::string_view name, std::string_view text) {
    if (find(name) != nullptr) return;
    const Stretch kept = keep(text);
    m_fields.push_back({append(name), kept});
}

std::vector<NamedText> Sample::fields() const {
    std::vector<NamedText> all;
    for (const KeptField& field : m_fields) all.push_back({view(field.name), view(field.text)});
    std::sort(all.begin(), all.end(),
              [](const NamedText& a, const NamedText& b) { return a.name < b.name; });
    return all;
}

std::string Sample::field_names() const {
    std::string names;
    for (const NamedText& field : fields()) names += " " + std::string(field.name);
    return names;
}

void Sample::add_message(Role role, std::string_view content, bool is_trained) {
    m_turns.push_back({keep(content), role, is_trained});
}

void Sample::insert_messages(size_t at, std::span<const Turn> turns) {
    std::vector<KeptTurn> kept;
    for (const Turn& turn : turns) {
        kept.push_back({keep(turn.content), turn.role, turn.is_trained, turn.mark});
    }
    m_turns.insert(m_turns.begin() + static_cast<std::ptrdiff_t>(at), kept.begin(), kept.end());
}

void Sample::erase_messages(size_t begin, size_t end) {
    m_turns.erase(m_turns.begin() + static_cast<std::ptrdiff_t>(begin),
                  m_turns.begin() + static_cast<std::ptrdiff_t>(end));
}

void Sample::set_content(size_t message, std::string_view content) {
    m_turns[message].content = keep(content);
}

void Sample::set_trained(size_t message, bool is_trained) {
    m_turns[message].is_trained = is_trained;
}

void Sample::set_mark(size_t message, TrainMark mark) {
    m_turns[message].mark = mark;
}

void Sample::set_exchange(std::string_view instruction, std::string_view input,
                          std::string_view response, std::string_view system) {
    // One row after another comes through here: room for all of it is made once.
    m_text.reserve(m_text.size() + instruction.size() + input.size() + response.size() +
                   system.size() + kMoreBytes);
    const Stretch first = append(instruction);
    if (!instruction.empty() && !input.empty()) append("\n\n");
    const Stretch second = append(input);
    const Stretch prompt{first.begin, second.begin + second.size - first.begin};
    const Stretch reply = append(response);
    const Stretch system_text = append(system);
    m_turns.clear();
    if (!system.empty()) m_turns.push_back({system_text, Role::System, false});
    m_turns.push_back({prompt, Role::User, false});
    m_turns.push_back({reply, Role::Assistant, true});
    const uint32_t names = append("instructioninputresponsesystem").begin;
    m_fields.assign({{{names, 11}, first},
                     {{names + 11, 5}, second},
                     {{names + 16, 8}, reply},
                     {{names + 24, 6}, system_text}});
}

void Sample::clear() {
    sample_id = 0;
    source_index = 0;
    row_index = 0;
    const auto empty = [](auto& list) {
        const bool is_large = list.capacity() * sizeof(list[0]) > kKeptBytes;
        if (is_large) list = std::remove_reference_t<decltype(list)>();
        list.clear();
    };
    empty(token_ids);
    empty(token_labels);
    empty(m_text);
    empty(m_fields);
    empty(m_turns);
}

void swap(Sample& a, Sample& b) noexcept {
    std::swap(a.sample_id, b.sample_id);
    std::swap(a.source_index, b.source_index);
    std::swap(a.row_index, b.row_index);
    a.token_ids.swap(b.token_ids);
    a.token_labels.swap(b.token_labels);
    a.m_text.swap(b.m_text);
    a.m_fields.swap(b.m_fields);
    a.m_turns.swap(b.m_turns);
}

Sample& SampleBlock::add() {
    if (m_size == m_samples.size()) m_samples.emplace_back();
    Sample& sample = m_samples[m_size++];
    sample.clear();
    return sample;
}

void SampleBlock::take(Sample& sample) {
    if (m_size == m_samples.size()) m_samples.emplace_back();
    swap(m_samples[m_size++], sample);
}

void DropReport::add(const std::string& reason, const std::string& example, DropCause cause) {
    Reason& entry = reasons[reason];
    ++entry.count;
    entry.cause = cause;
    if (!example.empty() && entry.examples.size() < kMaxExamples) entry.examples.push_back(example);
}

void DropReport::add(const DropReport& other) {
    for (const auto& [name, reason] : other.reasons) {
        Reason& entry = reasons[name];
        entry.count += reason.count;
        entry.cause = reason.cause;
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
