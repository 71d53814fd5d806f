// The named templates as small tables of text. Neighbours: template_shape.h, shape_renderer.cpp.
// Plain functions: any thread.
#include <algorithm>
#include <array>

#include "core/templates/template_shape.h"

namespace dayrun::core {
namespace {

TemplateBit words(std::string text) {
    return {PieceKind::Text, std::move(text)};
}
TemplateBit field(std::string name) {
    return {PieceKind::Content, std::move(name)};
}
TemplateBit special(std::string name) {
    return {PieceKind::Special, std::move(name)};
}

TemplateShape upaya_shape() {
    TemplateShape shape;
    shape.system = {field("system"), words("\n\n")};
    shape.first_prompt =
        known_bits("[[### Instruction:\n{instruction}\n\n]]### Input:\n{input}\n\n### Response:\n");
    shape.later_prompt = shape.first_prompt;
    return shape;
}

TemplateShape percent_bfd_shape() {
    TemplateShape shape;
    shape.system_text =
        "A chat between a curious user and an artificial intelligence assistant. The assistant "
        "gives helpful, detailed, and polite answers to the user's questions.";
    // The winners' trainer encoded system text, line break and question each on its own.
    shape.system = {field("system"), words("\n")};
    shape.system.back().is_apart = true;
    shape.first_prompt = known_bits("Human: {instruction}[[\n{input}]]\nAssistant: ");
    shape.first_prompt.front().is_apart = true;
    shape.later_prompt = known_bits("Human: {input}\nAssistant: ");
    // An input of a single line break, as Dolly's rows have it there, still counts as one.
    shape.keeps_blank_fields = true;
    return shape;
}

TemplateShape human_assistant_shape() {
    TemplateShape shape;
    shape.system = {field("system"), words("\n")};
    shape.first_prompt = known_bits("Human: {prompt}\nAssistant: ");
    shape.later_prompt = shape.first_prompt;
    return shape;
}

TemplateShape alpaca_shape() {
    TemplateShape shape;
    shape.system = {field("system"), words("\n\n")};
    shape.later_prompt = known_bits("\n\n### Instruction:\n{input}\n\n### Response:\n");
    return shape;
}

TemplateShape chatml_shape() {
    TemplateShape shape;
    shape.system = {special("<|im_start|>"), words("system\n"), field("system"),
                    special("<|im_end|>"), words("\n")};
    shape.first_prompt = {special("<|im_start|>"), words("user\n"), field("prompt"),
                          special("<|im_end|>"),   words("\n"),     special("<|im_start|>"),
                          words("assistant\n")};
    shape.later_prompt = shape.first_prompt;
    shape.stop = "<|im_end|>";
    shape.after_reply = {words("\n")};
    return shape;
}

TemplateShape llama2_shape() {
    TemplateShape shape;
    shape.first_prompt = known_bits("[INST] [[<<SYS>>\n{system}\n<</SYS>>\n\n]]{prompt} [/INST]");
    shape.later_prompt = known_bits("[INST] {prompt} [/INST]");
    shape.later_prompt.insert(shape.later_prompt.begin(), special("<s>"));
    shape.has_spaces_around_reply = true;
    shape.strips_content = true;
    return shape;
}

TemplateShape llama3_shape() {
    const auto header = [](const char* role) {
        return std::vector<TemplateBit>{special("<|start_header_id|>"), words(role),
                                        special("<|end_header_id|>"), words("\n\n")};
    };
    TemplateShape shape;
    shape.system = header("system");
    shape.system.push_back(field("system"));
    shape.system.push_back(special("<|eot_id|>"));
    shape.first_prompt = header("user");
    shape.first_prompt.push_back(field("prompt"));
    shape.first_prompt.push_back(special("<|eot_id|>"));
    const auto reply = header("assistant");
    shape.first_prompt.insert(shape.first_prompt.end(), reply.begin(), reply.end());
    shape.later_prompt = shape.first_prompt;
    shape.stop = "<|eot_id|>";
    shape.strips_content = true;
    return shape;
}

TemplateShape mistral_shape() {
    TemplateShape shape;
    shape.first_prompt = known_bits("[INST] [[{system}\n\n]]{prompt} [/INST]");
    shape.later_prompt = known_bits("[INST] {prompt} [/INST]");
    return shape;
}

struct NamedShape {
    std::string_view name;
    TemplateShape (*make)();
};
constexpr std::array<NamedShape, 8> kNamed{{{"upaya", upaya_shape},
                                            {"percent_bfd", percent_bfd_shape},
                                            {"human_assistant", human_assistant_shape},
                                            {"alpaca", alpaca_shape},
                                            {"chatml", chatml_shape},
                                            {"llama2", llama2_shape},
                                            {"llama3", llama3_shape},
                                            {"mistral", mistral_shape}}};

}  // namespace

/// Alpaca's opening sentence tells whether there is an input.
std::vector<TemplateBit> alpaca_prompt(bool has_input) {
    if (has_input) {
        return known_bits(
            "Below is an instruction that describes a task, paired with an input that provides "
            "further context. Write a response that appropriately completes the request.\n\n"
            "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n");
    }
    return known_bits(
        "Below is an instruction that describes a task. Write a response that appropriately "
        "completes the request.\n\n### Instruction:\n{prompt}\n\n### Response:\n");
}

std::optional<TemplateShape> named_shape(std::string_view name) {
    for (const NamedShape& entry : kNamed) {
        if (entry.name != name) continue;
        TemplateShape shape = entry.make();
        shape.name = name;
        return shape;
    }
    return std::nullopt;
}

std::vector<std::string> template_names() {
    std::vector<std::string> names;
    names.reserve(kNamed.size());
    for (const NamedShape& entry : kNamed) names.emplace_back(entry.name);
    return names;
}

}  // namespace dayrun::core
