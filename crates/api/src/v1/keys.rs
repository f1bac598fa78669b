//! Keys over time: what this node and its partners sign with, and the change that waits for its second person.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use mithaq_app::{App, KeyPaper, KeyProposal, LogMatter, LogRuling, ManifestView, PartyKeys, intent};
use mithaq_model::PartyId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, may, number};

/// A manifest. Keys are small hexadecimal digits, as a statement of distrust names them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ManifestBody {
    number: u32,
    valid_from: String,
    valid_to: String,
    /// `good`, `ended` or `distrusted`: whether messages under it are taken now.
    standing: &'static str,
    node_key: String,
    seal_keys: Vec<String>,
    tls_pin: String,
    endpoints: Vec<String>,
}

/// A key that is not trusted from a size of its party's log on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DistrustBody {
    key: String,
    log: String,
    since: u64,
    /// Whether the statement proves that size by a checkpoint of the log.
    proven: bool,
    at: String,
}

/// The keys of one party.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartyBody {
    party: String,
    manifests: Vec<ManifestBody>,
    distrusts: Vec<DistrustBody>,
    /// Number of this node's manifest that a partner is known to have; 0: not known.
    has_ours: u32,
}

/// A change that waits for its second person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalBody {
    id: String,
    /// `manifest` or `distrust`.
    paper: &'static str,
    /// Number of the manifest, or size of the log.
    of: u64,
    by: String,
    at: String,
}

/// Keys of this node and its partners.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeysBody {
    own: Option<PartyBody>,
    partners: Vec<PartyBody>,
    waiting: Option<ProposalBody>,
    /// When the newest manifest of this node ends, if that is within thirty days.
    ending: Option<String>,
    /// Key of the log this node writes now: after a restore the next manifest names it, and partners accept it by that.
    log_key: String,
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn manifest(one: ManifestView) -> ManifestBody {
    let (node, seals, tls) = one.keys;
    ManifestBody {
        number: one.number,
        valid_from: one.valid.0.to_string(),
        valid_to: one.valid.1.to_string(),
        standing: one.standing.code(),
        node_key: hex(&node),
        seal_keys: seals.iter().map(|key| hex(key)).collect(),
        tls_pin: hex(&tls),
        endpoints: one.endpoints,
    }
}

fn party(one: PartyKeys) -> PartyBody {
    let distrust = |one: mithaq_app::Distrust| DistrustBody {
        key: hex(&one.key),
        log: one.log,
        since: one.since,
        proven: !one.checkpoint.is_empty(),
        at: one.at.to_string(),
    };
    PartyBody {
        party: one.party.to_string(),
        manifests: one.manifests.into_iter().map(manifest).collect(),
        distrusts: one.distrusts.into_iter().map(distrust).collect(),
        has_ours: one.has_ours,
    }
}

fn proposal(one: KeyProposal) -> ProposalBody {
    let (paper, of) = match one.paper {
        KeyPaper::Manifest { number } => ("manifest", u64::from(number)),
        KeyPaper::Distrust { since } => ("distrust", since),
    };
    ProposalBody { id: one.id, paper, of, by: one.by.to_string(), at: one.at.to_string() }
}

/// Says what this node and its partners sign with, and what waits.
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", operation_id = "keys_status",
    responses((status = 200, body = KeysBody), (status = 403, body = Problem)))]
pub(crate) async fn status(
    State(app): State<App>,
    Signed(actor): Signed,
) -> Result<Json<KeysBody>, ApiError> {
    let may = may(&app, &actor, intent::ReadHealth).await?;
    let body = blocking(app, move |app| {
        let (mut own, mut partners) = (None, Vec::new());
        for one in app.key_view(may)? {
            if one.party == *app.party() {
                own = Some(party(one));
            } else {
                partners.push(party(one));
            }
        }
        let waiting = app.key_proposal(may)?.map(proposal);
        let ending = app.keys_ending().map(|end| end.to_string());
        let log_key = app.log_key()?.to_string();
        Ok(KeysBody { own, partners, waiting, ending, log_key })
    });
    Ok(Json(body.await?))
}

/// Brings a manifest or a statement of distrust that the offline root signed, as the first of two persons.
#[utoipa::path(post, path = "/api/v1/keys/proposals", tag = "keys", operation_id = "keys_propose",
    request_body(content = Vec<u8>, content_type = "application/cbor"),
    responses((status = 201, body = ProposalBody), (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn propose(
    State(app): State<App>,
    Signed(actor): Signed,
    body: Bytes,
) -> Result<(StatusCode, Json<ProposalBody>), ApiError> {
    let may = may(&app, &actor, intent::ProposeKeys).await?;
    let made = blocking(app, move |app| app.propose_keys(may, &body)).await?;
    Ok((StatusCode::CREATED, Json(proposal(made))))
}

/// Lets it into force, as the second of two persons.
#[utoipa::path(post, path = "/api/v1/keys/proposals/{id}/confirm", tag = "keys", operation_id = "keys_confirm",
    params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn confirm(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::ConfirmKeys).await?;
    blocking(app, move |app| app.confirm_keys(may, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Up to which size.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SizeQuery {
    size: Option<u64>,
}

/// Returns the last checkpoint that was signed up to a size of the log, for a statement of distrust to prove that size.
#[utoipa::path(get, path = "/api/v1/keys/checkpoint", tag = "keys", operation_id = "keys_checkpoint",
    params(("size" = Option<u64>, Query)),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn checkpoint(
    State(app): State<App>,
    Signed(actor): Signed,
    Query(query): Query<SizeQuery>,
) -> Result<Vec<u8>, ApiError> {
    let may = may(&app, &actor, intent::ReadHealth).await?;
    Ok(blocking(app, move |app| app.checkpoint_up_to(may, query.size)).await?)
}

/// What one person said about a log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogWordBody {
    role: &'static str,
    /// `accept`, `keep` or `adopt`.
    ruling: &'static str,
}

/// A log of a partner that waits for two persons.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogMatterBody {
    party: String,
    /// Name of the log.
    log: String,
    /// `succession`: it continues another after a loss. `fork`: it showed two histories.
    cause: &'static str,
    /// Size of what this node countersigned last.
    held: u64,
    said: Vec<LogWordBody>,
}

impl From<LogMatter> for LogMatterBody {
    fn from(one: LogMatter) -> Self {
        let word = |(role, ruling): &(mithaq_model::Role, LogRuling)| LogWordBody {
            role: role.code(),
            ruling: ruling.code(),
        };
        Self {
            party: one.party.to_string(),
            log: one.origin,
            cause: one.cause.code(),
            held: one.held,
            said: one.said.iter().map(word).collect(),
        }
    }
}

/// Lists logs of partners that are not countersigned before two persons decide about them.
#[utoipa::path(get, path = "/api/v1/keys/logs", tag = "keys", operation_id = "keys_logs",
    responses((status = 200, body = [LogMatterBody]), (status = 403, body = Problem)))]
pub(crate) async fn logs(
    State(app): State<App>,
    Signed(actor): Signed,
) -> Result<Json<Vec<LogMatterBody>>, ApiError> {
    let may = may(&app, &actor, intent::ReadHealth).await?;
    let all = blocking(app, move |app| app.log_matters(may)).await?;
    Ok(Json(all.into_iter().map(LogMatterBody::from).collect()))
}

/// One person's word about a log.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JudgeLogBody {
    /// Name of the log.
    log: String,
    /// `accept` a successor; of two histories `keep` the one that is held, or `adopt` the other.
    ruling: String,
}

/// Whether it is done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogJudgedBody {
    /// No: another person, in the other role, must say the same.
    settled: bool,
}

/// Says, as one of two persons, what becomes of a partner's log.
#[utoipa::path(post, path = "/api/v1/partners/{party}/log", tag = "keys", operation_id = "keys_judge_log",
    params(("party" = String, Path)), request_body = JudgeLogBody,
    responses((status = 200, body = LogJudgedBody), (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn judge_log(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(party): Path<String>,
    Json(body): Json<JudgeLogBody>,
) -> Result<Json<LogJudgedBody>, ApiError> {
    let may = may(&app, &actor, intent::JudgeLog).await?;
    let party: PartyId = number(&party)?;
    let ruling = LogRuling::from_code(&body.ruling)?;
    let settled = blocking(app, move |app| app.judge_log(may, &party, (&body.log, ruling))).await?;
    Ok(Json(LogJudgedBody { settled }))
}
