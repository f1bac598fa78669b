//! Passing on: originators consent and take consent back, holders pass on what they hold, and what an originator says
//! later follows every copy. The rules are those of `docs/spec/onward.md`; what is here runs in the node's own steps.

use std::collections::BTreeSet;

use mithaq_exchange::{Effect, OutMessage, OutState, Received, Versions, may_read};
use mithaq_model::{CopyState, Millis, ObjectId, PartyId, ReportVersion, Timestamp};
use mithaq_wire::{Lane, MessageKind, OnwardStep, Position, Verdict};

use crate::bug::Bug;
use crate::consents::{Consent, Standing};
use crate::history::Deserves;
use crate::node::{Own, agreement, lane_between};
use crate::paper::{Slip, Token, content_of, order_in, sealed_in};
use crate::world::{Event, World};

const DAY: u64 = 86_400_000;
/// How long a token may be used.
const USE: Millis = Millis(14 * DAY);
/// How long who got it may keep it, if nothing shortens that.
const KEEP: Millis = Millis(100 * DAY);

/// Something passed on wrongly.
struct Wrong {
    about: (ObjectId, ReportVersion),
    sealed: Vec<u8>,
    to: PartyId,
    token: Option<Vec<u8>>,
}

impl World {
    /// One act about passing on at one node, and the time of the next.
    pub(crate) fn onward(&mut self, node: usize) {
        if !self.is_faulty() {
            return;
        }
        let wait = self.dice.between(400, 4_000);
        self.after(wait, Event::Onward(node));
        let act = self.dice.below(100);
        // What is held depends on what was accepted, and that on clocks.
        if self.steady || self.nodes.get(node).is_none_or(|n| !n.up) {
            return;
        }
        match act {
            0..=44 => self.grant(node),
            45..=74 => self.pass_on_any(node),
            75..=80 => self.revoke(node),
            _wrong => self.misuse(node),
        }
    }

    fn index_of(&self, party: &PartyId) -> Option<usize> {
        self.nodes.iter().position(|n| n.name == *party)
    }

    /// The originator consents: one version of one object, from one recipient that has it to one third party.
    fn grant(&mut self, node: usize) {
        for _try in 0..6 {
            let Some((_, own)) = self.pick_own(node) else { return };
            let Some(by) = self.dice.pick(&own.recipients).copied() else { continue };
            let to = self.dice.index(self.nodes.len());
            let there =
                self.sent(node, by, (own.object, own.latest)).is_some_and(|row| is_accepted(&row.state));
            if there && !own.taken_back && to != node && to != by {
                let until = self.nodes.get(node).map(|n| n.clock(self.now).plus(KEEP)).unwrap_or_default();
                self.whole(node, |world| world.consent(node, &own, (by, to), (own.latest, until)));
                return;
            }
        }
    }

    /// Who got an object of this node from another, as far as it was told.
    pub(crate) fn holders_of(&self, node: usize, object: ObjectId) -> BTreeSet<usize> {
        let given = self.nodes.get(node).map(|n| n.store.consents.given.values());
        let used = given.into_iter().flatten().filter(|row| row.standing == Standing::Used);
        used.filter(|row| row.token.object == object).filter_map(|row| self.index_of(&row.token.to)).collect()
    }

    /// The message that took a version to a partner.
    fn sent(&self, node: usize, to: usize, about: (ObjectId, ReportVersion)) -> Option<&OutMessage> {
        let (us, them) = (self.nodes.get(node)?, self.nodes.get(to)?);
        let lane = lane_between(&us.name, &them.name, Lane::Report);
        let from = (lane.clone(), Position { epoch: 0, seq: 0 });
        let rows = us.store.outbox.range(from..).take_while(|((id, _), _)| *id == lane);
        rows.map(|(_, row)| row).find(|row| row.object == Some(about))
    }

    /// Signs a token and sends it, if that version went to who may pass it on.
    fn consent(
        &mut self,
        node: usize,
        own: &Own,
        (by, to): (usize, usize),
        (version, until): (ReportVersion, Timestamp),
    ) {
        let (consent, kind) = (ObjectId::new(self.dice.bytes16()), self.dice.below(100));
        let short = Millis(self.dice.between(5_000, 40_000));
        let (Some(by_name), Some(to_name)) = (self.name(by), self.name(to)) else { return };
        let Some(row) = self.sent(node, by, (own.object, version)) else { return };
        let Some(n) = self.nodes.get(node) else { return };
        let now = n.clock(self.now);
        let use_by = match kind {
            // Long over by any clock.
            0..=9 => Timestamp::from_millis(0),
            10..=24 => now.plus(short),
            _rest => now.plus(USE),
        };
        let token = Token {
            consent,
            originator: n.name.clone(),
            object: own.object,
            version,
            content: content_of(sealed_in(&row.bytes)),
            by: by_name,
            to: to_name,
            use_by,
            // No later than it ordered the object to end.
            keep_until: own.expires.map_or(until, |expires| until.min(expires)),
        };
        let signed = n.hand.sign_token(&token);
        let step = OnwardStep::Granted { consent, token: signed.clone() };
        if self.owe(node, by, &step)
            && let Some(n) = self.nodes.get_mut(node)
        {
            n.store.consents.given.insert(consent, Consent { token, signed, standing: Standing::Granted });
        }
    }

    /// The originator takes a consent back, used or not.
    fn revoke(&mut self, node: usize) {
        let Some(n) = self.nodes.get(node) else { return };
        let all: Vec<_> = n.store.consents.given.keys().copied().collect();
        let Some(consent) = self.dice.pick(&all).copied() else { return };
        self.whole(node, |world| {
            let Some(n) = world.nodes.get_mut(node) else { return };
            let answer_by = n.clock(world.now).plus(Millis(DAY));
            let Some(row) = n.store.consents.given.get_mut(&consent) else { return };
            row.standing = Standing::Revoked;
            let Token { object, version, to, by, .. } = row.token.clone();
            let step = OnwardStep::Revoked { consent, object, version, to, answer_by };
            if let Some(by) = world.index_of(&by) {
                world.owe(node, by, &step);
            }
        });
    }

    /// Somebody wants to pass something on. Without a consent that fits, the own node refuses.
    fn pass_on_any(&mut self, node: usize) {
        let Some(n) = self.nodes.get(node) else { return };
        let all: Vec<_> = n.store.consents.got.values().filter(|row| self.is_ready(node, row)).collect();
        let Some(row) = self.dice.pick_cloned(&all) else { return };
        self.whole(node, |world| world.pass_on(node, &row));
    }

    /// Whether a node's own rules let it pass on under a consent.
    fn is_ready(&self, node: usize, row: &Consent) -> bool {
        let Some(n) = self.nodes.get(node) else { return false };
        let (token, now) = (&row.token, n.clock(self.now));
        let Some(holding) = n.store.holdings.get(&token.object) else { return false };
        let lane = lane_between(&token.originator, &n.name, Lane::Control);
        let control = n.controls.get(&lane).copied().unwrap_or_default();
        let have = n.store.lane_in(&lane).have;
        let to = agreement(&n.name, &token.to);
        let live = row.standing == Standing::Granted && token.use_by > now && token.keep_until > now;
        // What its originator ordered to end sooner is not passed on for longer.
        let ends = holding.expires.is_none_or(|expires| expires >= token.keep_until);
        live && ends
            && holding.originator == token.originator
            && n.store.consents.via(token.object).is_none()
            && !n.suspended.contains(&to)
            && may_read(&control, have, holding, token.version, now).is_ok()
    }

    /// Sends the originator's seal with its token, uses the consent up, and tells the originator.
    fn pass_on(&mut self, node: usize, row: &Consent) {
        let token = &row.token;
        let (Some(to), Some(originator)) = (self.index_of(&token.to), self.index_of(&token.originator))
        else {
            return;
        };
        let Some(n) = self.nodes.get(node) else { return };
        let Some(sealed) = n.store.consents.seals.get(&(token.object, token.version)).cloned() else {
            return;
        };
        let at = n.clock(self.now);
        if !self.hop(node, to, (Some(&row.signed), &sealed), (token.object, token.version, Deserves::Any)) {
            return;
        }
        if let Some(n) = self.nodes.get_mut(node) {
            n.store.consents.copies.insert((token.object, token.version, token.to.clone()));
            if let Some(row) = n.store.consents.got.get_mut(&token.consent) {
                row.standing = Standing::Used;
            }
        }
        let step = OnwardStep::Copy {
            consent: token.consent,
            object: token.object,
            version: token.version,
            holder: token.to.clone(),
            state: CopyState::Sent,
            at,
            proof: None,
        };
        self.owe(node, originator, &step);
    }

    fn hop(
        &mut self,
        node: usize,
        to: usize,
        (token, sealed): (Option<&[u8]>, &[u8]),
        (object, version, deserves): (ObjectId, ReportVersion, Deserves),
    ) -> bool {
        let Some(seal) = self.seal(node, to, object, version) else { return false };
        let Some(bytes) = self.nodes.get(node).map(|n| n.hand.seal_hop(&seal, token, sealed)) else {
            return false;
        };
        self.queue_in(node, to, MessageKind::Hop, ((object, version), &bytes), deserves)
    }

    /// What a broken application, or a partner that lies, passes on without a consent that fits.
    fn misuse(&mut self, node: usize) {
        let kind = self.dice.below(7);
        if kind == 6 {
            return self.use_again(node);
        }
        let Some(mut wrong) = self.wrong_token(node, kind) else { return };
        let (Some(to), Some(n)) = (self.index_of(&wrong.to), self.nodes.get(node)) else { return };
        let held = n.store.holdings.get(&wrong.about.0);
        let own = held.is_none_or(|holding| holding.originator == wrong.to);
        if to == node || own || n.suspended.contains(&agreement(&n.name, &wrong.to)) {
            return;
        }
        if let (5, Some(last)) = (kind, wrong.sealed.last_mut()) {
            *last ^= 1;
        }
        let (object, version) = wrong.about;
        let about = (object, version, Deserves::Denial);
        self.whole(node, |world| {
            world.hop(node, to, (wrong.token.as_deref(), &wrong.sealed), about);
        });
    }

    /// Something that is held, and a token that does not open it.
    fn wrong_token(&mut self, node: usize, kind: u64) -> Option<Wrong> {
        let any = self.dice.index(self.nodes.len());
        let (n, other) = (self.nodes.get(node)?, self.name(any)?);
        let held: Vec<_> = n.store.consents.seals.keys().collect();
        let about = self.dice.pick_cloned(&held)?;
        let n = self.nodes.get(node)?;
        let sealed_of = |about: &(ObjectId, ReportVersion)| n.store.consents.seals.get(about).cloned();
        let fits = |token: &Token, about| (token.object, token.version) == about;
        let own = || n.store.consents.got.values();
        let theirs = || self.nodes.iter().flat_map(|other| other.store.consents.got.values());
        let has =
            |row: &&Consent| n.store.consents.seals.contains_key(&(row.token.object, row.token.version));
        let row = match kind {
            // None at all.
            0 => return Some(Wrong { about, sealed: sealed_of(&about)?, to: other, token: None }),
            // For another object or version, or for another recipient.
            1 => {
                let row = own().find(|row| row.token.object == about.0).or_else(|| own().next())?;
                let to = if fits(&row.token, about) { other } else { row.token.to.clone() };
                let right = fits(&row.token, about) && to == row.token.to;
                let wrong = Wrong { about, sealed: sealed_of(&about)?, to, token: Some(row.signed.clone()) };
                return (!right).then_some(wrong);
            }
            // Signed by who passes it on, in the originator's name.
            2 => {
                let (sealed, holding) = (sealed_of(&about)?, n.store.holdings.get(&about.0)?);
                let token = Token {
                    consent: about.0,
                    originator: holding.originator.clone(),
                    object: about.0,
                    version: about.1,
                    content: content_of(&sealed),
                    by: n.name.clone(),
                    to: other.clone(),
                    use_by: n.clock(self.now).plus(USE),
                    keep_until: n.clock(self.now).plus(KEEP),
                };
                let token = Some(n.hand.sign_token(&token));
                return Some(Wrong { about, sealed, to: other, token });
            }
            // Over; given to somebody else to use; for what was changed.
            3 => own().find(|row| row.token.use_by.as_millis() <= 0 && has(row))?,
            4 => theirs().find(|row| row.token.by != n.name && row.token.to != n.name && has(row))?,
            _five => own().find(has)?,
        };
        let about = (row.token.object, row.token.version);
        Some(Wrong {
            about,
            sealed: sealed_of(&about)?,
            to: row.token.to.clone(),
            token: Some(row.signed.clone()),
        })
    }

    /// A consent that was used is used again. The first may have come too late: then this is the one use.
    fn use_again(&mut self, node: usize) {
        let Some(n) = self.nodes.get(node) else { return };
        let used = n.store.consents.got.values().filter(|row| row.standing == Standing::Used);
        let Some(row) = self.dice.pick_cloned(&used.collect::<Vec<_>>()) else { return };
        self.whole(node, |world| world.pass_on(node, &row));
    }

    /// What follows from what was taken, in the same step.
    pub(crate) fn follow(&mut self, node: usize, received: &Received<Slip>) {
        let from = &received.lane.id.from;
        for (row, effect) in &received.messages {
            match effect {
                Effect::Keep { seal, report } => self.kept((node, from), (seal.object, seal.version), report),
                Effect::Erase { object, versions, .. } => {
                    if let Some(n) = self.nodes.get_mut(node) {
                        let gone = |version| match versions {
                            Versions::All => true,
                            Versions::Only(only) => only.contains(&version),
                        };
                        n.store.consents.seals.retain(|(held, version), _| held != object || !gone(*version));
                    }
                }
                Effect::Onward { step, .. } => self.step_taken(node, from, step, sealed_in(&row.bytes)),
                Effect::None
                | Effect::Quarantine { .. }
                | Effect::Notice(_)
                | Effect::Receipts(_)
                | Effect::Step { .. } => {}
            }
            let control = received.lane.id.lane == Lane::Control;
            if control && row.verdict == Verdict::Accepted {
                let ordered = self.nodes.get(node).and_then(|n| order_in(&n.hand, &row.bytes));
                if let Some(object) = ordered {
                    self.carry_on(node, (object, from, None), sealed_in(&row.bytes));
                }
            }
        }
    }

    fn kept(&mut self, (node, from): (usize, &PartyId), about: (ObjectId, ReportVersion), slip: &Slip) {
        let Some(n) = self.nodes.get_mut(node) else { return };
        let consents = &mut n.store.consents;
        consents.seals.insert(about, slip.sealed.clone());
        if let Some(passed) = &slip.passed {
            consents.spent.extend(passed.token.as_ref().map(|token| token.consent));
            consents.via.insert(about, from.clone());
        }
    }

    fn step_taken(&mut self, node: usize, from: &PartyId, step: &OnwardStep, sealed: &[u8]) {
        let forgets = self.has_bug(node, Bug::ForgetsRevocations);
        let Some(n) = self.nodes.get_mut(node) else { return };
        match step {
            OnwardStep::Granted { consent, token } => {
                let read = n.hand.token(token, from);
                let read = read.filter(|token| token.consent == *consent && token.by == n.name);
                if let Some(read) = read {
                    let row = Consent { token: read, signed: token.clone(), standing: Standing::Granted };
                    n.store.consents.got.entry(*consent).or_insert(row);
                }
            }
            OnwardStep::Revoked { consent, object, .. } if !forgets => {
                let got = n.store.consents.got.get_mut(consent);
                let Some(row) = got.filter(|row| row.token.originator == *from) else { return };
                let used = row.standing == Standing::Used;
                row.standing = Standing::Revoked;
                let to = row.token.to.clone();
                if used {
                    self.carry_on(node, (*object, from, Some(&to)), sealed);
                }
            }
            OnwardStep::Superseded { object, .. } => self.carry_on(node, (*object, from, None), sealed),
            OnwardStep::Copy { consent, .. } => {
                let given = n.store.consents.given.get_mut(consent);
                let Some(row) = given.filter(|row| row.token.by == *from) else { return };
                if row.standing == Standing::Granted {
                    row.standing = Standing::Used;
                    let token = row.token.clone();
                    self.late_correction(node, &token);
                }
            }
            OnwardStep::Revoked { .. }
            | OnwardStep::Asked { .. }
            | OnwardStep::Denied { .. }
            | OnwardStep::Tried { .. }
            | OnwardStep::Carried { .. } => {}
        }
    }

    /// Carries what an originator sealed on to every holder that got the object from this node.
    fn carry_on(
        &mut self,
        node: usize,
        (object, from, only): (ObjectId, &PartyId, Option<&PartyId>),
        sealed: &[u8],
    ) {
        let Some(n) = self.nodes.get(node).filter(|_| !self.has_bug(node, Bug::CarriesNothingOn)) else {
            return;
        };
        let theirs = n.store.holdings.get(&object).is_some_and(|holding| holding.originator == *from);
        let copies = n.store.consents.copies.iter().filter(|(what, ..)| *what == object && theirs);
        let mut holders: Vec<_> = copies.map(|(.., holder)| holder.clone()).collect();
        holders.retain(|holder| only.is_none_or(|only| only == holder));
        holders.dedup();
        let step = OnwardStep::Carried { sealed: sealed.to_vec() };
        let mut told = Vec::new();
        for holder in holders {
            if let Some(to) = self.index_of(&holder).filter(|to| !told.contains(to)) {
                told.push(to);
                self.owe(node, to, &step);
            }
        }
    }

    /// A correction leaves its originator: who may have passed the old version on is told, and where a copy went the
    /// consent goes on.
    pub(crate) fn correction_follows(&mut self, node: usize, object: ObjectId, version: ReportVersion) {
        let Some(n) = self.nodes.get(node) else { return };
        let given = n.store.consents.given.values();
        let earlier = given.filter(|row| row.token.object == object && row.token.version < version);
        let went: Vec<_> = earlier.filter(|row| row.standing != Standing::Revoked).cloned().collect();
        let (mut told, mut followed) = (Vec::new(), Vec::new());
        for row in went.iter().rev() {
            let Some(by) = self.index_of(&row.token.by) else { continue };
            if !told.contains(&by) {
                told.push(by);
                self.owe(node, by, &OnwardStep::Superseded { object, version });
            }
            let way = (row.token.by.clone(), row.token.to.clone());
            if row.standing == Standing::Used && !followed.contains(&way) {
                followed.push(way);
                self.consent_follows(node, &row.token, version);
            }
        }
    }

    /// A copy turns out to have gone on while its correction was on its way.
    fn late_correction(&mut self, node: usize, token: &Token) {
        let Some(n) = self.nodes.get(node) else { return };
        let Some(latest) = n.own.iter().find(|own| own.object == token.object).map(|own| own.latest) else {
            return;
        };
        if latest > token.version
            && let Some(by) = self.index_of(&token.by)
        {
            self.owe(node, by, &OnwardStep::Superseded { object: token.object, version: latest });
            self.consent_follows(node, token, latest);
        }
    }

    fn consent_follows(&mut self, node: usize, token: &Token, version: ReportVersion) {
        let Some(n) = self.nodes.get(node) else { return };
        let own = n.own.iter().find(|own| own.object == token.object && !own.taken_back).cloned();
        let (Some(own), Some(by), Some(to)) = (own, self.index_of(&token.by), self.index_of(&token.to))
        else {
            return;
        };
        self.consent(node, &own, (by, to), (version, token.keep_until));
    }

    /// Passes corrections on by itself where the version before went.
    pub(crate) fn pass_corrections(&mut self, node: usize) {
        let Some(n) = self.nodes.get(node).filter(|n| n.up) else { return };
        let got = &n.store.consents.got;
        let follows = |row: &&Consent| {
            row.standing == Standing::Granted
                && got.values().any(|before| {
                    before.standing == Standing::Used
                        && before.token.object == row.token.object
                        && before.token.to == row.token.to
                        && before.token.version < row.token.version
                })
        };
        let waiting: Vec<_> =
            got.values().filter(follows).filter(|row| self.is_ready(node, row)).cloned().collect();
        for row in waiting {
            self.whole(node, |world| world.pass_on(node, &row));
        }
    }

    /// Owes a partner a step: it is queued with whatever else the node's step changes.
    fn owe(&mut self, node: usize, to: usize, step: &OnwardStep) -> bool {
        let number = ObjectId::new(self.dice.bytes16());
        let Some(seal) = self.seal(node, to, number, ReportVersion::FIRST) else { return false };
        let content = mithaq_exchange::Content::Onward(step.clone());
        let sealed = crate::paper::Sealed { seal, content, expires: Timestamp::MAX };
        let Some(bytes) = self.nodes.get(node).map(|n| n.hand.seal(&sealed)) else { return false };
        self.queue_in(node, to, MessageKind::Onward, ((number, ReportVersion::FIRST), &bytes), Deserves::Any)
    }
}

const fn is_accepted(state: &OutState) -> bool {
    matches!(state, OutState::Decided { verdict: Verdict::Accepted, .. })
}
