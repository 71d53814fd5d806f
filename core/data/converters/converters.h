// The entries of the table, each defined in its own file of this folder. Included by converters.cpp
// alone; everyone else asks converter.h. Constants: any thread.
#pragma once

#include "core/data/converters/converter.h"

namespace dayrun::core {

extern const Converter kNaturalInstructions, kOpenPlatypus, kMathInstruct, kQuac, kOpenBookQa,
    kCnnDailyMail, kLima, kMmlu, kBigBench, kTruthfulQa, kGsm8k, kDolly, kOasst1, kTldr, kAlpaca,
    kQuestionAnswer, kPromptCompletion, kShareGpt, kMessages, kText, kTokenIds;

}  // namespace dayrun::core
