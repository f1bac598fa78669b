//! The tables and fields of an agreement as TOML holds them: nothing else may stand in the file.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) format: u32,
    pub(super) kind: String,
    pub(super) version: u32,
    pub(super) supersedes: Option<String>,
    pub(super) languages: Vec<String>,
    pub(super) refusal_grounds: Vec<String>,
    pub(super) suspension_grounds: Vec<String>,
    pub(super) liaison_posts: Vec<String>,
    pub(super) dispute_body: String,
    pub(super) costs: String,
    pub(super) title: Title,
    pub(super) party: Vec<Party>,
    pub(super) dates: Dates,
    pub(super) scope: Scope,
    pub(super) handling: HandlingTable,
    pub(super) retention_days: BTreeMap<String, u32>,
    pub(super) onward: OnwardTable,
    pub(super) evidence: Evidence,
    pub(super) safeguards: Safeguards,
    pub(super) budgets: BudgetsTable,
    pub(super) oversight: Oversight,
    #[serde(default)]
    pub(super) clocks_hours: BTreeMap<String, u32>,
    #[serde(default)]
    pub(super) equivalence: Vec<EquivalenceEntry>,
    pub(super) private_check: Option<PrivateCheckTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Title {
    pub(super) ar: String,
    pub(super) en: String,
    pub(super) es: String,
    pub(super) fr: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Party {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) root: String,
    pub(super) signatory: String,
    pub(super) max_level: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dates {
    pub(super) signed_on: String,
    pub(super) in_force_on: String,
    pub(super) expires_on: String,
    pub(super) notice_days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scope {
    pub(super) areas: Vec<String>,
    pub(super) purposes: Vec<String>,
    pub(super) subject_classes: Vec<String>,
    pub(super) attributes: Vec<String>,
    pub(super) minors: String,
    pub(super) max_level: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HandlingTable {
    pub(super) codes: Vec<String>,
    pub(super) tlp: String,
    pub(super) pap: String,
    pub(super) lease_days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OnwardTable {
    pub(super) rule: String,
    #[serde(default)]
    pub(super) parties: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Evidence {
    pub(super) use_in_court: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Safeguards {
    pub(super) no_death_penalty: bool,
    pub(super) no_strike: bool,
    pub(super) assessment_max_days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BudgetsTable {
    pub(super) reports_per_day: u32,
    pub(super) bytes_per_day: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Oversight {
    pub(super) sees_content: bool,
    /// How many other parties must have countersigned a party's log. Absent: none need to.
    #[serde(default)]
    pub(super) countersignatures: u32,
    pub(super) review_every_days: u32,
    pub(super) survival_days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EquivalenceEntry {
    pub(super) party: String,
    pub(super) label: String,
    pub(super) lang: String,
    pub(super) level: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrivateCheckTable {
    pub(super) batch_cap: u32,
    pub(super) daily_cap: u32,
    pub(super) officer_cap: Option<u32>,
    pub(super) case_cap: Option<u32>,
    pub(super) review_after: Option<u32>,
    pub(super) token_policy: Option<String>,
    #[serde(default)]
    pub(super) verifiable: bool,
    #[serde(default)]
    pub(super) refuse_silently: bool,
    pub(super) standing_days: Option<u32>,
    #[serde(default)]
    pub(super) events: bool,
}
