// What is said when no CUDA device can be used. The device itself is tested in test_cuda_probe_gpu.
#include <QTemporaryDir>
#include <QTest>
#include <fstream>

#include "core/base/build_info.h"
#include "core/run/cuda_probe.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

class TestCudaProbe : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void cleanup() { qunsetenv("DAYRUN_CUDA_PLUGIN"); }

    void a_named_plugin_that_is_missing_is_told() {
        qputenv("DAYRUN_CUDA_PLUGIN", "/no/such/plugin.so");
        expect_no_gpu("There is no CUDA plug-in at /no/such/plugin.so.");
    }

    void a_file_that_is_no_plugin_is_told() {
        const QTemporaryDir folder;
        const std::string path = folder.filePath("plugin.so").toStdString();
        std::ofstream(path) << "not a library";
        qputenv("DAYRUN_CUDA_PLUGIN", path.c_str());
        expect_no_gpu("cannot be opened");
    }

    void a_bare_library_name_is_no_path() {
        qputenv("DAYRUN_CUDA_PLUGIN", "libm.so.6");  // dlopen finds it; exists() does not
        expect_no_gpu("There is no CUDA plug-in at libm.so.6.");
    }

    void a_cpu_build_says_so() {
        if (build_info().has_cuda()) QSKIP("this build has the CUDA plug-in");
        expect_no_gpu("built for the CPU only");
    }

    void a_cuda_build_answers_with_devices_or_a_reason() {
        if (!build_info().has_cuda()) QSKIP("this build has no CUDA plug-in");
        const auto report = probe_cuda();
        if (report.ok()) {
            QVERIFY(!report->devices.empty());
            QVERIFY(!report->runtime_version.empty());
            return;
        }
        // The plug-in was found and opened: only driver or device may be missing.
        QVERIFY(report.error().code == ErrorCode::NoGpu);
        const std::string& message = report.error().message;
        QVERIFY2(message.find("driver") != std::string::npos, message.c_str());
        QVERIFY(!report.error().hint.empty());
    }

  private:
    static void expect_no_gpu(const std::string& part) {
        const auto report = probe_cuda();
        QVERIFY(!report.ok());
        QVERIFY(report.error().code == ErrorCode::NoGpu);
        QVERIFY2(report.error().message.find(part) != std::string::npos,
                 report.error().message.c_str());
        QVERIFY(!report.error().hint.empty());
    }
};

DAYRUN_TEST(TestCudaProbe)
#include "test_cuda_probe.moc"
