// How a sample reads in a table cell or a preview. Plain functions: any thread.
#pragma once

#include <QString>
#include <vector>

#include "core/data/sample.h"

namespace dayrun::ui {

/// A stretch of a sample's text with what it is ("instruction", "reply", "system", …).
struct SamplePart {
    QString name;
    QString text;
    bool is_trained = false;
};

/// Everything a person reads of a sample, in order: turns, or instruction, input and reply.
std::vector<SamplePart> sampleParts(const core::Sample& sample);
/// What is asked, on one line of at most `limit` characters.
QString promptLine(const core::Sample& sample, int limit = 240);
/// What is answered, likewise.
QString replyLine(const core::Sample& sample, int limit = 240);
int wordCount(const core::Sample& sample);

}  // namespace dayrun::ui
