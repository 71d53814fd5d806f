// What can go wrong, in one list, and the value that carries it through the program.
// Neighbour: result.h passes an Error on; check.h turns a programmer's fault into one.
// Plain values: any thread.
#pragma once

#include <string>
#include <string_view>

namespace dayrun::core {

enum class ErrorCode {
    BadRecipe,        // the recipe asks for what does not exist or cannot be
    BadUsage,         // the command line asks for what does not exist
    BadData,          // a data file is not what its format says
    BadModel,         // a checkpoint, its config or an adapter does not fit
    BadTokenizer,     // a tokenizer file is unreadable or does not fit the model
    FileMissing,      // a file or folder that is needed is not there
    FileDamaged,      // a file is shorter, longer or other than its own header says
    DiskFull,         // a write failed for want of space or permission
    OutOfHostMemory,  // the computer's memory is not enough
    OutOfGpuMemory,   // the card's memory is not enough
    NoGpu,            // a CUDA device was asked for and none can be used
    NoLibtorch,       // an engine was asked for and libtorch cannot be opened
    KernelFailed,     // a computation on the device failed
    DatabaseBusy,     // another Dayrun holds the project
    Unsupported,      // understood, but not implemented in this version
    NotFinite,        // a loss or a gradient became NaN or infinite
    Cancelled,        // the user asked to stop
    Internal,         // a fault of Dayrun itself
};

/// The code's name as written above, for logs and --json.
std::string_view to_string(ErrorCode code);

/// Where in a user's file something is wrong; line and column count from 1, 0 means unknown.
struct FilePosition {
    std::string file = {};
    int line = 0;
    int column = 0;
};

/// One failure, told to a person: what happened, where, and what to do.
struct Error {
    ErrorCode code = ErrorCode::Internal;
    std::string message = {};  // one sentence for the user
    std::string hint = {};     // an action, may be empty
    std::string detail = {};   // for the log
    FilePosition where = {};

    /// "file:line:column: message hint", leaving out what is empty.
    std::string text() const;
};

}  // namespace dayrun::core
