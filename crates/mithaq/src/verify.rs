//! `mithaq verify`: judges an evidence bundle offline, with no node and no key of ours. The verifier brings what they
//! know from elsewhere: the number of a signed agreement, a root fingerprint, the key of a log.

mod opened;
mod report;
mod words;

use std::path::{Path, PathBuf};

use clap::Args;
use mithaq_evidence::{Anchors, JudgeError, Judgement, judge};
use mithaq_ledger::VerifierKey;
use mithaq_model::{AgreementId, PartyId};

use crate::ui::{Exit, Failure, Ui};

/// Bundles larger than this are refused: they would not fit in memory.
const BUNDLE_MAX: u64 = 4 * 1024 * 1024 * 1024;

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Evidence bundle (`.mxe`) to check
    bundle: PathBuf,
    /// Number of an agreement you have on paper: it pins the text, and the root keys the text names; repeat for several
    #[arg(long = "agreement", value_name = "NUMBER")]
    agreements: Vec<String>,
    /// Root fingerprint of a party, as `PARTY=64 hexadecimal digits`; repeat for several
    #[arg(long = "root", value_name = "PARTY=HEX")]
    roots: Vec<String>,
    /// Verifier key of the log, as its party publishes it (`name+id+key`); repeat for several
    #[arg(long = "log", value_name = "KEY")]
    logs: Vec<String>,
    /// Verifier key of a further witness; partners are known by their manifests; repeat for several
    #[arg(long = "witness", value_name = "KEY")]
    witnesses: Vec<String>,
    /// How many witnesses you know must have countersigned; what the agreements ask for is demanded in any case
    #[arg(long, default_value_t = 0, value_name = "N")]
    quorum: usize,
    /// Statement of distrust of a party's root that you know of, as its node hands it over; repeat for several
    #[arg(long = "distrust", value_name = "FILE")]
    distrusts: Vec<PathBuf>,
    /// Refuse a bundle that leaves out any entry up to its last checkpoint
    #[arg(long)]
    complete: bool,
    /// List the entries too
    #[arg(long)]
    entries: bool,
    /// What opens a private check (`mithaq check opening --output FILE`): shows that this log holds what was asked; repeat
    /// for several
    #[arg(long = "opening", value_name = "FILE")]
    openings: Vec<PathBuf>,
}

pub(crate) fn run(args: &VerifyArgs, ui: Ui) -> Result<(), Failure> {
    let anchors = anchors(args)?;
    let bytes = read(&args.bundle)?;
    let started = std::time::Instant::now();
    let found = judge(&bytes, &anchors).map_err(|error| refused(&error))?;
    let spent = started.elapsed();
    if args.complete && !found.is_complete {
        return Err(Failure::new(Exit::NotVerified, "verify.incomplete", "the bundle leaves entries out")
            .hint("ask for a complete export: `mithaq evidence export --all`"));
    }
    let checks: Vec<opened::Found> =
        args.openings.iter().map(|file| opened::compare(file, &found.lines)).collect::<Result<_, _>>()?;
    ui.judged(
        report::json(&found, &checks, args.entries, spent),
        &report::lines(&found, &checks, args.entries, ui),
        verdict(&found),
    )
}

/// A bundle that proves a wrong, or is anchored in nothing, is not simply "good".
fn verdict(found: &Judgement) -> Result<(), Failure> {
    if !found.violations.is_empty() {
        let text = format!("the evidence holds and shows {} acts against the rules", found.violations.len());
        return Err(Failure::new(Exit::NotVerified, "verify.violation", text)
            .hint("they are listed above: a matter for the data-protection officer and the oversight body"));
    }
    if !found.is_anchored {
        let text = "the bundle holds in itself, and was compared with nothing you know";
        return Err(Failure::new(Exit::NotAnchored, "verify.not_anchored", text)
            .hint("give the number of the agreement from your signed copy: `--agreement ag-…`"));
    }
    Ok(())
}

fn anchors(args: &VerifyArgs) -> Result<Anchors, Failure> {
    let usage = |code: &str, text: String| Failure::new(Exit::Usage, code, text);
    let mut anchors = Anchors { quorum: args.quorum, ..Anchors::default() };
    for text in &args.agreements {
        let id: AgreementId = text.parse().map_err(|_malformed| {
            usage("verify.agreement", format!("`{text}` is no number of an agreement")).hint(
                "it looks like `ag-` and 64 hexadecimal digits; `mithaq agreement check FILE` prints it",
            )
        })?;
        anchors.agreements.push(id);
    }
    for text in &args.roots {
        let (party, root) = root(text).ok_or_else(|| {
            usage("verify.root", format!("`{text}` is not PARTY=64 hexadecimal digits"))
                .hint("the agreement names it in the field `root` of each party")
        })?;
        anchors.roots.insert(party, root);
    }
    anchors.distrusts = args.distrusts.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
    anchors.logs = keys(&args.logs)?;
    anchors.witnesses = keys(&args.witnesses)?;
    Ok(anchors)
}

fn root(text: &str) -> Option<(PartyId, [u8; 32])> {
    let (party, hex) = text.split_once('=')?;
    let bytes = data_encoding::HEXLOWER.decode(hex.trim().to_lowercase().as_bytes()).ok()?;
    Some((PartyId::new(party.trim()).ok()?, bytes.try_into().ok()?))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(Exit::Usage, "verify.unreadable", format!("cannot read `{}`: {error}", path.display()))
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > BUNDLE_MAX {
        return Err(Failure::new(Exit::Usage, "verify.too_large", "the bundle is larger than 4 GiB"));
    }
    std::fs::read(path).map_err(unreadable)
}

fn keys(texts: &[String]) -> Result<Vec<VerifierKey>, Failure> {
    let parse = |text: &String| {
        text.parse().map_err(|error| {
            Failure::new(Exit::Usage, "verify.key", format!("`{text}` is no verifier key: {error}"))
                .hint("a verifier key looks like `ma-security/log+b975b7f0+AYqI…`; its party publishes it")
        })
    };
    texts.iter().map(parse).collect()
}

fn refused(error: &JudgeError) -> Failure {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    let quorum = matches!(error, JudgeError::Quorum { .. });
    let code = if quorum { "verify.quorum" } else { "verify.refused" };
    Failure::new(Exit::NotVerified, code, text).hint(if quorum {
        "ask for a new export: partners countersign within seconds when they are there"
    } else {
        "ask the party that exported it for the bundle again; if it is refused again, tell your oversight body"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_a_party_and_sixty_four_digits() {
        let digits = "0A".repeat(32);
        assert_eq!(root(&format!("ma-security={digits}")).unwrap().1, [10; 32]);
        for bad in ["ma-security", "=00", &format!("ma-security={digits}0"), &format!("x y={digits}")] {
            assert!(root(bad).is_none(), "{bad}");
        }
    }
}
