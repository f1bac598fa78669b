//! The bytes of a report and of a subject: what an agency seals, and what a store keeps of a subject.

use mithaq_model::{
    Assessment, Attachment, Attribute, Claim, ClaimId, ClaimSource, Confidence, CrimeArea, Fact, Grade,
    Handling, Level, Likelihood, Link, LinkId, LinkRole, MediaType, PartyId, ProtectedRole, Provenance,
    Purpose, Report, ReportId, ReportKind, ReportVersion, Sensitive, Subject, SubjectClass, SubjectId,
    SubjectKind, Text, Tie, Timestamp, Urgency, Value,
};

use crate::cbor::{Reader, WireError, Writer};
use crate::codec::{CODE_MAX, Part, get_list, put_list};
use crate::limits::{RECIPIENTS_MAX, SEALED_MAX};

/// Version of both documents.
const VERSION: u64 = 1;
/// Longest encoded subject in bytes, outside of a report: a person with thousands of claims.
const SUBJECT_MAX: usize = 4 * 1024 * 1024;

/// Returns the canonical bytes of a report.
#[must_use]
pub fn encode_report(report: &Report) -> Vec<u8> {
    let mut w = Writer::default();
    w.array(2).uint(VERSION);
    report.put(&mut w);
    w.finish()
}

/// Reads a report.
///
/// # Errors
/// When the bytes are not the canonical encoding of a report within the limits.
pub fn decode_report(bytes: &[u8]) -> Result<Report, WireError> {
    document(bytes, SEALED_MAX)
}

/// Returns the canonical bytes of a subject with its claims.
#[must_use]
pub fn encode_subject(subject: &Subject) -> Vec<u8> {
    let mut w = Writer::default();
    w.array(2).uint(VERSION);
    subject.put(&mut w);
    w.finish()
}

/// Reads a subject.
///
/// # Errors
/// When the bytes are not the canonical encoding of a subject within the limits.
pub fn decode_subject(bytes: &[u8]) -> Result<Subject, WireError> {
    document(bytes, SUBJECT_MAX)
}

fn document<T: Part>(bytes: &[u8], max: usize) -> Result<T, WireError> {
    if bytes.len() > max {
        return Err(WireError::Limit);
    }
    let mut r = Reader::new(bytes);
    r.tuple(2)?;
    if r.uint()? != VERSION {
        return Err(WireError::Version);
    }
    let value = T::get(&mut r)?;
    r.end()?;
    Ok(value)
}

impl Part for Claim {
    fn put(&self, w: &mut Writer) {
        w.array(11);
        self.id.put(w);
        self.attribute.put(w);
        self.value.put(w);
        self.originator.put(w);
        self.source.put(w);
        w.text(&self.source_ref);
        self.report.put(w);
        self.grade.put(w);
        self.handling.put(w);
        self.recorded.put(w);
        self.expires.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(11)?;
        Ok(Self {
            id: ClaimId::get(r)?,
            attribute: Attribute::get(r)?,
            value: Value::get(r)?,
            originator: PartyId::get(r)?,
            source: ClaimSource::get(r)?,
            source_ref: reference(r.text(CODE_MAX)?)?,
            report: Option::get(r)?,
            grade: Grade::get(r)?,
            handling: Handling::get(r)?,
            recorded: Timestamp::get(r)?,
            expires: Timestamp::get(r)?,
        })
    }
}

/// A reference into a source: no sentence, no name (the form of a ledger reference).
fn reference(text: &str) -> Result<String, WireError> {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:/".contains(&b));
    if first && plain { Ok(text.to_owned()) } else { Err(WireError::Value) }
}

impl Part for Subject {
    fn put(&self, w: &mut Writer) {
        w.array(6);
        self.id().put(w);
        self.kind().put(w);
        self.class().put(w);
        put_list(w, self.protected_roles());
        w.bool(self.is_minor());
        put_list(w, self.claims());
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(6)?;
        let (id, kind) = (SubjectId::get(r)?, SubjectKind::get(r)?);
        let class: Option<SubjectClass> = Option::get(r)?;
        let roles: Vec<ProtectedRole> = get_list(r, ProtectedRole::ALL.len())?;
        let minor = r.bool()?;
        let claims = get_list(r, Self::CLAIMS_MAX)?;
        let mut made = Self::new(id, kind, class, claims).map_err(|_refused| WireError::Value)?;
        for role in &roles {
            made = made.with_protected_role(*role);
        }
        if made.protected_roles() != roles {
            return Err(WireError::NotCanonical);
        }
        Ok(if minor { made.with_minor() } else { made })
    }
}

impl Part for Link {
    fn put(&self, w: &mut Writer) {
        w.array(8);
        self.id.put(w);
        self.from.put(w);
        self.to.put(w);
        self.role.put(w);
        self.originator.put(w);
        self.grade.put(w);
        self.handling.put(w);
        self.expires.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(8)?;
        Ok(Self {
            id: LinkId::get(r)?,
            from: SubjectId::get(r)?,
            to: SubjectId::get(r)?,
            role: LinkRole::get(r)?,
            originator: PartyId::get(r)?,
            grade: Grade::get(r)?,
            handling: Handling::get(r)?,
            expires: Timestamp::get(r)?,
        })
    }
}

impl Part for Fact {
    fn put(&self, w: &mut Writer) {
        w.array(2);
        self.text.put(w);
        self.grade.put(w);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(2)?;
        Ok(Self { text: Text::get(r)?, grade: Grade::get(r)? })
    }
}

impl Part for Assessment {
    fn put(&self, w: &mut Writer) {
        w.array(3);
        self.text.put(w);
        self.likelihood.put(w);
        self.confidence.put(w);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(3)?;
        Ok(Self { text: Text::get(r)?, likelihood: Likelihood::get(r)?, confidence: Confidence::get(r)? })
    }
}

impl Part for Provenance {
    fn put(&self, w: &mut Writer) {
        w.array(2);
        self.originator.put(w);
        w.bytes(&self.root);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(2)?;
        Ok(Self { originator: PartyId::get(r)?, root: r.array()? })
    }
}

impl Part for Attachment {
    fn put(&self, w: &mut Writer) {
        w.array(5);
        self.name.put(w);
        w.text(self.media.as_str()).uint(self.length).bytes(&self.root).bytes(self.key.reveal());
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(5)?;
        let made = Self {
            name: Text::get(r)?,
            media: MediaType::new(r.text(MediaType::MAX)?).ok_or(WireError::Value)?,
            length: r.uint()?,
            root: r.array()?,
            key: Sensitive::new(r.array()?),
        };
        if made.length > Self::LENGTH_MAX {
            return Err(WireError::Limit);
        }
        if Self::is_name(&made.name) { Ok(made) } else { Err(WireError::Value) }
    }
}

impl Part for Report {
    fn put(&self, w: &mut Writer) {
        // A tie, where there is one, is a 26th part, and attachments are a 27th: what has neither keeps its bytes.
        w.array(match (self.tie.is_some(), self.attachments.is_empty()) {
            (false, true) => 25,
            (true, true) => 26,
            (_, false) => 27,
        });
        self.id.put(w);
        self.version.put(w);
        self.kind.put(w);
        self.originator.put(w);
        self.provenance.put(w);
        self.agreement.put(w);
        put_list(w, &self.recipients);
        self.purpose.put(w);
        self.area.put(w);
        self.offence.put(w);
        self.urgency.put(w);
        self.case_ref.put(w);
        self.title.put(w);
        put_list(w, &self.facts);
        put_list(w, &self.assessments);
        put_list(w, &self.subjects);
        put_list(w, &self.links);
        self.grade.put(w);
        self.handling.put(w);
        self.level.put(w);
        self.expires.put(w);
        w.bool(self.exculpatory).bool(self.machine_made).bool(self.obtained_in_violation);
        self.created.put(w);
        if self.tie.is_some() || !self.attachments.is_empty() {
            self.tie.put(w);
        }
        if !self.attachments.is_empty() {
            put_list(w, &self.attachments);
        }
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let parts = r.list(27)?;
        if parts < 25 {
            return Err(WireError::Type);
        }
        let made = Self {
            id: ReportId::get(r)?,
            version: <ReportVersion as Part>::get(r)?,
            kind: ReportKind::get(r)?,
            originator: PartyId::get(r)?,
            provenance: Provenance::get(r)?,
            agreement: mithaq_model::AgreementId::get(r)?,
            recipients: get_list(r, RECIPIENTS_MAX)?,
            purpose: Purpose::get(r)?,
            area: CrimeArea::get(r)?,
            offence: Text::get(r)?,
            urgency: Urgency::get(r)?,
            case_ref: mithaq_model::CaseId::get(r)?,
            title: Text::get(r)?,
            facts: get_list(r, Self::PARTS_MAX)?,
            assessments: get_list(r, Self::PARTS_MAX)?,
            subjects: get_list(r, Self::SUBJECTS_MAX)?,
            links: get_list(r, Self::SUBJECTS_MAX)?,
            grade: Option::get(r)?,
            handling: Handling::get(r)?,
            level: Level::get(r)?,
            expires: Timestamp::get(r)?,
            exculpatory: r.bool()?,
            machine_made: r.bool()?,
            obtained_in_violation: r.bool()?,
            created: Timestamp::get(r)?,
            tie: match parts {
                26 => Some(Tie::get(r)?),
                27 => Option::get(r)?,
                _none => None,
            },
            attachments: if parts == 27 { get_list(r, Attachment::MAX)? } else { Vec::new() },
        };
        if parts == 27 && made.attachments.is_empty() {
            return Err(WireError::NotCanonical);
        }
        if made.is_tied_right() { Ok(made) } else { Err(WireError::Value) }
    }
}
