//! Volumes that people carry between nodes without a line: made here, taken here.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use mithaq_app::{App, AppError, ImportedVolume, Journey, intent};
use mithaq_store::lanes::LaneKey;
use mithaq_wire::{Digest, Lane, Position};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ops::{self, place};
use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may};

/// Most lanes a journey goes over.
const LANES_MAX: usize = 2_000;
/// The place before the first chunk of an attachment.
const LIST: &str = "list";

/// Which volume to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportBody {
    /// For whom.
    to: String,
    /// Number of the medium that carries it: a reference, no sentence.
    medium: String,
    /// Largest size in bytes: 65,536 to 33,554,432.
    size: usize,
    /// What the volume before gave as `next`; absent for the first.
    next: Option<NextView>,
}

/// Where a journey goes on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NextView {
    /// Number of the journey: 32 hexadecimal digits.
    journey: String,
    /// Number of the next volume.
    volume: u32,
    /// Last place exported, per lane, as messages are named.
    after: Vec<String>,
    /// The attachment that was carried last, 64 hexadecimal digits, `:` and its chunk that is next; `list` for its list.
    #[serde(default)]
    file: Option<String>,
}

/// A volume that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VolumeView {
    /// The file, in base64.
    file: String,
    /// Number of the journey.
    journey: String,
    /// Number of the volume.
    volume: u32,
    /// Envelopes in it.
    messages: usize,
    /// Pieces of attachments in it: lists and chunks.
    pieces: usize,
    /// Attachments of reports the party has not answered yet: carried once the answer that accepts the report was imported.
    attachments_left: u64,
    /// Their bytes.
    attachment_bytes_left: u64,
    /// What to ask for next; absent after the last volume.
    next: Option<NextView>,
}

/// A volume that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TakenView {
    /// Who made it.
    from: String,
    /// Number of the journey.
    journey: String,
    /// Number of the volume.
    volume: u32,
    /// Whether it says to be the last of its journey.
    last: bool,
    /// What became of each part.
    parts: Vec<TakenPart>,
    /// The file to carry back, in base64: receipts.
    answer: Option<String>,
}

/// One part: a batch or an answer of one lane.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TakenPart {
    /// Agreement.
    agreement: String,
    /// `control`, `report` or `bulk`: a piece of an attachment.
    class: &'static str,
    /// How far the receiving side has the lane afterwards; of an attachment, its chunks from the beginning behind `1/`.
    have: String,
    /// Why the rest was not taken, if so.
    stopped: Option<String>,
}

fn hex(id: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(id))
}

impl NextView {
    fn of(journey: &Journey) -> Self {
        let name = |(lane, at): &(LaneKey, Position)| format!("{}:{}", hex(*lane.as_bytes()), place(*at));
        Self {
            journey: hex(journey.id),
            volume: journey.volume,
            after: journey.after.iter().map(name).collect(),
            file: journey.file.map(|(root, next)| match next {
                Some(next) => format!("{root:?}:{next}"),
                None => format!("{root:?}:{LIST}"),
            }),
        }
    }

    fn journey(&self) -> Result<Journey, AppError> {
        let wrong = || AppError::invalid("next").hint("give back what the volume before gave");
        if self.journey.len() != 32 || self.after.len() > LANES_MAX {
            return Err(wrong());
        }
        let id = u128::from_str_radix(&self.journey, 16).map_err(|_other| wrong())?.to_be_bytes();
        let after = self.after.iter().map(|name| ops::parse(name).ok_or_else(wrong));
        let file = self.file.as_deref().map(|name| file(name).ok_or_else(wrong)).transpose()?;
        Ok(Journey { id, volume: self.volume, after: after.collect::<Result<_, _>>()?, file })
    }
}

/// Where an attachment goes on.
fn file(name: &str) -> Option<(Digest, Option<u64>)> {
    let (root, next) = name.split_once(':')?;
    let root = data_encoding::HEXLOWER.decode(root.as_bytes()).ok()?;
    let next = if next == LIST { None } else { Some(next.parse().ok()?) };
    Some((Digest(root.try_into().ok()?), next))
}

/// Makes the next volume of what waits for a partner.
#[utoipa::path(post, path = "/api/v1/courier/export", tag = "courier", request_body = ExportBody,
    responses((status = 200, body = VolumeView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn export(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<ExportBody>,
) -> Result<Json<VolumeView>, ApiError> {
    let may = may(&app, &actor, intent::Carry).await?;
    let (to, journey) =
        (field("to", body.to.parse())?, body.next.as_ref().map(NextView::journey).transpose()?);
    let made =
        blocking(app, move |app| app.export_volume(may, &to, &body.medium, body.size, journey)).await?;
    Ok(Json(VolumeView {
        file: data_encoding::BASE64.encode(&made.bytes),
        journey: hex(made.journey),
        volume: made.volume,
        messages: made.messages,
        pieces: made.pieces,
        attachments_left: made.attachments_left.0,
        attachment_bytes_left: made.attachments_left.1,
        next: made.next.as_ref().map(NextView::of),
    }))
}

/// Which medium brought it.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuery {
    /// Number of the medium.
    medium: String,
}

/// Takes a volume; the body is the file. What was taken before changes nothing and is answered again.
#[utoipa::path(post, path = "/api/v1/courier/import", tag = "courier", params(ImportQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = TakenView), (status = 403, body = Problem)))]
pub(crate) async fn import(
    State(app): State<App>,
    Signed(actor): Signed,
    Query(query): Query<ImportQuery>,
    body: Bytes,
) -> Result<Json<TakenView>, ApiError> {
    let may = may(&app, &actor, intent::Carry).await?;
    let taken: ImportedVolume =
        blocking(app, move |app| app.import_volume(may, &query.medium, &body)).await?;
    let part = |part: &mithaq_app::PartTaken| TakenPart {
        agreement: part.agreement.to_string(),
        class: match part.lane {
            Lane::Control => "control",
            Lane::Report => "report",
            Lane::Bulk => "bulk",
        },
        have: place(part.have),
        stopped: part.stopped.clone(),
    };
    Ok(Json(TakenView {
        from: taken.from.to_string(),
        journey: hex(taken.journey),
        volume: taken.volume,
        last: taken.last,
        parts: taken.parts.iter().map(part).collect(),
        answer: taken.answer.map(|bytes| data_encoding::BASE64.encode(&bytes)),
    }))
}
