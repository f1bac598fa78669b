//! What went wrong, for three readers: the person (words in four languages with safe values), the program
//! (kind, code, HTTP status), the operator (a chain for the log). Report content, names and secrets enter none.

mod fields;

use core::fmt;

use mithaq_db::DbError;
use mithaq_model::{RefusalGround, Words4};
use mithaq_store::StoreError;

/// What kind of failure, and so what the caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The rules said no. Not a fault: logged, and the reason can be read.
    Refused,
    /// No credential, or a wrong one.
    Unauthenticated,
    /// Signed in, but no role held allows it.
    Forbidden,
    /// The input is malformed.
    Invalid,
    /// Not there, or you may not know that it is.
    NotFound,
    /// The state moved on.
    Conflict,
    /// A partner broke the protocol.
    PeerMisbehaved,
    /// Store, key or partner is out of reach; the same may work later.
    Unavailable,
    /// Our own records disagree with themselves.
    Integrity,
    /// A mistake of ours.
    Bug,
}

/// Why an intent was not carried out. One pointer wide: results stay small where nothing failed.
#[derive(Debug)]
pub struct AppError(Box<Detail>);

#[derive(Debug)]
struct Detail {
    kind: ErrorKind,
    code: String,
    words: Words4,
    hint: Option<&'static str>,
    ground: Option<RefusalGround>,
    step: Option<u8>,
    clause: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl fmt::Display for AppError {
    /// The code alone: what is written to logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.code)
    }
}

impl std::error::Error for AppError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

impl AppError {
    /// Makes an error from a stable dotted code and the words people read.
    #[must_use]
    pub fn new(kind: ErrorKind, code: impl Into<String>, words: Words4) -> Self {
        let code = code.into();
        Self(Box::new(Detail {
            kind,
            code,
            words,
            hint: None,
            ground: None,
            step: None,
            clause: None,
            source: None,
        }))
    }

    /// Returns the error with what an English-speaking operator can do next.
    #[must_use]
    pub fn hint(mut self, hint: &'static str) -> Self {
        self.0.hint = Some(hint);
        self
    }

    /// Returns the error with the chain the operator's log shows.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Box::new(source));
        self
    }

    /// Returns a refusal by the rules with the step, clause and ground.
    #[must_use]
    pub fn refused(
        code: impl Into<String>,
        words: Words4,
        step: u8,
        clause: Option<String>,
        ground: Option<RefusalGround>,
    ) -> Self {
        let mut error = Self::new(ErrorKind::Refused, code, words);
        (error.0.step, error.0.clause, error.0.ground) = (Some(step), clause, ground);
        error
    }

    /// No role held allows the intent.
    #[must_use]
    pub fn forbidden(intent: &str) -> Self {
        Self::new(ErrorKind::Forbidden, format!("role.{intent}"), words::FORBIDDEN)
            .hint("ask a person who holds the role; `mithaq roles` lists who may do what")
    }

    /// No credential, or a wrong one.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(ErrorKind::Unauthenticated, "auth.required", words::UNAUTHENTICATED)
            .hint("sign in with `mithaq login`, or give a token in MITHAQ_TOKEN")
    }

    /// Not there, or you may not know that it is: the same answer for both.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ErrorKind::NotFound, "object.not_found", words::NOT_FOUND)
    }

    /// The input is malformed; `field` is one of our own names. Comes with what is expected there.
    #[must_use]
    pub fn invalid(field: &str) -> Self {
        Self::new(ErrorKind::Invalid, format!("input.{field}"), words::INVALID).hint(fields::of(field))
    }

    /// The state moved on.
    #[must_use]
    pub fn conflict(code: &str) -> Self {
        Self::new(ErrorKind::Conflict, code, words::CONFLICT).hint("load it again and look at its state")
    }

    /// The node has no room for it right now.
    #[must_use]
    pub fn busy(code: &str) -> Self {
        Self::new(ErrorKind::Unavailable, code, words::UNAVAILABLE)
    }

    /// Longer or slower than a request may be.
    #[must_use]
    pub fn too_much(code: &str) -> Self {
        Self::new(ErrorKind::Invalid, code, words::INVALID)
    }

    /// A mistake of ours.
    #[must_use]
    pub fn bug(code: &str) -> Self {
        Self::new(ErrorKind::Bug, code, words::BUG).hint("report it with its code and the time")
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// Returns the words people read, safe to show to anyone.
    #[must_use]
    pub fn words(&self) -> &Words4 {
        &self.0.words
    }

    /// Returns what to do next, if there is something.
    #[must_use]
    pub fn next_step(&self) -> Option<&'static str> {
        self.0.hint
    }

    /// Returns the ground from the closed list, for a refusal that has one.
    #[must_use]
    pub fn ground(&self) -> Option<RefusalGround> {
        self.0.ground
    }

    /// Returns the step of the release decision (domain page, §2.13) that refused.
    #[must_use]
    pub fn step(&self) -> Option<u8> {
        self.0.step
    }

    /// Returns the clause of the agreement that refused.
    #[must_use]
    pub fn clause(&self) -> Option<&str> {
        self.0.clause.as_deref()
    }

    /// Returns whether it is an answer of no to what somebody asked, rather than a failure: such an answer leaves
    /// an entry in the ledger.
    #[must_use]
    pub fn is_no(&self) -> bool {
        match self.0.kind {
            ErrorKind::Refused
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::Invalid
            | ErrorKind::NotFound
            | ErrorKind::Conflict => true,
            ErrorKind::PeerMisbehaved | ErrorKind::Unavailable | ErrorKind::Integrity | ErrorKind::Bug => {
                false
            }
        }
    }

    /// Returns what the database said, if that is the whole reason.
    pub(crate) fn of_database(&self) -> Option<&DbError> {
        let cause = self.0.source.as_deref()?.downcast_ref::<StoreError>()?;
        if let StoreError::Db(error) = cause { Some(error) } else { None }
    }

    /// Returns whether the same may work later without a change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            ErrorKind::Unavailable => true,
            ErrorKind::Refused
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::Invalid
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::PeerMisbehaved
            | ErrorKind::Integrity
            | ErrorKind::Bug => false,
        }
    }
}

impl From<crate::ports::NoEntropy> for AppError {
    fn from(failed: crate::ports::NoEntropy) -> Self {
        Self::new(ErrorKind::Unavailable, "machine.entropy", words::UNAVAILABLE).because(failed)
    }
}

impl From<crate::ports::Unkept> for AppError {
    fn from(failed: crate::ports::Unkept) -> Self {
        Self::new(ErrorKind::Unavailable, "machine.mark", words::UNAVAILABLE)
            .hint("the directory of the key file must be readable and writable for the node")
            .because(failed)
    }
}

impl From<DbError> for AppError {
    fn from(error: DbError) -> Self {
        Self::from(StoreError::Db(error))
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        let (kind, code, words) = match &error {
            StoreError::Conflict { what } => {
                (ErrorKind::Conflict, format!("store.conflict.{}", slug(what)), words::CONFLICT)
            }
            StoreError::Missing { .. } => {
                (ErrorKind::NotFound, "object.not_found".to_owned(), words::NOT_FOUND)
            }
            StoreError::Limit { what } => {
                (ErrorKind::Invalid, format!("store.limit.{}", slug(what)), words::INVALID)
            }
            StoreError::NoEntropy => {
                (ErrorKind::Unavailable, "machine.entropy".to_owned(), words::UNAVAILABLE)
            }
            StoreError::Integrity { table } => {
                (ErrorKind::Integrity, format!("store.integrity.{table}"), words::INTEGRITY)
            }
            StoreError::LogBroken { .. } => {
                (ErrorKind::Integrity, "store.log_broken".to_owned(), words::INTEGRITY)
            }
            StoreError::MasterKey { .. } => {
                (ErrorKind::Integrity, "store.master_key".to_owned(), words::INTEGRITY)
            }
            StoreError::Tombstone => (ErrorKind::Refused, "object.taken_back".to_owned(), words::TAKEN_BACK),
            StoreError::Db(DbError::Full) => {
                (ErrorKind::Unavailable, "store.full".to_owned(), words::UNAVAILABLE)
            }
            StoreError::Db(DbError::Corrupt) => {
                (ErrorKind::Integrity, "store.damaged".to_owned(), words::INTEGRITY)
            }
            StoreError::Db(db) if db.is_retryable() => {
                (ErrorKind::Unavailable, "store.busy".to_owned(), words::UNAVAILABLE)
            }
            StoreError::Db(DbError::Unknown) => {
                (ErrorKind::Unavailable, "store.outcome_unknown".to_owned(), words::UNAVAILABLE)
            }
            StoreError::Db(_) => (ErrorKind::Bug, "store.database".to_owned(), words::BUG),
            _newer => (ErrorKind::Bug, "store.unknown".to_owned(), words::BUG),
        };
        let hint = match code.as_str() {
            "store.busy" => Some("nothing of it was written: try again in a moment"),
            "store.damaged" => Some(
                "the file of the database is damaged: stop the node, look at the disk, and `mithaq restore` the last good copy",
            ),
            "store.full" => Some("nothing of it was written: free space on the volume of the database"),
            "store.outcome_unknown" => Some("it may have been written: look before you send it again"),
            _ => None,
        };
        let new = Self::new(kind, code, words).because(error);
        if let Some(hint) = hint { new.hint(hint) } else { new }
    }
}

/// Our own words for things, as part of a code.
fn slug(what: &str) -> String {
    what.replace(' ', "_")
}

/// The sentences people read. Ours, so safe to show to anyone.
pub(crate) mod words {
    use mithaq_model::Words4;

    pub(crate) const FORBIDDEN: Words4 = Words4 {
        ar: "لا يسمح دورك بهذا الإجراء.",
        en: "Your role does not allow this.",
        es: "Su función no permite esta acción.",
        fr: "Votre rôle ne permet pas cette action.",
    };
    pub(crate) const UNAUTHENTICATED: Words4 = Words4 {
        ar: "يلزم تسجيل الدخول.",
        en: "You need to sign in.",
        es: "Debe iniciar sesión.",
        fr: "Vous devez vous identifier.",
    };
    pub(crate) const NOT_FOUND: Words4 = Words4 {
        ar: "لا يوجد شيء بهذا الرقم متاح لك.",
        en: "Nothing by this number is open to you.",
        es: "No hay nada con este número a su alcance.",
        fr: "Rien ne vous est accessible sous ce numéro.",
    };
    pub(crate) const INVALID: Words4 = Words4 {
        ar: "قيمة غير صالحة في الطلب.",
        en: "A value in the request is not valid.",
        es: "Un valor de la solicitud no es válido.",
        fr: "Une valeur de la demande n'est pas valide.",
    };
    pub(crate) const CONFLICT: Words4 = Words4 {
        ar: "تغيّرت الحالة في هذه الأثناء.",
        en: "The state has changed meanwhile.",
        es: "El estado ha cambiado entretanto.",
        fr: "L'état a changé entre-temps.",
    };
    pub(crate) const UNAVAILABLE: Words4 = Words4 {
        ar: "الخدمة غير متاحة حاليا، حاول لاحقا.",
        en: "This is not available right now; try again later.",
        es: "No está disponible en este momento; inténtelo más tarde.",
        fr: "Indisponible pour le moment ; réessayez plus tard.",
    };
    pub(crate) const INCOMPLETE: Words4 = Words4 {
        ar: "لم يكتمل وصول المرفق بعد، ولا يُقرأ قبل اكتماله.",
        en: "The attachment has not arrived in full; it is not read before it has.",
        es: "El adjunto no ha llegado por completo; no se lee antes.",
        fr: "La pièce jointe n'est pas encore arrivée en entier ; elle ne se lit pas avant.",
    };
    pub(crate) const FILE_TOO_LONG: Words4 = Words4 {
        ar: "الملف أطول مما تقبله هذه العقدة.",
        en: "The file is longer than this node takes.",
        es: "El archivo es más largo de lo que admite este nodo.",
        fr: "Le fichier est plus long que ce que ce nœud accepte.",
    };
    pub(crate) const FILE_UNDER_WAY: Words4 = Words4 {
        ar: "ما زال ملف في طريقه إلى هذا التقرير.",
        en: "A file is still on its way into this report.",
        es: "Todavía hay un archivo en camino hacia este informe.",
        fr: "Un fichier est encore en route vers ce rapport.",
    };
    pub(crate) const INTEGRITY: Words4 = Words4 {
        ar: "سجلات هذه العقدة متناقضة، أُوقفت الكتابة.",
        en: "The records of this node disagree with themselves; writing has stopped.",
        es: "Los registros de este nodo se contradicen; se ha detenido la escritura.",
        fr: "Les registres de ce nœud se contredisent ; l'écriture est arrêtée.",
    };
    pub(crate) const CASE: Words4 = Words4 {
        ar: "القضية مغلقة أو حان موعد مراجعتها.",
        en: "The case is closed or due for review.",
        es: "El caso está cerrado o pendiente de revisión.",
        fr: "L'affaire est close ou doit être réexaminée.",
    };
    pub(crate) const CONSENT: Words4 = Words4 {
        en: "The originator has not consented to passing this on to that party.",
        fr: "L'émetteur n'a pas consenti à la transmission à cette partie.",
        es: "El emisor no ha consentido la transmisión a esa parte.",
        ar: "لم توافق الجهة المصدرة على النقل إلى هذا الطرف.",
    };
    pub(crate) const PURPOSE: Words4 = Words4 {
        ar: "لم تُفتح القضية لهذا الغرض.",
        en: "The case was not opened for this purpose.",
        es: "El caso no se abrió para esta finalidad.",
        fr: "L'affaire n'a pas été ouverte pour cette finalité.",
    };
    pub(crate) const TWO_PERSONS: Words4 = Words4 {
        ar: "يلزم شخصان مختلفان، ولا يراجع أحد عمله بنفسه.",
        en: "Two different persons are needed; nobody reviews or releases their own work.",
        es: "Se necesitan dos personas distintas; nadie revisa ni libera su propio trabajo.",
        fr: "Deux personnes différentes sont requises ; nul ne contrôle son propre travail.",
    };
    pub(crate) const CHILD: Words4 = Words4 {
        ar: "لا تُرفع حماية الطفل بأي قرار.",
        en: "No clearance lifts the protection of a child.",
        es: "Ninguna autorización levanta la protección de un menor.",
        fr: "Aucune autorisation ne lève la protection d'un enfant.",
    };
    pub(crate) const SPECIAL_CATEGORY: Words4 = Words4 {
        ar: "يبدو أن النص يتضمن معطيات حساسة؛ يفصل المستشار القانوني في ذلك.",
        en: "The text seems to hold data of a special category; the legal adviser decides.",
        es: "El texto parece contener datos de categoría especial; decide el asesor jurídico.",
        fr: "Le texte semble contenir des données sensibles ; le conseiller juridique décide.",
    };
    pub(crate) const OVERSIGHT_STAYS: Words4 = Words4 {
        ar: "لا يمكن للوكالة سحب دور الرقابة.",
        en: "The agency cannot take away the oversight role.",
        es: "El organismo no puede retirar la función de supervisión.",
        fr: "Le service ne peut pas retirer le rôle de contrôle.",
    };
    pub(crate) const CHECK_NOT_AGREED: Words4 = Words4 {
        ar: "لا تنص الاتفاقية على المطابقة الخاصة.",
        en: "The agreement does not provide for private checks.",
        es: "El convenio no prevé el cotejo privado.",
        fr: "L'accord ne prévoit pas de vérification privée.",
    };
    pub(crate) const CHECK_CLASS: Words4 = Words4 {
        ar: "لا يخضع أشخاص هذه الصفة للمطابقة الخاصة.",
        en: "Persons of this class are not subjects of private checks.",
        es: "Las personas de esta categoría no son objeto de cotejo privado.",
        fr: "Les personnes de cette catégorie ne font pas l'objet de vérifications privées.",
    };
    pub(crate) const CHECK_BUDGET: Words4 = Words4 {
        ar: "استُنفد عدد المطابقات المتفق عليه لهذا اليوم.",
        en: "The private checks agreed for this day are used up.",
        es: "Se ha agotado el número de cotejos convenido para este día.",
        fr: "Le nombre de vérifications convenu pour ce jour est épuisé.",
    };
    pub(crate) const TAKEN_BACK: Words4 = Words4 {
        ar: "سحبت الجهة المصدرة هذا التقرير.",
        en: "The originator has taken this back.",
        es: "El emisor ha retirado este informe.",
        fr: "L'émetteur a retiré ce rapport.",
    };
    pub(crate) const BUG: Words4 = Words4 {
        ar: "خطأ داخلي، أبلغ عنه مع رقمه.",
        en: "An internal error; report it with its number.",
        es: "Error interno; comuníquelo con su número.",
        fr: "Erreur interne ; signalez-la avec son numéro.",
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_is_the_code_alone() {
        let error = AppError::invalid("title").because(crate::ports::NoEntropy);
        assert_eq!(error.to_string(), "input.title");
        assert!(!error.is_retryable());
        assert!(AppError::from(crate::ports::NoEntropy).is_retryable());
    }

    #[test]
    fn every_field_that_is_malformed_comes_with_the_next_step() {
        for field in ["subject", "subjects", "class", "from", "agreement", "partner", "warrant", "some.other"]
        {
            assert!(AppError::invalid(field).next_step().is_some_and(|step| step.len() > 10), "{field}");
        }
        assert!(AppError::invalid("class").next_step().unwrap().contains("suspect_committed"));
        // What a caller knows better stands.
        assert_eq!(AppError::invalid("class").hint("this one").next_step(), Some("this one"));
    }

    #[test]
    fn what_the_database_said_is_known_and_what_to_do_about_it() {
        for said in [DbError::Retry, DbError::Disconnected, DbError::Busy, DbError::Unknown] {
            let error = AppError::from(said.clone());
            assert_eq!((error.of_database(), error.kind()), (Some(&said), ErrorKind::Unavailable));
            assert!(error.next_step().is_some());
        }
        let damaged = AppError::from(DbError::Corrupt);
        assert_eq!((damaged.kind(), damaged.code()), (ErrorKind::Integrity, "store.damaged"));
        assert!(damaged.next_step().is_some_and(|step| step.contains("mithaq restore")));
        assert_eq!(AppError::busy("store.busy").of_database(), None);
        assert_eq!(AppError::from(StoreError::Tombstone).of_database(), None);
    }

    #[test]
    fn every_sentence_is_there_in_four_languages() {
        for w in [
            words::FORBIDDEN,
            words::UNAUTHENTICATED,
            words::NOT_FOUND,
            words::INVALID,
            words::CONFLICT,
            words::UNAVAILABLE,
            words::INTEGRITY,
            words::TAKEN_BACK,
            words::CHECK_NOT_AGREED,
            words::CHECK_CLASS,
            words::CHECK_BUDGET,
            words::CHILD,
            words::BUG,
        ] {
            let all = [w.ar, w.en, w.es, w.fr];
            assert!(all.iter().all(|s| !s.is_empty()));
            assert!(w.ar.chars().any(|c| ('\u{600}'..'\u{700}').contains(&c)));
        }
    }
}
