// THE table of settings, in the order of contracts.md section 1. Nothing else in the program lists
// keys, ranges, choices or help. Neighbours: recipe_schema.cpp (look-up), setting_types.h (types).
#include "core/recipe/setting_types.h"

namespace dayrun::core {
namespace {

using enum SettingType;

const std::vector<std::string> kDtypes{"auto", "float32", "bfloat16"};

// One accessor serves reading and writing: `field` gives the member of a const or mutable recipe.
template <auto field>
SettingEntry entry(SettingInfo info) {
    return {
        std::move(info),
        [](const Recipe& recipe, size_t index, const SettingInfo& described) {
            return write_field(field(recipe, index), described);
        },
        [](Recipe& recipe, size_t index, const SettingInput& input, const SettingInfo& described) {
            return read_field(field(recipe, index), input, described);
        }};
}

}  // namespace

// A row of the table reads as one; the formatter would give each of its members a line.
// clang-format off
// SETTING(member, {.key = ..., ...}) describes a member of the recipe; SOURCE one of a data source.
#define SETTING(member, ...) \
    entry<[](auto& r, size_t) -> auto& { return r.member; }>(SettingInfo __VA_ARGS__)
#define SOURCE(member, ...) \
    entry<[](auto& r, size_t i) -> auto& { return r.data.at(i).member; }>(SettingInfo __VA_ARGS__)

static std::vector<SettingEntry> base_entries() {
    return {
        SETTING(format, {.key = "dayrun", .type = Integer, .label = "Format version",
            .help = "Version of the recipe format; this Dayrun reads 1.", .minimum = 1, .maximum = 1}),
        SETTING(name, {.key = "name", .type = Text, .label = "Name",
            .help = "What the run is called in lists and charts.", .may_be_empty = true,
            .rank = SettingRank::Basic}),
        SETTING(seed, {.key = "seed", .type = Integer, .label = "Seed",
            .help = "Start of every random choice; the same seed gives the same run.",
            .minimum = 0, .maximum = 9.0e15}),
        SETTING(base.path, {.key = "base.path", .type = Path, .label = "Base model",
            .help = "Folder of the base model in the Hugging Face layout.", .may_be_empty = true,
            .rank = SettingRank::Basic}),
        SETTING(base.hub, {.key = "base.hub", .type = Text, .label = "Hub id",
            .help = "Hub id of the base model, instead of a folder.", .may_be_empty = true,
            .unavailable = {{"*", "downloading from the hub does not exist yet; download the model and give base.path"}}}),
        SETTING(base.revision, {.key = "base.revision", .type = Text, .label = "Hub revision",
            .help = "Branch, tag or commit of the hub id.", .may_be_empty = true,
            .unavailable = {{"*", "it belongs to base.hub, which does not exist yet"}}}),
        SETTING(base.dtype, {.key = "base.dtype", .type = Choice, .label = "Weights and activations",
            .help = "Number format of stored weights and activations; auto takes the file's on a CPU.",
            .choices = kDtypes}),
        SETTING(base.random_init, {.key = "base.random_init", .type = Bool, .label = "Random weights",
            .help = "Start from seeded random weights of the folder's config.json; for method full."}),
        SETTING(quantization.base, {.key = "quantization.base", .type = Choice, .label = "Quantization",
            .help = "Keep the frozen weights in 4 bits: about a quarter of the memory of bfloat16.",
            .choices = {"none", "nf4"}, .rank = SettingRank::Basic}),
        SETTING(quantization.double_quant, {.key = "quantization.double", .type = Bool,
            .label = "Double quantization",
            .help = "Quantize the NF4 constants too: saves 0.37 bits a weight."}),
        SETTING(quantization.block_size, {.key = "quantization.block_size", .type = Integer,
            .label = "NF4 block", .unit = "weights",
            .help = "Weights that share one scale; smaller is closer and larger.",
            .minimum = 32, .maximum = 4096}),
        SETTING(quantization.compute_dtype, {.key = "quantization.compute_dtype", .type = Choice,
            .label = "NF4 arithmetic", .help = "Number format of products with NF4 weights.",
            .choices = kDtypes}),
    };
}

static std::vector<SettingEntry> adapter_entries() {
    return {
        SETTING(adapter.method, {.key = "adapter.method", .type = Choice, .label = "Method",
            .help = "LoRA trains small added matrices, DoRA also the lengths of the weights' rows; full "
                    "trains every weight (16 bytes each).",
            .choices = {"lora", "rslora", "dora", "full"}, .rank = SettingRank::Basic}),
        SETTING(adapter.lora_rank, {.key = "adapter.lora_rank", .type = Integer, .label = "LoRA rank",
            .help = "Width of the added matrices: memory and learning capacity grow with it.",
            .minimum = 1, .maximum = 4096, .rank = SettingRank::Basic}),
        SETTING(adapter.lora_alpha, {.key = "adapter.lora_alpha", .type = Real, .label = "LoRA alpha",
            .help = "The adapter's output is scaled by alpha / rank (rslora: alpha / sqrt(rank)).",
            .minimum = 0, .maximum = 65536, .rank = SettingRank::Basic}),
        SETTING(adapter.lora_dropout, {.key = "adapter.lora_dropout", .type = Real,
            .label = "LoRA dropout", .help = "Share of the adapter's inputs set to 0 in training.",
            .minimum = 0, .maximum = 0.95}),
        SETTING(adapter.target_modules, {.key = "adapter.target_modules", .type = TextList,
            .label = "Target modules",
            .help = "Modules that get an adapter: suffixes, all-linear, or one regular expression.",
            .rank = SettingRank::Basic}),
        SETTING(adapter.dtype, {.key = "adapter.dtype", .type = Choice, .label = "Adapter weights",
            .help = "Number format of the adapter's weights as computed with and saved; auto is float32. "
                    "The optimizer's own are always float32.",
            .choices = kDtypes}),
        SETTING(adapter.init_from, {.key = "adapter.init_from", .type = Path,
            .label = "Start from adapter", .help = "A PEFT adapter folder to start from; its method, rank, alpha and modules are used.",
            .may_be_empty = true}),
        SETTING(adapter.neftune_alpha, {.key = "adapter.neftune_alpha", .type = Real,
            .label = "NEFTune alpha", .help = "Noise on the embeddings in training; 0 is off, 5 is common.",
            .minimum = 0, .maximum = 1000}),
        SETTING(adapter.neftune_length, {.key = "adapter.neftune_length", .type = Choice,
            .label = "NEFTune length",
            .help = "The L in alpha / sqrt(L * hidden size): tokens of the document, of the row, or all "
                    "slots of the micro-batch.",
            .choices = {"document", "row", "micro_batch"}}),
    };
}

static std::vector<SettingEntry> source_entries() {
    return {
        SETTING(sources.folder, {.key = "sources.folder", .type = Path, .label = "Data folder",
            .help = "Folder that relative paths of data start from; empty: the recipe's own.",
            .may_be_empty = true}),
        SETTING(sources.missing, {.key = "sources.missing", .type = Choice, .label = "Missing sets",
            .help = "Stop when a source's files are not there, or go on without it and say so.",
            .choices = {"stop", "leave_out"}}),
        SOURCE(name, {.key = "data[].name", .type = Text, .label = "Source",
            .help = "Short name of the source, used in reports and charts.",
            .rank = SettingRank::Basic}),
        SOURCE(path, {.key = "data[].path", .type = Path, .label = "Files",
            .help = "A file, a folder or a glob.", .rank = SettingRank::Basic}),
        SOURCE(hub, {.key = "data[].hub", .type = Text, .label = "Published as",
            .help = "Hub id of the set; told when its files are missing, never fetched.",
            .may_be_empty = true}),
        SOURCE(converter, {.key = "data[].converter", .type = Text, .label = "Converter",
            .help = "How rows become samples; empty: detected from the columns.",
            .choices = {"natural_instructions", "open_platypus", "math_instruct", "quac", "openbookqa",
                        "cnn_dailymail", "lima", "mmlu", "bigbench", "truthfulqa", "gsm8k", "dolly",
                        "oasst1", "tldr", "alpaca", "question_answer", "prompt_completion",
                        "sharegpt", "messages", "text", "token_ids"},
            .may_be_empty = true}),
        SOURCE(columns, {.key = "data[].columns", .type = Columns, .label = "Columns",
            .help = "Which column of the file fills which field: {instruction: question}.",
            .may_be_empty = true}),
        SOURCE(turns, {.key = "data[].turns", .type = Choice, .label = "Dialogues",
            .help = "A dialogue is one sample, its first exchange alone, or a sample each exchange.",
            .choices = {"whole", "first", "each"}}),
        SOURCE(fields, {.key = "data[].fields", .type = Columns, .label = "Wording",
            .help = "New words for a sample's fields: {input: \"Question: {question}\"}.",
            .may_be_empty = true}),
        SOURCE(split, {.key = "data[].split", .type = Text, .label = "Published part",
            .help = "Which published part of the set to read (train, validation, test).",
            .may_be_empty = true}),
        SOURCE(use, {.key = "data[].use", .type = Choice, .label = "Use",
            .help = "What its rows are for; by_split divides them as the section split says.",
            .choices = {"by_split", "train", "validation", "test"}}),
        SOURCE(filter.min_words, {.key = "data[].filter.min_words", .type = Integer,
            .label = "Fewest words", .unit = "words", .help = "Shorter samples are left out.",
            .minimum = 0, .may_be_empty = true}),
        SOURCE(filter.max_words, {.key = "data[].filter.max_words", .type = Integer,
            .label = "Most words", .unit = "words", .help = "Longer samples are left out.",
            .minimum = 0, .may_be_empty = true}),
        SOURCE(filter.min_input_words, {.key = "data[].filter.min_input_words", .type = Integer,
            .label = "Fewest input words", .unit = "words",
            .help = "Samples with a shorter input are left out.", .minimum = 0, .may_be_empty = true}),
        SOURCE(filter.max_input_words, {.key = "data[].filter.max_input_words", .type = Integer,
            .label = "Most input words", .unit = "words",
            .help = "Samples with a longer input are left out.", .minimum = 0, .may_be_empty = true}),
        SOURCE(filter.min_tokens, {.key = "data[].filter.min_tokens", .type = Integer,
            .label = "Fewest tokens", .unit = "tokens", .help = "Shorter samples are left out.",
            .minimum = 0, .may_be_empty = true}),
        SOURCE(filter.max_tokens, {.key = "data[].filter.max_tokens", .type = Integer,
            .label = "Most tokens", .unit = "tokens", .help = "Longer samples are left out.",
            .minimum = 0, .may_be_empty = true}),
        SOURCE(filter.where, {.key = "data[].filter.where", .type = Text, .label = "Where",
            .help = "Keep rows for which the expression holds: source == 'a' and words(input) > 5.",
            .may_be_empty = true}),
        SOURCE(drop_rows, {.key = "data[].drop_rows", .type = Integers, .label = "Rows left out",
            .help = "Single rows that are left out, by their numbers from 1: [17, 203].",
            .minimum = 1, .may_be_empty = true}),
        SOURCE(lowercase, {.key = "data[].lowercase", .type = Real, .label = "Lower-cased share",
            .help = "Share of inputs written in lower case as a whole, chosen by the seed.",
            .minimum = 0, .maximum = 1}),
        SOURCE(take.rows, {.key = "data[].take.rows", .type = Integer, .label = "Take rows",
            .unit = "rows", .help = "Use this many rows, chosen by the seed.", .minimum = 0,
            .may_be_empty = true}),
        SOURCE(take.fraction, {.key = "data[].take.fraction", .type = Real, .label = "Take share",
            .help = "Use this share of the rows, chosen by the seed.", .minimum = 0, .maximum = 1,
            .may_be_empty = true}),
        SOURCE(copies, {.key = "data[].copies", .type = Integer, .label = "Copies",
            .help = "How often every row is used in an epoch.", .minimum = 1, .maximum = 1000}),
        SOURCE(weight, {.key = "data[].weight", .type = Real, .label = "Weight",
            .help = "Share in the mix, by mix.by; either all training sources have one, or none.",
            .minimum = 0, .maximum = 1e9, .may_be_empty = true}),
        SOURCE(too_long, {.key = "data[].too_long", .type = Choice, .label = "Too long",
            .help = "What happens to samples over the limit; empty: tokens.too_long.",
            .choices = {"drop", "keep_head", "keep_tail", "split"}, .may_be_empty = true}),
        SOURCE(max_bad_rows, {.key = "data[].max_bad_rows", .type = Real, .label = "Most bad rows",
            .help = "Share of unreadable rows that may be left out; above it the source is refused.",
            .minimum = 0, .maximum = 1}),
    };
}

static std::vector<SettingEntry> mix_entries() {
    return {
        SETTING(mix.by, {.key = "mix.by", .type = Choice, .label = "Weights count",
            .help = "Whether weights are shares of rows or of trained tokens.",
            .choices = {"rows", "trained_tokens"}}),
        SETTING(mix.rows, {.key = "mix.rows", .type = Integer, .label = "Epoch size",
            .help = "Rows (or trained tokens) of an epoch with weights; empty: the most that "
                    "mix.max_repeats allows.",
            .minimum = 1, .may_be_empty = true}),
        SETTING(mix.fraction, {.key = "mix.fraction", .type = Real, .label = "Final share",
            .help = "Share of the mixed rows that is kept, chosen by the seed.", .minimum = 0,
            .maximum = 1}),
        SETTING(mix.max_repeats, {.key = "mix.max_repeats", .type = Real, .label = "Most repeats",
            .help = "How often a row may be used in an epoch with weights.", .minimum = 1,
            .maximum = 1000}),
        SETTING(mix.shuffle, {.key = "mix.shuffle", .type = Bool, .label = "Shuffle",
            .help = "Draw a new order every epoch from the seed; false keeps the file's order."}),
        SETTING(mix.dedupe, {.key = "mix.dedupe", .type = Choice, .label = "Remove duplicates",
            .help = "Leave out rows whose input (or whole text, exactly or nearly) came before, over "
                    "all sources.",
            .choices = {"none", "input", "all", "near"}}),
        SETTING(mix.near_threshold, {.key = "mix.near_threshold", .type = Real,
            .label = "Near threshold",
            .help = "Share of common word groups from which rows count as duplicates.",
            .minimum = 0.1, .maximum = 1}),
        SETTING(overlap.files, {.key = "overlap.files", .type = TextList, .label = "Evaluation files",
            .help = "Files, folders or globs of evaluation sets that no training row should repeat.",
            .may_be_empty = true}),
        SETTING(overlap.ngram, {.key = "overlap.ngram", .type = Integer, .label = "Overlap words",
            .unit = "words",
            .help = "Words in a row that a training row may not share with an evaluation or held-out "
                    "row; 0: compare whole inputs only.",
            .minimum = 0, .maximum = 1000}),
        SETTING(overlap.remove, {.key = "overlap.remove", .type = Choice, .label = "Remove overlap",
            .help = "Leave out training rows that overlap: none, those with an equal input, or all.",
            .choices = {"none", "exact", "all"}}),
        SETTING(split.validation, {.key = "split.validation", .type = SettingType::Portion,
            .label = "Validation rows", .unit = "rows",
            .help = "Rows (or a share, written with a point) held out to validate on.",
            .minimum = 0, .may_be_empty = true, .rank = SettingRank::Basic}),
        SETTING(split.test, {.key = "split.test", .type = SettingType::Portion, .label = "Test rows",
            .unit = "rows", .help = "Rows (or a share) held out and never looked at in training.",
            .minimum = 0, .may_be_empty = true}),
        SETTING(split.group_by, {.key = "split.group_by", .type = Text, .label = "Group by",
            .help = "Rows with the same value of this field stay on one side of the split."}),
    };
}

static std::vector<SettingEntry> text_entries() {
    return {
        SETTING(prompt.prompt_template, {.key = "prompt.template", .type = Text, .label = "Template",
            .help = "upaya, percent_bfd, human_assistant, alpaca, chatml, llama2, llama3, mistral, "
                    "model, or a text with {field}s.",
            .rank = SettingRank::Basic}),
        SETTING(prompt.system, {.key = "prompt.system", .type = Text, .label = "System text",
            .help = "Text that the template puts before the dialogue.", .may_be_empty = true}),
        SETTING(prompt.train_on, {.key = "prompt.train_on", .type = Choice, .label = "Train on",
            .help = "Which part of a dialogue carries the loss.",
            .choices = {"response", "last_response", "all"}}),
        SETTING(tokens.max_seq_len, {.key = "tokens.max_seq_len", .type = Integer,
            .label = "Row length", .unit = "tokens",
            .help = "Most tokens in a packed row; memory of a step grows with it.", .minimum = 2,
            .maximum = 1048576, .rank = SettingRank::Basic}),
        SETTING(tokens.sample_limit, {.key = "tokens.sample_limit", .type = Integer,
            .label = "Sample limit", .unit = "tokens",
            .help = "Most tokens of one sample; empty: the row length.", .minimum = 2,
            .maximum = 1048576, .may_be_empty = true}),
        SETTING(tokens.max_prompt_tokens, {.key = "tokens.max_prompt_tokens", .type = Integer,
            .label = "Prompt limit", .unit = "tokens", .help = "Most tokens before the reply.",
            .minimum = 1, .may_be_empty = true}),
        SETTING(tokens.max_response_tokens, {.key = "tokens.max_response_tokens", .type = Integer,
            .label = "Reply limit", .unit = "tokens", .help = "Most tokens of a reply.", .minimum = 1,
            .may_be_empty = true}),
        SETTING(tokens.packing, {.key = "tokens.packing", .type = Bool, .label = "Packing",
            .help = "Lay several samples into one row; they never see each other."}),
        SETTING(tokens.too_long, {.key = "tokens.too_long", .type = Choice, .label = "Too long",
            .help = "What happens to samples over the limit; every cut is counted and shown.",
            .choices = {"drop", "keep_head", "keep_tail", "split"}}),
        SETTING(tokens.bos, {.key = "tokens.bos", .type = Choice, .label = "First token",
            .help = "auto: one BOS where the tokenizer's own rule says so.",
            .choices = {"auto", "never"}}),
        SETTING(tokens.max_lost, {.key = "tokens.max_lost", .type = Real, .label = "Most lost tokens",
            .help = "Share of a run's trained tokens that may be cut off; above it the run does not "
                    "start.",
            .minimum = 0, .maximum = 1}),
    };
}

static std::vector<SettingEntry> training_entries() {
    return {
        SETTING(batch.micro_batch_size, {.key = "batch.micro_batch_size", .type = Integer,
            .label = "Micro-batch", .unit = "rows",
            .help = "Rows on the device at once; memory of a step grows with it.", .minimum = 1,
            .maximum = 65536}),
        SETTING(batch.gradient_accumulation_steps, {.key = "batch.gradient_accumulation_steps",
            .type = Integer, .label = "Accumulation", .unit = "micro-batches",
            .help = "Micro-batches of one optimizer step.", .minimum = 1, .maximum = 65536}),
        SETTING(batch.epochs, {.key = "batch.epochs", .type = Real, .label = "Epochs",
            .help = "How often the data is seen.", .minimum = 0.0001, .maximum = 10000,
            .rank = SettingRank::Basic}),
        SETTING(batch.max_steps, {.key = "batch.max_steps", .type = Integer, .label = "Most steps",
            .unit = "steps", .help = "End after this many optimizer steps, whatever the epochs say.",
            .minimum = 1, .may_be_empty = true}),
        SETTING(batch.loss_mean, {.key = "batch.loss_mean", .type = Choice, .label = "Loss mean",
            .help = "Divide a step's loss once by its trained tokens, or average micro-batches.",
            .choices = {"tokens", "micro_batches"}}),
        SETTING(batch.deterministic, {.key = "batch.deterministic", .type = Bool,
            .label = "Deterministic",
            .help = "Bit-equal losses on every run; without it a GPU may use a faster attention."}),
        SETTING(optimizer.name, {.key = "optimizer.name", .type = Choice, .label = "Optimizer",
            .help = "AdamW; 8-bit states take a quarter, paged ones live in host memory.",
            .choices = {"adamw", "adamw_8bit", "paged_adamw_32bit"}}),
        SETTING(optimizer.learning_rate, {.key = "optimizer.learning_rate", .type = Real,
            .label = "Learning rate", .help = "Size of a step; 1e-4 to 5e-4 is common for LoRA.",
            .minimum = 0, .maximum = 10, .rank = SettingRank::Basic}),
        SETTING(optimizer.weight_decay, {.key = "optimizer.weight_decay", .type = Real,
            .label = "Weight decay", .help = "Pull of every weight towards 0, times learning rate.",
            .minimum = 0, .maximum = 10}),
        SETTING(optimizer.beta1, {.key = "optimizer.beta1", .type = Real, .label = "Beta 1",
            .help = "Memory of the gradient's mean.", .minimum = 0, .maximum = 0.999999}),
        SETTING(optimizer.beta2, {.key = "optimizer.beta2", .type = Real, .label = "Beta 2",
            .help = "Memory of the gradient's square.", .minimum = 0, .maximum = 0.9999999}),
        SETTING(optimizer.eps, {.key = "optimizer.eps", .type = Real, .label = "Epsilon",
            .help = "Keeps the division by a small square sane.", .minimum = 1e-16, .maximum = 1}),
        SETTING(optimizer.max_grad_norm, {.key = "optimizer.max_grad_norm", .type = Real,
            .label = "Gradient clip", .help = "Largest norm of a step's gradient; 0 is off.",
            .minimum = 0, .maximum = 1e9}),
        SETTING(schedule.kind, {.key = "schedule.kind", .type = Choice, .label = "Schedule",
            .help = "How the learning rate falls after the warm-up.",
            .choices = {"cosine", "linear", "constant"}}),
        SETTING(schedule.warmup_steps, {.key = "schedule.warmup_steps", .type = Integer,
            .label = "Warm-up", .unit = "steps", .help = "Steps over which the rate rises from 0.",
            .minimum = 0, .maximum = 1e9}),
        SETTING(schedule.min_lr_ratio, {.key = "schedule.min_lr_ratio", .type = Real,
            .label = "Lowest rate", .help = "Where the rate ends, as a share of the learning rate.",
            .minimum = 0, .maximum = 1}),
    };
}

static std::vector<SettingEntry> run_entries() {
    return {
        SETTING(eval.every, {.key = "eval.every", .type = Moments, .label = "Validate",
            .help = "When to validate: epoch, {steps: n}, {minutes: n}, or a list of these.",
            .may_be_empty = true}),
        SETTING(eval.rows, {.key = "eval.rows", .type = Integer, .label = "Validation limit",
            .unit = "rows", .help = "Most validation rows used each time; empty: all.", .minimum = 1,
            .may_be_empty = true}),
        SETTING(eval.exact_match_rows, {.key = "eval.exact_match_rows", .type = Integer,
            .label = "Exact match on", .unit = "rows",
            .help = "Test rows of each source answered before and after the run and compared word "
                    "for word; 0: none.",
            .minimum = 0, .maximum = 1e9}),
        SETTING(eval.keep, {.key = "eval.keep", .type = Choice, .label = "Keep",
            .help = "Which adapter the run ends with: lowest validation loss, or the last.",
            .choices = {"best", "last"}}),
        SETTING(eval.prompts, {.key = "eval.prompts", .type = TextList, .label = "Sample prompts",
            .help = "Prompts answered at each validation.", .may_be_empty = true}),
        SETTING(checkpoint.every_minutes, {.key = "checkpoint.every_minutes", .type = Real,
            .label = "Checkpoint every", .unit = "minutes",
            .help = "How much work a power cut can cost.", .minimum = 0.001, .maximum = 1440}),
        SETTING(checkpoint.keep, {.key = "checkpoint.keep", .type = Integer,
            .label = "Checkpoints kept", .help = "Older ones are removed, best and last never.",
            .minimum = 1, .maximum = 1000}),
        SETTING(budget.max_hours, {.key = "budget.max_hours", .type = Real, .label = "Day budget",
            .unit = "hours", .help = "The run is validated, saved and ended inside this time.",
            .minimum = 0.001, .maximum = 8760, .rank = SettingRank::Basic}),
        SETTING(budget.finish_by, {.key = "budget.finish_by", .type = Text, .label = "Finish by",
            .help = "Clock time to be done by.", .may_be_empty = true,
            .unavailable = {{"*", "planning to a clock time does not exist yet; use budget.max_hours"}}}),
        SETTING(budget.max_device_bytes, {.key = "budget.max_device_bytes", .type = Bytes,
            .label = "Memory limit", .help = "Most memory the plan may use; empty: what is there.",
            .minimum = 0, .may_be_empty = true}),
        SETTING(budget.max_disk_bytes, {.key = "budget.max_disk_bytes", .type = Bytes,
            .label = "Disk limit", .help = "Most disk the run may use; empty: what is free.",
            .minimum = 0, .may_be_empty = true}),
        SETTING(exports.formats, {.key = "export.formats", .type = TextList, .label = "Export",
            .help = "What the run leaves behind beside its records.",
            .choices = {"peft", "merged", "gguf"},
            .unavailable = {{"merged", "a run leaves its adapter; merge it with 'dayrun export RUN --to merged'"},
                            {"gguf", "writing GGUF does not exist yet; export peft"}}}),
    };
}
// clang-format on

#undef SETTING
#undef SOURCE

const std::vector<SettingEntry>& setting_entries() {
    static const std::vector<SettingEntry> s_entries = [] {
        std::vector<SettingEntry> all;
        for (auto* part : {&base_entries, &adapter_entries, &source_entries, &mix_entries,
                           &text_entries, &training_entries, &run_entries}) {
            for (SettingEntry& one : part()) all.push_back(std::move(one));
        }
        return all;
    }();
    return s_entries;
}

}  // namespace dayrun::core
