//! Reports to be released: written, reviewed and approved by two persons in the store itself, before the nodes run. That
//! part is people's work and is not what is measured.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use mithaq_app::{Actor, App, CaseAccess, NewReport, intent};
use mithaq_model::{
    AgreementId, Days, Fact, Grade, Handling, HandlingCode, HandlingCodes, Lang, Level, Pap, PartyId,
    Purpose, ReportId, ReportKind, Text, Tlp, Urgency,
};
use mithaq_node::setup;

use crate::fleet::{Fleet, failed};
use crate::ui::{Exit, Failure};

/// People who work at once: their writes share commits.
const HANDS: usize = 32;

/// What to write.
pub(super) struct Order<'a> {
    /// The node that writes; it must not run.
    pub(super) from: usize,
    /// Node it goes to.
    pub(super) to: usize,
    pub(super) case: &'a str,
    pub(super) subject: &'a str,
    pub(super) count: usize,
    /// Bytes of text in each.
    pub(super) text: usize,
}

/// Writes reports that are ready to be released, and returns their numbers.
pub(super) fn write(fleet: &Fleet, order: &Order<'_>) -> Result<Vec<String>, Failure> {
    let node = fleet.node(order.from)?;
    let (app, _config, _identity) = setup::open(&node.directory, Box::new(|| ()))?;
    let people = People::of(&app, fleet, order)?;
    let (next, made, broken) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..HANDS {
            scope.spawn(|| {
                let mut mine = Vec::new();
                while next.fetch_add(1, Ordering::Relaxed) < order.count {
                    match people.one(&app) {
                        Ok(id) => mine.push(id.to_string()),
                        Err(error) => {
                            next.store(order.count, Ordering::Relaxed);
                            *lock(&broken) = Some(error);
                        }
                    }
                }
                lock(&made).append(&mut mine);
            });
        }
    });
    drop(people);
    app.close();
    if let Some(failure) = lock(&broken).take() {
        return Err(failure);
    }
    let made = lock(&made).split_off(0);
    Ok(made)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Who writes, and for what.
struct People {
    analyst: Actor,
    supervisor: Actor,
    spoc: Actor,
    written: CaseAccess,
    reviewed: CaseAccess,
    template: NewReport,
}

impl People {
    fn of(app: &App, fleet: &Fleet, order: &Order<'_>) -> Result<Self, Failure> {
        let node = fleet.node(order.from)?;
        let actor = |login: &str| {
            let token = node.tokens.get(login).map(String::as_str).unwrap_or_default();
            app.authenticate(token).map_err(failed)
        };
        let (analyst, supervisor, spoc) = (actor("analyst")?, actor("supervisor")?, actor("spoc")?);
        let reason = line("Measurement with invented persons")?;
        let enter = |who: &Actor| {
            let case = order.case.parse().map_err(|_malformed| wrong("case"))?;
            let may = who.may(intent::WorkCase).map_err(failed)?;
            app.enter_case(may, case, Purpose::Investigate, &reason).map_err(failed)
        };
        let (written, reviewed) = (enter(&analyst)?, enter(&supervisor)?);
        let agreement = fleet.agreement(order.from, order.to)?;
        let template = template(agreement, &fleet.node(order.to)?.party, order, app)?;
        Ok(Self { analyst, supervisor, spoc, written, reviewed, template })
    }

    /// One report through all hands.
    fn one(&self, app: &App) -> Result<ReportId, Failure> {
        let write = self.analyst.may(intent::WriteReport).map_err(failed)?;
        let review = self.supervisor.may(intent::ReviewReport).map_err(failed)?;
        let first = self.supervisor.may(intent::ReleaseReport).map_err(failed)?;
        let second = self.spoc.may(intent::ReleaseReport).map_err(failed)?;
        let id = app.draft_report(write, &self.written, self.template.clone()).map_err(failed)?;
        app.review_report(review, &self.reviewed, id).map_err(failed)?;
        app.approve_report(first, id).map_err(failed)?;
        app.approve_report(second, id).map_err(failed)?;
        Ok(id)
    }
}

fn template(
    agreement: AgreementId,
    to: &PartyId,
    order: &Order<'_>,
    app: &App,
) -> Result<NewReport, Failure> {
    let grade = Grade::from_code("4x4:B2").map_err(|_unknown| wrong("grade"))?;
    let codes: HandlingCodes = [HandlingCode::H0, HandlingCode::H2].into_iter().collect();
    let sentence = "Three persons left by ferry on 12 May with tickets paid by one card. ";
    let long: String = sentence.chars().cycle().take(order.text).collect();
    let text = Text::new(Lang::EN, long.trim()).map_err(|_refused| wrong("text"))?;
    Ok(NewReport {
        kind: ReportKind::Information,
        agreement,
        recipients: vec![to.clone()],
        urgency: Urgency::Routine,
        title: line("Recruiter travelling with three young people")?,
        facts: vec![Fact { text, grade }],
        assessments: Vec::new(),
        subjects: vec![order.subject.parse().map_err(|_malformed| wrong("subject"))?],
        links: Vec::new(),
        grade: Some(grade),
        handling: Handling::new(codes, Tlp::Amber, Pap::Amber),
        level: Level::Restricted,
        expires: app.now().plus(Days(300)),
        exculpatory: false,
        machine_made: false,
        obtained_in_violation: false,
        tie: None,
    })
}

fn line(words: &str) -> Result<Text, Failure> {
    Text::line(Lang::EN, words).map_err(|_refused| wrong("text"))
}

fn wrong(what: &str) -> Failure {
    Failure::new(Exit::Failed, "bench.goods", format!("the measurement's own {what} is malformed"))
}
