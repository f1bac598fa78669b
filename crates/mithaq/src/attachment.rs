//! `mithaq attachment`: files of any size into a draft and out of a report, one chunk in memory, going on after a break.

use std::fs::File;
use std::io::{IsTerminal as _, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Subcommand;
use http_body_util::BodyExt as _;
use hyper::Method;
use serde_json::{Value as Json, json};

use crate::client::{NodeArgs, Reason, block_on};
use crate::http::Api;
use crate::ui::{Exit, Failure, Ui};

/// Bytes of a chunk, as the node says too.
const CHUNK: u64 = 1024 * 1024;
/// How often a chunk is tried again when the node does not answer, a second apart.
const TRIES: u32 = 30;

#[derive(Debug, Subcommand)]
pub(crate) enum AttachmentCommand {
    /// Bring a file into a draft that was not reviewed yet; encrypted as it comes
    Add {
        /// Report
        report: String,
        /// File
        file: PathBuf,
        /// What to call it [default: the name of the file]
        #[arg(long)]
        name: Option<String>,
        /// What it is, for example text/csv
        #[arg(long)]
        media: Option<String>,
        /// Go on with the upload of that number
        #[arg(long, value_name = "UPLOAD")]
        resume: Option<String>,
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// List the attachments of a report: how far each is here, and who signed that it has it
    List {
        /// Report
        report: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Take an attachment out of a draft that was not reviewed yet
    Remove {
        /// Report
        report: String,
        /// Place among its attachments, from 1
        place: u32,
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Write an attachment to a file; goes on with FILE.part where that ends
    Get {
        /// Report
        report: String,
        /// Place among its attachments, from 1
        place: u32,
        /// Where to write it; it must not exist
        #[arg(long)]
        out: PathBuf,
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// List what is on its way into a draft: its review waits for that
    Uploads {
        /// Report
        report: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Say how far an upload is, or end it
    Upload {
        /// Upload
        id: String,
        /// End it, though another officer may have begun it: what came of it is removed
        #[arg(long)]
        cancel: bool,
        #[command(flatten)]
        node: NodeArgs,
    },
}

pub(crate) fn run(command: &AttachmentCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        AttachmentCommand::Add { report, file, name, media, resume, reason, node } => {
            let what =
                What { report, name: name.as_deref(), media: media.as_deref(), resume: resume.as_deref() };
            add(&what, file, reason, &node.api(ui)?, ui)
        }
        AttachmentCommand::List { report, node } => {
            node.print(ui, Method::GET, &format!("/api/v1/reports/{report}/attachments"), None)
        }
        AttachmentCommand::Remove { report, place, reason, node } => {
            let path = format!("/api/v1/reports/{report}/attachments/{place}/remove");
            node.print(ui, Method::POST, &path, Some(&reason.in_case(ui)))
        }
        AttachmentCommand::Get { report, place, out, reason, node } => {
            get((report, *place), out, &reason.in_case(ui), &node.api(ui)?, ui)
        }
        AttachmentCommand::Uploads { report, node } => {
            node.print(ui, Method::GET, &format!("/api/v1/reports/{report}/uploads"), None)
        }
        AttachmentCommand::Upload { id, cancel, node } => {
            let method = if *cancel { Method::DELETE } else { Method::GET };
            node.print(ui, method, &format!("/api/v1/uploads/{id}"), None)
        }
    }
}

struct What<'a> {
    report: &'a str,
    name: Option<&'a str>,
    media: Option<&'a str>,
    resume: Option<&'a str>,
}

fn add(what: &What<'_>, path: &Path, reason: &Reason, api: &Api, ui: Ui) -> Result<(), Failure> {
    let mut file = File::open(path).map_err(|error| unusable(path, &error))?;
    let length = file.metadata()?.len();
    let given = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = what.name.map_or(given, ToOwned::to_owned);
    let done = block_on(async {
        let begun = match what.resume {
            Some(id) => one_back(api.get(&format!("/api/v1/uploads/{id}")).await?),
            None => {
                tell_of_others(what.report, api, ui).await;
                let mut body = reason.in_case(ui);
                let more =
                    json!({ "name": { "lang": "und", "text": name }, "length": length, "media": what.media });
                if let (Some(body), Json::Object(more)) = (body.as_object_mut(), more) {
                    body.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
                }
                api.post(&format!("/api/v1/reports/{}/attachments", what.report), &body).await?
            }
        };
        ui.say(&format!("upload {}; after a break: --resume with that number", text(&begun, "id")));
        file.seek(SeekFrom::Start(number(&begun, "next") * CHUNK))?;
        upload(api, &begun, &mut file, length, &mut Bar::new(ui, length)).await
    })?;
    let place = number(&done, "place");
    ui.result(&done, &[format!("attachment {place} of {}, {length} bytes", what.report)])
}

/// An upload that was left, or whose number was lost with the answer, keeps the report from its review.
async fn tell_of_others(report: &str, api: &Api, ui: Ui) {
    // Who may not list them is told at the review.
    let Ok(found) = api.get(&format!("/api/v1/reports/{report}/uploads")).await else { return };
    let count = found.as_array().map_or(0, Vec::len);
    if count > 0 {
        ui.say(&format!(
            "uploads on their way into {report} beside this one: {count}; it is not reviewed before they are finished or \
             ended: `mithaq attachment uploads {report}`"
        ));
    }
}

/// The last chunk that is there is sent again: the node tells whether this is still the same file. Not of what is in the
/// draft already.
fn one_back(mut begun: Json) -> Json {
    if begun.get("place").is_some_and(|place| !place.is_null()) {
        return begun;
    }
    let next = number(&begun, "next").saturating_sub(1);
    if let Some(fields) = begun.as_object_mut() {
        fields.insert("next".to_owned(), json!(next));
    }
    begun
}

/// Sends what follows the chunk the node expects; `from` stands there. A node that is away is waited for.
pub(crate) async fn upload(
    api: &Api,
    begun: &Json,
    from: &mut impl Read,
    length: u64,
    bar: &mut Bar,
) -> Result<Json, Failure> {
    let (id, chunks) = (text(begun, "id").to_owned(), number(begun, "chunks"));
    let mut next = number(begun, "next");
    // Chunks the node answered and may have lost again: it makes them durable sixteen at a time.
    let mut recent: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut read = next;
    let mut answer = begun.clone();
    while next < chunks {
        let bytes = match recent.iter().find(|(index, _)| *index == next) {
            Some((_, bytes)) => bytes.clone(),
            None if next != read => {
                return Err(Failure::new(
                    Exit::Failed,
                    "attachment.far_back",
                    format!("the node asks for part {next}, which was sent long ago"),
                )
                .hint("go on with --resume and the number of the upload"));
            }
            None => {
                read += 1;
                let mut bytes = Vec::new();
                from.by_ref().take(CHUNK).read_to_end(&mut bytes)?;
                recent.push((next, bytes.clone()));
                if recent.len() > 17 {
                    recent.remove(0);
                }
                bytes
            }
        };
        answer = patiently(api, &id, next, bytes).await?;
        next = number(&answer, "next");
        bar.at((next * CHUNK).min(length));
    }
    bar.end();
    Ok(answer)
}

/// Sends one chunk; when there is no answer, asks where to go on until the node is back.
async fn patiently(api: &Api, id: &str, index: u64, bytes: Vec<u8>) -> Result<Json, Failure> {
    let path = format!("/api/v1/uploads/{id}/{index}");
    let mut failure = match put(api, &path, bytes).await {
        Ok(answer) => return Ok(answer),
        Err(failure) if failure.exit == Exit::Failed => failure,
        Err(failure) => return Err(failure),
    };
    for _ in 0..TRIES {
        tokio::time::sleep(Duration::from_secs(1)).await;
        match api.get(&format!("/api/v1/uploads/{id}")).await {
            Ok(answer) => return Ok(answer),
            Err(again) if again.exit == Exit::Failed => failure = again,
            Err(other) => return Err(other),
        }
    }
    Err(failure.hint("go on with --resume and the number of the upload"))
}

async fn put(api: &Api, path: &str, bytes: Vec<u8>) -> Result<Json, Failure> {
    let answer = api.bytes(Method::PUT, path, "application/octet-stream", bytes).await?;
    serde_json::from_slice(&answer).map_err(|error| Failure::from(anyhow::Error::from(error)))
}

fn get((report, place): (&str, u32), out: &Path, body: &Json, api: &Api, ui: Ui) -> Result<(), Failure> {
    if out.exists() {
        return Err(Failure::new(
            Exit::Usage,
            "attachment.exists",
            format!("`{}` exists already", out.display()),
        ));
    }
    let mut part = out.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&part)
        .map_err(|error| unusable(&part, &error))?;
    let from = file.metadata()?.len() / CHUNK;
    file.set_len(from * CHUNK)?;
    file.seek(SeekFrom::Start(from * CHUNK))?;
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.insert("from".to_owned(), json!(from));
    }
    let path = format!("/api/v1/reports/{report}/attachments/{place}/read");
    let read = block_on(download(api, &path, &body, &mut file, ui))?;
    file.sync_all()?;
    std::fs::rename(&part, out)?;
    let bytes = from * CHUNK + read;
    ui.result(&json!({ "out": out, "bytes": bytes }), &[format!("{} ({bytes} bytes)", out.display())])
}

/// Writes an answer as it comes; returns how many bytes came.
pub(crate) async fn download(
    api: &Api,
    path: &str,
    body: &Json,
    to: &mut impl Write,
    ui: Ui,
) -> Result<u64, Failure> {
    let mut answer = api.open(Method::POST, path, body).await?;
    let told: Option<u64> = answer
        .headers()
        .get(hyper::header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    let (mut bar, mut read) = (Bar::new(ui, told.unwrap_or(0)), 0_u64);
    while let Some(frame) = answer.body_mut().frame().await {
        let broken = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Failed, "attachment.cut", format!("the answer ended early: {error}"))
                .hint("the same command goes on; `mithaq attachment list` says whether it may still be read")
        };
        let frame = frame.map_err(|error| broken(&error))?;
        if let Some(data) = frame.data_ref() {
            to.write_all(data)?;
            read += u64::try_from(data.len()).unwrap_or(0);
            bar.at(read);
        }
    }
    bar.end();
    if told.is_none_or(|told| told == read) {
        return Ok(read);
    }
    Err(Failure::new(Exit::Failed, "attachment.cut", "the answer ended before its end"))
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Usage, "attachment.file", format!("cannot open `{}`: {error}", path.display()))
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json.get(key).and_then(Json::as_str).unwrap_or("-")
}

fn number(json: &Json, key: &str) -> u64 {
    json.get(key).and_then(Json::as_u64).unwrap_or(0)
}

/// How far it is, on a terminal and nowhere else.
pub(crate) struct Bar {
    shown: bool,
    whole: u64,
    begun: Instant,
    last: Option<Instant>,
}

impl Bar {
    pub(crate) fn new(ui: Ui, whole: u64) -> Self {
        let shown = !ui.quiet && !ui.json && std::io::stderr().is_terminal();
        Self { shown, whole, begun: Instant::now(), last: None }
    }

    fn at(&mut self, done: u64) {
        let often = self.last.is_some_and(|last| last.elapsed() < Duration::from_millis(200));
        if !self.shown || often {
            return;
        }
        self.last = Some(Instant::now());
        let _nobody_looks = write!(std::io::stderr(), "\r{}", line(done, self.whole, self.begun.elapsed()));
    }

    fn end(&mut self) {
        if self.shown && self.last.is_some() {
            let _nobody_looks = writeln!(std::io::stderr());
        }
    }
}

fn line(done: u64, whole: u64, since: Duration) -> String {
    let per_cent = done.saturating_mul(100).checked_div(whole).unwrap_or(100).min(100);
    let filled = usize::try_from(per_cent / 5).unwrap_or(0);
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = done.saturating_mul(1_000) / millis / CHUNK;
    format!(
        "[{:<20}] {per_cent:>3} %  {} of {} MiB, {rate} MiB/s ",
        "#".repeat(filled),
        done / CHUNK,
        whole.div_ceil(CHUNK)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_how_far_it_is() {
        let half = line(5 * CHUNK, 10 * CHUNK, Duration::from_secs(1));
        assert_eq!(half, "[##########          ]  50 %  5 of 10 MiB, 5 MiB/s ");
        assert!(line(0, 0, Duration::ZERO).contains("100 %"), "an empty file is done at once");
        assert!(line(u64::MAX, 1, Duration::ZERO).contains("100 %"));
    }
}
