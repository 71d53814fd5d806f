// Curves: what is drawn of many points, smoothing, and reading a value back.
#include <cmath>

#include "tests/support/test_registry.h"
#include "tests/ui/fixture.h"
#include "ui/charts/chart_view.h"
#include "ui/charts/series_feed.h"

using namespace dayrun::ui;

class TestSeriesFeed : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void drawsNoMoreThanTwoPointsAColumnAndKeepsPeaks() {
        SeriesFeed feed;
        for (int i = 0; i < 100'000; ++i) feed.append(i, i == 54'321 ? 99.0 : std::sin(i * 0.01));
        const QList<QPointF> drawn = feed.columns(0, 100'000, 500);
        QVERIFY(drawn.size() <= 2 * 500 + 2);
        QVERIFY(std::any_of(drawn.begin(), drawn.end(),
                            [](const QPointF& p) { return p.y() == 99.0; }));
        for (qsizetype i = 1; i < drawn.size(); ++i) QVERIFY(drawn[i].x() >= drawn[i - 1].x());
    }

    void smoothingStartsAtTheFirstValueAndFollowsAConstant() {
        SeriesFeed feed;
        for (int i = 0; i < 50; ++i) feed.append(i, 2.5);
        const SeriesFeed smooth = feed.smoothed(0.95);
        for (const double value : smooth.y()) QVERIFY(std::abs(value - 2.5) < 1e-12);
        QCOMPARE(feed.smoothed(0).y(), feed.y());
    }

    void leavesOutWhatIsNotFinite() {
        SeriesFeed feed;
        feed.append(1, 1.0);
        feed.append(2, std::nan(""));
        feed.append(3, 3.0);
        const auto [low, high] = feed.range(0, 10);
        QCOMPARE(low, 1.0);
        QCOMPARE(high, 3.0);
        QCOMPARE(feed.columns(0, 10, 100).size(), 2);
        QCOMPARE(feed.nearest(2.9), 2);
        QCOMPARE(SeriesFeed().nearest(1), -1);
    }

    void chartSaysItsNumbersInWords() {
        ChartView chart({.title = QStringLiteral("Loss"),
                         .x_label = QStringLiteral("step"),
                         .y_label = QStringLiteral("nats"),
                         .empty_text = QStringLiteral("first point after step 1"),
                         .y_text = [](double y) { return QString::number(y, 'f', 2); }},
                        nullptr);
        QCOMPARE(chart.accessibleDescription(), QStringLiteral("first point after step 1"));
        const int curve = chart.addCurve(QStringLiteral("run a"), QPen(Qt::blue));
        chart.feed(curve).append(1, 3.0);
        chart.feed(curve).append(2, 2.25);
        chart.refresh();
        QVERIFY(chart.accessibleDescription().contains(QStringLiteral("last 2.25")));
        QVERIFY(chart.csv().contains(QStringLiteral("run a,2,2.25")));
    }

    void aDaysRunIsDrawnQuickly() {
        ChartView chart({.title = QStringLiteral("Loss"),
                         .x_label = QStringLiteral("step"),
                         .y_label = QStringLiteral("nats"),
                         .empty_text = {},
                         .y_text = [](double y) { return QString::number(y); }},
                        nullptr);
        chart.resize(800, 400);
        const int curve = chart.addCurve(QStringLiteral("a"), QPen(Qt::blue));
        for (int i = 0; i < 500'000; ++i) chart.feed(curve).append(i, std::sin(i * 0.001));
        chart.refresh();
        QBENCHMARK {
            chart.refresh();
        }
        const QPixmap picture = chart.grab();
        QVERIFY(!picture.isNull());
    }
};

DAYRUN_TEST(TestSeriesFeed)
#include "test_series_feed.moc"
