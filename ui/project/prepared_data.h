// The draft's data as a run would compile it: token caches, counts, what was left out. Kept up with
// the document while somebody looks; the work is a job, and what a finished answer was made from is
// told, so that nobody takes old figures for new ones. Ui thread.
#pragma once

#include <QObject>
#include <QTimer>
#include <memory>

#include "core/base/result.h"
#include "core/compile/cache/compiled_data.h"
#include "core/tokens/tokenizer.h"
#include "ui/look/job.h"

namespace dayrun::ui {

class ProjectDocument;

/// One answer of the compiler and what it was asked.
struct Prepared {
    core::Recipe recipe;
    std::shared_ptr<const core::CompiledData> data;
    std::shared_ptr<const core::Tokenizer> tokenizer;  // null: every source is token_ids
};

class PreparedData : public QObject {
    Q_OBJECT

  public:
    explicit PreparedData(ProjectDocument& document, QObject* parent = nullptr);

    /// While wanted, every change of the recipe that touches data is followed by a new answer.
    void setWanted(bool wanted);
    /// Compiles again even when nothing has changed in the recipe: files may have.
    void prepareAgain();

    /// The newest answer; null before the first, kept while a newer one is made.
    std::shared_ptr<const Prepared> prepared() const { return m_prepared; }
    bool isBusy() const { return m_is_busy; }
    /// The answer's rows and tokens are those of the draft; weights and copies may have moved on.
    bool isCurrent() const;
    /// The answer is that of the draft in everything, epochs and shares too.
    bool isExact() const;
    /// "tokenizing dolly, 40 %"; "" when not busy.
    QString progressText() const;
    /// What a page says while it has no figures, or old ones, or where a token cache had to be
    /// built anew: "" when the answer is the draft's and nothing happened.
    QString stateText() const;
    /// Why there is no newer answer; "" when there is one.
    const QString& problem() const { return m_problem; }

  Q_SIGNALS:
    /// An answer, a fault, or the progress.
    void changed();

  private:
    struct Progress;

    void follow();
    void start();
    void mend();

    ProjectDocument& m_document;
    std::shared_ptr<const Prepared> m_prepared;
    std::shared_ptr<const Prepared> m_mended;  // the last one that was damaged
    std::shared_ptr<Progress> m_progress;
    QString m_problem;
    core::Recipe m_asked;
    bool m_has_asked = false;
    bool m_is_wanted = false;
    bool m_is_busy = false;
    QTimer m_soon{this};
    QTimer m_watch;   // of the progress
    QTimer m_health;  // of the caches that the answer reads
    Job m_job;
};

/// Whether two recipes give the same rows and tokens; weights, copies and shares do not count.
bool haveSameRows(const core::Recipe& a, const core::Recipe& b);
/// Whether they give the same epochs as well.
bool haveSameEpochs(const core::Recipe& a, const core::Recipe& b);

}  // namespace dayrun::ui
