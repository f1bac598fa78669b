//! Trouble: partitions, crashes, clocks that jump; and one partner that equivocates, lies, forges, replays and
//! tampers. It has its own key and nobody else's.

use mithaq_model::ReportVersion;
use mithaq_wire::{BatchAnswer, Digest, MessageKind, Position, Verdict};

use crate::history::Deserves;
use crate::world::{Event, HEAL_AT, World};

/// Ten years, ms.
pub(crate) const DECADE: i64 = 3_652 * 86_400_000;

impl World {
    /// Something happens to the network or a machine.
    pub(crate) fn trouble(&mut self) {
        if !self.is_faulty() {
            self.heal();
            return;
        }
        let wait = self.dice.between(500, 6_000).min(HEAL_AT.saturating_sub(self.now).max(1));
        self.after(wait, Event::Trouble);
        let (one, other) = (self.dice.index(self.nodes.len()), self.dice.index(self.nodes.len()));
        let until = self.now + self.dice.between(1_000, 40_000);
        let jump = i64::try_from(self.dice.below(2 * DECADE.cast_unsigned())).unwrap_or(0) - DECADE;
        match self.dice.below(100) {
            0..=29 if one != other => self.partitions.push((one, other, until)),
            30..=54 if one != other => self.partitions.extend([(one, other, until), (other, one, until)]),
            55..=69 => {
                let all = 0..self.nodes.len();
                self.partitions
                    .extend(all.filter(|peer| *peer != one).flat_map(|p| [(one, p, until), (p, one, until)]));
            }
            70..=79 if self.weather.crash > 0 => self.crash(one),
            80..=84 if self.clocks_jump => {
                if let Some(node) = self.nodes.get_mut(one) {
                    node.skew = jump;
                    let name = node.name.to_string();
                    self.note(format!("clock    {name} {} days off", jump / 86_400_000));
                }
            }
            _quiet => {}
        }
    }

    /// The liar acts.
    pub(crate) fn mischief(&mut self) {
        let Some(liar) = self.liar.filter(|_| self.is_faulty()) else { return };
        let wait = self.dice.between(1_000, 9_000);
        self.after(wait, Event::Mischief);
        let peer = self.dice.index(self.nodes.len());
        match self.dice.below(4) {
            0 | 1 if peer != liar => self.equivocate(liar, peer),
            2 => self.replay(liar, peer),
            _other => self.replay_own(liar),
        }
    }

    /// Two envelopes for one place, both signed; the partner gets both, at different times.
    fn equivocate(&mut self, liar: usize, peer: usize) {
        let Some(object) = self.new_object(liar) else { return };
        let Some(seal) = self.seal(liar, peer, object, ReportVersion::FIRST) else { return };
        let sealed = self.plain(seal);
        let Some(twin) = self.make(liar, peer, MessageKind::Report, &sealed) else { return };
        self.queue(liar, peer, MessageKind::Report, &sealed, Deserves::Any);
        let (_, twin) = twin.store(mithaq_exchange::Logged::committed(0));
        self.note(format!("twin     {}/{}", twin.at.epoch, twin.at.seq));
        self.send(liar, peer, vec![twin.bytes]);
    }

    fn plain(&mut self, seal: mithaq_wire::SealHeader) -> crate::paper::Sealed {
        let expires = mithaq_model::Timestamp::MAX;
        let body = self.dice.bytes16().to_vec();
        let report = crate::paper::Slip::new(body, crate::paper::Policy::Accept);
        crate::paper::Sealed { seal, content: mithaq_exchange::Content::Report { report, expires }, expires }
    }

    /// Anything ever seen, to anyone.
    fn replay(&mut self, liar: usize, peer: usize) {
        let index = self.dice.index(self.past.len());
        let Some((_, _, batch)) = self.past.get(index).cloned() else { return };
        if peer != liar {
            self.send(liar, peer, batch);
        }
    }

    fn replay_own(&mut self, liar: usize) {
        let own: Vec<_> = self.past.iter().filter(|(from, ..)| *from == liar).cloned().collect();
        if let Some((_, to, batch)) = self.dice.pick(&own).cloned() {
            self.send(liar, to, batch);
        }
    }

    /// What the liar does to what it sends.
    pub(crate) fn spoil(&mut self, from: usize, mut batch: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        if self.liar != Some(from) || !self.dice.chance(200) {
            return batch;
        }
        let index = self.dice.index(batch.len());
        let bit = 1 << self.dice.below(8);
        if let Some(bytes) = batch.get_mut(index) {
            let place = self.dice.index(bytes.len());
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= bit;
            }
        }
        batch
    }

    /// What the liar does to what it answers.
    pub(crate) fn twist(&mut self, node: usize, _asked_by: usize, mut answer: BatchAnswer) -> BatchAnswer {
        if self.liar != Some(node) || !self.dice.chance(300) {
            return answer;
        }
        match self.dice.below(7) {
            0 => answer.have.seq += 1 + self.dice.below(5),
            1 => answer.have = Position { epoch: 1, seq: answer.have.seq / 2 },
            2 => answer.head = Digest([7; 32]),
            3 => answer.receipts = vec![self.dice.bytes16().to_vec()],
            4 => answer.receipts.clear(),
            5 => answer.stopped = Some("lane.frozen".to_owned()),
            _six => self.contradict(node, &mut answer),
        }
        answer
    }

    /// Signs something else about the same message, instead of what it stored or beside it.
    fn contradict(&mut self, node: usize, answer: &mut BatchAnswer) {
        let (shift, beside) = (self.dice.chance(500), self.dice.chance(500));
        let Some(n) = self.nodes.get(node) else { return };
        let mut lies = Vec::new();
        for bytes in &answer.receipts {
            let Some(mut batch) = mithaq_exchange::ports::ReadReceipts::read(&n.hand, bytes) else {
                continue;
            };
            for statement in &mut batch.statements {
                if shift {
                    statement.envelope = Digest([9; 32]);
                } else {
                    statement.verdict = Verdict::Refused { code: "LIE".into(), ground: None };
                }
            }
            let Ok(signed) = mithaq_exchange::ports::SignReceipts::sign(&n.hand, &batch);
            lies.push(signed);
        }
        if beside {
            answer.receipts.extend(lies);
        } else {
            answer.receipts = lies;
        }
    }
}
