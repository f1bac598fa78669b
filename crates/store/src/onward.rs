//! Onward transfer: the consents this node asked for or was asked for (their reasons encrypted), the copies that went
//! further than their first recipient, and the tokens that were used here. Who may decide what is `app`'s matter.

use mithaq_db::{Row, Tx, Value, lock_clause};
use mithaq_model::{
    AgreementId, CaseId, ConsentState, CopyState, ObjectId, OfficerId, PartyId, Purpose, ReportVersion, Role,
    Timestamp,
};

use crate::disclosures::{Escalated, Owed};
use crate::reports::Direction;
use crate::sight::{self, Sight};
use crate::sql::{Of, PAGE_MAX, Page, agreement, id, insert_new, int, time};
use crate::vault::{Kind, Plain, Record, erase_keys};
use crate::{StoreError, Vault};

const OF: Of = Of("onward_consent");
const OF_COPY: Of = Of("onward_copy");
const COLUMNS: &str =
    "SELECT id, direction, partner, agreement, object, version, recipient, purpose, state, until_at,
    use_by, asked_at, officer, role, case_id, token, change, sender, sender_role, follows FROM onward_consent";
const COPIES: &str = "SELECT object, version, holder, via, consent, agreement, state, proven, at, answer_by, confirm_by FROM onward_copy";

/// Whose holder owes something since. Who refused the copy has none.
fn late(owed: Owed) -> String {
    format!("{} AND state <> 'refused'", owed.late())
}

/// A consent to pass one version on to one party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Its number, also of the token.
    pub id: ObjectId,
    /// Own: this node asks. Received: it is the originator and was asked.
    pub direction: Direction,
    /// The other party.
    pub partner: PartyId,
    /// The agreement between the two.
    pub agreement: AgreementId,
    /// The object.
    pub object: ObjectId,
    /// Its version.
    pub version: ReportVersion,
    /// To whom it would go.
    pub to: PartyId,
    /// For what.
    pub purpose: Purpose,
    /// Where it stands.
    pub state: ConsentState,
    /// The recipient's last day of use: asked for, then granted.
    pub until: Timestamp,
    /// The token opens nothing after this; none before it was granted.
    pub use_by: Option<Timestamp>,
    /// When it was asked.
    pub asked: Timestamp,
    /// Who asked here, or who was the first of two to grant it here, in which role.
    pub person: Option<(OfficerId, Role)>,
    /// The case it is asked in; at the asking node only.
    pub case: Option<CaseId>,
    /// The signed token. Holds no content.
    pub token: Option<Vec<u8>>,
    /// Who passed the copy on, in which role; at the asking node only.
    pub sender: Option<(OfficerId, Role)>,
    /// The consent that this one follows: it is for a correction of what was passed on by that one.
    pub follows: Option<ObjectId>,
    /// Counts the changes, from 1.
    pub change: u64,
}

/// A copy at a further holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The object.
    pub object: ObjectId,
    /// Its version.
    pub version: ReportVersion,
    /// Who holds it.
    pub holder: PartyId,
    /// By whom it went there.
    pub via: PartyId,
    /// Under which consent.
    pub consent: ObjectId,
    /// Under which agreement it went; known at the two ends of the hop only.
    pub agreement: Option<AgreementId>,
    /// What became of it.
    pub state: CopyState,
    /// The holder's own signature over the state was verified here.
    pub proven: bool,
    /// Since when.
    pub at: Timestamp,
    /// An answer to an order about it is owed by then.
    pub answer_by: Option<Timestamp>,
    /// Word that the holder accepted the correction of it is owed by then.
    pub confirm_by: Option<Timestamp>,
}

impl Copy {
    /// The copy that goes to the recipient of a consent by a party, under an agreement of the two.
    #[must_use]
    pub fn sent(consent: &Consent, via: &PartyId, agreement: AgreementId, at: Timestamp) -> Self {
        Self {
            object: consent.object,
            version: consent.version,
            holder: consent.to.clone(),
            via: via.clone(),
            consent: consent.id,
            agreement: Some(agreement),
            state: CopyState::Sent,
            proven: false,
            at,
            answer_by: None,
            confirm_by: None,
        }
    }
}

fn record(id: &ObjectId) -> Record<'_> {
    Record { kind: Kind::OnwardConsent, id: id.as_bytes(), version: 1 }
}

/// Adds a consent with the reason it was asked for.
///
/// # Errors
/// [`StoreError::Conflict`] when the number is taken.
pub fn add(tx: &mut dyn Tx, vault: &Vault, consent: &Consent, reason: &[u8]) -> Result<(), StoreError> {
    let sealed = vault.seal(&record(&consent.id), reason)?;
    insert_new(
        tx,
        "INSERT INTO onward_consent (id, direction, partner, agreement, object, version, recipient, purpose, state,
         until_at, use_by, asked_at, officer, role, case_id, token, content, sender, sender_role, follows, change)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 1)
         ON CONFLICT DO NOTHING",
        &[
            id(consent.id),
            Value::from(consent.direction.code()),
            Value::from(consent.partner.as_str()),
            agreement(&consent.agreement),
            id(consent.object),
            Value::from(consent.version.get()),
            Value::from(consent.to.as_str()),
            Value::from(consent.purpose.code()),
            Value::from(consent.state.code()),
            time(consent.until),
            Value::from(consent.use_by.map(Timestamp::as_millis)),
            time(consent.asked),
            Value::from(consent.person.map(|(officer, _)| *officer.as_bytes())),
            Value::from(consent.person.map(|(_, role)| role.code())),
            Value::from(consent.case.map(|case| *case.as_bytes())),
            Value::from(consent.token.clone()),
            Value::from(sealed.content),
            Value::from(consent.sender.map(|(officer, _)| *officer.as_bytes())),
            Value::from(consent.sender.map(|(_, role)| role.code())),
            Value::from(consent.follows.map(|one| *one.as_bytes())),
        ],
        "onward_consent",
    )?;
    Vault::put_keys(tx, &[sealed.key])
}

/// Stores where a consent stands.
///
/// # Errors
/// [`StoreError::Conflict`] when the row was changed since it was read, or is gone.
pub fn save(tx: &mut dyn Tx, consent: &Consent) -> Result<(), StoreError> {
    insert_new(
        tx,
        "UPDATE onward_consent SET state = $2, until_at = $3, use_by = $4, officer = $5, role = $6, token = $7,
         sender = $9, sender_role = $10, change = change + 1 WHERE id = $1 AND change = $8",
        &[
            id(consent.id),
            Value::from(consent.state.code()),
            time(consent.until),
            Value::from(consent.use_by.map(Timestamp::as_millis)),
            Value::from(consent.person.map(|(officer, _)| *officer.as_bytes())),
            Value::from(consent.person.map(|(_, role)| role.code())),
            Value::from(consent.token.clone()),
            int(consent.change)?,
            Value::from(consent.sender.map(|(officer, _)| *officer.as_bytes())),
            Value::from(consent.sender.map(|(_, role)| role.code())),
        ],
        "onward_consent",
    )
}

/// Returns a consent.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn get(tx: &mut dyn Tx, number: ObjectId) -> Result<Option<Consent>, StoreError> {
    let row = tx.query_opt(&format!("{COLUMNS} WHERE id = $1"), &[id(number)])?;
    row.map(|row| read(&row)).transpose()
}

/// Returns a consent, locked until the job ends.
///
/// # Errors
/// As [`get`].
pub fn locked(tx: &mut dyn Tx, number: ObjectId) -> Result<Option<Consent>, StoreError> {
    let sql = format!("{COLUMNS} WHERE id = $1{}", lock_clause(tx.engine()));
    let row = tx.query_opt(&sql, &[id(number)])?;
    row.map(|row| read(&row)).transpose()
}

/// Returns a page of consents of one direction.
///
/// # Errors
/// As [`get`].
pub fn list(
    tx: &mut dyn Tx,
    direction: Direction,
    sight: Sight,
    page: &Page<ObjectId>,
) -> Result<Vec<Consent>, StoreError> {
    let mut args = vec![Value::from(direction.code()), page.key(), page.rows()];
    let seen = sight.and(sight::CONSENTS, &mut args);
    let sql = format!("{COLUMNS} WHERE direction = $1 AND id > $2{seen} ORDER BY id LIMIT $3");
    tx.query(&sql, &args)?.iter().map(read).collect()
}

/// Returns the consents about an object, the oldest first.
///
/// # Errors
/// As [`get`].
pub fn of_object(tx: &mut dyn Tx, object: ObjectId) -> Result<Vec<Consent>, StoreError> {
    let sql = format!("{COLUMNS} WHERE object = $1 ORDER BY asked_at, id LIMIT 1000");
    tx.query(&sql, &[id(object)])?.iter().map(read).collect()
}

/// Returns consents that lapse: asked before an instant and never answered, or granted and not used in time.
///
/// # Errors
/// As [`get`].
pub fn stale(
    tx: &mut dyn Tx,
    (asked_before, now): (Timestamp, Timestamp),
    limit: u32,
) -> Result<Vec<Consent>, StoreError> {
    let sql = format!(
        "{COLUMNS} WHERE (state = 'asked' AND asked_at < $1) OR (state = 'granted' AND use_by < $2) ORDER BY id LIMIT $3"
    );
    tx.query(&sql, &[time(asked_before), time(now), Value::from(limit.min(PAGE_MAX))])?
        .iter()
        .map(read)
        .collect()
}

/// Returns consents that this node asked for, that were granted, and that it did not use as far as it knows; corrections are
/// not among them.
///
/// # Errors
/// As [`get`].
pub fn unused(tx: &mut dyn Tx, page: &Page<ObjectId>) -> Result<Vec<Consent>, StoreError> {
    let sql = format!(
        "{COLUMNS} WHERE state = 'granted' AND direction = 'own' AND follows IS NULL AND id > $1
         ORDER BY id LIMIT $2"
    );
    tx.query(&sql, &[page.key(), page.rows()])?.iter().map(read).collect()
}

/// Returns consents to corrections that were granted to this node and not used yet.
///
/// # Errors
/// As [`get`].
pub fn corrections(tx: &mut dyn Tx, limit: u32) -> Result<Vec<Consent>, StoreError> {
    let sql = format!(
        "{COLUMNS} WHERE state = 'granted' AND direction = 'own' AND follows IS NOT NULL
         ORDER BY asked_at, id LIMIT $1"
    );
    tx.query(&sql, &[Value::from(limit.min(PAGE_MAX))])?.iter().map(read).collect()
}

/// Returns the reason a consent was asked for; none once it was erased.
///
/// # Errors
/// [`StoreError::Integrity`] when it is damaged.
pub fn reason(tx: &mut dyn Tx, vault: &Vault, number: ObjectId) -> Result<Option<Plain>, StoreError> {
    let row = tx.query_opt(
        "SELECT c.content, k.master, k.wrapped FROM onward_consent c
         LEFT JOIN record_key k ON k.id = c.id AND k.kind = 10 AND k.version = 1 WHERE c.id = $1",
        &[id(number)],
    )?;
    let Some(row) = row else { return Ok(None) };
    let there = row.opt_bytes(0)?.is_some();
    there.then(|| vault.open_row(&record(&number), &row, 0)).transpose()
}

/// Erases the reasons of all consents about an object, with their keys: the object they speak of is gone.
///
/// # Errors
/// When the engine refuses.
pub fn erase_reasons(tx: &mut dyn Tx, object: ObjectId) -> Result<(), StoreError> {
    let rows = tx.query("SELECT id FROM onward_consent WHERE object = $1", &[id(object)])?;
    let ids: Vec<ObjectId> = rows.iter().map(|row| OF.id(row, 0)).collect::<Result<_, _>>()?;
    let bytes: Vec<&[u8]> = ids.iter().map(|id| id.as_bytes().as_slice()).collect();
    erase_keys(tx, Kind::OnwardConsent, &bytes)?;
    tx.exec("UPDATE onward_consent SET content = NULL WHERE object = $1", &[id(object)])?;
    Ok(())
}

fn read(row: &Row) -> Result<Consent, StoreError> {
    let officer: Option<OfficerId> = OF.opt_id(row, 12)?;
    let role = OF.opt_code(row, 13, Role::from_code)?;
    let sender: Option<OfficerId> = OF.opt_id(row, 17)?;
    let sender_role = OF.opt_code(row, 18, Role::from_code)?;
    Ok(Consent {
        id: OF.id(row, 0)?,
        direction: Direction::from_code(row.text(1)?).ok_or(OF.broken())?,
        partner: OF.party(row, 2)?,
        agreement: OF.agreement(row, 3)?,
        object: OF.id(row, 4)?,
        version: OF.version(row, 5)?,
        to: OF.party(row, 6)?,
        purpose: OF.code(row, 7, Purpose::from_code)?,
        state: OF.code(row, 8, ConsentState::from_code)?,
        until: OF.time(row, 9)?,
        use_by: OF.opt_time(row, 10)?,
        asked: OF.time(row, 11)?,
        person: officer.zip(role),
        case: OF.opt_id(row, 14)?,
        token: row.opt_bytes(15)?.map(<[u8]>::to_vec),
        sender: sender.zip(sender_role),
        follows: OF.opt_id(row, 19)?,
        change: row.unsigned(16)?,
    })
}

/// Uses a token up. Returns whether it was unused: a second time it is not.
///
/// # Errors
/// When the engine refuses.
pub fn spend(
    tx: &mut dyn Tx,
    consent: ObjectId,
    (object, version): (ObjectId, ReportVersion),
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO onward_used (consent, object, version, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    Ok(tx.exec(sql, &[id(consent), id(object), Value::from(version.get()), time(at)])? == 1)
}

/// Returns whether a token was used here.
///
/// # Errors
/// When the engine refuses.
pub fn is_spent(tx: &mut dyn Tx, consent: ObjectId) -> Result<bool, StoreError> {
    Ok(tx.query_opt("SELECT at FROM onward_used WHERE consent = $1", &[id(consent)])?.is_some())
}

/// Stores what became of a copy: a new one, or the next state of one that is known. What was erased stays erased, and
/// what was proven is not unsaid by a later word.
///
/// # Errors
/// When the engine refuses.
pub fn put_copy(tx: &mut dyn Tx, copy: &Copy) -> Result<(), StoreError> {
    let key = [
        id(copy.object),
        Value::from(copy.version.get()),
        Value::from(copy.holder.as_str()),
        Value::from(copy.via.as_str()),
    ];
    let mut values = key.to_vec();
    values.extend([Value::from(copy.state.code()), Value::from(i64::from(copy.proven)), time(copy.at)]);
    let changed = tx.exec(
        "UPDATE onward_copy SET state = $5, proven = $6, at = $7,
         answer_by = CASE WHEN $6 = 1 THEN NULL ELSE answer_by END,
         confirm_by = CASE WHEN $5 = 'erased' THEN NULL ELSE confirm_by END
         WHERE object = $1 AND version = $2 AND holder = $3 AND via = $4 AND proven <= $6 AND state <> 'erased'",
        &values,
    )?;
    let late = tx.exec(
        // The signature came after the word.
        "UPDATE onward_copy SET proven = 1, at = $7, answer_by = NULL
         WHERE object = $1 AND version = $2 AND holder = $3 AND via = $4 AND state = $5 AND proven < $6",
        &values,
    )?;
    if changed > 0 || late > 0 {
        return Ok(());
    }
    values.extend([
        id(copy.consent),
        Value::from(copy.agreement.map(|one| *one.as_bytes())),
        Value::from(copy.answer_by.map(Timestamp::as_millis)),
        Value::from(copy.confirm_by.map(Timestamp::as_millis)),
    ]);
    tx.exec(
        "INSERT INTO onward_copy
         (object, version, holder, via, state, proven, at, consent, agreement, answer_by, confirm_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        &values,
    )?;
    Ok(())
}

/// Returns the copies of an object that went further.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn copies(tx: &mut dyn Tx, object: ObjectId) -> Result<Vec<Copy>, StoreError> {
    let sql = format!("{COPIES} WHERE object = $1 ORDER BY version, holder, via LIMIT 1000");
    tx.query(&sql, &[id(object)])?.iter().map(read_copy).collect()
}

/// Notes until when further holders (or one of them) owe an answer to an order, unless their erasure is proven.
///
/// # Errors
/// When the engine refuses.
pub fn ask_by(
    tx: &mut dyn Tx,
    object: ObjectId,
    holder: Option<&PartyId>,
    answer_by: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "UPDATE onward_copy SET answer_by = $2, confirm_by = NULL, escalated = 0
               WHERE object = $1 AND (holder = $3 OR $4 = 1)
               AND NOT (state = 'erased' AND proven = 1) AND state <> 'refused'";
    let (one, all) = (holder.map_or("", PartyId::as_str), i64::from(holder.is_none()));
    Ok(tx.exec(sql, &[id(object), time(answer_by), Value::from(one), Value::from(all)])?)
}

/// Notes until when word is owed that the holders of earlier versions have a correction, unless they have to erase.
///
/// # Errors
/// When the engine refuses.
pub fn confirm_by(
    tx: &mut dyn Tx,
    (object, version): (ObjectId, ReportVersion),
    confirm_by: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE onward_copy SET confirm_by = $3, escalated = 0 WHERE object = $1 AND version < $2
               AND answer_by IS NULL AND state NOT IN ('erased', 'refused')";
    tx.exec(sql, &[id(object), Value::from(version.get()), time(confirm_by)])?;
    Ok(())
}

/// Notes that a holder has the newest version: of no earlier one a word is owed.
///
/// # Errors
/// When the engine refuses.
pub fn confirmed(tx: &mut dyn Tx, object: ObjectId, holder: &PartyId) -> Result<(), StoreError> {
    let sql = "UPDATE onward_copy SET confirm_by = NULL WHERE object = $1 AND holder = $2";
    tx.exec(sql, &[id(object), Value::from(holder.as_str())])?;
    Ok(())
}

/// Returns copies whose holders owed something by an instant that did not come, longest first.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn overdue(tx: &mut dyn Tx, owed: Owed, now: Timestamp, limit: u32) -> Result<Vec<Copy>, StoreError> {
    let sql = format!("{COPIES} {} ORDER BY {}, object LIMIT $2", late(owed), owed.column());
    tx.query(&sql, &[time(now), Value::from(limit.min(PAGE_MAX))])?.iter().map(read_copy).collect()
}

/// Returns those of them which these people were not told of yet.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn untold(
    tx: &mut dyn Tx,
    owed: Owed,
    by: Timestamp,
    whom: Escalated,
    limit: u32,
) -> Result<Vec<Copy>, StoreError> {
    let sql =
        format!("{COPIES} {} AND escalated < $2 ORDER BY {}, object LIMIT $3", late(owed), owed.column());
    let args = [time(by), whom.value(), Value::from(limit.min(PAGE_MAX))];
    tx.query(&sql, &args)?.iter().map(read_copy).collect()
}

/// Notes that people were told that a further holder proved nothing of an object.
///
/// # Errors
/// When the engine refuses.
pub fn told(tx: &mut dyn Tx, object: ObjectId, holder: &PartyId, whom: Escalated) -> Result<(), StoreError> {
    tx.exec(
        "UPDATE onward_copy SET escalated = $3 WHERE object = $1 AND holder = $2 AND escalated < $3",
        &[id(object), Value::from(holder.as_str()), whom.value()],
    )?;
    Ok(())
}

/// Counts the copies of [`overdue`].
///
/// # Errors
/// When the engine refuses.
pub fn count_overdue(tx: &mut dyn Tx, owed: Owed, now: Timestamp) -> Result<u64, StoreError> {
    let sql = format!("SELECT COUNT(*) FROM onward_copy {}", late(owed));
    Ok(tx.query_one(&sql, &[time(now)])?.unsigned(0)?)
}

/// Returns by whom an object came here that its originator did not send here itself.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn via(tx: &mut dyn Tx, object: ObjectId, own: &PartyId) -> Result<Option<PartyId>, StoreError> {
    let sql = "SELECT via FROM onward_copy WHERE object = $1 AND holder = $2 ORDER BY version LIMIT 1";
    let row = tx.query_opt(sql, &[id(object), Value::from(own.as_str())])?;
    row.map(|row| OF_COPY.party(&row, 0)).transpose()
}

/// Returns by whom a version came here that its originator did not send here itself.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn version_via(
    tx: &mut dyn Tx,
    (object, version): (ObjectId, ReportVersion),
    own: &PartyId,
) -> Result<Option<PartyId>, StoreError> {
    let sql = "SELECT via FROM onward_copy WHERE object = $1 AND version = $2 AND holder = $3";
    let row = tx.query_opt(sql, &[id(object), Value::from(version.get()), Value::from(own.as_str())])?;
    row.map(|row| OF_COPY.party(&row, 0)).transpose()
}

fn read_copy(row: &Row) -> Result<Copy, StoreError> {
    Ok(Copy {
        object: OF_COPY.id(row, 0)?,
        version: OF_COPY.version(row, 1)?,
        holder: OF_COPY.party(row, 2)?,
        via: OF_COPY.party(row, 3)?,
        consent: OF_COPY.id(row, 4)?,
        agreement: OF_COPY.opt_agreement(row, 5)?,
        state: OF_COPY.code(row, 6, CopyState::from_code)?,
        proven: row.int(7)? == 1,
        at: OF_COPY.time(row, 8)?,
        answer_by: OF_COPY.opt_time(row, 9)?,
        confirm_by: OF_COPY.opt_time(row, 10)?,
    })
}
