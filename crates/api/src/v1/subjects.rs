//! Subjects and claims as JSON. The list of attributes is closed: there is no free-form field, and none for
//! special categories.

use mithaq_app::{App, AppError};
use mithaq_model::{
    Attribute, Claim, ClaimSource, Grade, Handling, HandlingCode, HandlingCodes, NameForm, NameKind,
    NameQuality, Pap, PartialDate, PersonStatus, Script, Sex, Subject, SubjectClass, SubjectKind, Timestamp,
    Tlp, Value,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::session::field;
use crate::v1::cases::TextView;

/// What may be done with data.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandlingView {
    /// Codes H0 to H3.
    pub(crate) codes: Vec<String>,
    /// Written conditions of H3.
    #[serde(default)]
    pub(crate) conditions: Vec<TextView>,
    /// TLP 2.0 label, for example `TLP:AMBER`.
    pub(crate) tlp: String,
    /// Permissible actions, for example `PAP:AMBER`.
    pub(crate) pap: String,
    /// Whether the subject must not be contacted.
    #[serde(default)]
    pub(crate) no_contact_subject: bool,
    /// Parties it may be passed on to without asking again. Empty means nobody.
    #[serde(default)]
    pub(crate) onward: Vec<String>,
}

impl From<&Handling> for HandlingView {
    fn from(handling: &Handling) -> Self {
        Self {
            codes: handling.codes().iter().map(|code| code.code().to_owned()).collect(),
            conditions: handling.conditions().iter().map(TextView::from).collect(),
            tlp: handling.tlp().code().to_owned(),
            pap: handling.pap().code().to_owned(),
            no_contact_subject: handling.no_contact_subject(),
            onward: handling.onward().iter().map(ToString::to_string).collect(),
        }
    }
}

impl HandlingView {
    /// Reads the block.
    pub(crate) fn handling(&self) -> Result<Handling, AppError> {
        let codes = self.codes.iter().map(|code| field("handling.codes", HandlingCode::from_code(code)));
        let codes = codes.collect::<Result<HandlingCodes, _>>()?;
        let tlp = field("handling.tlp", Tlp::from_code(&self.tlp))?;
        let pap = field("handling.pap", Pap::from_code(&self.pap))?;
        let mut handling = Handling::new(codes, tlp, pap);
        for condition in &self.conditions {
            handling = field(
                "handling.conditions",
                handling.with_condition(condition.line("handling.conditions")?),
            )?;
        }
        let onward = self.onward.iter().map(|party| field("handling.onward", party.parse()));
        handling = field("handling.onward", handling.with_onward(onward.collect::<Result<_, _>>()?))?;
        Ok(if self.no_contact_subject { handling.forbid_contact() } else { handling })
    }
}

/// What a claim says.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ValueView {
    /// A name in one script.
    Name {
        /// The whole name.
        full: TextView,
        /// `primary`, `alias` or `former`.
        kind: String,
        /// `original` or `transliterated`.
        form: String,
        /// `good`, `low` or `unknown`.
        quality: String,
    },
    /// A date: `1978-03-09`, `1978-03`, `1978`, `~1978` or `1978/1980`.
    Date {
        /// The date.
        date: String,
    },
    /// An identity or travel document.
    Document {
        /// Kind as written.
        kind: TextView,
        /// Number as written.
        number: TextView,
        /// Issuing state as written.
        issuer: Option<TextView>,
        /// Date of issue.
        issued: Option<String>,
    },
    /// Sex as entered in documents: `F`, `M` or `X`.
    Sex {
        /// The letter.
        sex: String,
    },
    /// `living`, `dead` or `missing`.
    Status {
        /// The code.
        status: String,
    },
    /// A position.
    Position {
        /// Millionths of a degree north.
        latitude_e6: i32,
        /// Millionths of a degree east.
        longitude_e6: i32,
        /// Radius in metres.
        precision_m: u32,
    },
    /// Data-subject class with its ground.
    Class {
        /// The class, a code.
        class: String,
        /// Why.
        ground: TextView,
    },
    /// Anything of the other attributes.
    Text {
        /// As written.
        text: TextView,
    },
}

impl From<&Value> for ValueView {
    fn from(value: &Value) -> Self {
        match value {
            Value::Name { full, kind, form, quality, script: _ } => Self::Name {
                full: TextView::from(full),
                kind: kind.code().to_owned(),
                form: form.code().to_owned(),
                quality: quality.code().to_owned(),
            },
            Value::Date(date) => Self::Date { date: date.to_string() },
            Value::Document(document) => Self::Document {
                kind: TextView::from(&document.kind),
                number: TextView::from(&document.number),
                issuer: document.issuer.as_ref().map(TextView::from),
                issued: document.issued.map(|date| date.to_string()),
            },
            Value::Sex(sex) => Self::Sex { sex: sex.code().to_owned() },
            Value::Status(status) => Self::Status { status: status.code().to_owned() },
            Value::Position(at) => Self::Position {
                latitude_e6: at.latitude_e6,
                longitude_e6: at.longitude_e6,
                precision_m: at.precision_m,
            },
            Value::Class { class, ground } => {
                Self::Class { class: class.code().to_owned(), ground: TextView::from(ground) }
            }
            Value::Text(text) => Self::Text { text: TextView::from(text) },
        }
    }
}

impl ValueView {
    fn value(&self) -> Result<Value, AppError> {
        Ok(match self {
            Self::Name { full, kind, form, quality } => {
                let full = full.line("name")?;
                Value::Name {
                    script: Script::of(full.reveal()),
                    full,
                    kind: field("name.kind", NameKind::from_code(kind))?,
                    form: field("name.form", NameForm::from_code(form))?,
                    quality: field("name.quality", NameQuality::from_code(quality))?,
                }
            }
            Self::Date { date } => Value::Date(field("date", date.parse::<PartialDate>())?),
            Self::Document { kind, number, issuer, issued } => Value::Document(mithaq_model::Document {
                kind: kind.line("document.kind")?,
                number: number.line("document.number")?,
                issuer: issuer.as_ref().map(|text| text.line("document.issuer")).transpose()?,
                issued: issued.as_ref().map(|date| field("document.issued", date.parse())).transpose()?,
                note: None,
            }),
            Self::Sex { sex } => Value::Sex(field("sex", Sex::from_code(sex))?),
            Self::Status { status } => Value::Status(field("status", PersonStatus::from_code(status))?),
            Self::Position { latitude_e6, longitude_e6, precision_m } => {
                let inside = latitude_e6.abs() <= 90_000_000 && longitude_e6.abs() <= 180_000_000;
                let at = mithaq_model::Coordinates {
                    latitude_e6: *latitude_e6,
                    longitude_e6: *longitude_e6,
                    precision_m: *precision_m,
                };
                Value::Position(field("position", inside.then_some(at).ok_or(()))?)
            }
            Self::Class { class, ground } => Value::Class {
                class: field("class", SubjectClass::from_code(class))?,
                ground: ground.line("ground")?,
            },
            Self::Text { text } => Value::Text(text.long("text")?),
        })
    }
}

/// One statement about a subject.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ClaimView {
    id: String,
    /// Which side of the subject, a code.
    attribute: &'static str,
    value: ValueView,
    /// The party in control.
    originator: String,
    /// `officer`, `public_list` or `received`.
    source: &'static str,
    /// Reference within the source.
    source_ref: String,
    /// Grade as given, for example `4x4:B2`.
    grade: String,
    handling: HandlingView,
    recorded: String,
    expires: String,
}

impl From<&Claim> for ClaimView {
    fn from(claim: &Claim) -> Self {
        Self {
            id: claim.id.to_string(),
            attribute: claim.attribute.code(),
            value: ValueView::from(&claim.value),
            originator: claim.originator.to_string(),
            source: claim.source.code(),
            source_ref: claim.source_ref.clone(),
            grade: claim.grade.code(),
            handling: HandlingView::from(&claim.handling),
            recorded: claim.recorded.to_string(),
            expires: claim.expires.to_string(),
        }
    }
}

/// A subject with its claims.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SubjectView {
    id: String,
    /// `person`, `organisation`, `place`, `event` or `object`.
    kind: &'static str,
    /// Data-subject class, for persons.
    class: Option<&'static str>,
    /// Under eighteen.
    minor: bool,
    /// Protected roles known, as codes.
    protected_roles: Vec<&'static str>,
    claims: Vec<ClaimView>,
}

impl From<&Subject> for SubjectView {
    fn from(subject: &Subject) -> Self {
        Self {
            id: subject.id().to_string(),
            kind: subject.kind().code(),
            class: subject.class().map(SubjectClass::code),
            minor: subject.is_minor(),
            protected_roles: subject.protected_roles().iter().map(|role| role.code()).collect(),
            claims: subject.claims().iter().map(ClaimView::from).collect(),
        }
    }
}

/// One statement to write. Who said it is this node's party; when is now.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClaimBody {
    /// Which side of the subject, a code.
    attribute: String,
    value: ValueView,
    /// Reference within the source: a file number, never a sentence.
    source_ref: String,
    /// Grade, for example `4x4:B2` or `adm:C3`.
    grade: String,
    handling: HandlingView,
    /// Erased then unless somebody decides to keep it (RFC 3339 or a date).
    expires: String,
}

/// A subject to write.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSubjectBody {
    /// `person`, `organisation`, `place`, `event` or `object`.
    kind: String,
    /// Data-subject class; for persons, and only for them.
    class: Option<String>,
    /// Under eighteen.
    #[serde(default)]
    minor: bool,
    /// Protected roles known, as codes.
    #[serde(default)]
    protected_roles: Vec<String>,
    /// Not empty.
    claims: Vec<NewClaimBody>,
}

impl NewSubjectBody {
    /// Makes the subject with fresh numbers.
    pub(crate) fn subject(&self, app: &App) -> Result<Subject, AppError> {
        let kind = field("kind", SubjectKind::from_code(&self.kind))?;
        let class =
            self.class.as_ref().map(|code| field("class", SubjectClass::from_code(code))).transpose()?;
        let claims = self.claims.iter().map(|claim| claim.claim(app)).collect::<Result<Vec<_>, _>>()?;
        let mut subject = field("subject", Subject::new(app.fresh_id()?, kind, class, claims))?;
        for role in &self.protected_roles {
            let role = field("protected_roles", mithaq_model::ProtectedRole::from_code(role))?;
            subject = subject.with_protected_role(role);
        }
        Ok(if self.minor { subject.with_minor() } else { subject })
    }
}

impl NewClaimBody {
    fn claim(&self, app: &App) -> Result<Claim, AppError> {
        Ok(Claim {
            id: app.fresh_id()?,
            attribute: field("attribute", Attribute::from_code(&self.attribute))?,
            value: self.value.value()?,
            originator: app.party().clone(),
            source: ClaimSource::Officer,
            source_ref: field("source_ref", app.reference(&self.source_ref))?,
            report: None,
            grade: field("grade", Grade::from_code(&self.grade))?,
            handling: self.handling.handling()?,
            recorded: app.now(),
            expires: field(
                "expires",
                Timestamp::parse(&self.expires).filter(|at| *at > app.now()).ok_or(()),
            )?,
        })
    }
}
