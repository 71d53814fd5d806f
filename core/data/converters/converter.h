// Known sets: each entry recognises its rows and turns one into samples, or says why not. One file
// a set in this folder; converters.cpp holds the table. Neighbours: read_samples calls them, the
// window and `data inspect` show their names. Pure functions: any thread.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/data/data_source.h"
#include "core/data/sample.h"
#include "core/data/value.h"

namespace dayrun::core {

/// What a converter may know besides the row itself.
struct RowContext {
    const Value& header;           // what stands beside the rows in a file that is one object
    const std::string& file_stem;  // "task033_winogrande_answer_generation"
};

/// The outcome of one row: samples, or a reason to drop it, or a sentence on what is wrong with it.
struct Converted {
    SampleBlock samples;
    std::vector<std::string> drop_reasons;  // parts without an answer: counted, no error
    std::vector<std::string> shortened;     // what was left out of samples that are used: counted
    std::string problem;                    // not empty: a row of the wrong shape

    void clear();
};

struct Converter {
    std::string_view name = {};     // as in the recipe
    std::string_view title = {};    // "Super-NaturalInstructions"
    std::string_view licence = {};  // as on its card; "" when it depends on the user's file
    std::string_view warning = {};  // not "": an evaluation set, or what to mind
    bool (*fits)(const Value& row, const RowContext& context) = nullptr;
    void (*convert)(const Value& row, const RowContext& context, Converted& out) = nullptr;
    /// The published files and their fields, for a set that is missing.
    std::string_view layout = {};
    /// Words of a file's path for which alone the warning holds ("test"); "" for every file.
    std::string_view warned_parts = {};
};

/// All converters, in the order in which detection asks them.
std::span<const Converter> converters();
/// The entry of a name; null when there is none.
const Converter* find_converter(std::string_view name);
/// The first entry that the row fits; null when none does.
const Converter* detect_converter(const Value& row, const RowContext& context);

/// What speaks against training on this file: the warning of its set where it holds for the file,
/// or that its name says it is a test part; "" when nothing does. `converter` may be null.
std::string training_warning(const Converter* converter, const std::filesystem::path& file);
/// The first such warning among the files.
std::string training_warning(const Converter* converter, std::span<const SourceFile> files);

/// A sample by an edited mapping: (sample field, file column) for instruction, input, response,
/// system or text. Other columns stay as fields.
void convert_columns(const Value& row,
                     const std::vector<std::pair<std::string, std::string>>& columns,
                     Converted& out);

/// `row` with the columns of the mapping renamed to what a converter expects.
Value renamed_columns(const Value& row,
                      const std::vector<std::pair<std::string, std::string>>& columns);

// What the converters share.

inline constexpr std::string_view kNoAnswer = "no answer";
inline constexpr std::string_view kNoPrompt = "no instruction and no input";
inline constexpr std::string_view kLooseEnd = "turns behind the last reply";
inline constexpr std::string_view kNoReplyMarked =
    "nothing to train: no reply is marked for training";

/// An instruction row as fields and as one exchange; out.drop_reasons says when a side is empty.
/// Values of the row that are plain text are kept as further fields, for `where` and templates.
void add_instruction(const Value& row, std::string_view instruction, std::string_view input,
                     std::string_view response, std::string_view system, Converted& out);
/// A dialogue: the first user turn becomes `input`, the first reply `response`. Turns behind the
/// last reply are left out and counted; without a reply to train the dialogue is dropped.
void add_dialogue(const Value& row, std::vector<Turn> turns, Converted& out);
/// Values of the row that are plain text or a number, as further fields; lists, objects and what is
/// a field already stay out. `response`: the member's text that became the field of that name,
/// which is then not stored again.
void keep_plain_fields(const Value& row, Sample& sample, std::string_view response = {});
/// Fields `choices` ("A.red\nB.blue\n") and `letter` ("B") of a multiple-choice sample, for recipes
/// that word it themselves. Nothing when `right` is no place in `choices`.
void add_choices(const std::vector<std::string>& choices, size_t right, Converted& out);
/// The text of a member, "" when it is absent or null.
std::string text_of(const Value& row, std::string_view name);
/// The same without a copy where the member is a string; the row must outlive it.
class MemberText {
  public:
    MemberText(const Value& row, std::string_view name);
    MemberText(const MemberText&) = delete;
    MemberText& operator=(const MemberText&) = delete;
    operator std::string_view() const { return m_text; }

  private:
    std::string m_made;  // of a member that is no string
    std::string_view m_text;
};
bool has_text(const Value& row, std::string_view name);
/// Sets out.problem to "it has no `question`; its fields are …" and returns false when one misses.
bool require_fields(const Value& row, std::initializer_list<std::string_view> names,
                    Converted& out);

}  // namespace dayrun::core
