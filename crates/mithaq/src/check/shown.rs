//! How one check looks to a person: what was asked, of whom, where it stands, and what to do next.

use serde_json::Value as Json;

use super::budget::{list, number, text};

/// Lines of `check show`.
pub(super) fn lines(answer: &Json) -> Vec<String> {
    let Some(check) = answer.get("check") else { return Vec::new() };
    let id = text(check, "id");
    let says = if text(check, "direction") == "own" { "asks" } else { "is asked by" };
    let mut lines = vec![
        format!("{id}  {}", words(text(check, "state"))),
        format!("  {says} {} under {}", text(check, "partner"), text(check, "agreement")),
        format!(
            "  {} person(s) as {}, to {}; {} evaluations; case {}",
            number(check, "subjects"),
            text(check, "class"),
            text(check, "purpose"),
            number(check, "evaluations"),
            text(check, "case")
        ),
        format!("  written {}{}", text(check, "created"), ended(check)),
    ];
    lines.extend(with("outcome", check).map(|outcome| format!("  outcome: {outcome}")));
    lines.extend(with("hint", check).map(|hint| format!("  next: {hint}")));
    for one in list(answer, "subjects") {
        let band = with("band", one).map_or_else(|| "no hit".to_owned(), |band| format!("{band} hit"));
        lines.push(format!("person {}: {band}", text(one, "subject")));
    }
    for one in list(answer, "candidates") {
        candidate(id, one, &mut lines);
    }
    if let Some(one) = answer.get("standing").filter(|standing| standing.is_object()) {
        lines.push(format!(
            "standing: {}, until {}, under warrant {} (ends {})",
            words(text(one, "state")),
            text(one, "until"),
            text(one, "warrant"),
            text(one, "warrant_ends")
        ));
        if let Some(until) = with("renewal_until", one) {
            let waits = one.get("renewal_authorised").and_then(Json::as_bool) == Some(true);
            let whom =
                if waits { "the partner" } else { "a second person: `mithaq check standing authorise`" };
            lines.push(format!("  a renewal until {until} waits for {whom}"));
        }
    }
    lines
}

fn candidate(check: &str, one: &Json, lines: &mut Vec<String>) {
    let (handle, stage) = (text(one, "handle"), text(one, "stage"));
    lines.push(format!(
        "candidate {handle}: {}, {}, person {}",
        text(one, "band"),
        words(stage),
        text(one, "subject")
    ));
    for (key, who) in [("shows", "this side shows"), ("shown", "the partner shows")] {
        lines.extend(one.get(key).and_then(discriminators).map(|what| format!("  {who} {what}")));
    }
    let said = |key| with(key, one).unwrap_or("nothing yet");
    let compared = |key: &str| one.get(key).is_some_and(Json::is_object);
    let step = |what: &str| format!("mithaq check {what} {check} {handle}");
    match stage {
        "possible_hit" => {
            lines.push(format!("  said here: {}; by the partner: {}", said("ours"), said("theirs")));
            lines.push(if !compared("shows") {
                format!("  next: `{} --case C-… --reason \"…\"`", step("compare"))
            } else if !compared("shown") {
                "  next: wait until the partner compares".to_owned()
            } else if with("ours", one).is_none() {
                format!("  next: `{}`, or `reject`, with --case and --reason", step("confirm"))
            } else {
                "  next: wait until the partner says the same or another".to_owned()
            });
        }
        "confirmed" => {
            lines.push(format!(
                "  core data due {}; released here: {}; by the partner: {}",
                text(one, "due"),
                said("released"),
                said("partner_released")
            ));
            if with("released", one).is_none() {
                lines.push(format!(
                    "  next: send a report, then `{} --report R-…`; or `refuse … --ground R…`",
                    step("released")
                ));
            }
        }
        _over => {}
    }
}

/// `born 1987–1988, M`, or that nothing is known.
fn discriminators(shown: &Json) -> Option<String> {
    let fields = shown.as_object()?;
    let years = fields.get("years").and_then(Json::as_array);
    let years = years.and_then(|range| Some((range.first()?.as_u64()?, range.get(1)?.as_u64()?)));
    let born = match years {
        Some((first, last)) if first == last => format!("born {first}"),
        Some((first, last)) => format!("born {first}–{last}"),
        None => "no year of birth".to_owned(),
    };
    Some(format!("{born}, {}", with("sex", shown).unwrap_or("sex not known")))
}

fn ended(check: &Json) -> String {
    with("ended", check).map_or_else(String::new, |at| format!("; ended {at}"))
}

fn with<'a>(key: &str, json: &'a Json) -> Option<&'a str> {
    json.get(key).and_then(Json::as_str)
}

fn words(code: &str) -> String {
    code.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(candidate: &Json) -> Json {
        json!({
            "check": { "id": "O-1", "direction": "own", "partner": "es-police", "agreement": "ag-1", "case": "C-1",
                "purpose": "investigate", "class": "wanted", "subjects": 1, "evaluations": 8, "state": "possible_hit",
                "outcome": null, "hint": null, "created": "2026-01-01", "ended": null, "hits": 1 },
            "subjects": [{ "subject": "S-1", "band": "likely" }, { "subject": "S-2", "band": null }],
            "candidates": [candidate],
            "standing": null,
        })
    }

    #[test]
    fn a_check_is_told_in_lines_with_the_next_step() {
        let new = json!({ "handle": "O-2", "subject": "S-1", "band": "likely", "stage": "possible_hit", "ours": null,
            "theirs": null, "shows": null, "shown": null });
        let told = lines(&answer(&new));
        assert_eq!(told[0], "O-1  possible hit");
        assert_eq!(told[4..6], ["person S-1: likely hit", "person S-2: no hit"]);
        assert!(told.last().unwrap().contains("`mithaq check compare O-1 O-2"), "{told:?}");
        let seen = json!({ "years": [1987, 1988], "sex": "M" });
        let compared = json!({ "handle": "O-2", "subject": "S-1", "band": "likely", "stage": "possible_hit",
            "ours": null, "theirs": "same", "shows": seen, "shown": seen });
        let told = lines(&answer(&compared));
        assert!(told.contains(&"  the partner shows born 1987–1988, M".to_owned()));
        assert!(told.contains(&"  said here: nothing yet; by the partner: same".to_owned()));
        assert!(told.last().unwrap().contains("`mithaq check confirm O-1 O-2`"));
        let confirmed = json!({ "handle": "O-2", "subject": "S-1", "band": "likely", "stage": "confirmed",
            "due": "2026-01-03", "released": null, "partner_released": "report", "shows": seen, "shown": seen });
        let told = lines(&answer(&confirmed));
        assert!(
            told.iter().any(|line| line.contains("core data due 2026-01-03; released here: nothing yet"))
        );
        assert!(told.iter().all(|line| !line.contains('{')), "no JSON: {told:?}");
    }

    #[test]
    fn a_standing_check_says_whom_it_waits_for() {
        let mut shown = answer(&json!({}));
        shown["candidates"] = json!([]);
        shown["standing"] = json!({ "state": "placed", "warrant": "order-7", "warrant_ends": "2027-06-30",
            "until": "2027-02-15", "renewal_until": "2027-04-15", "renewal_authorised": false });
        let told = lines(&shown);
        assert!(told.contains(
            &"standing: placed, until 2027-02-15, under warrant order-7 (ends 2027-06-30)".to_owned()
        ));
        assert!(told.last().unwrap().contains("waits for a second person"));
    }
}
