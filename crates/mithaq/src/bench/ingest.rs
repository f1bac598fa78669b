//! Subjects written per second through the API: read, validated, sealed, indexed by their names in every script, logged
//! and durable before the call is answered.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use mithaq_model::Days;
use serde_json::{Value as Json, json};
use tokio::task::JoinSet;

use super::dice::Dice;
use super::machine::Machine;
use super::result::{Goal, Outcome};
use crate::fleet::{Fleet, Spec, handling, now, text, why};
use crate::http::Api;
use crate::ui::{Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct IngestArgs {
    /// How many subjects
    #[arg(long, default_value_t = 50_000, value_name = "N")]
    subjects: usize,
    /// Subjects in one call, 1 to 256
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=256))]
    together: u16,
    /// Calls at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    callers: u16,
    /// Put the node here and leave it, instead of in a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &IngestArgs, ui: Ui) -> Result<(), Failure> {
    super::block_on(async {
        let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
        let mut outcome = Outcome::new("ingest", Machine::look(&place));
        let specs = [Spec::new("ma-security", "MA")?];
        let mut fleet = Fleet::make("bench", args.dir.as_deref(), &specs, "en")?;
        fleet.start_all().await?;
        let case = fleet.open_case(0).await?;
        ui.say(&format!("{} invented persons are made up", args.subjects));
        let expires = now().plus(Days(360)).to_string();
        let bodies: Vec<Json> = bodies(args.subjects, usize::from(args.together), expires).collect();
        let bytes: usize = bodies.iter().map(|body| body.to_string().len()).sum();
        ui.say("and written");
        let spent = write(&fleet.api(0, "analyst")?, &case, bodies, usize::from(args.callers)).await?;
        let count = u32::try_from(args.subjects).map_or(f64::NAN, f64::from);
        let goal = Goal::AtLeast { reach: 5_000.0, aim: 15_000.0 };
        outcome.number("subjects validated, logged, durable", count / spent.as_secs_f64(), "/s", goal);
        outcome.note(format!(
            "one person each: a name in two scripts, a birth date, a nationality; {} bytes of JSON on average",
            bytes / args.subjects.max(1)
        ));
        outcome.print(ui)
    })
}

/// Sends bodies of subjects into a case, so many calls at once.
pub(super) async fn write(
    api: &Api,
    case: &str,
    bodies: impl IntoIterator<Item = Json>,
    callers: usize,
) -> Result<Duration, Failure> {
    let path = format!("/api/v1/cases/{case}/subjects");
    let mut waiting = bodies.into_iter();
    let mut calls = JoinSet::new();
    let started = Instant::now();
    let call = |calls: &mut JoinSet<Result<Json, Failure>>, body: Json| {
        let (api, path) = (api.clone(), path.clone());
        calls.spawn(async move { api.post(&path, &body).await });
    };
    for body in waiting.by_ref().take(callers) {
        call(&mut calls, body);
    }
    while let Some(done) = calls.join_next().await {
        done.map_err(anyhow::Error::from)??;
        if let Some(body) = waiting.next() {
            call(&mut calls, body);
        }
    }
    Ok(started.elapsed())
}

/// Bodies of invented persons, made as they are asked for: a million would not fit.
pub(super) fn bodies(subjects: usize, together: usize, expires: String) -> impl Iterator<Item = Json> {
    let mut dice = Dice::new(1);
    let mut left = subjects;
    core::iter::from_fn(move || {
        let count = left.min(together);
        left -= count;
        let persons: Vec<Json> = (0..count).map(|_| person(&mut dice, &expires)).collect();
        let body = || json!({ "why": why("Measurement with invented persons"), "subjects": persons });
        (count > 0).then(body)
    })
}

/// Syllables of invented names, in Latin and Arabic letters.
const SYLLABLES: [(&str, &str); 16] = [
    ("ba", "با"),
    ("ta", "تا"),
    ("za", "زا"),
    ("ru", "رو"),
    ("mi", "مي"),
    ("lu", "لو"),
    ("ka", "كا"),
    ("ni", "ني"),
    ("sa", "سا"),
    ("du", "دو"),
    ("fi", "في"),
    ("ha", "ها"),
    ("wa", "وا"),
    ("ya", "يا"),
    ("ghu", "غو"),
    ("shi", "شي"),
];

pub(super) fn person(dice: &mut Dice, expires: &str) -> Json {
    let (mut latin, mut arabic) = (String::new(), String::new());
    for word in 0..3 {
        if word > 0 {
            latin.push(' ');
            arabic.push(' ');
        }
        for _ in 0..3 {
            let one = SYLLABLES.get(usize::try_from(dice.below(16)).unwrap_or(0)).unwrap_or(&("a", "ا"));
            latin.push_str(one.0);
            arabic.push_str(one.1);
        }
    }
    let claim = |attribute: &str, value: Json| {
        json!({ "attribute": attribute, "value": value, "source_ref": "file-1", "grade": "4x4:B2",
            "handling": handling(), "expires": expires })
    };
    let name = |lang: &str, full: &str, form: &str| {
        json!({ "is": "name", "full": { "lang": lang, "text": full },
        "kind": "primary", "form": form, "quality": "good" })
    };
    let born = format!("{}", 1_950 + dice.below(55));
    json!({ "kind": "person", "class": "suspect_committed", "claims": [
        claim("name", name("ar", &arabic, "original")),
        claim("name", name("fr", &latin, "transliterated")),
        claim("born", json!({ "is": "date", "date": born })),
        claim("nationality", json!({ "is": "text", "text": text("XA") })),
    ] })
}
