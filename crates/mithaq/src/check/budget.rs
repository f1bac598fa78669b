//! How budgets and tokens look to a person: one line each, the same numbers as in `--json`.

use serde_json::Value as Json;

pub(super) fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json.get(key).and_then(Json::as_str).unwrap_or_default()
}

pub(super) fn number(json: &Json, key: &str) -> u64 {
    json.get(key).and_then(Json::as_u64).unwrap_or(0)
}

pub(super) fn list<'a>(json: &'a Json, key: &str) -> &'a [Json] {
    json.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn of(json: &Json) -> String {
    format!("{} left of {}", number(json, "left"), number(json, "cap"))
}

/// Lines of `check budget`.
pub(super) fn budgets(answer: &Json) -> Vec<String> {
    let rows = answer.as_array().map_or(&[][..], Vec::as_slice);
    if rows.is_empty() {
        return vec!["no agreement in force provides for checks".to_owned()];
    }
    let mut lines = Vec::new();
    for row in rows {
        let says = if text(row, "direction") == "own" { "may still ask" } else { "may still be asked by" };
        let all = row.get("all").map_or_else(String::new, of);
        lines.push(format!("{says} {} under {}: {all} today", text(row, "partner"), text(row, "agreement")));
        for (key, name) in [("officers", "officer"), ("cases", "case")] {
            for one in list(row, key) {
                lines.push(format!("  {name} {}: {}", text(one, "of"), of(one)));
            }
        }
        lines.push(format!(
            "  any other officer: {}, case: {}; persons of one check: {}",
            number(row, "officer_cap"),
            number(row, "case_cap"),
            number(row, "batch_cap")
        ));
        let review = row.get("review").map_or(0, |review| number(review, "left"));
        lines.push(match review {
            0 => "  people must look: too many evaluations without a confirmed hit".to_owned(),
            left => format!("  without a confirmed hit people must look in {left} evaluations"),
        });
    }
    lines
}

/// Lines of `check tokens explain`.
pub(super) fn tokens(answer: &Json) -> Vec<String> {
    let line = |token: &Json| {
        let sounds: Vec<&str> = list(token, "sounds").iter().filter_map(Json::as_str).collect();
        let names = if sounds.is_empty() { String::new() } else { format!("{} + ", sounds.join(" + ")) };
        let meets = match text(token, "meets") {
            "day_asks_year" => ", who asks knows the day, who is asked the year",
            "year_asks_day" => ", who asks knows the year, who is asked the day",
            "year_asks_year" => ", both know the year",
            _other_kind => "",
        };
        let (kind, second) = (text(token, "kind"), text(token, "second"));
        format!("  {names}{kind} {second}{meets}  ({})", text(token, "band"))
    };
    let mut lines = vec![format!(
        "asked by {} tokens: {} evaluations",
        list(answer, "asking").len(),
        number(answer, "evaluations")
    )];
    lines.extend(list(answer, "asking").iter().map(line));
    lines.push(format!("in a set for partners: {} tokens", list(answer, "asked").len()));
    lines.extend(list(answer, "asked").iter().map(line));
    let reasons = list(answer, "without").iter().filter_map(Json::as_str);
    lines.extend(reasons.map(|code| format!("note: {}", reason(code))));
    lines
}

fn reason(code: &str) -> &'static str {
    match code {
        "class" => {
            "the class may not be checked, or the agreement does not cover it: nothing is asked or in a set"
        }
        "protected_role" => "it has a protected role: nothing is asked or in a set",
        "minor" => "it is a minor who is not missing: nothing is asked or in a set",
        "case" => "its cases are closed or of areas the agreement does not cover: it is in no set",
        "claims" => "some claims are a partner's, expired, TLP:RED or under H3, and make no token",
        "name_alone" => {
            "a name alone makes no token: add a day or year of birth, or a document with its issuing state"
        }
        "no_name" => "a date, place or document without a name makes no token: add a name",
        "documents" => {
            "a document makes no token: write its issuing state as a code of two letters or by its English name (IQ, Iraq), and its number with five letters or digits at least"
        }
        _newer => "the node gives a reason that this program does not know; `--json` shows it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_budget_says_what_is_left_and_for_whom() {
        let left = |used: u32, cap: u32| json!({ "used": used, "cap": cap, "left": cap - used });
        let answer = json!([{ "direction": "own", "partner": "es-police", "agreement": "ag-1", "all": left(8, 400),
            "officers": [{ "of": "U-1", "pseudonym": false, "used": 8, "cap": 200, "left": 192 }], "cases": [],
            "officer_cap": 200, "case_cap": 100, "batch_cap": 3, "review": left(60, 60) }]);
        let lines = budgets(&answer);
        assert_eq!(lines[0], "may still ask es-police under ag-1: 392 left of 400 today");
        assert_eq!(lines[1], "  officer U-1: 192 left of 200");
        assert!(lines[3].starts_with("  people must look"));
        assert_eq!(budgets(&json!([])), ["no agreement in force provides for checks"]);
    }

    #[test]
    fn tokens_are_told_with_what_stands_in_the_way() {
        let token = json!({ "sounds": ["b-d-l", "t-s-r-t"], "bits": 21.5, "kind": "year", "second": "1987", "meets": "year_asks_year", "band": "possible" });
        let answer = json!({ "asking": [token], "evaluations": 8, "asked": [], "without": ["case"], "claims_left_out": 0 });
        assert_eq!(
            tokens(&answer),
            [
                "asked by 1 tokens: 8 evaluations",
                "  b-d-l + t-s-r-t + year 1987, both know the year  (possible)",
                "in a set for partners: 0 tokens",
                "note: its cases are closed or of areas the agreement does not cover: it is in no set",
            ]
        );
    }
}
