//! How long the release decision takes: seventeen steps over the compiled rules of an agreement, on both sides.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use mithaq_app::{App, Known, intent};
use mithaq_model::{
    AgreementId, Days, Lang, Level, OfficerId, Purpose, Report, RiskDimension, RiskLevel, Role, Text,
};
use mithaq_node::setup;
use mithaq_policy::{Context, Decision, Disclosure, RiskAssessment, Side, Work, decide};

use super::machine::Machine;
use super::result::{Goal, Outcome};
use super::stage::Stage;
use crate::fleet::failed;
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    /// Put the nodes here and leave them, instead of in a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// How long each side is repeated.
const SPAN: Duration = Duration::from_secs(3);

pub(crate) fn run(args: &DecideArgs, ui: Ui) -> Result<(), Failure> {
    super::block_on(async {
        let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
        let mut outcome = Outcome::new("decide", Machine::look(&place));
        ui.say("two nodes are made and brought under an agreement");
        let mut stage = Stage::pair(args.dir.as_deref(), 1, 900).await?;
        stage.fleet.kill_all();
        tokio::task::block_in_place(|| measure(&stage, &mut outcome))?;
        outcome.note("one person with five claims, one fact; the template agreement, compiled once");
        outcome.print(ui)
    })
}

fn measure(stage: &Stage, outcome: &mut Outcome) -> Result<(), Failure> {
    let node = stage.fleet.node(0)?;
    let (app, _config, _identity) = setup::open(&node.directory, Box::new(|| ()))?;
    let agreement = stage.fleet.agreement(0, 1)?;
    let registry = app.registry();
    let known = registry.agreements.get(&agreement).ok_or_else(|| wrong("agreement"))?;
    let report = report(&app, stage)?;
    for (side, name) in [(Side::Sender, "sender"), (Side::Receiver, "receiver")] {
        let context = context(&app, agreement, side);
        let recipient = &stage.fleet.node(1)?.party;
        let (rounds, spent) = repeat(known, &app, &report, |standing| Disclosure {
            report: &report,
            recipient,
            side,
            context: &context,
            standing,
        })?;
        let each = spent.as_secs_f64() * 1e6 / f64::from(rounds);
        outcome.number(format!("one release decision, {name}"), each, "µs", Goal::None);
    }
    app.close();
    Ok(())
}

fn repeat<'a>(
    known: &'a Known,
    app: &App,
    report: &Report,
    ask: impl Fn(&'a mithaq_policy::Standing) -> Disclosure<'a>,
) -> Result<(u32, Duration), Failure> {
    let (started, mut rounds) = (Instant::now(), 0);
    while started.elapsed() < SPAN {
        match decide(&known.rules, &ask(&known.standing), app.now()) {
            Decision::Permit(permit) if permit.report() == report.id => rounds += 1,
            Decision::Permit(_other) => return Err(wrong("permit")),
            Decision::Refuse(refusal) => {
                return Err(wrong(&format!("context: refused at step {}", refusal.step())));
            }
        }
    }
    Ok((rounds, started.elapsed()))
}

/// The one report that was written.
fn report(app: &App, stage: &Stage) -> Result<Report, Failure> {
    let node = stage.fleet.node(0)?;
    let token = node.tokens.get("analyst").map(String::as_str).unwrap_or_default();
    let analyst = app.authenticate(token).map_err(failed)?;
    let reason =
        Text::line(Lang::EN, "Measurement with invented persons").map_err(|_words| wrong("reason"))?;
    let case = stage.case.parse().map_err(|_malformed| wrong("case"))?;
    let work = analyst.may(intent::WorkCase).map_err(failed)?;
    let access = app.enter_case(work, case, Purpose::Investigate, &reason).map_err(failed)?;
    let number = stage.ready.first().and_then(|id| id.parse().ok()).ok_or_else(|| wrong("report"))?;
    let may = analyst.may(intent::ReadReport).map_err(failed)?;
    app.read_report(may, &access, number, &reason).map_err(failed)
}

/// What a node knows beside a report that it lets through.
fn context(app: &App, agreement: AgreementId, side: Side) -> Context {
    let now = app.now();
    let risk = RiskAssessment {
        levels: RiskDimension::ALL.iter().map(|one| (*one, RiskLevel::Low)).collect(),
        source: "example-assessment".to_owned(),
        made_on: now.minus(Days(1)),
        valid_to: now.plus(Days(100)),
    };
    let people = [(1, Role::Supervisor), (2, Role::Spoc)];
    Context {
        work: Work { role_may: true, case_open: true, case_assigned: true },
        signatures_good: true,
        rule_set: Some(agreement),
        hold: false,
        recipient_level: Level::Restricted,
        channel_level: Level::Restricted,
        partner_risk: (side == Side::Sender).then_some(risk),
        capital_offence: false,
        reports_left: 1_000,
        bytes_left: 1_000_000,
        bytes: 2_000,
        approvals: people.map(|(n, role)| (OfficerId::new([n; 16]), role)).to_vec(),
        ..Context::nothing_known()
    }
}

fn wrong(what: &str) -> Failure {
    Failure::new(Exit::Failed, "bench.decide", format!("the measurement's own {what} is wrong"))
}
