//! Lanes and the outbox, for the people who run the node: places, states and codes, no content.

use axum::Json;
use axum::extract::{Path, Query, State};
use mithaq_app::{App, AppError, OutboxRow, intent};
use mithaq_exchange::{Halt, OutState};
use mithaq_model::{ObjectId, ReportId};
use mithaq_store::lanes::{LaneKey, LaneView, Standing};
use mithaq_wire::{Lane, LaneId, MessageKind, Position, Verdict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may};

/// Rows of a page when nothing is asked for.
const PAGE: u32 = 100;

/// One lane: an ordered stream from one party to another under one agreement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LaneRow {
    /// Number of the lane: 32 hexadecimal digits.
    lane: String,
    /// Sender.
    from: String,
    /// Recipient.
    to: String,
    /// Agreement.
    agreement: String,
    /// `control`, `report` or `bulk`.
    class: &'static str,
    /// Last place sent from here, as `epoch:number`; none for the partner's lanes.
    sent: Option<String>,
    /// Everything up to here has its receipt.
    settled: Option<String>,
    /// Messages without their receipt.
    backlog: u64,
    /// `open`, `frozen_by_peer`, or the fault of the partner that halted it.
    halt: Option<String>,
    /// Attempts since the last progress.
    attempts: Option<u32>,
    /// Not tried again before (RFC 3339), when it waits.
    retry_at: Option<String>,
    /// Last place taken from the partner; none for our own lanes.
    taken: Option<String>,
    /// Whether the partner sent two envelopes for one place.
    frozen: Option<bool>,
    /// Envelopes that came too early and are kept.
    ahead: Option<u32>,
}

/// One message of the outbox.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageRow {
    /// Number of the message: lane, epoch and number, as `show` takes it.
    id: String,
    /// Recipient.
    to: String,
    /// Agreement.
    agreement: String,
    /// What it carries: `report`, `correction`, `order`, `notice`, `receipts`, `epoch_start`.
    kind: &'static str,
    /// Object it is about.
    object: Option<String>,
    /// Version of the object.
    version: Option<u32>,
    /// `waiting`, `accepted`, `refused`, `quarantined`, `not_delivered`, `late`.
    state: &'static str,
    /// Code of the refusal or quarantine.
    code: Option<String>,
    /// After this it is declared not delivered (RFC 3339).
    deadline: String,
    /// Position of its entry in the log.
    entry: u64,
    /// What can be done about it.
    next: Option<&'static str>,
}

const fn class(lane: Lane) -> &'static str {
    match lane {
        Lane::Control => "control",
        Lane::Report => "report",
        Lane::Bulk => "bulk",
    }
}

const fn kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Report => "report",
        MessageKind::Correction => "correction",
        MessageKind::Order => "order",
        MessageKind::Notice => "notice",
        MessageKind::Step => "step",
        MessageKind::Receipts => "receipts",
        MessageKind::EpochStart => "epoch_start",
        MessageKind::Onward => "onward",
        MessageKind::Hop => "hop",
    }
}

fn key(lane: &LaneId) -> String {
    use core::fmt::Write as _;
    LaneKey::of(lane).as_bytes().iter().fold(String::with_capacity(32), |mut out, byte| {
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}

pub(super) fn place(at: Position) -> String {
    format!("{}:{}", at.epoch, at.seq)
}

impl From<&LaneView> for LaneRow {
    fn from(view: &LaneView) -> Self {
        let sent = view.sent.as_ref();
        Self {
            lane: key(&view.id),
            from: view.id.from.to_string(),
            to: view.id.to.to_string(),
            agreement: view.id.agreement.to_string(),
            class: class(view.id.lane),
            sent: sent.map(|lane| place(lane.last())),
            settled: sent.map(|lane| place(lane.settled)),
            backlog: view.backlog,
            halt: sent.map(|lane| match lane.halt {
                Halt::Open => "open".to_owned(),
                Halt::FrozenByPeer => "frozen_by_peer".to_owned(),
                Halt::Fault(fault) => fault.code().to_owned(),
            }),
            attempts: sent.map(|lane| lane.attempts),
            retry_at: sent.filter(|lane| lane.attempts > 0).map(|lane| lane.retry_at.to_string()),
            taken: view.taken.as_ref().map(|lane| place(lane.have)),
            frozen: view.taken.as_ref().map(|lane| lane.frozen),
            ahead: view.taken.as_ref().map(|lane| lane.ahead),
        }
    }
}

/// State, code and next step. A verdict of the partner is final for its place: what was refused comes as a new version.
fn standing_of(state: &OutState) -> (&'static str, Option<String>, Option<&'static str>) {
    const WAIT: &str = "it is sent by itself; `mithaq outbox retry PARTY` tries at once";
    const AGAIN: &str = "see the code; a corrected version can be released with `mithaq report correct`";
    const PEOPLE: &str = "people decide at the partner; nothing to do here";
    match state {
        OutState::Waiting => ("waiting", None, Some(WAIT)),
        OutState::NotDelivered { late: None } => ("not_delivered", None, Some(WAIT)),
        OutState::NotDelivered { late: Some((verdict, _)) } => ("late", code(verdict), None),
        OutState::Decided { verdict, .. } => match verdict {
            Verdict::Accepted => ("accepted", None, None),
            Verdict::Refused { .. } => ("refused", code(verdict), Some(AGAIN)),
            Verdict::Quarantined { .. } => ("quarantined", code(verdict), Some(PEOPLE)),
        },
    }
}

/// What is about a report shows the report's number, as every other list does.
fn object_of(kind: MessageKind, object: Option<ObjectId>) -> Option<String> {
    let object = object?;
    Some(match kind {
        MessageKind::Report | MessageKind::Correction | MessageKind::Order | MessageKind::Hop => {
            ReportId::from(object).to_string()
        }
        MessageKind::Notice
        | MessageKind::Receipts
        | MessageKind::EpochStart
        | MessageKind::Step
        | MessageKind::Onward => object.to_string(),
    })
}

fn code(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Accepted => None,
        Verdict::Refused { code, .. } | Verdict::Quarantined { code } => Some(code.clone()),
    }
}

impl From<&OutboxRow> for MessageRow {
    fn from(row: &OutboxRow) -> Self {
        let message = &row.message;
        let (state, code, next) = standing_of(&message.state);
        Self {
            id: format!("{}:{}", key(&row.lane), place(message.at)),
            to: row.lane.to.to_string(),
            agreement: row.lane.agreement.to_string(),
            kind: kind(message.kind),
            object: object_of(message.kind, message.object.map(|(object, _)| object)),
            version: message.object.map(|(_, version)| version.get()),
            state,
            code,
            deadline: message.deadline.to_string(),
            entry: message.logged.position(),
            next,
        }
    }
}

/// Lists the lanes with how far each is.
#[utoipa::path(get, path = "/api/v1/lanes", tag = "operations",
    responses((status = 200, body = Vec<LaneRow>), (status = 403, body = Problem)))]
pub(crate) async fn lanes(
    State(app): State<App>,
    Signed(actor): Signed,
) -> Result<Json<Vec<LaneRow>>, ApiError> {
    let may = may(&app, &actor, intent::ReadHealth).await?;
    let views = blocking(app, move |app| app.lanes(may)).await?;
    Ok(Json(views.iter().map(LaneRow::from).collect()))
}

/// What to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutboxQuery {
    /// `waiting`, or `troubled`: refused, quarantined, not delivered.
    state: Option<String>,
    /// Number of the last message of the page before.
    after: Option<String>,
    /// At most 1,000.
    limit: Option<u32>,
}

/// Lists messages of the outbox that wait, or that went wrong, one by one with their codes.
#[utoipa::path(get, path = "/api/v1/outbox", tag = "operations", params(OutboxQuery),
    responses((status = 200, body = Vec<MessageRow>), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn outbox(
    State(app): State<App>,
    Signed(actor): Signed,
    Query(query): Query<OutboxQuery>,
) -> Result<Json<Vec<MessageRow>>, ApiError> {
    let may = may(&app, &actor, intent::ReadHealth).await?;
    let standing = match query.state.as_deref().unwrap_or("troubled") {
        "waiting" => Standing::Waiting,
        "troubled" => Standing::Troubled,
        _other => return Err(AppError::invalid("state").hint("waiting or troubled").into()),
    };
    let after = query.after.as_deref().map(|text| parse(text).ok_or_else(|| AppError::invalid("after")));
    let (after, limit) = (after.transpose()?, query.limit.unwrap_or(PAGE));
    let rows = blocking(app, move |app| app.outbox(may, standing, after, limit)).await?;
    Ok(Json(rows.iter().map(MessageRow::from).collect()))
}

/// Shows one message of the outbox.
#[utoipa::path(get, path = "/api/v1/outbox/{id}", tag = "operations", params(("id" = String, Path, description = "As listed")),
    responses((status = 200, body = MessageRow), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn outbox_message(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<Json<MessageRow>, ApiError> {
    let may = may(&app, &actor, intent::ReadHealth).await?;
    let place = parse(&id).ok_or_else(AppError::not_found)?;
    let row = blocking(app, move |app| app.outbox_message(may, place)).await?;
    Ok(Json(MessageRow::from(&row)))
}

/// Reads `lane:epoch:number`.
pub(super) fn parse(text: &str) -> Option<(LaneKey, Position)> {
    let mut parts = text.splitn(3, ':');
    let (lane, epoch, seq) = (parts.next()?, parts.next()?, parts.next()?);
    if lane.len() != 32 || !lane.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let key = u128::from_str_radix(lane, 16).ok()?.to_be_bytes();
    Some((LaneKey::named(key), Position { epoch: epoch.parse().ok()?, seq: seq.parse().ok()? }))
}

/// Whom to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryBody {
    /// Party.
    to: String,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetryView {
    /// Lanes that had to wait and are tried now.
    lanes: usize,
}

/// Tries what waits for a partner now, without the back-off.
#[utoipa::path(post, path = "/api/v1/outbox/retry", tag = "operations", request_body = RetryBody,
    responses((status = 200, body = RetryView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn retry(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<RetryBody>,
) -> Result<Json<RetryView>, ApiError> {
    let may = may(&app, &actor, intent::RetryOutbox).await?;
    let peer = field("to", body.to.parse())?;
    let lanes = blocking(app, move |app| app.retry_now(may, &peer)).await?;
    Ok(Json(RetryView { lanes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_a_report_shows_its_number() {
        let object = ObjectId::new([5; 16]);
        let report = object_of(MessageKind::Order, Some(object)).unwrap();
        assert_eq!(report, ReportId::from(object).to_string());
        assert_eq!(object_of(MessageKind::Step, Some(object)), Some(object.to_string()));
        assert_eq!(object_of(MessageKind::Receipts, None), None);
    }

    #[test]
    fn a_message_is_named_by_lane_and_place() {
        let id = format!("{}:2:17", "0a".repeat(16));
        let (key, at) = parse(&id).unwrap();
        assert_eq!((key, at), (LaneKey::named([10; 16]), Position { epoch: 2, seq: 17 }));
        for bad in [
            "",
            ":",
            "0a:1:1",
            &"0a".repeat(16),
            &format!("{}:1:x", "0a".repeat(16)),
            &format!("+{}:1:1", "0".repeat(31)),
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
