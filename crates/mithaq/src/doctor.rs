//! `mithaq doctor`: what is wrong with a node, and what to do about it. A node that runs is asked whether it is ready;
//! one that does not is opened and tried.

use hyper::Method;
use mithaq_app::KeyState;
use mithaq_node::backup;
use mithaq_node::config::{Config, Weight};
use mithaq_node::setup;
use serde_json::{Value as Json, json};

use crate::client::block_on;
use crate::http::Api;
use crate::local::NodeDir;
use crate::ops::{finding_line, load};
use crate::ui::{Exit, Failure, Ui};

/// One thing that was looked at.
struct Check {
    what: String,
    result: Result<String, String>,
}

fn check(what: impl Into<String>, result: Result<impl Into<String>, impl Into<String>>) -> Check {
    Check { what: what.into(), result: result.map(Into::into).map_err(Into::into) }
}

pub(crate) fn run(args: &NodeDir, ui: Ui) -> Result<(), Failure> {
    let config = load(&args.dir)?;
    let found = config.check(&args.dir);
    let mut checks: Vec<Check> = found
        .iter()
        .filter(|one| one.weight == Weight::Error)
        .map(|one| check(format!("configuration of `{}`", one.key), Err::<String, _>(finding_line(one))))
        .collect();
    if checks.is_empty() {
        checks.push(check("configuration", Ok::<_, String>(config.database.clone())));
    }
    for warning in found.iter().filter(|one| one.weight == Weight::Warning) {
        ui.say(&finding_line(warning));
    }
    let running = std::net::TcpListener::bind(config.peer_listen).is_err();
    checks.extend(if running { ask(&config, ui) } else { open(args, &config) });
    checks.push(put_aside(args));
    report(&checks, running, ui)
}

/// A node that runs says itself what holds.
fn ask(config: &Config, ui: Ui) -> Vec<Check> {
    let Some(address) = config.ops_listen else {
        let hint = "something listens on the address for partners; set `ops_listen` to ask the node itself";
        return vec![check("running node", Err::<String, _>(hint))];
    };
    let answer = block_on(async {
        let api = Api::new(&format!("http://{address}"), None, ui.lang.code())?;
        api.any_status(Method::GET, "/readyz").await
    });
    match answer {
        Ok(json) => {
            let rows = json.get("checks").and_then(Json::as_array).cloned().unwrap_or_default();
            let text = |row: &Json, key: &str| row.get(key).and_then(Json::as_str).unwrap_or("-").to_owned();
            let one = |row: &Json| {
                let good = row.get("ok") == Some(&Json::Bool(true));
                let detail = text(row, "detail");
                check(text(row, "name"), if good { Ok(detail) } else { Err(detail) })
            };
            rows.iter().map(one).collect()
        }
        Err(failure) => vec![check("running node", Err::<String, _>(failure.text))],
    }
}

/// A node that does not run is opened here: addresses, keys, database, log, manifest.
fn open(args: &NodeDir, config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    let addresses = [
        ("address for partners", Some(config.peer_listen)),
        ("address for people", Some(config.client_listen)),
        ("address for operations", config.ops_listen),
    ];
    for (what, address) in addresses {
        let Some(address) = address else { continue };
        let free = std::net::TcpListener::bind(address).map(|_listener| address.to_string());
        checks.push(check(what, free.map_err(|error| format!("{address}: {error}; another program has it"))));
    }
    let app = match setup::open(&args.dir, Box::new(|| ())) {
        Ok((app, ..)) => app,
        Err(error) => {
            checks.push(check("keys, database, log", Err::<String, _>(format!("{error:#}"))));
            return checks;
        }
    };
    checks.push(check("keys, database, log", Ok::<_, String>(format!("party {}", app.party()))));
    let code = |error: mithaq_app::AppError| error.code().to_owned();
    checks.push(check("database takes writes", app.probe_store().map(|()| "yes").map_err(code)));
    let whole = app.check_pages().map(|()| "yes").map_err(|error| {
        error.next_step().map_or_else(|| error.code().to_owned(), |next| format!("{}: {next}", error.code()))
    });
    checks.push(check("every page of the database is sound", whole));
    let signed = app.sign_checkpoint().map(|_note| "yes").map_err(code);
    checks.push(check("log continues its last checkpoint", signed));
    checks.push(check(
        "keys are those of a valid manifest",
        match app.key_state() {
            KeyState::Good => Ok("yes"),
            KeyState::Manifest => Err("no manifest is valid now; sign the next one with the offline root"),
            KeyState::Other => Err("the manifest names other keys; is this the right key file?"),
        },
    ));
    let ending = app.keys_ending();
    checks.push(check(
        "keys last for thirty days",
        ending.map_or_else(
            || Ok("yes"),
            |end| Err(format!("the manifest ends on {end}: `mithaq keys prepare`, sign, install")),
        ),
    ));
    match app.figures() {
        Ok(figures) => checks.extend(lanes(&figures)),
        Err(error) => checks.push(check("lanes", Err::<String, _>(error.code().to_owned()))),
    }
    app.close();
    checks
}

/// What a restore put aside holds what was erased since: a while for looking back, then a fault.
fn put_aside(args: &NodeDir) -> Check {
    let what = "nothing of before a restore is kept";
    let found = match backup::put_aside(&args.dir) {
        Ok(found) => found,
        Err(error) => return check(what, Err::<String, _>(format!("{error:#}"))),
    };
    let Some(oldest) = found.first() else { return check(what, Ok::<_, String>("yes")) };
    let detail = format!(
        "{} since {}, what was erased later may be in it: `mithaq restore {} --erase-put-aside`",
        oldest.path.display(),
        oldest.at,
        args.dir.display()
    );
    check(what, if oldest.stays_too_long() { Err(detail) } else { Ok(detail) })
}

fn lanes(figures: &mithaq_app::Figures) -> Vec<Check> {
    let halted = figures.lanes.iter().filter(|lane| {
        let sent = lane.sent.as_ref().is_some_and(|sent| sent.halt != mithaq_exchange::Halt::Open);
        sent || lane.taken.as_ref().is_some_and(|taken| taken.frozen)
    });
    let (halted, all) = (halted.count(), figures.lanes.len());
    let lanes = if halted == 0 {
        Ok(format!("{all}, none halted"))
    } else {
        Err(format!("{halted} of {all} are halted: `mithaq lanes` names them"))
    };
    let alarms = match figures.alarms {
        0 => Ok("none open".to_owned()),
        open => Err(format!("{open} open: look at what each partner did before going on")),
    };
    vec![check("lanes", lanes), check("alarms", alarms)]
}

fn report(checks: &[Check], running: bool, ui: Ui) -> Result<(), Failure> {
    let bad = checks.iter().filter(|one| one.result.is_err()).count();
    let lines: Vec<String> = checks
        .iter()
        .map(|one| match &one.result {
            Ok(detail) => format!("ok    {}: {detail}", one.what),
            Err(detail) => format!("FAIL  {}: {detail}", one.what),
        })
        .collect();
    let json: Vec<Json> = checks
        .iter()
        .map(|one| {
            let (Ok(detail) | Err(detail)) = &one.result;
            json!({ "check": one.what, "ok": one.result.is_ok(), "detail": detail })
        })
        .collect();
    let verdict = if bad == 0 {
        Ok(())
    } else {
        Err(Failure::new(Exit::Failed, "doctor.found", format!("{bad} of {} checks failed", checks.len())))
    };
    ui.judged(json!({ "running": running, "checks": json }), &lines, verdict)
}
