// Must not compile: core has no Qt. test_must_not_compile uses the flags of the room.
#include <QtCore/QObject>
