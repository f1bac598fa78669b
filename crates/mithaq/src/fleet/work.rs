//! What the people at a node do, through its API: open a case, write a subject, draft a report, approve it, release it.
//! All persons are invented.

use mithaq_model::Days;
use serde_json::{Value as Json, json};

use super::{Fleet, now};
use crate::http::Api;
use crate::ui::{Exit, Failure};

/// Purpose and reason of a call.
pub(crate) fn why(reason: &str) -> Json {
    json!({ "purpose": "investigate", "reason": { "lang": "en", "text": reason } })
}

pub(crate) fn text(words: &str) -> Json {
    json!({ "lang": "en", "text": words })
}

pub(crate) fn handling() -> Json {
    json!({ "codes": ["H0", "H2"], "tlp": "TLP:AMBER", "pap": "PAP:AMBER" })
}

/// The number in a node's answer.
pub(crate) fn id_of(json: &Json) -> Result<String, Failure> {
    let id = json.get("id").and_then(Json::as_str).map(ToOwned::to_owned);
    id.ok_or_else(|| Failure::new(Exit::Failed, "fleet.answer", "the node's answer has no number"))
}

/// Which report to draft.
#[derive(Debug, Clone)]
pub(crate) struct Draft<'a> {
    pub(crate) case: &'a str,
    pub(crate) subject: &'a str,
    /// What it states.
    pub(crate) fact: &'a str,
}

impl Fleet {
    /// Opens a case for its analyst and supervisor.
    pub(crate) async fn open_case(&self, node: usize) -> Result<String, Failure> {
        let mut officers = Vec::new();
        for login in ["analyst", "supervisor"] {
            officers.push(id_of(&self.api(node, login)?.get("/api/v1/me").await?)?);
        }
        let body = json!({
            "title": text("Recruitment and travel of three young people"),
            "area": "foreign_terrorist_fighters",
            "offence": text("Recruitment for terrorism, penal code article 218-1"),
            "purposes": ["investigate"],
            "officers": officers,
        });
        id_of(&self.api(node, "supervisor")?.post("/api/v1/cases", &body).await?)
    }

    /// Writes an invented recruiter, in three scripts, into a case.
    pub(crate) async fn write_subject(&self, node: usize, case: &str) -> Result<String, Failure> {
        let body = json!({ "why": why("Tickets of three travellers were paid by one card"), "subjects": [recruiter()] });
        let path = format!("/api/v1/cases/{case}/subjects");
        let made = self.api(node, "analyst")?.post(&path, &body).await?;
        id_of(made.get(0).unwrap_or(&Json::Null))
    }

    /// Drafts a report from one node to others; review and approval follow.
    pub(crate) async fn draft(&self, from: usize, to: &[usize], what: &Draft<'_>) -> Result<String, Failure> {
        let first = to.first().copied().unwrap_or(from);
        let mut recipients = Vec::new();
        for number in to {
            recipients.push(self.node(*number)?.party.to_string());
        }
        let body = json!({
            "why": why("The partner can stop the journey"),
            "case": what.case,
            "kind": "information",
            "agreement": self.agreement(from, first)?.to_string(),
            "recipients": recipients,
            "title": text("Recruiter travelling with three young people"),
            "facts": [{ "text": text(what.fact), "grade": "4x4:B2" }],
            "assessments": [{ "text": text("They are being taken to a conflict zone"), "likelihood": "likely", "confidence": "moderate" }],
            "subjects": [what.subject],
            "grade": "4x4:B2",
            "handling": handling(),
            "level": "restricted",
            "expires": now().plus(Days(300)).to_string(),
        });
        id_of(&self.api(from, "analyst")?.post("/api/v1/reports", &body).await?)
    }

    /// Review by another person, then two approvals.
    pub(crate) async fn approve(&self, node: usize, case: &str, id: &str) -> Result<(), Failure> {
        let supervisor = self.api(node, "supervisor")?;
        let review = json!({ "why": why("Review before release"), "case": case });
        supervisor.post(&format!("/api/v1/reports/{id}/review"), &review).await?;
        let path = format!("/api/v1/reports/{id}/approve");
        supervisor.post(&path, &json!({})).await?;
        self.api(node, "spoc")?.post(&path, &json!({})).await?;
        Ok(())
    }
}

/// Releases reports; returns how many went out. The others were refused by the rules.
pub(crate) async fn release(spoc: &Api, ids: &[String], stated: &Json) -> Result<usize, Failure> {
    let body = json!({ "reports": ids, "stated": stated });
    let done = spoc.post("/api/v1/reports/release", &body).await?;
    let sent = |one: &Json| one.get("sent").and_then(Json::as_bool).unwrap_or(false);
    Ok(done.as_array().map_or(0, |all| all.iter().filter(|one| sent(one)).count()))
}

fn recruiter() -> Json {
    let expires = now().plus(Days(360)).to_string();
    let claim = |attribute: &str, value: Json| {
        json!({ "attribute": attribute, "value": value, "source_ref": "file-12", "grade": "4x4:B2",
            "handling": handling(), "expires": expires })
    };
    let name = |lang: &str, full: &str, form: &str| json!({ "is": "name", "full": { "lang": lang, "text": full }, "kind": "primary", "form": form, "quality": "good" });
    json!({
        "kind": "person",
        "class": "suspect_committed",
        "claims": [
            claim("name", name("ar", "عبد الحميد تازروت", "original")),
            claim("name", name("fr", "Abdelhamid Tazerout", "transliterated")),
            claim("name", name("ru", "Абдельхамид Тазерут", "transliterated")),
            claim("born", json!({ "is": "date", "date": "1987/1988" })),
            claim("nationality", json!({ "is": "text", "text": text("XA") })),
        ],
    })
}
