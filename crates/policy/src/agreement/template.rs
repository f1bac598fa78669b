//! A first agreement to write on: complete, valid, commented. Strict where nothing is said.

use core::fmt::Write as _;

use mithaq_model::{PartyId, Timestamp};

/// A party to put into a template.
#[derive(Debug, Clone)]
pub struct TemplateParty {
    /// Its name.
    pub id: PartyId,
    /// State, two capital letters.
    pub state: String,
    /// Fingerprint of its root keys.
    pub root: [u8; 32],
}

/// Returns an agreement file between parties, in force from a day on for three years.
#[must_use]
pub fn template(parties: &[TemplateParty], from: Timestamp) -> String {
    let mut out = String::from(HEAD);
    for party in parties {
        let hex: String = party.root.iter().fold(String::new(), |mut hex, byte| {
            let _infallible = write!(hex, "{byte:02x}");
            hex
        });
        let _infallible = write!(
            out,
            "\n[[party]]\nid = \"{}\"\nstate = \"{}\"\n# Fingerprint of the root keys: compare it by another channel, word by word.\nroot = \"{hex}\"\nsignatory = \"Head of service\"\nmax_level = \"restricted\"\n",
            party.id, party.state
        );
    }
    let day = |at: Timestamp| at.to_string().chars().take(10).collect::<String>();
    let end = from.plus(mithaq_model::Days(3 * 365));
    let _infallible = write!(
        out,
        "\n[dates]\nsigned_on = \"{0}\"\nin_force_on = \"{0}\"\nexpires_on = \"{1}\"\nnotice_days = 90\n",
        day(from),
        day(end)
    );
    out.push_str(BODY);
    out
}

const HEAD: &str = r#"# A cooperation agreement of Mithaq. Both parties sign the exact bytes of this file: change one letter
# and it is another agreement. `mithaq agreement check` reads it, `mithaq agreement explain` says it in words.
format = 1
kind = "technical_arrangement"      # treaty, inter_ministerial, technical_arrangement, ad_hoc_team
version = 1
languages = ["ar", "fr", "es", "en"]
refusal_grounds = ["R01", "R02", "R03", "R04", "R05", "R06", "R07", "R08", "R09", "R12", "R13", "R14", "R15", "R16", "R17", "R18", "R19", "R20", "R21", "R22"]
suspension_grounds = ["systematic breach", "failing risk assessment", "unconstitutional change of government"]
liaison_posts = []
dispute_body = "Joint committee of the parties"
costs = "Each party bears its own"

[title]
ar = "ترتيب تقني للتعاون الأمني"
en = "Technical arrangement on security cooperation"
es = "Acuerdo técnico de cooperación en materia de seguridad"
fr = "Arrangement technique de coopération en matière de sécurité"
"#;

const BODY: &str = r#"
# What may be disclosed. Whatever is not named here is not covered.
[scope]
areas = ["terrorism", "foreign_terrorist_fighters", "trafficking_in_persons", "organised_crime"]
purposes = ["prevent_specific_offence", "investigate", "prosecute", "threat_to_life"]
subject_classes = ["suspect_committed", "suspect_about_to", "convicted", "wanted", "contact_or_associate"]
attributes = ["name", "born", "place", "nationality", "document", "sex", "status", "class", "title", "address", "listing", "role"]
minors = "forbidden"                # or "protective_only"
max_level = "restricted"

# Binds what comes without stricter handling. Content cannot be read after lease_days unless the originator
# was heard of since.
[handling]
codes = ["H0", "H2"]
tlp = "TLP:AMBER+STRICT"
pap = "PAP:AMBER"
lease_days = 30

# Longest retention at the receiver, in days, per class.
[retention_days]
default = 1095
contact_or_associate = 365

[onward]
rule = "consent"                    # forbidden, consent, list

[evidence]
use_in_court = "consent"            # consent, allowed

# These limits are compiled in and cannot be lifted; the file says them so that both sides have read them.
[safeguards]
no_death_penalty = true
no_strike = true
assessment_max_days = 365

[budgets]
reports_per_day = 1000
bytes_per_day = 268435456

[oversight]
sees_content = false
review_every_days = 365
survival_days = 3650

[clocks_hours]
routine = 168
"#;
