// Body of eval_prompts.h.
#include "core/compile/eval_prompts.h"

#include "core/compile/encode.h"
#include "core/templates/chat_template.h"

namespace dayrun::core {

Result<EvalPrompts> encode_eval_prompts(const Recipe& recipe, const Tokenizer& tokenizer) {
    TRY(chat_template, ChatTemplate::make(recipe, &tokenizer));
    EncodePolicy policy;
    policy.sample_limit = recipe.sample_limit();
    policy.bos = recipe.tokens.bos;
    const Encoder encoder(chat_template, &tokenizer, policy);
    EvalPrompts prompts;
    prompts.stop_id = encoder.stop_id();
    for (const std::string& prompt : recipe.eval.prompts) {
        Sample sample;
        sample.set_exchange("", prompt, "", "");
        TRY(ids, encoder.encode_prompt(sample));
        prompts.ids.push_back(std::move(ids));
    }
    return prompts;
}

}  // namespace dayrun::core
