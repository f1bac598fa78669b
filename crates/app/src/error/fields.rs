//! What to do about a field that is malformed: one next step for each name, so that no caller forgets it.

/// Next step for a field of ours, by its name.
pub(super) fn of(field: &str) -> &'static str {
    match field {
        "agreement" => {
            "give the number of an agreement as `mithaq agreement list` prints it, for example ag-…"
        }
        "class" => {
            "give the code of a class, for a check suspect_committed, suspect_about_to, convicted, wanted or missing"
        }
        "subject" | "subjects" => {
            "give numbers of persons as `mithaq subjects search` prints them, for example S-…"
        }
        "case" | "case_id" => "give the number of a case as `mithaq case list` prints it, for example C-…",
        "report" => "give the number of a report as `mithaq report list` prints it, for example R-…",
        "partner" | "partners" | "party" | "recipients" => {
            "give the short name of a party as it stands in the agreement (`mithaq agreement list`), for example es-police"
        }
        "officer" | "officers" => "give officers as `mithaq officers list` prints them",
        "purpose" | "purposes" => {
            "give the code of a purpose the agreement and the case have, for example investigate"
        }
        "ground" => "give the code of a ground of refusal, R01 to R22",
        "from"
        | "until"
        | "since"
        | "expires"
        | "date"
        | "valid_to"
        | "standing.until"
        | "standing.warrant_ends" => {
            "give a day as 2026-01-31 or a time as 2026-01-31T06:00:00Z, and an end after its beginning"
        }
        "direction" => "give `own` or `received`",
        "reason" | "title" | "name" => {
            "write one line of text that is not empty, in one of the languages ar, en, es, fr"
        }
        _other => "docs/reference/openapi.json says what each field of a call takes",
    }
}
