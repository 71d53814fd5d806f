// One instruction row on its way from a file to tokens. Neighbours: the readers make Rows, a
// converter turns a Row into a Sample, core/tokens renders a Sample by its template.
// Plain values: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dayrun::core {

enum class Role { System, User, Assistant };

/// What a row says about training one of its turns. Off leaves it out whatever prompt.train_on is;
/// On changes nothing for a reply, and asks of any other turn what `train_on: all` alone gives.
enum class TrainMark : uint8_t { None, Off, On };

/// One turn of a dialogue that is still being put together.
struct Turn {
    Role role = Role::User;
    std::string content;
    bool is_trained = false;  // the loss covers it when prompt.train_on is `response`
    TrainMark mark = TrainMark::None;
};

/// One turn as its sample shows it; valid until the sample changes.
struct Message {
    Role role = Role::User;
    std::string_view content;
    bool is_trained = false;
    TrainMark mark = TrainMark::None;
};

/// One field of a sample; valid until the sample changes.
struct NamedText {
    std::string_view name, text;
};

class Sample;

/// The turns of a sample in order; valid while it lives.
class MessageList {
  public:
    class Iterator {
      public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Message;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = Message;
        Iterator(const Sample* sample, size_t at) : m_sample(sample), m_at(at) {}
        Message operator*() const;
        Iterator& operator++() {
            ++m_at;
            return *this;
        }
        bool operator==(const Iterator& other) const { return m_at == other.m_at; }
        bool operator!=(const Iterator& other) const { return m_at != other.m_at; }

      private:
        const Sample* m_sample;
        size_t m_at;
    };

    explicit MessageList(const Sample* sample) : m_sample(sample) {}
    size_t size() const;
    bool empty() const { return size() == 0; }
    Message operator[](size_t i) const { return *Iterator(m_sample, i); }
    Message front() const { return (*this)[0]; }
    Message back() const { return (*this)[size() - 1]; }
    Iterator begin() const { return {m_sample, 0}; }
    Iterator end() const { return {m_sample, size()}; }

  private:
    const Sample* m_sample;
};

/// A document for training: either messages, or a plain text, or finished token ids. All its texts
/// lie in one string, and a text that stands in a field and in a message lies there once.
class Sample {
  public:
    uint64_t sample_id = 0;             // stable: from the source's name and the row's index
    uint32_t source_index = 0;          // into Recipe::data
    uint64_t row_index = 0;             // of the row (or task instance) in its source, from 0
    std::vector<int32_t> token_ids;     // converter token_ids only
    std::vector<int32_t> token_labels;  // unshifted, -100 = not trained; empty: all trained

    /// The text of a field, or "" when it is not there: instruction, input, response, system, text,
    /// and a set's own.
    std::string_view field(std::string_view name) const;
    bool has_field(std::string_view name) const;
    /// `text` may lie in this sample.
    void set_field(std::string_view name, std::string_view text);
    /// The same where there is no such field yet; else nothing.
    void add_field(std::string_view name, std::string_view text);
    /// All fields by name.
    std::vector<NamedText> fields() const;
    /// " input instruction", for messages.
    std::string field_names() const;

    MessageList messages() const { return MessageList(this); }
    /// `content` may lie in this sample.
    void add_message(Role role, std::string_view content, bool is_trained);
    void insert_messages(size_t at, std::span<const Turn> turns);
    void erase_messages(size_t begin, size_t end);
    void set_content(size_t message, std::string_view content);
    void set_trained(size_t message, bool is_trained);
    void set_mark(size_t message, TrainMark mark);

    /// Makes it a plain instruction: these four fields and no others, and its messages, whose
    /// prompt is instruction and input with a blank line between. None of the texts may lie in this
    /// sample.
    void set_exchange(std::string_view instruction, std::string_view input,
                      std::string_view response, std::string_view system);

    /// Bytes of its texts and ids, for those who bound what they hold.
    size_t content_bytes() const {
        return m_text.size() + (token_ids.size() + token_labels.size()) * sizeof(int32_t);
    }
    /// As new, but with the memory it has, unless that is far more than a row needs.
    void clear();
    friend void swap(Sample& a, Sample& b) noexcept;

  private:
    friend class MessageList;
    friend class MessageList::Iterator;
    struct Stretch {
        uint32_t begin = 0, size = 0;  // of m_text
    };
    struct KeptField {
        Stretch name, text;
    };
    struct KeptTurn {
        Stretch content;
        Role role = Role::User;
        bool is_trained = false;
        TrainMark mark = TrainMark::None;
    };
    std::string_view view(Stretch stretch) const {
        return {m_text.data() + stretch.begin, stretch.size};
    }
    const KeptField* find(std::string_view name) const;
    Stretch keep(std::string_view text);
    Stretch append(std::string_view text);

    std::string m_text;
    std::vector<KeptField> m_fields;
    std::vector<KeptTurn> m_turns;
};

inline size_t MessageList::size() const {
    return m_sample->m_turns.size();
}
inline Message MessageList::Iterator::operator*() const {
    const Sample::KeptTurn& turn = m_sample->m_turns[m_at];
    return {turn.role, m_sample->view(turn.content), turn.is_trained, turn.mark};
}

/// Samples in a row that keep the memory of those that were here before: reading a file block by
/// block asks the allocator for nothing.
class SampleBlock {
  public:
    /// An empty sample at the end.
    Sample& add();
    /// Takes `sample`'s contents over; it holds memory to be used again afterwards.
    void take(Sample& sample);
    /// Keeps the samples that `keeps` wants, in their order.
    template <typename Keeps>
    void keep_if(const Keeps& keeps) {
        size_t kept = 0;
        for (size_t i = 0; i < m_size; ++i) {
            if (!keeps(m_samples[i])) continue;
            if (kept != i) swap(m_samples[kept], m_samples[i]);
            ++kept;
        }
        m_size = kept;
    }
    void clear() { m_size = 0; }

    size_t size() const { return m_size; }
    bool empty() const { return m_size == 0; }
    Sample& operator[](size_t i) { return m_samples[i]; }
    const Sample& operator[](size_t i) const { return m_samples[i]; }
    Sample& back() { return m_samples[m_size - 1]; }
    Sample* begin() { return m_samples.data(); }
    Sample* end() { return m_samples.data() + m_size; }
    const Sample* begin() const { return m_samples.data(); }
    const Sample* end() const { return m_samples.data() + m_size; }

  private:
    std::vector<Sample> m_samples;
    size_t m_size = 0;
};

/// What a row was left out for: something about it, or because the recipe asks for that.
enum class DropCause { Row, Recipe };

/// Why rows were left out: reason -> count, with up to three examples ("file:line: …") each.
struct DropReport {
    struct Reason {
        int64_t count = 0;
        std::vector<std::string> examples;
        DropCause cause = DropCause::Row;
    };
    std::map<std::string, Reason> reasons;

    void add(const std::string& reason, const std::string& example = {},
             DropCause cause = DropCause::Row);
    void add(const DropReport& other);
    int64_t total() const;
};

}  // namespace dayrun::core
