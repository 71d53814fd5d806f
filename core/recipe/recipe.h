// What the user asks for: plain structs, one per section of the YAML file (contracts.md section 1).
// Defaults here are the defaults of the file; key names, ranges, units and help stand in
// recipe_schema.cpp, the only other place that lists the settings. Plain values: any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace dayrun::core {

enum class DtypeChoice { Auto, Float32, BFloat16 };
enum class BaseQuantization { None, Nf4 };
enum class AdapterMethod { Lora, RsLora, Dora, Full };
enum class NeftuneLength { Document, Row, MicroBatch };
enum class TurnsRule { Whole, First, Each };
enum class MissingSource { Stop, LeaveOut };
enum class SourceUse { BySplit, Train, Validation, Test };
enum class MixBy { Rows, TrainedTokens };
enum class DedupeMode { None, Input, All, Near };
enum class OverlapRemoval { None, Exact, All };
enum class TrainOn { Response, LastResponse, All };
enum class TooLong { Drop, KeepHead, KeepTail, Split };
enum class BosRule { Auto, Never };
enum class LossMean { Tokens, MicroBatches };
enum class OptimizerName { AdamW, AdamW8bit, PagedAdamW32bit };
enum class ScheduleKind { Cosine, Linear, Constant };
enum class KeepRule { Best, Last };
enum class ExportFormat { Peft, Merged, Gguf };

struct BaseSpec {
    std::string path = {};      // a folder in the Hugging Face layout
    std::string hub = {};       // or a hub id (not implemented: refused)
    std::string revision = {};  // of the hub id
    DtypeChoice dtype = DtypeChoice::Auto;
    bool random_init =
        false;  // start from seeded random weights instead of the folder's (full only)
};

struct QuantizationSpec {
    BaseQuantization base = BaseQuantization::None;
    bool double_quant = true;
    int block_size = 64;
    DtypeChoice compute_dtype = DtypeChoice::Auto;
};

struct AdapterSpec {
    AdapterMethod method = AdapterMethod::Lora;
    int lora_rank = 16;
    double lora_alpha = 32;
    double lora_dropout = 0.0;
    // A list (suffix rule), or one string: `all-linear` or a regular expression.
    std::variant<std::vector<std::string>, std::string> target_modules = std::string("all-linear");
    DtypeChoice dtype = DtypeChoice::Float32;
    std::string init_from = {};
    double neftune_alpha = 0.0;
    NeftuneLength neftune_length = NeftuneLength::MicroBatch;
};

/// How many of a source's rows are used; both empty = all.
struct TakeSpec {
    std::optional<int64_t> rows = {};
    std::optional<double> fraction = {};
};

struct FilterSpec {
    std::optional<int64_t> min_words = {}, max_words = {};
    std::optional<int64_t> min_input_words = {}, max_input_words = {};
    std::optional<int64_t> min_tokens = {}, max_tokens = {};
    std::string where = {};
};

/// Where the data of a recipe lies, apart from the recipe itself.
struct SourcesSpec {
    std::string folder = {};  // relative paths of data start here; empty: the recipe's folder
    MissingSource missing = MissingSource::Stop;
};

struct DataSpec {
    std::string name = {};
    std::string path = {};
    std::string hub = {};        // where the set is published: told when its files are missing
    std::string converter = {};  // empty: detected
    std::vector<std::pair<std::string, std::string>> columns = {};  // sample field -> file column
    TurnsRule turns = TurnsRule::Whole;
    std::vector<std::pair<std::string, std::string>> fields = {};  // field -> text with {field}s
    std::string split = {};
    SourceUse use = SourceUse::BySplit;
    FilterSpec filter;
    std::vector<int64_t> drop_rows = {};  // single rows left out: numbers from 1, in order
    double lowercase = 0.0;
    TakeSpec take;
    int64_t copies = 1;
    std::optional<double> weight = {};
    std::optional<TooLong> too_long = {};
    double max_bad_rows = 0.01;  // share of its rows that may be unreadable
};

/// Evaluation sets that training rows are compared with, besides validation and test rows.
struct OverlapSpec {
    std::vector<std::string> files = {};  // files, folders or globs
    int64_t ngram = 13;                   // words in a row that make a hit; 0: equal inputs only
    OverlapRemoval remove = OverlapRemoval::None;
};

struct MixSpec {
    MixBy by = MixBy::Rows;
    std::optional<int64_t> rows = {};
    double fraction = 1.0;
    double max_repeats = 1.0;
    bool shuffle = true;
    DedupeMode dedupe = DedupeMode::None;
    double near_threshold = 0.8;
};

/// A share (written with a point) or a number of rows (an integer).
struct Portion {
    std::optional<int64_t> rows = {};
    std::optional<double> fraction = {};
};

struct SplitSpec {
    Portion validation;
    Portion test;
    std::string group_by = "input";
};

struct PromptSpec {
    std::string prompt_template = "upaya";  // YAML key: template
    std::string system = {};
    TrainOn train_on = TrainOn::Response;
};

struct TokensSpec {
    int64_t max_seq_len = 2048;
    std::optional<int64_t> sample_limit = {};  // default: max_seq_len
    std::optional<int64_t> max_prompt_tokens = {};
    std::optional<int64_t> max_response_tokens = {};
    bool packing = true;
    TooLong too_long = TooLong::Drop;
    BosRule bos = BosRule::Auto;
    double max_lost = 0.01;  // share of trained tokens that may be cut off
};

struct BatchSpec {
    int64_t micro_batch_size = 1;
    int64_t gradient_accumulation_steps = 1;
    double epochs = 1.0;
    std::optional<int64_t> max_steps = {};
    LossMean loss_mean = LossMean::Tokens;
    bool deterministic = true;
};

struct OptimizerSpec {
    OptimizerName name = OptimizerName::AdamW;
    double learning_rate = 2.0e-4;
    double weight_decay = 0.0;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1.0e-8;
    double max_grad_norm = 1.0;  // 0: no clipping
};

struct ScheduleSpec {
    ScheduleKind kind = ScheduleKind::Cosine;
    int64_t warmup_steps = 0;
    double min_lr_ratio = 0.0;
};

/// One moment of validation: at each epoch's end, every n steps or every n minutes.
struct EvalEvery {
    enum class Kind { Epoch, Steps, Minutes } kind = Kind::Epoch;
    double count = 1;
};

struct EvalSpec {
    std::vector<EvalEvery> every{EvalEvery{}};
    std::optional<int64_t> rows = {};
    int64_t exact_match_rows = 0;  // test rows of each source, answered before and after
    KeepRule keep = KeepRule::Best;
    std::vector<std::string> prompts = {};
};

struct CheckpointSpec {
    double every_minutes = 15;
    int64_t keep = 3;
};

struct BudgetSpec {
    double max_hours = 24;
    std::string finish_by = {};
    std::optional<int64_t> max_device_bytes = {};
    std::optional<int64_t> max_disk_bytes = {};
};

struct ExportSpec {
    std::vector<ExportFormat> formats{ExportFormat::Peft};
};

struct Recipe {
    int64_t format = 1;  // YAML key: dayrun
    std::string name = {};
    uint64_t seed = 42;
    BaseSpec base;
    QuantizationSpec quantization;
    AdapterSpec adapter;
    SourcesSpec sources;
    std::vector<DataSpec> data = {};
    MixSpec mix;
    OverlapSpec overlap;
    SplitSpec split;
    PromptSpec prompt;
    TokensSpec tokens;
    BatchSpec batch;
    OptimizerSpec optimizer;
    ScheduleSpec schedule;
    EvalSpec eval;
    CheckpointSpec checkpoint;
    BudgetSpec budget;
    ExportSpec exports;  // YAML key: export

    /// Folder that relative paths of this recipe start from; not part of the file.
    std::filesystem::path folder = {};

    /// `path` as written in the recipe, made absolute against `folder`.
    std::filesystem::path resolved(const std::string& path) const;
    /// Where relative paths of data sources start.
    std::filesystem::path data_folder() const {
        return sources.folder.empty() ? folder : resolved(sources.folder);
    }
    /// tokens.sample_limit, or max_seq_len where it is empty.
    int64_t sample_limit() const { return tokens.sample_limit.value_or(tokens.max_seq_len); }
};

}  // namespace dayrun::core
