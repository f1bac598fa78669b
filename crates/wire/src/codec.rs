//! One trait both ways for every part of a document, and the parts of the model. Model types are made through
//! their own constructors only, so that what they refuse is refused here.

use mithaq_model::{
    AgreementId, Attribute, CaseId, ClaimId, ClaimSource, Confidence, Coordinates, CrimeArea, Document,
    Grade, Handling, HandlingCode, HandlingCodes, Id16, Lang, Level, Likelihood, LinkId, LinkRole, NameForm,
    NameKind, NameQuality, ObjectId, Pap, PartialDate, PartyId, PersonStatus, ProtectedRole, Purpose,
    RefusalGround, ReportId, ReportKind, ReportVersion, Role, Script, Sex, SubjectClass, SubjectId,
    SubjectKind, Text, Timestamp, Tlp, Urgency, Value,
};

use crate::cbor::{Reader, WireError, Writer};
use crate::doc::Digest;

/// Longest code or name of a vocabulary in bytes.
pub(crate) const CODE_MAX: usize = 64;

/// A part of a document.
pub(crate) trait Part: Sized {
    fn put(&self, w: &mut Writer);
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError>;
}

pub(crate) fn put_list<T: Part>(w: &mut Writer, list: &[T]) {
    w.array(list.len());
    list.iter().for_each(|one| one.put(w));
}

pub(crate) fn get_list<T: Part>(r: &mut Reader<'_>, max: usize) -> Result<Vec<T>, WireError> {
    // Grows with what is really there: a length alone takes no memory.
    let length = r.list(max)?;
    let mut list = Vec::new();
    for _ in 0..length {
        list.push(T::get(r)?);
    }
    Ok(list)
}

impl<T: Part> Part for Option<T> {
    fn put(&self, w: &mut Writer) {
        match self {
            Some(value) => value.put(w),
            None => {
                w.null();
            }
        }
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        if r.null() { Ok(None) } else { T::get(r).map(Some) }
    }
}

macro_rules! codes {
    ($($name:ty),+ $(,)?) => { $(
        impl Part for $name {
            fn put(&self, w: &mut Writer) {
                w.text(self.code());
            }
            fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
                Self::from_code(r.text(CODE_MAX)?).map_err(|_unknown| WireError::Code)
            }
        }
    )+ };
}
codes!(
    Attribute,
    ClaimSource,
    Confidence,
    CrimeArea,
    HandlingCode,
    Level,
    Likelihood,
    LinkRole,
    NameForm,
    NameKind,
    NameQuality,
    Pap,
    PersonStatus,
    ProtectedRole,
    Purpose,
    RefusalGround,
    ReportKind,
    Role,
    Script,
    Sex,
    SubjectClass,
    SubjectKind,
    Tlp,
    Urgency,
);

macro_rules! ids {
    ($($name:ty),+ $(,)?) => { $(
        impl Part for $name {
            fn put(&self, w: &mut Writer) {
                w.bytes(self.as_bytes());
            }
            fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
                Ok(Self::from_bytes(r.array()?))
            }
        }
    )+ };
}
ids!(CaseId, ClaimId, LinkId, ObjectId, ReportId, SubjectId);

impl Part for AgreementId {
    fn put(&self, w: &mut Writer) {
        w.bytes(self.as_bytes());
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self::new(r.array()?))
    }
}

impl Part for Digest {
    fn put(&self, w: &mut Writer) {
        w.bytes(&self.0);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self(r.array()?))
    }
}

impl Part for PartyId {
    fn put(&self, w: &mut Writer) {
        w.text(self.as_str());
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Self::new(r.text(CODE_MAX)?).map_err(|_malformed| WireError::Value)
    }
}

impl Part for Timestamp {
    fn put(&self, w: &mut Writer) {
        w.int(self.as_millis());
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self::from_millis(r.int()?))
    }
}

impl Part for ReportVersion {
    fn put(&self, w: &mut Writer) {
        w.uint(u64::from(self.get()));
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Self::new(r.u32()?).ok_or(WireError::Value)
    }
}

impl Part for Text {
    fn put(&self, w: &mut Writer) {
        w.array(2).text(self.lang().code()).text(self.reveal());
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(2)?;
        let lang = Lang::new(r.text(CODE_MAX)?).map_err(|_malformed| WireError::Value)?;
        let text = r.text(Self::MAX)?;
        let made = Self::new(lang, text).map_err(|_refused| WireError::Value)?;
        // The constructor normalises; on the wire there is one spelling.
        if made.reveal() == text { Ok(made) } else { Err(WireError::NotCanonical) }
    }
}

impl Part for Grade {
    fn put(&self, w: &mut Writer) {
        w.text(&self.code());
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Self::from_code(r.text(CODE_MAX)?).map_err(|_unknown| WireError::Code)
    }
}

impl Part for PartialDate {
    fn put(&self, w: &mut Writer) {
        w.text(&self.to_string());
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.text(CODE_MAX)?.parse().map_err(|_malformed| WireError::Value)
    }
}

impl Part for Handling {
    fn put(&self, w: &mut Writer) {
        w.array(6);
        let codes: Vec<HandlingCode> = self.codes().iter().collect();
        put_list(w, &codes);
        put_list(w, self.conditions());
        self.tlp().put(w);
        self.pap().put(w);
        w.bool(self.no_contact_subject());
        put_list(w, self.onward());
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(6)?;
        let codes: Vec<HandlingCode> = get_list(r, HandlingCode::ALL.len())?;
        let conditions: Vec<Text> = get_list(r, Self::CONDITIONS_MAX)?;
        let (tlp, pap) = (Tlp::get(r)?, Pap::get(r)?);
        let no_contact = r.bool()?;
        let onward: Vec<PartyId> = get_list(r, Self::ONWARD_MAX)?;
        let mut made = Self::new(codes.iter().copied().collect::<HandlingCodes>(), tlp, pap);
        for condition in conditions {
            made = made.with_condition(condition).map_err(|_full| WireError::Limit)?;
        }
        made = made.with_onward(onward.clone()).map_err(|_full| WireError::Limit)?;
        if no_contact {
            made = made.forbid_contact();
        }
        // Codes in order and complete, parties sorted and once each: one spelling per block.
        let same = made.codes().iter().eq(codes) && made.onward() == onward;
        if same { Ok(made) } else { Err(WireError::NotCanonical) }
    }
}

impl Part for Document {
    fn put(&self, w: &mut Writer) {
        w.array(5);
        self.kind.put(w);
        self.number.put(w);
        self.issuer.put(w);
        self.issued.put(w);
        self.note.put(w);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(5)?;
        Ok(Self {
            kind: Text::get(r)?,
            number: Text::get(r)?,
            issuer: Option::get(r)?,
            issued: Option::get(r)?,
            note: Option::get(r)?,
        })
    }
}

impl Part for Coordinates {
    fn put(&self, w: &mut Writer) {
        w.array(3)
            .int(i64::from(self.latitude_e6))
            .int(i64::from(self.longitude_e6))
            .uint(u64::from(self.precision_m));
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(3)?;
        let degree = |value: i64, max: i32| {
            i32::try_from(value)
                .ok()
                .filter(|v| v.unsigned_abs() <= max.unsigned_abs())
                .ok_or(WireError::Value)
        };
        let (latitude, longitude) = (r.int()?, r.int()?);
        Ok(Self {
            latitude_e6: degree(latitude, 90_000_000)?,
            longitude_e6: degree(longitude, 180_000_000)?,
            precision_m: r.u32()?,
        })
    }
}

impl Part for Value {
    fn put(&self, w: &mut Writer) {
        match self {
            Self::Name { full, script, kind, form, quality } => {
                w.array(6).uint(1);
                full.put(w);
                script.put(w);
                kind.put(w);
                form.put(w);
                quality.put(w);
            }
            Self::Date(date) => date.put(w.array(2).uint(2)),
            Self::Document(document) => document.put(w.array(2).uint(3)),
            Self::Position(at) => at.put(w.array(2).uint(4)),
            Self::Sex(sex) => sex.put(w.array(2).uint(5)),
            Self::Status(status) => status.put(w.array(2).uint(6)),
            Self::Class { class, ground } => {
                w.array(3).uint(7);
                class.put(w);
                ground.put(w);
            }
            Self::Text(text) => text.put(w.array(2).uint(8)),
        }
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let parts = r.list(6)?;
        let value = match (r.uint()?, parts) {
            (1, 6) => Self::Name {
                full: Text::get(r)?,
                script: Script::get(r)?,
                kind: NameKind::get(r)?,
                form: NameForm::get(r)?,
                quality: NameQuality::get(r)?,
            },
            (2, 2) => Self::Date(PartialDate::get(r)?),
            (3, 2) => Self::Document(Document::get(r)?),
            (4, 2) => Self::Position(Coordinates::get(r)?),
            (5, 2) => Self::Sex(Sex::get(r)?),
            (6, 2) => Self::Status(PersonStatus::get(r)?),
            (7, 3) => Self::Class { class: SubjectClass::get(r)?, ground: Text::get(r)? },
            (8, 2) => Self::Text(Text::get(r)?),
            (1..=8, _) => return Err(WireError::Type),
            _other => return Err(WireError::Code),
        };
        Ok(value)
    }
}
