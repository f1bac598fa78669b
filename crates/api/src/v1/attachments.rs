//! Attachments: brought into a draft chunk by chunk, listed, taken out, and read as a stream. A request holds one chunk,
//! so a file of any length passes through little memory on both sides.

use core::pin::Pin;
use core::task::{Context, Poll};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Frame, SizeHint};
use mithaq_app::{
    App, AppError, AttachmentReader, AttachmentState, NewAttachment, UnderWay, UploadState, intent,
};
use mithaq_model::{CaseId, MediaType, ReportId};
use mithaq_wire::chunks_of;
use mithaq_wire::limits::PLAIN_CHUNK;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::cases::{TextView, Why};
use crate::v1::reports::InCase;

/// Chunks read ahead of who reads them.
const AHEAD: usize = 2;

/// A file to bring into a draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAttachmentBody {
    why: Why,
    /// Case the report belongs to.
    case: String,
    /// File name without a path.
    name: TextView,
    /// `type/subtype` in small letters; absent for `application/octet-stream`.
    media: Option<String>,
    /// Bytes of the file.
    length: u64,
}

/// How far an upload is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadView {
    /// Its number: 32 hexadecimal digits.
    id: String,
    /// Bytes of every chunk but the last.
    chunk: u64,
    /// The chunk to send next, from 0. After a break it may be a few before the last that was answered.
    next: u64,
    /// Chunks there will be.
    chunks: u64,
    /// Its place among the attachments of the draft, once all is there.
    place: Option<u32>,
}

impl From<UploadState> for UploadView {
    fn from(state: UploadState) -> Self {
        let id = data_encoding::HEXLOWER.encode(&state.id);
        Self { id, chunk: PLAIN_CHUNK, next: state.next, chunks: state.chunks, place: state.place }
    }
}

fn upload(text: &str) -> Result<[u8; 16], AppError> {
    let bytes =
        data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_malformed| AppError::not_found())?;
    <[u8; 16]>::try_from(bytes).map_err(|_length| AppError::not_found())
}

/// Begins to bring a file into a draft that was not reviewed yet.
#[utoipa::path(post, path = "/api/v1/reports/{id}/attachments", tag = "attachments", params(("id" = String, Path)),
    request_body = NewAttachmentBody, responses((status = 201, body = UploadView), (status = 400, body = Problem),
    (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn begin(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<NewAttachmentBody>,
) -> Result<(StatusCode, Json<UploadView>), ApiError> {
    let may = may(&app, &actor, intent::WriteReport).await?;
    let (id, case): (ReportId, CaseId) = (number(&id)?, number(&body.case)?);
    let begun = blocking(app, move |app| {
        let media = match &body.media {
            Some(text) => field("media", MediaType::new(text).ok_or(()))?,
            None => MediaType::unknown(),
        };
        let new = NewAttachment { name: body.name.line("name")?, media, length: body.length };
        let access = body.why.enter(app, &actor, case)?;
        app.begin_attachment(may, &access, id, new)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(begun.into())))
}

/// Says how far an upload is: where to go on.
#[utoipa::path(get, path = "/api/v1/uploads/{id}", tag = "attachments", params(("id" = String, Path)),
    responses((status = 200, body = UploadView), (status = 404, body = Problem)))]
pub(crate) async fn progress(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<Json<UploadView>, ApiError> {
    let may = may(&app, &actor, intent::WriteReport).await?;
    let id = upload(&id)?;
    Ok(Json(blocking(app, move |app| app.upload_state(may, id)).await?.into()))
}

/// Takes one chunk of an upload: the bytes themselves. With the last one the file is in the draft.
#[utoipa::path(put, path = "/api/v1/uploads/{id}/{index}", tag = "attachments",
    params(("id" = String, Path), ("index" = u64, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = UploadView), (status = 400, body = Problem), (status = 404, body = Problem),
    (status = 409, body = Problem)))]
pub(crate) async fn chunk(
    State(app): State<App>,
    Signed(actor): Signed,
    Path((id, index)): Path<(String, u64)>,
    body: Bytes,
) -> Result<Json<UploadView>, ApiError> {
    let may = may(&app, &actor, intent::WriteReport).await?;
    let id = upload(&id)?;
    let taken = blocking(app, move |app| app.put_attachment_chunk(may, id, index, &body)).await?;
    Ok(Json(taken.into()))
}

/// An upload that is not finished.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnderWayView {
    /// Its number: 32 hexadecimal digits.
    id: String,
    /// Who brings it.
    officer: String,
    /// Bytes of the file.
    length: u64,
    /// Chunks of 1 MiB that are here.
    have: u64,
    /// Chunks there will be.
    chunks: u64,
    /// When it last went on.
    changed_at: String,
}

impl From<&UnderWay> for UnderWayView {
    fn from(one: &UnderWay) -> Self {
        Self {
            id: data_encoding::HEXLOWER.encode(&one.id),
            officer: one.officer.to_string(),
            length: one.length,
            have: one.have,
            chunks: chunks_of(one.length),
            changed_at: one.changed_at.to_string(),
        }
    }
}

/// Lists what is on its way into a draft: the review waits until each is finished or ended.
#[utoipa::path(get, path = "/api/v1/reports/{id}/uploads", tag = "attachments", params(("id" = String, Path)),
    responses((status = 200, body = [UnderWayView]), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn under_way(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<Json<Vec<UnderWayView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadReport).await?;
    let id: ReportId = number(&id)?;
    let found = blocking(app, move |app| app.uploads_under_way(may, id)).await?;
    Ok(Json(found.iter().map(UnderWayView::from).collect()))
}

/// Ends an upload that is not to be finished: one's own, or another's into a draft one sees. It is logged.
#[utoipa::path(delete, path = "/api/v1/uploads/{id}", tag = "attachments", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn cancel(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::WriteReport).await?;
    let id = upload(&id)?;
    blocking(app, move |app| app.cancel_upload(may, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An attachment without what it is called.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttachmentStateView {
    /// Version of the report.
    version: u32,
    /// Place among the attachments, from 1.
    place: u32,
    /// Names exactly this ciphertext: 64 hexadecimal digits.
    root: String,
    /// Bytes of the file.
    length: u64,
    /// Chunks of 1 MiB that are here.
    have: u64,
    /// Chunks there are.
    chunks: u64,
    /// `here`, `wanted`, `over_quota`, `too_long` or `wrong`.
    state: &'static str,
    /// Recipients that signed that they have all of it.
    complete_at: Vec<String>,
}

impl From<&AttachmentState> for AttachmentStateView {
    fn from(state: &AttachmentState) -> Self {
        Self {
            version: state.version.get(),
            place: state.place,
            root: format!("{:?}", state.root),
            length: state.length,
            have: state.have,
            chunks: state.chunks,
            state: state.state.code(),
            complete_at: state.complete_at.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Lists the attachments of a report, how far each is here, and who signed that it has it. Their names are in the report.
#[utoipa::path(get, path = "/api/v1/reports/{id}/attachments", tag = "attachments", params(("id" = String, Path)),
    responses((status = 200, body = [AttachmentStateView]), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<Json<Vec<AttachmentStateView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadReport).await?;
    let id: ReportId = number(&id)?;
    let found = blocking(app, move |app| app.attachments_of(may, id)).await?;
    Ok(Json(found.iter().map(AttachmentStateView::from).collect()))
}

/// Takes an attachment out of a draft that was not reviewed yet.
#[utoipa::path(post, path = "/api/v1/reports/{id}/attachments/{place}/remove", tag = "attachments",
    params(("id" = String, Path), ("place" = u32, Path)), request_body = InCase,
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn remove(
    State(app): State<App>,
    Signed(actor): Signed,
    Path((id, place)): Path<(String, u32)>,
    Json(body): Json<InCase>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::WriteReport).await?;
    let (id, case): (ReportId, CaseId) = (number(&id)?, number(&body.case)?);
    blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.remove_attachment(may, &access, id, place)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An attachment to read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadAttachmentBody {
    why: Why,
    /// Case.
    case: String,
    /// The chunk of 1 MiB to begin with, from 0: to go on after a break.
    #[serde(default)]
    from: u64,
}

/// Reads an attachment in a case: its bytes, as they are read. Logged like the reading of a report, each time.
#[utoipa::path(post, path = "/api/v1/reports/{id}/attachments/{place}/read", tag = "attachments",
    params(("id" = String, Path), ("place" = u32, Path)), request_body = ReadAttachmentBody,
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 403, body = Problem),
    (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    Signed(actor): Signed,
    Path((id, place)): Path<(String, u32)>,
    Json(body): Json<ReadAttachmentBody>,
) -> Result<Response, ApiError> {
    let may = may(&app, &actor, intent::ReadReport).await?;
    let (id, case): (ReportId, CaseId) = (number(&id)?, number(&body.case)?);
    let opened = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.read_attachment(may, &access, id, (place, body.from), &body.why.reason.line("reason")?)
    });
    let reader = opened.await?;
    // What it is said to be is its author's word: a browser is told to keep it, never to show it.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONTENT_DISPOSITION, disposition(reader.name().reveal())),
    ];
    Ok((headers, Body::new(Chunks::of(reader))).into_response())
}

/// RFC 6266 and RFC 8187: everything but letters and digits is escaped.
fn disposition(name: &str) -> String {
    use core::fmt::Write as _;
    let mut text = "attachment; filename*=UTF-8''".to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'.' {
            text.push(char::from(byte));
        } else {
            let _infallible = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The plain chunks of an attachment, read by a thread of their own a little ahead. Ends early, and so shorter than it
/// said, when the report may not be read any more.
struct Chunks {
    from: mpsc::Receiver<Result<Bytes, AppError>>,
    left: u64,
}

impl Chunks {
    fn of(mut reader: AttachmentReader) -> Self {
        let (to, from) = mpsc::channel(AHEAD);
        let left = reader.remaining();
        tokio::task::spawn_blocking(move || {
            loop {
                let next = match reader.next_chunk() {
                    Ok(Some(plain)) => Ok(Bytes::copy_from_slice(&plain)),
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(code = error.code(), "an attachment could not be read to its end");
                        Err(error)
                    }
                };
                let ended = next.is_err();
                if to.blocking_send(next).is_err() || ended {
                    break;
                }
            }
        });
        Self { from, left }
    }
}

impl axum::body::HttpBody for Chunks {
    type Data = Bytes;
    type Error = AppError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AppError>>> {
        self.from.poll_recv(context).map(|next| {
            let next = next?;
            if let Ok(bytes) = &next {
                let taken = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                self.left = self.left.saturating_sub(taken);
            }
            Some(next.map(Frame::data))
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_leave_nothing_that_ends_a_header() {
        assert_eq!(
            disposition("a b\"\r\n;é.csv"),
            "attachment; filename*=UTF-8''a%20b%22%0D%0A%3B%C3%A9.csv"
        );
    }

    #[test]
    fn a_number_of_an_upload_has_one_spelling() {
        assert_eq!(upload(&"0f".repeat(16)).unwrap(), [0x0f; 16]);
        for bad in ["", "0f", &"0F".repeat(16), &"0g".repeat(16), &"0f".repeat(17)] {
            assert!(upload(bad).is_err(), "{bad}");
        }
    }
}
