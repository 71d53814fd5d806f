// Neighbour: main_window.cpp answers the signals.
#include "ui/panels/welcome_page.h"

#include <QDir>
#include <QScrollArea>

#include "core/base/units.h"
#include "ui/bridge/machine.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"

namespace dayrun::ui {

WelcomePage::WelcomePage(QWidget* parent) : QWidget(parent) {
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 0, 0, 0);
    auto* scroll = new QScrollArea;
    scroll->setWidgetResizable(true);
    scroll->setFocusPolicy(Qt::NoFocus);
    outer->addWidget(scroll);
    auto* page = new QWidget;
    page->setProperty("kind", QStringLiteral("clear"));
    scroll->setWidget(page);
    auto* middle = new QHBoxLayout(page);
    middle->setContentsMargins(32, 24, 32, 24);
    middle->addStretch(1);
    auto* content = new QWidget;
    content->setMaximumWidth(880);
    middle->addWidget(content, 8);
    middle->addStretch(1);
    auto* column = new QVBoxLayout(content);
    column->setSpacing(12);
    column->addStretch(1);

    auto* head = new QHBoxLayout;
    head->setSpacing(16);
    auto* sign = new QLabel;
    sign->setPixmap(applicationIcon().pixmap(56, 56));
    sign->setAccessibleName(tr("Dayrun"));
    head->addWidget(sign);
    auto* words = new QVBoxLayout;
    words->setSpacing(2);
    words->addWidget(makeTitle(tr("Dayrun")));
    auto* claim =
        makeLabel(tr("Fine-tune a language model on one machine, within a day."), "muted");
    claim->setWordWrap(true);
    words->addWidget(claim);
    head->addLayout(words, 1);
    column->addLayout(head);
    column->addSpacing(8);

    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(10);
    auto* create = makeButton(tr("&New project…"), tr("Make a project in a new folder"), "primary");
    connect(create, &QPushButton::clicked, this, &WelcomePage::newProject);
    buttons->addWidget(create);
    auto* open = makeButton(tr("&Open…"), tr("Open a project folder"));
    connect(open, &QPushButton::clicked, this, &WelcomePage::openProject);
    buttons->addWidget(open);
    m_sample = makeButton(tr("&Sample project"),
                          tr("A tiny model, twelve small tasks, a run of about three minutes"));
    connect(m_sample, &QPushButton::clicked, this, &WelcomePage::sampleProject);
    buttons->addWidget(m_sample);
    buttons->addStretch();
    column->addLayout(buttons);
    m_sample_note = makeLabel(tr("The sample has a tiny model and twelve small tasks: a whole run "
                                 "takes about 3 minutes."),
                              "muted");
    m_sample_note->setWordWrap(true);
    column->addWidget(m_sample_note);
    m_problem = makeLabel({}, "bad");
    m_problem->setWordWrap(true);
    m_problem->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_problem->hide();
    column->addWidget(m_problem);
    column->addSpacing(10);

    auto* cards = new QHBoxLayout;
    cards->setSpacing(14);
    auto* recent = new Card;
    recent->body()->addWidget(makeLabel(tr("Recent projects"), "section"));
    m_recent = new QVBoxLayout;
    m_recent->setSpacing(6);
    recent->body()->addLayout(m_recent);
    recent->body()->addStretch();
    cards->addWidget(recent, 1);
    cards->addWidget(makeMachineCard(), 1);
    column->addLayout(cards);
    column->addStretch(2);
    setRecent({});
    showMachine();
}

QWidget* WelcomePage::makeMachineCard() {
    auto* card = new Card;
    card->body()->addWidget(makeLabel(tr("This machine"), "section"));
    m_machine = new FactList;
    card->body()->addWidget(m_machine);
    m_verdict = makeLabel({}, "muted");
    m_verdict->setWordWrap(true);
    card->body()->addWidget(m_verdict);
    card->body()->addStretch();
    return card;
}

void WelcomePage::showMachine() {
    m_machine_job = startJob(
        this, [home = toPath(QDir::homePath())](std::stop_token) { return readMachine(home); },
        [this](const MachineFacts& facts) {
            const auto bytes = [](int64_t count) { return toQt(core::format_bytes(count)); };
            m_machine->setFacts(
                {{tr("Processor"), QStringLiteral("%1, %2").arg(
                                       facts.processor.isEmpty() ? tr("unknown") : facts.processor,
                                       counted(facts.threads, tr("thread"), tr("threads")))},
                 {tr("Memory"),
                  tr("%1 free of %2")
                      .arg(bytes(facts.memory_free_bytes), bytes(facts.memory_bytes))},
                 {tr("Card"),
                  facts.gpu.isEmpty() ? tr("none that an NVIDIA driver knows") : facts.gpu},
                 {tr("Disk"), tr("%1 free").arg(bytes(facts.disk_free_bytes))}});
            m_verdict->setText(
                facts.gpu.isEmpty()
                    ? tr("Ready for small models on the processor: the sample and models of up to "
                         "a few hundred million parameters.")
                    : tr("Ready. This version trains on the processor unless it was built with "
                         "CUDA."));
        });
}

void WelcomePage::setRecent(const QStringList& folders) {
    clearLayout(m_recent);
    if (folders.isEmpty()) {
        auto* none =
            makeLabel(tr("None yet. A project is a folder: it can be copied and moved."), "muted");
        none->setWordWrap(true);
        m_recent->addWidget(none);
    }
    for (const QString& folder : folders) {
        auto* card = new Card(Card::Use::Clickable);
        card->body()->setContentsMargins(10, 6, 10, 6);
        card->body()->setSpacing(0);
        const QString name = QDir(folder).dirName();
        card->body()->addWidget(new ElidedLabel(name));
        auto* path = new ElidedLabel(folder, Qt::ElideMiddle);
        path->setProperty("kind", QStringLiteral("muted"));
        card->body()->addWidget(path);
        card->setAccessibleName(tr("Open %1").arg(name));
        card->setAccessibleDescription(folder);
        connect(card, &Card::activated, this, [this, folder] { Q_EMIT recentChosen(folder); });
        m_recent->addWidget(card);
    }
}

void WelcomePage::setSampleAvailable(bool is_available) {
    m_sample->setEnabled(is_available);
    if (!is_available) {
        m_sample_note->setText(
            tr("The sample project is not available: its files were not found "
               "beside the program."));
    }
}

void WelcomePage::setProblem(const QString& problem) {
    m_problem->setText(problem.isEmpty() ? QString() : QStringLiteral("\u26a0 ") + problem);
    m_problem->setVisible(!problem.isEmpty());
}

}  // namespace dayrun::ui
