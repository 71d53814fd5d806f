// libtorch is opened once, and what that costs is what plans say. What is told where it is missing:
// scenarios/test_without_libtorch.cpp.
#include <QProcess>
#include <QTest>
#include <cmath>
#include <string_view>

#include "core/engine/device/open_torch.h"
#include "tests/support/test_registry.h"

using namespace dayrun::engine;

class TestOpenTorch : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void it_is_open_and_tells_its_version() {
        QVERIFY(open_torch().ok());
        QVERIFY(std::string_view(torch().version).starts_with("2."));
        QCOMPARE(torch().layout, kTorchTableLayout);
    }

    // In a program that is not linked to libtorch, as this one is.
    void the_planned_part_is_what_opening_costs() {
        QProcess program;
        program.start(DAYRUN_TRAIN_STEPS, {QStringLiteral("--libtorch")});
        QVERIFY(program.waitForFinished());
        const QList<QByteArray> told = program.readAllStandardOutput().split(' ');
        QCOMPARE(told.size(), 2);
        const double planned = told[0].toDouble(), held = told[1].toDouble();
        QVERIFY2(std::abs(planned - held) < 0.25 * held,
                 qPrintable(QStringLiteral("planned %1, held %2 bytes").arg(planned).arg(held)));
    }
};

DAYRUN_TEST(TestOpenTorch)
#include "test_open_torch.moc"
