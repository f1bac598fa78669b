//! Carries the documents of private checks to the partner and its answers back (`docs/spec/check.md`). Only moves bytes;
//! what they mean is the application's.

use core::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use bytes::Bytes;
use hyper::Method;
use mithaq_app::{App, CheckCall, CheckKind};
use mithaq_model::PartyId;

use crate::client::{PeerClient, PeerIoError};
use crate::pump::blocking;

/// Rounds before others get their turn: a set comes in parts, a hit takes three documents.
const ROUNDS: u32 = 64;

/// Sends what is due until nothing is, or the line fails. What travelled is appended to a record where there is one.
pub(crate) async fn ask(
    app: &App,
    peer: &PartyId,
    client: &PeerClient,
    record: Option<&Path>,
) -> Result<(), PeerIoError> {
    for _ in 0..ROUNDS {
        let of = peer.clone();
        let Ok(calls) = blocking(app, move |app| app.check_calls(&of)).await else { return Ok(()) };
        if calls.is_empty() {
            return Ok(());
        }
        for call in calls {
            let path = format!("/mx/1/check/{}/{}", call.agreement, call.kind.code());
            let (status, body) = client.ask(Method::POST, &path, Bytes::from(call.body.clone())).await?;
            if matches!(status, 429 | 503) {
                return Err(PeerIoError::Busy);
            }
            if let Some((file, line)) = record.zip(recorded(&call, status, &body)) {
                let file = file.to_path_buf();
                let written = blocking(app, move |_app| Ok(append(&file, &line))).await;
                if let Ok(Err(error)) = written {
                    tracing::warn!(%error, "what private checks say could not be recorded");
                }
            }
            let of = peer.clone();
            let taken = blocking(app, move |app| {
                app.check_answered(&of, &call, (status == 200).then_some(body.as_ref()))
            });
            if let Err(error) = taken.await {
                tracing::warn!(%peer, code = error.code(), "the answer to a private check was refused");
            }
        }
    }
    Ok(())
}

/// One line: kind, body and answer, in hexadecimal. Only what the function is made of: words about candidates, standing
/// checks and plans are not recorded.
fn recorded(call: &CheckCall, status: u16, answer: &[u8]) -> Option<String> {
    let function = matches!(call.kind, CheckKind::Set | CheckKind::Request | CheckKind::Claims);
    if !function || status != 200 || answer.is_empty() {
        return None;
    }
    let mut line = call.kind.code().to_owned();
    for bytes in [call.body.as_slice(), answer] {
        line.push(' ');
        for byte in bytes {
            let _infallible = write!(line, "{byte:02x}");
        }
    }
    line.push('\n');
    Some(line)
}

/// Appends in one write, so that two partners' lines do not mix.
fn append(file: &Path, line: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_and_the_file_is_its_owner_s() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("transcript.txt");
        append(&file, "set 00 01\n").unwrap();
        append(&file, "request 02 03\n").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "set 00 01\nrequest 02 03\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(append(&dir.path().join("none/transcript.txt"), "").is_err());
    }
}
