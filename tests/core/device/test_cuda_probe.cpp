// What is said when no CUDA device can be used. The device itself is tested in test_cuda_probe_gpu.
#include <QTemporaryDir>
#include <QTest>
#include <fstream>

#include "core/base/build_info.h"
#include "core/device/cuda_probe.h"
#include "tests/support/fake_cuda/fake_driver.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

class TestCudaProbe : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void cleanup() {
        qunsetenv("DAYRUN_CUDA_PLUGIN");
        qunsetenv("DAYRUN_FAKE_CUDA");
    }

    void a_named_plugin_that_is_missing_is_told() {
        qputenv("DAYRUN_CUDA_PLUGIN", "/no/such/plugin.so");
        expect_no_gpu("There is no CUDA plug-in at /no/such/plugin.so.");
    }

    void a_bare_library_name_is_no_path() {
        qputenv("DAYRUN_CUDA_PLUGIN", "libm.so.6");  // dlopen finds it; exists() does not
        expect_no_gpu("There is no CUDA plug-in at libm.so.6.");
    }

    void a_plugin_of_the_current_folder_is_not_opened() {
        const QTemporaryDir folder;
        const QString former = QDir::currentPath();
        QVERIFY(QFile::copy(DAYRUN_FAKE_CUDA_PLUGIN, folder.filePath("plugin.so")));
        QVERIFY(QDir::setCurrent(folder.path()));
        for (const char* const name : {"plugin.so", "./plugin.so"}) {
            qputenv("DAYRUN_CUDA_PLUGIN", name);
            expect_no_gpu("is not named by an absolute path.");
        }
        QVERIFY(QDir::setCurrent(former));
    }

    void a_cpu_build_says_so() {
        if (build_info().has_cuda()) QSKIP("this build has the CUDA plug-in");
        expect_no_gpu("built for the CPU only");
    }

    void a_look_without_the_plug_in_tells_as_much() {
        const std::string reason = why_no_card();
        if (build_info().has_cuda() && has_nvidia_driver()) {
            QVERIFY(reason.empty());
        } else {
            QVERIFY(reason.find(build_info().has_cuda() ? "NVIDIA driver" : "CPU only") !=
                    std::string::npos);
        }
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

    // What NVIDIA's libraries look for as they are loaded is not left to them.
    void without_a_driver_the_plug_in_is_not_opened() {
        if (has_nvidia_driver()) QSKIP("a driver is here");
        qputenv("DAYRUN_CUDA_PLUGIN", DAYRUN_FAKE_CUDA_PLUGIN);
        qputenv("DAYRUN_FAKE_CUDA", "card");
        expect_no_gpu("No NVIDIA driver is loaded on this computer.");
    }

    void a_file_that_is_no_plugin_is_told() {
        const QTemporaryDir folder;
        const std::string path = folder.filePath("plugin.so").toStdString();
        std::ofstream(path) << "not a library";
        qputenv("DAYRUN_CUDA_PLUGIN", path.c_str());
        QVERIFY(dayrun::tests::load_fake_driver());
        expect_no_gpu("cannot be opened");
    }

    void each_reason_is_one_sentence_data() {
        QTest::addColumn<QByteArray>("kind");
        QTest::addColumn<QByteArray>("message");
        QTest::newRow("no driver") << QByteArray("no-driver")
                                   << QByteArray("No NVIDIA driver is loaded on this computer.");
        QTest::newRow("old driver")
            << QByteArray("old-driver")
            << QByteArray("The NVIDIA driver serves CUDA 12.4 at most; Dayrun needs 13.0.");
        QTest::newRow("no device")
            << QByteArray("no-device")
            << QByteArray("The NVIDIA driver finds no CUDA device on this computer.");
        QTest::newRow("old card")
            << QByteArray("old-card")
            << QByteArray(
                   "cuda:0 (NVIDIA Paper 1) is too old: it has compute capability 7.0, and "
                   "Dayrun needs 8.0 or newer.");
        QTest::newRow("broken card")
            << QByteArray("broken-card")
            << QByteArray("cuda:0 (NVIDIA Paper 1) does not run Dayrun's code: ECC error.");
    }
    void each_reason_is_one_sentence() {
        QFETCH(QByteArray, kind);
        QFETCH(QByteArray, message);
        QVERIFY(dayrun::tests::load_fake_driver());
        qputenv("DAYRUN_CUDA_PLUGIN", DAYRUN_FAKE_CUDA_PLUGIN);
        qputenv("DAYRUN_FAKE_CUDA", kind);
        const auto device = usable_cuda_device(0);
        QVERIFY(!device.ok());
        QVERIFY(device.error().code == ErrorCode::NoGpu);
        QCOMPARE(QByteArray::fromStdString(device.error().message), message);
        QVERIFY(!device.error().hint.empty());
    }

    void a_good_card_is_found_and_others_are_not() {
        QVERIFY(dayrun::tests::load_fake_driver());
        qputenv("DAYRUN_CUDA_PLUGIN", DAYRUN_FAKE_CUDA_PLUGIN);
        qputenv("DAYRUN_FAKE_CUDA", "card");
        const auto device = usable_cuda_device(0);
        QVERIFY(device.ok());
        QCOMPARE(device->name, std::string("NVIDIA Paper 1"));
        const auto absent = usable_cuda_device(3);
        QVERIFY(!absent.ok());
        QCOMPARE(absent.error().message, std::string("There is no cuda:3 on this computer."));
        QCOMPARE(absent.error().hint, std::string("Use cuda:0."));
        QVERIFY(!cuda_plugin_symbol("no_such_function").ok());
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
