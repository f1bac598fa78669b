//! Both ends of each lane, row by row: what was sent is what was taken, once, in order, signed for, with one verdict.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::VerifyingKey;
use mithaq_db::{Row, Value};

use super::item::{self, Item};
use super::{Object, Side, Verdict, hex};
use crate::bench::tables::unreadable;
use crate::ui::Failure;

/// One message as one end has it.
#[derive(Debug)]
struct Message {
    place: (u64, u64),
    hash: Vec<u8>,
    verdict: Option<(String, Option<String>)>,
    receipt: Option<Vec<u8>>,
    bytes: Option<Vec<u8>>,
    kind: String,
    object: Option<Object>,
}

/// What is known about one lane.
struct Lane {
    name: String,
    key: Value,
    class: String,
    sent: Vec<Message>,
    taken: Vec<Message>,
}

pub(super) fn check(from: &Side, to: &Side, verdict: &mut Verdict) -> Result<(), Failure> {
    let (their, our) = (to.node_keys(&from.party)?, from.node_keys(&to.party)?);
    let mut arrived: BTreeSet<Object> = BTreeSet::new();
    let mut reports = 0_usize;
    for lane in lanes(from, to)? {
        let name = lane.name.as_str();
        ends_agree(&lane, verdict);
        chain(&lane, &their, verdict);
        let receipts = stored(from, &lane.key)?;
        let theirs = stored(to, &lane.key)?;
        receipts_hold(&lane, (&receipts, &theirs), &our, verdict);
        let versions = |message: &&Message| matches!(message.kind.as_str(), "report" | "correction");
        for message in lane.sent.iter().filter(versions) {
            reports += 1;
            if message.kind == "report" {
                let new = message.object.is_some_and(|object| arrived.insert(object));
                verdict.holds(new, || format!("I2 {name}: an object was sent twice"));
            }
            let recalled = message.object.is_some_and(|object| from.known.recalled.contains(&object));
            let good = message.verdict.as_ref().is_some_and(|(word, code)| {
                word == "accepted" || (recalled && code.as_deref() == Some("object.recalled"))
            });
            verdict.holds(good, || format!("I1 {name} {:?}: verdict {:?}", message.place, message.verdict));
        }
    }
    for object in from.known.released.difference(&arrived) {
        verdict.broken.push(format!("I1 {}: {} was released and is in no lane", from.party, hex(object)));
    }
    held(from, to, (&arrived, reports), verdict)?;
    alarms(from, verdict)
}

/// What the receiver holds: each version of an object once, nothing of what was recalled.
fn held(
    from: &Side,
    to: &Side,
    (sent, reports): (&BTreeSet<Object>, usize),
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let sql = "SELECT r.id, v.version, v.content FROM report r JOIN report_version v ON v.id = r.id
               WHERE r.direction = 'received' AND r.originator = $1 ORDER BY r.id, v.version";
    let (mut seen, mut shown) = (BTreeSet::new(), 0_usize);
    for row in to.rows(sql, vec![Value::from(from.party.as_str())])? {
        let id: Object = row.array(0).map_err(unreadable)?;
        let version = row.unsigned(1).map_err(unreadable)?;
        verdict.holds(seen.insert((id, version)), || format!("I2 {}: {} is held twice", to.party, hex(&id)));
        verdict.holds(sent.contains(&id), || format!("I10 {}: {} was never sent", to.party, hex(&id)));
        let content = row.opt_bytes(2).map_err(unreadable)?.is_some();
        shown += usize::from(content);
        if from.known.recalled.contains(&id) {
            verdict
                .holds(!content, || format!("I8 {}: {} was recalled and is still there", to.party, hex(&id)));
            verdict.erased += 1;
        }
    }
    let sql = "SELECT object, verdict, erased_at FROM disclosure WHERE recipient = $1";
    let mut accepted = 0_usize;
    for row in from.rows(sql, vec![Value::from(to.party.as_str())])? {
        let id: Object = row.array(0).map_err(unreadable)?;
        accepted += usize::from(row.opt_text(1).map_err(unreadable)? == Some("accepted"));
        if from.known.recalled.contains(&id) {
            let erased = row.opt_int(2).map_err(unreadable)?.is_some();
            verdict.holds(erased, || format!("I1 {}: no R4 for the recalled {}", from.party, hex(&id)));
        }
    }
    verdict.holds(accepted >= shown && reports >= accepted, || {
        format!("I1 {} to {}: {reports} sent, {accepted} accepted, {shown} held", from.party, to.party)
    });
    Ok(())
}

/// Honest nodes never accuse each other. What a private check tells people is about persons, and no accusation.
fn alarms(side: &Side, verdict: &mut Verdict) -> Result<(), Failure> {
    for row in side.rows("SELECT kind FROM alarm", Vec::new())? {
        let kind = row.text(0).map_err(unreadable)?.to_owned();
        verdict.holds(kind.starts_with("check."), || format!("I7 {}: alarm {kind}", side.party));
    }
    for (table, sql) in [
        ("equivocation", "SELECT COUNT(*) FROM equivocation"),
        ("peer_evidence", "SELECT COUNT(*) FROM peer_evidence"),
        ("inbox_ahead", "SELECT COUNT(*) FROM inbox_ahead"),
    ] {
        for row in side.rows(sql, Vec::new())? {
            let count = row.int(0).map_err(unreadable)?;
            verdict.holds(count == 0, || format!("I7 {}: {count} rows in {table}", side.party));
        }
    }
    Ok(())
}

fn lanes(from: &Side, to: &Side) -> Result<Vec<Lane>, Failure> {
    let sql = "SELECT lane, class FROM lane WHERE from_party = $1 AND to_party = $2 ORDER BY class";
    let names = vec![Value::from(from.party.as_str()), Value::from(to.party.as_str())];
    let mut lanes = Vec::new();
    for row in from.rows(sql, names)? {
        let (key, class) = (row.value(0).map_err(unreadable)?.clone(), row.text(1).map_err(unreadable)?);
        let sent = "SELECT epoch, seq, hash, verdict, code, receipt, bytes, kind, object FROM outbox
                    WHERE lane = $1 ORDER BY epoch, seq";
        let taken = "SELECT epoch, seq, hash, verdict, code, receipt, bytes, '', NULL FROM inbox
                     WHERE lane = $1 ORDER BY epoch, seq";
        lanes.push(Lane {
            name: format!("{} to {}, {class}", from.party, to.party),
            class: class.to_owned(),
            sent: messages(&from.rows(sent, vec![key.clone()])?)?,
            taken: messages(&to.rows(taken, vec![key.clone()])?)?,
            key,
        });
    }
    Ok(lanes)
}

fn messages(rows: &[Row]) -> Result<Vec<Message>, Failure> {
    let read = |row: &Row| {
        let word = row.opt_text(3)?.map(ToOwned::to_owned);
        let code = row.opt_text(4)?.map(ToOwned::to_owned);
        Ok(Message {
            place: (row.unsigned(0)?, row.unsigned(1)?),
            hash: row.bytes(2)?.to_vec(),
            verdict: word.map(|word| (word, code)),
            receipt: row.opt_bytes(5)?.map(<[u8]>::to_vec),
            bytes: row.opt_bytes(6)?.map(<[u8]>::to_vec),
            kind: row.text(7)?.to_owned(),
            object: row.opt_bytes(8)?.and_then(|bytes| bytes.try_into().ok()),
        })
    };
    rows.iter().map(read).collect::<Result<_, _>>().map_err(unreadable)
}

/// I1, I2, I3, I18: the same places, gapless, the same hashes and verdicts, the same receipts.
fn ends_agree(lane: &Lane, verdict: &mut Verdict) {
    let name = lane.name.as_str();
    verdict.holds(lane.sent.len() == lane.taken.len(), || {
        format!("I1 {name}: {} sent, {} taken", lane.sent.len(), lane.taken.len())
    });
    for (number, (sent, taken)) in (1..).zip(lane.sent.iter().zip(&lane.taken)) {
        let place = sent.place;
        verdict.holds(place == (1, number), || format!("I3 {name}: {place:?} stands at {number}"));
        verdict.holds(taken.place == place, || format!("I3 {name}: {:?} taken at {place:?}", taken.place));
        verdict.holds(sent.hash == taken.hash, || format!("I3 {name} {place:?}: another envelope was taken"));
        verdict.holds(sent.verdict.is_some(), || format!("I1 {name} {place:?}: no verdict"));
        verdict.holds(sent.verdict == taken.verdict, || {
            format!("I18 {name} {place:?}: {:?} there, {:?} here", taken.verdict, sent.verdict)
        });
        verdict.holds(sent.receipt == taken.receipt, || format!("I6 {name} {place:?}: another receipt"));
    }
}

/// I3: each envelope has its hash, is signed by its node, stands where it says, and names the one before it.
fn chain(lane: &Lane, keys: &BTreeMap<Vec<u8>, VerifyingKey>, verdict: &mut Verdict) {
    let mut before = vec![0_u8; 32];
    for message in &lane.sent {
        let (name, place) = (lane.name.as_str(), message.place);
        let read = |bytes: &[u8]| {
            let claimed = header_of(bytes)?;
            let key = keys.get(claimed.document()?.part(3)?.bytes()?)?;
            item::signed(bytes, "mithaq/1 envelope", key)
        };
        match message.bytes.as_deref() {
            None => verdict.broken.push(format!("I1 {name} {place:?}: the envelope is gone at its sender")),
            Some(bytes) => {
                verdict.envelopes += 1;
                verdict.holds(item::hash(bytes).to_vec() == message.hash, || {
                    format!("I3 {name} {place:?}: the bytes are not those of the hash")
                });
                let header = read(bytes);
                verdict.holds(header.is_some(), || format!("I5 {name} {place:?}: not signed by its node"));
                if let Some(header) = header.as_ref().and_then(Item::document) {
                    let at = header.part(1).and_then(place_of);
                    let prev = header.part(2).and_then(Item::bytes);
                    let class = header.part(0).and_then(|lane| lane.part(3)).and_then(Item::number);
                    let expected = if lane.class == "control" { 1 } else { 2 };
                    verdict.holds(at == Some(place), || format!("I3 {name} {place:?}: says {at:?}"));
                    verdict.holds(prev == Some(before.as_slice()), || format!("I3 {name} {place:?}: prev"));
                    verdict.holds(class == Some(expected), || format!("I3 {name} {place:?}: class"));
                }
            }
        }
        before.clone_from(&message.hash);
    }
    // What the receiver still has are the same bytes; it erases what was recalled.
    for (sent, taken) in lane.sent.iter().zip(&lane.taken) {
        let same = taken.bytes.is_none() || taken.bytes == sent.bytes;
        verdict.holds(same, || format!("I4 {} {:?}: other bytes are held", lane.name, sent.place));
    }
}

/// The header of an envelope, not verified.
fn header_of(envelope: &[u8]) -> Option<Item> {
    let Item::Map(pairs) = Item::read(Item::read(envelope)?.part(0)?.bytes()?)? else { return None };
    Item::read(pairs.last()?.1.bytes()?)
}

fn place_of(item: &Item) -> Option<(u64, u64)> {
    let number = |at| item.part(at).and_then(Item::number).and_then(|number| u64::try_from(number).ok());
    Some((number(0)?, number(1)?))
}

type Receipts = BTreeMap<Vec<u8>, Vec<u8>>;

fn stored(side: &Side, lane: &Value) -> Result<Receipts, Failure> {
    let rows = side.rows("SELECT id, bytes FROM receipt_batch WHERE lane = $1", vec![lane.clone()])?;
    let read = |row: &Row| Ok((row.bytes(0)?.to_vec(), row.bytes(1)?.to_vec()));
    rows.iter().map(read).collect::<Result<_, _>>().map_err(unreadable)
}

/// I4, I5, I6: each message has one receipt, the same bytes on both sides, signed by the receiver's node, and it says
/// what both tables say.
fn receipts_hold(
    lane: &Lane,
    (here, there): (&Receipts, &Receipts),
    keys: &BTreeMap<Vec<u8>, VerifyingKey>,
    verdict: &mut Verdict,
) {
    let name = lane.name.as_str();
    let mut said = BTreeMap::new();
    for (id, bytes) in here {
        verdict.receipts += 1;
        verdict
            .holds(there.get(id) == Some(bytes), || format!("I6 {name}: a receipt its signer does not have"));
        verdict
            .holds(item::hash(bytes).to_vec() == *id, || format!("I6 {name}: a receipt under another hash"));
        match statements(bytes, keys) {
            None => verdict.broken.push(format!("I5 {name}: a receipt does not verify")),
            Some(statements) => {
                for (place, envelope, verdict_said) in statements {
                    let once = said.insert(place, (id.clone(), envelope, verdict_said)).is_none();
                    verdict.holds(once, || format!("I6 {name} {place:?}: two receipts"));
                }
            }
        }
    }
    for message in &lane.sent {
        let place = message.place;
        let Some((id, envelope, word)) = said.get(&place) else {
            verdict.broken.push(format!("I1 {name} {place:?}: no receipt"));
            continue;
        };
        verdict.holds(message.receipt.as_ref() == Some(id), || format!("I6 {name} {place:?}: other receipt"));
        verdict.holds(*envelope == message.hash, || format!("I4 {name} {place:?}: receipt for other bytes"));
        let same = message.verdict.as_ref().is_some_and(|(kept, code)| match word {
            (1, None) => kept == "accepted",
            (2, said) => kept == "refused" && code == said,
            (3, said) => kept == "quarantined" && code == said,
            _other => false,
        });
        verdict.holds(same, || format!("I6 {name} {place:?}: the receipt says {word:?}"));
    }
}

type Statement = ((u64, u64), Vec<u8>, (i128, Option<String>));

/// The statements of a receipt batch, if one of the keys signed their root.
fn statements(bytes: &[u8], keys: &BTreeMap<Vec<u8>, VerifyingKey>) -> Option<Vec<Statement>> {
    let all = Item::read(bytes)?;
    let (signed, statements) = (all.part(1)?.bytes()?, all.part(2)?.parts()?);
    let head = keys.values().find_map(|key| item::signed(signed, "mithaq/1 receipts", key))?;
    let leaves = statements.iter().map(|one| one.bytes().map(item::leaf)).collect::<Option<Vec<_>>>()?;
    let count = usize::try_from(head.part(4)?.number()?).ok()?;
    if head.part(5)?.bytes()? != item::root(&leaves) || count != leaves.len() {
        return None;
    }
    let read = |one: &Item| {
        let statement = Item::read(one.bytes()?)?;
        let body = statement.document()?;
        let word = body.part(2)?;
        let code = word.part(1).and_then(Item::text).map(ToOwned::to_owned);
        Some((place_of(body.part(0)?)?, body.part(1)?.bytes()?.to_vec(), (word.part(0)?.number()?, code)))
    };
    statements.iter().map(read).collect()
}
