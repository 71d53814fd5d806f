// Must not compile: the window asks core/data, never Arrow. test_must_not_compile uses the flags of
// the room.
#include <arrow/api.h>
