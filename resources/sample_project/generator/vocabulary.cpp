// Implements vocabulary.h with the sentencepiece trainer. One thread, so that the result is the
// same on every machine.
#include "vocabulary.h"

#include <sentencepiece_trainer.h>

#include <sstream>
#include <unordered_map>

namespace dayrun::sample_generator {

namespace {

// Hands the lines to the trainer one by one.
class LineIterator : public sentencepiece::SentenceIterator {
  public:
    explicit LineIterator(const std::vector<std::string>& lines) : m_lines(lines) {}
    bool done() const override { return m_next >= m_lines.size(); }
    void Next() override { ++m_next; }
    const std::string& value() const override { return m_lines[m_next]; }
    sentencepiece::util::Status status() const override { return {}; }

  private:
    const std::vector<std::string>& m_lines;
    std::size_t m_next = 0;
};

}  // namespace

std::string learn_vocabulary(const std::vector<std::string>& documents, int size,
                             std::string& error) {
    // A piece never crosses a line; the newline itself stays a byte piece.
    std::vector<std::string> lines;
    for (const std::string& document : documents) {
        std::istringstream stream(document);
        for (std::string line; std::getline(stream, line);) lines.push_back(line);
    }
    const std::unordered_map<std::string, std::string> options = {
        {"model_type", "bpe"},
        {"vocab_size", std::to_string(size)},
        {"byte_fallback", "true"},
        {"split_digits", "true"},
        {"allow_whitespace_only_pieces", "true"},
        {"normalization_rule_name", "identity"},
        {"remove_extra_whitespaces", "false"},
        {"add_dummy_prefix", "true"},
        {"character_coverage", "1.0"},
        {"unk_id", "0"},
        {"bos_id", "1"},
        {"eos_id", "2"},
        {"pad_id", "-1"},
        {"num_threads", "1"},
        {"minloglevel", "2"},
    };
    LineIterator iterator(lines);
    std::string model;
    const auto status = sentencepiece::SentencePieceTrainer::Train(options, &iterator, &model);
    if (!status.ok()) {
        error = status.ToString();
        return {};
    }
    return model;
}

}  // namespace dayrun::sample_generator
