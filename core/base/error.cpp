// Names and texts of errors. Neighbour: error.h.
#include "core/base/error.h"

#include <fmt/format.h>

namespace dayrun::core {

std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::BadRecipe:
            return "BadRecipe";
        case ErrorCode::BadUsage:
            return "BadUsage";
        case ErrorCode::BadData:
            return "BadData";
        case ErrorCode::BadModel:
            return "BadModel";
        case ErrorCode::BadTokenizer:
            return "BadTokenizer";
        case ErrorCode::FileMissing:
            return "FileMissing";
        case ErrorCode::FileDamaged:
            return "FileDamaged";
        case ErrorCode::DiskFull:
            return "DiskFull";
        case ErrorCode::OutOfHostMemory:
            return "OutOfHostMemory";
        case ErrorCode::OutOfGpuMemory:
            return "OutOfGpuMemory";
        case ErrorCode::NoGpu:
            return "NoGpu";
        case ErrorCode::NoLibtorch:
            return "NoLibtorch";
        case ErrorCode::KernelFailed:
            return "KernelFailed";
        case ErrorCode::DatabaseBusy:
            return "DatabaseBusy";
        case ErrorCode::Unsupported:
            return "Unsupported";
        case ErrorCode::NotFinite:
            return "NotFinite";
        case ErrorCode::Cancelled:
            return "Cancelled";
        case ErrorCode::Internal:
            return "Internal";
    }
    return "Internal";
}

std::string Error::text() const {
    std::string result;
    if (!where.file.empty()) {
        result = where.file;
        if (where.line > 0) result += fmt::format(":{}", where.line);
        if (where.line > 0 && where.column > 0) result += fmt::format(":{}", where.column);
        result += ": ";
    }
    result += message;
    if (!hint.empty()) result += " " + hint;
    return result;
}

}  // namespace dayrun::core
