// Must not compile: the engine has no Qt. test_must_not_compile uses the flags of the room.
#include <QtCore/QObject>
