// The plug-in on a real device: it is named, has memory, and ran the test kernel.
#include <QTest>

#include "core/device/cuda_probe.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

class TestCudaProbeGpu : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void every_device_runs_our_code() {
        const auto devices = cuda_devices();
        if (!devices.ok()) QSKIP(devices.error().text().c_str());
        for (const CudaDevice& device : *devices) {
            QVERIFY(!device.name.empty());
            QVERIFY2(device.is_usable(), device.error.c_str());
            QVERIFY(device.compute_major >= 8);
            QVERIFY(device.free_bytes > 0);
            QVERIFY(device.free_bytes <= device.total_bytes);
        }
    }
};

DAYRUN_TEST(TestCudaProbeGpu)
#include "test_cuda_probe_gpu.moc"
