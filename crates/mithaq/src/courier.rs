//! `mithaq courier`: what waits for a partner as files on a medium, and the receipts on the way back.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value as Json, json};

use crate::client::{NodeArgs, block_on};
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Subcommand)]
pub(crate) enum CourierCommand {
    /// Write what waits for a partner into volumes (`.mxb`); it stays in the outbox until receipts come back
    Export {
        /// Party it is for
        #[arg(long)]
        to: String,
        /// Number of the medium, as your register of media has it
        #[arg(long)]
        medium: String,
        /// Largest volume in MiB, 1 to 32
        #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=32))]
        volume_size: u32,
        /// Directory to write into
        dir: PathBuf,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Take volumes that came, and write the receipts to carry back beside them
    Import {
        /// Number of the medium
        #[arg(long)]
        medium: String,
        /// Where to write the receipts [default: beside each volume]
        #[arg(long)]
        answers: Option<PathBuf>,
        /// Volumes, in their order
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        node: NodeArgs,
    },
}

pub(crate) fn run(command: &CourierCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        CourierCommand::Export { to, medium, volume_size, dir, node } => {
            export((to, medium, *volume_size), dir, node, ui)
        }
        CourierCommand::Import { medium, answers, files, node } => {
            import(medium, answers.as_deref(), files, node, ui)
        }
    }
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json.get(key).and_then(Json::as_str).unwrap_or("-")
}

fn number(json: &Json, key: &str) -> u64 {
    json.get(key).and_then(Json::as_u64).unwrap_or(0)
}

fn decoded(json: &Json, key: &str) -> Result<Vec<u8>, Failure> {
    data_encoding::BASE64.decode(text(json, key).as_bytes()).map_err(|_not_base64| {
        Failure::new(Exit::Failed, "courier.answer", "the node's answer holds no file")
    })
}

/// Writes a file that must not be there, and makes it durable: a medium is pulled out soon after.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
        Failure::new(Exit::Usage, "cli.write", format!("cannot write `{}`: {error}", path.display()))
            .hint("what lies there already is not written over; give another name, or an empty directory")
    })?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}

fn export((to, medium, size): (&str, &str, u32), dir: &Path, node: &NodeArgs, ui: Ui) -> Result<(), Failure> {
    std::fs::create_dir_all(dir)?;
    let (mut next, mut made, mut lines) = (Json::Null, Vec::new(), Vec::new());
    loop {
        let mut body = json!({ "to": to, "medium": medium, "size": u64::from(size) * 1024 * 1024 });
        if let (Some(fields), false) = (body.as_object_mut(), next.is_null()) {
            fields.insert("next".to_owned(), next.clone());
        }
        let answer = block_on(async { node.api(ui)?.post("/api/v1/courier/export", &body).await })?;
        let journey: String = text(&answer, "journey").chars().take(8).collect();
        let (volume, messages, pieces) =
            (number(&answer, "volume"), number(&answer, "messages"), number(&answer, "pieces"));
        let path = dir.join(format!("{to}-{journey}-{volume:03}.mxb"));
        write_new(&path, &decoded(&answer, "file")?)?;
        ui.say(&format!("volume {volume}: {messages} messages, {pieces} pieces of attachments"));
        lines.push(path.display().to_string());
        made.push(json!({ "file": path, "volume": volume, "messages": messages, "pieces": pieces }));
        next = answer.get("next").cloned().unwrap_or_default();
        if next.is_null() {
            let (left, bytes) =
                (number(&answer, "attachments_left"), number(&answer, "attachment_bytes_left"));
            lines.extend(not_yet_carried(left, bytes));
            let told = json!({ "volumes": made, "attachments_left": left, "attachment_bytes_left": bytes });
            return ui.result(&told, &lines);
        }
    }
}

/// Says what no volume carries yet.
fn not_yet_carried(attachments: u64, bytes: u64) -> Option<String> {
    (attachments > 0).then(|| {
        format!(
            "not yet carried: {attachments} attachment(s), {bytes} bytes; import the answer that accepts their report, then export again"
        )
    })
}

fn import(
    medium: &str,
    answers: Option<&Path>,
    files: &[PathBuf],
    node: &NodeArgs,
    ui: Ui,
) -> Result<(), Failure> {
    let (mut all, mut lines, mut stopped) = (Vec::new(), Vec::new(), 0_usize);
    if let Some(dir) = answers {
        std::fs::create_dir_all(dir)?;
    }
    for file in files {
        let bytes = std::fs::read(file).map_err(|error| {
            Failure::new(Exit::Usage, "courier.read", format!("cannot read `{}`: {error}", file.display()))
        })?;
        let path = format!("/api/v1/courier/import?medium={medium}");
        let answer = block_on(async {
            node.api(ui)?.bytes(Method::POST, &path, "application/octet-stream", bytes).await
        })?;
        let answer: Json = serde_json::from_slice(&answer).map_err(anyhow::Error::from)?;
        let parts = answer.get("parts").and_then(Json::as_array).cloned().unwrap_or_default();
        let halted = parts.iter().filter(|part| part.get("stopped").is_some_and(|why| !why.is_null()));
        let why: Vec<&str> = halted.map(|part| text(part, "stopped")).collect();
        stopped = stopped.saturating_add(why.len());
        let mut line =
            format!("{}: volume {} of {}", file.display(), number(&answer, "volume"), text(&answer, "from"));
        if !why.is_empty() {
            line = format!("{line}, not all taken: {}", why.join(", "));
        }
        lines.push(line);
        let mut told = json!({ "file": file, "from": text(&answer, "from"), "volume": number(&answer, "volume"), "parts": parts });
        if answer.get("answer").is_some_and(Json::is_string) {
            let back = answer_path(file, answers);
            // The answer to a volume taken before is the same receipts, newly signed: it replaces the older file.
            let _older = std::fs::remove_file(&back);
            write_new(&back, &decoded(&answer, "answer")?)?;
            lines.push(format!("  carry back: {}", back.display()));
            if let Some(fields) = told.as_object_mut() {
                fields.insert("answer".to_owned(), json!(back));
            }
        }
        all.push(told);
    }
    let verdict = if stopped == 0 {
        Ok(())
    } else {
        let text = format!("{stopped} part(s) were not taken whole");
        Err(Failure::new(Exit::NotVerified, "courier.stopped", text)
            .hint("a gap means that an earlier volume is missing: import it, then this one again; or carry the answer back and export anew"))
    };
    ui.judged(json!({ "volumes": all }), &lines, verdict)
}

/// `x.mxb` becomes `x.answer.mxb`.
fn answer_path(file: &Path, answers: Option<&Path>) -> PathBuf {
    let name = file.file_stem().map_or_else(|| "volume".into(), |stem| stem.to_string_lossy().into_owned());
    let dir = answers.or_else(|| file.parent()).unwrap_or_else(|| Path::new("."));
    dir.join(format!("{name}.answer.mxb"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_volume_carries_yet_is_said_and_nothing_else() {
        assert_eq!(not_yet_carried(0, 0), None);
        let line = not_yet_carried(2, 70).unwrap();
        assert!(line.starts_with("not yet carried: 2 attachment(s), 70 bytes"));
    }

    #[test]
    fn answers_lie_beside_their_volume_or_where_one_says() {
        let file = Path::new("/media/a/es-police-00ff-001.mxb");
        assert_eq!(answer_path(file, None), Path::new("/media/a/es-police-00ff-001.answer.mxb"));
        assert_eq!(answer_path(file, Some(Path::new("/b"))), Path::new("/b/es-police-00ff-001.answer.mxb"));
    }
}
