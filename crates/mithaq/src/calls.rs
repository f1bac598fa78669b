//! Every call of a node's API and the command that makes it. A test holds the table against the OpenAPI document and
//! against the command line: a call without its command, or a command that is not there, does not pass.

/// Method, path and command, in the order of the document.
pub(crate) const CALLS: &[(&str, &str, &str)] = &[
    ("get", "/api/v1/agreements", "agreement list"),
    ("post", "/api/v1/agreements", "agreement add"),
    ("post", "/api/v1/agreements/signatures", "agreement countersign"),
    ("post", "/api/v1/agreements/{id}/agree-resume", "agreement agree-resume"),
    ("post", "/api/v1/agreements/{id}/steps", "agreement activate"),
    ("get", "/api/v1/alarms", "oversight alarms"),
    ("post", "/api/v1/alarms/{id}/acknowledge", "oversight acknowledge"),
    ("get", "/api/v1/cases", "case list"),
    ("post", "/api/v1/cases", "case open"),
    ("post", "/api/v1/cases/{case}/close", "case close"),
    ("post", "/api/v1/cases/{case}/import/un-list", "subjects import"),
    ("post", "/api/v1/cases/{case}/officers", "case assign"),
    ("post", "/api/v1/cases/{case}/search", "subjects search"),
    ("post", "/api/v1/cases/{case}/subjects", "subjects add"),
    ("post", "/api/v1/cases/{case}/subjects/{subject}/read", "subjects read"),
    ("get", "/api/v1/checks", "check list"),
    ("post", "/api/v1/checks", "check ask"),
    ("get", "/api/v1/checks/budget", "check budget"),
    ("get", "/api/v1/checks/figures", "check figures"),
    ("post", "/api/v1/checks/joint", "check ask"),
    ("post", "/api/v1/checks/joint/{joint}/authorise", "check authorise"),
    ("post", "/api/v1/checks/reconsider", "check reconsider"),
    ("get", "/api/v1/checks/sets", "check sets"),
    ("post", "/api/v1/checks/sets", "check publish"),
    ("post", "/api/v1/checks/tokens", "check tokens explain"),
    ("post", "/api/v1/checks/{id}/authorise", "check authorise"),
    ("post", "/api/v1/checks/{id}/candidates/{handle}", "check confirm"),
    ("post", "/api/v1/checks/{id}/close", "check close"),
    ("post", "/api/v1/checks/{id}/opening", "check opening"),
    ("post", "/api/v1/checks/{id}/show", "check show"),
    ("post", "/api/v1/checks/{id}/standing", "check standing renew"),
    ("get", "/api/v1/consents", "consent list"),
    ("post", "/api/v1/consents", "consent ask"),
    ("post", "/api/v1/consents/{id}/grant", "consent grant"),
    ("post", "/api/v1/consents/{id}/read", "consent show"),
    ("post", "/api/v1/consents/{id}/refuse", "consent refuse"),
    ("post", "/api/v1/consents/{id}/revoke", "consent revoke"),
    ("post", "/api/v1/courier/export", "courier export"),
    ("post", "/api/v1/courier/import", "courier import"),
    ("get", "/api/v1/emergencies", "emergency list"),
    ("post", "/api/v1/evidence", "evidence export"),
    ("get", "/api/v1/health", "health"),
    ("get", "/api/v1/keys", "keys status"),
    ("get", "/api/v1/keys/checkpoint", "keys checkpoint"),
    ("get", "/api/v1/keys/logs", "keys logs"),
    ("post", "/api/v1/keys/proposals", "keys install"),
    ("post", "/api/v1/keys/proposals/{id}/confirm", "keys confirm"),
    ("get", "/api/v1/holders/overdue", "onward overdue"),
    ("get", "/api/v1/holds", "hold list"),
    ("post", "/api/v1/holds/{on}", "hold set"),
    ("get", "/api/v1/justifications", "justification list"),
    ("post", "/api/v1/justifications/draw", "justification draw"),
    ("post", "/api/v1/justifications/{id}/judge", "justification judge"),
    ("get", "/api/v1/lanes", "lanes"),
    ("get", "/api/v1/log", "evidence log"),
    ("get", "/api/v1/manifest", "partner own-manifest"),
    ("get", "/api/v1/me", "whoami"),
    ("put", "/api/v1/me/password", "password"),
    ("get", "/api/v1/officers", "officers list"),
    ("post", "/api/v1/officers", "officers add"),
    ("post", "/api/v1/officers/{id}/lock", "officers lock"),
    ("get", "/api/v1/outbox", "outbox list"),
    ("post", "/api/v1/outbox/retry", "outbox retry"),
    ("get", "/api/v1/outbox/{id}", "outbox show"),
    ("post", "/api/v1/partners/{party}/assessments", "partner assess"),
    ("post", "/api/v1/partners/{party}/log", "keys judge-log"),
    ("post", "/api/v1/partners/{party}/manifest", "partner manifest"),
    ("post", "/api/v1/plans", "check event plan"),
    ("post", "/api/v1/plans/list", "check event list"),
    ("post", "/api/v1/plans/{id}/authorise", "check event authorise"),
    ("post", "/api/v1/plans/{id}/end", "check event end"),
    ("get", "/api/v1/quarantine", "quarantine list"),
    ("post", "/api/v1/quarantine/{id}/judge", "quarantine release"),
    ("post", "/api/v1/quarantine/{id}/read", "quarantine read"),
    ("get", "/api/v1/reports", "report list"),
    ("post", "/api/v1/reports", "report draft"),
    ("post", "/api/v1/reports/release", "report release"),
    ("post", "/api/v1/reports/{id}/approve", "report approve"),
    ("get", "/api/v1/reports/{id}/attachments", "attachment list"),
    ("post", "/api/v1/reports/{id}/attachments", "attachment add"),
    ("post", "/api/v1/reports/{id}/attachments/{place}/read", "attachment get"),
    ("post", "/api/v1/reports/{id}/attachments/{place}/remove", "attachment remove"),
    ("post", "/api/v1/reports/{id}/clear", "clear text"),
    ("post", "/api/v1/reports/{id}/clear-role", "clear role"),
    ("post", "/api/v1/reports/{id}/confirm-clearance", "clear confirm"),
    ("post", "/api/v1/reports/{id}/correct", "report correct"),
    ("post", "/api/v1/reports/{id}/emergency", "emergency invoke"),
    ("post", "/api/v1/reports/{id}/emergency/confirm", "emergency confirm"),
    ("post", "/api/v1/reports/{id}/emergency/review", "emergency review"),
    ("post", "/api/v1/reports/{id}/expiry", "report expire"),
    ("post", "/api/v1/reports/{id}/grade", "report grade"),
    ("get", "/api/v1/reports/{id}/holders", "onward tree"),
    ("post", "/api/v1/reports/{id}/onward", "onward send"),
    ("post", "/api/v1/reports/{id}/read", "report read"),
    ("post", "/api/v1/reports/{id}/recall", "report recall"),
    ("get", "/api/v1/reports/{id}/receipts", "report receipts"),
    ("post", "/api/v1/reports/{id}/review", "report review"),
    ("post", "/api/v1/reports/{id}/revise", "report revise"),
    ("get", "/api/v1/reports/{id}/uploads", "attachment uploads"),
    ("get", "/api/v1/requests", "request list"),
    ("post", "/api/v1/requests", "request new"),
    ("get", "/api/v1/requests/figures", "request figures"),
    ("post", "/api/v1/requests/{id}/answers", "request answer"),
    ("post", "/api/v1/requests/{id}/approve", "request approve"),
    ("post", "/api/v1/requests/{id}/open", "request open"),
    ("post", "/api/v1/requests/{id}/review", "request review"),
    ("post", "/api/v1/requests/{id}/send", "request send"),
    ("post", "/api/v1/requests/{id}/show", "request show"),
    ("post", "/api/v1/requests/{id}/steps", "request accept"),
    ("get", "/api/v1/roles", "roles"),
    ("get", "/api/v1/rulings", "oversight rulings"),
    ("post", "/api/v1/sign-in", "login"),
    ("post", "/api/v1/sign-out", "logout"),
    ("delete", "/api/v1/uploads/{id}", "attachment upload"),
    ("get", "/api/v1/uploads/{id}", "attachment upload"),
    ("put", "/api/v1/uploads/{id}/{index}", "attachment add"),
];

mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_call_has_its_command() {
        let document = mithaq_api::openapi().unwrap();
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        let paths = document.get("paths").and_then(serde_json::Value::as_object).unwrap();
        let mut there = BTreeSet::new();
        for (path, methods) in paths {
            there.extend(methods.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())));
        }
        let told: BTreeSet<_> =
            CALLS.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
        let without: Vec<_> = there.difference(&told).collect();
        assert!(without.is_empty(), "calls without a command: {without:?}");
        let gone: Vec<_> = told.difference(&there).collect();
        assert!(gone.is_empty(), "commands of calls that are not there: {gone:?}");
    }

    #[test]
    fn every_command_of_the_table_is_there() {
        use clap::CommandFactory as _;
        let all = crate::Cli::command();
        for (_, path, words) in CALLS {
            let mut at = &all;
            for word in words.split(' ') {
                at = at.find_subcommand(word).unwrap_or_else(|| panic!("`mithaq {words}` for {path}"));
            }
        }
    }
}
