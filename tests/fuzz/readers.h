// One function per reader that strangers' files reach: any bytes must give a value or an Error.
// Neighbours: the fuzz_*.cpp programs (libFuzzer), tests/core/model/test_fuzz_slow.cpp (short).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/model/adapter_config.h"
#include "core/model/files/safetensors_header.h"
#include "core/model/model_config.h"
#include "core/model/weight_map.h"
#include "core/tokens/jinja/template.h"
#include "core/tokens/tokenizer_openers.h"

namespace dayrun::fuzz {

inline std::string_view as_text(const uint8_t* data, size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

inline void read_safetensors(const uint8_t* data, size_t size) {
    const auto header =
        core::read_safetensors_header(std::as_bytes(std::span(data, size)), "fuzz.safetensors");
    if (!header) return;
    // What was accepted must lie inside the bytes: touch the ends of every tensor.
    volatile int sum = 0;
    for (const core::TensorView& tensor : header->tensors) {
        if (tensor.bytes.empty()) continue;
        sum = sum + static_cast<int>(tensor.bytes.front()) + static_cast<int>(tensor.bytes.back());
    }
}

inline void read_model_config(const uint8_t* data, size_t size) {
    const auto config = core::parse_model_config(as_text(data, size), "config.json");
    if (!config) return;
    const core::WeightMap map = core::make_weight_map(*config);
    volatile int64_t count = core::parameter_count(*config);
    count = count + static_cast<int64_t>(core::weights_of(*config, map).size());
}

inline void read_adapter_config(const uint8_t* data, size_t size) {
    const auto config = core::parse_adapter_config(as_text(data, size), "adapter_config.json");
    if (!config) return;
    volatile double scaling = config->scaling_of("model.layers.0.self_attn.q_proj");
    scaling = scaling + 1;
}

/// A chat_template: parsed, and rendered over a dialogue where it can be.
inline void read_chat_template(const uint8_t* data, size_t size) {
    const auto parsed = core::jinja::Template::parse(as_text(data, size));
    if (!parsed) return;
    std::vector<core::jinja::Value> messages;
    for (const char* const role : {"system", "user", "assistant"}) {
        auto message = std::make_shared<core::jinja::Dict>();
        message->set("role", role);
        message->set("content", core::jinja::Text(" a <b> ", 0));
        messages.emplace_back(std::move(message));
    }
    const auto text = parsed->render({{"messages", core::jinja::make_list(std::move(messages))},
                                      {"add_generation_prompt", true},
                                      {"bos_token", "<s>"},
                                      {"eos_token", "</s>"}});
    if (!text) return;
    // The runs must cover the text exactly.
    size_t covered = 0;
    for (const core::jinja::Run& run : text->runs()) covered += run.size;
    if (covered != text->size()) __builtin_trap();
}

/// tokenizer.json and rank files, told apart by their content as the program does it.
inline void read_tokenizer(const uint8_t* data, size_t size) {
    const core::TokenizerFile file{"tokenizer.json", std::string(as_text(data, size)),
                                   "/nowhere/at/all"};
    core::Result<std::unique_ptr<core::Tokenizer>> opened =
        core::Error{.code = core::ErrorCode::BadTokenizer, .message = "unknown"};
    if (core::is_tokenizer_json(file)) {
        opened = core::open_tokenizer_json(file);
    } else if (core::is_tiktoken(file)) {
        opened = core::open_tiktoken(file);
    }
    if (!opened) return;
    const core::Tokenizer& tokenizer = **opened;
    for (const char* const text :
         {"", "Hello  world's\n\xC3\xA9\xFF 12345<|im_end|>", "\xE2\x96\x81 a"}) {
        for (const auto mode : {core::SpecialTokens::AddAndRecognise, core::SpecialTokens::Plain}) {
            const auto ids = tokenizer.encode(text, mode);
            volatile size_t length = tokenizer.decode(ids).size();
            length = length + 1;
        }
    }
}

}  // namespace dayrun::fuzz
