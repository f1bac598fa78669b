//! Attachments in volumes: the list and the encrypted chunks of what a partner accepted, after all batches, byte for byte
//! as they go over the line. Who did not accept the report gets no byte, so a file travels once the answer that accepts
//! its report was imported. Every answer says how far each wanted file is, durable; the next journey goes on there.

use std::collections::BTreeSet;

use mithaq_model::{AgreementId, PartyId};
use mithaq_store::{attachments, settings};
use mithaq_wire::{
    CourierHave, CourierPart, CourierPiece, Digest, Lane, Position, chunks_of, decode_courier_have,
    decode_courier_piece, encode_courier_have, encode_courier_piece,
};

use super::{Journey, Loaded, PARTS_MAX};
use crate::App;
use crate::attachments::AHEAD_MAX;
use crate::error::{AppError, ErrorKind, words};

/// Files looked at in one query.
const PAGE: u32 = 256;

/// Of which attachment a piece was, how many chunks of it are here from the beginning, and why it was not taken.
type Piece = (Digest, u64, Option<&'static str>);

impl App {
    /// Adds pieces of attachments to what was loaded, up to the size, and returns whether there are more. Moves the
    /// journey on.
    pub(super) fn load_files(
        &self,
        to: &PartyId,
        (size, mut total): (usize, usize),
        journey: &mut Journey,
        loaded: &mut Vec<Loaded>,
    ) -> Result<bool, AppError> {
        loop {
            let (party, from) = (to.clone(), journey.file.map_or(Digest([0; 32]), |(root, _)| root));
            let page = self
                .read(move |app, tx| Ok(attachments::unconfirmed(tx, (&app.party, &party), from, PAGE)?))?;
            for file in &page {
                let mut next = match journey.file {
                    Some((root, next)) if root == file.root => next,
                    Some(_) | None => self.carried(to, file.root)?,
                };
                while next.is_none_or(|next| next < chunks_of(file.length)) {
                    let Some(bytes) = self.piece_for(to, (file.agreement, file.root), next)? else { break };
                    let full = total.saturating_add(bytes.len()) > size || loaded.len() >= PARTS_MAX;
                    if full && !loaded.is_empty() {
                        return Ok(true);
                    }
                    total = total.saturating_add(bytes.len());
                    next = Some(next.map_or(0, |next| next.saturating_add(1)));
                    journey.file = Some((file.root, next));
                    loaded.push(part_of(file.agreement, bytes));
                }
            }
            match page.last() {
                // The next page begins with the last root of this one, of which nothing is left then.
                Some(last) if page.len() >= PAGE as usize && last.root > from => {
                    journey.file = Some((last.root, Some(u64::MAX)));
                }
                Some(_) | None => return Ok(false),
            }
        }
    }

    /// The list (`None`) or a chunk as a part; nothing for what the partner may not have any more.
    fn piece_for(
        &self,
        to: &PartyId,
        named: (AgreementId, Digest),
        index: Option<u64>,
    ) -> Result<Option<Vec<u8>>, AppError> {
        let bytes = match index {
            None => self.chunk_list_for(to, named.0, named.1),
            Some(index) => self.chunk_for(to, named, index),
        };
        match bytes {
            Ok(bytes) => {
                Ok(Some(encode_courier_piece(&CourierPiece { root: named.1, index, bytes: &bytes })))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where to go on with a file, by the partner's last answer; `None`: with its list.
    fn carried(&self, to: &PartyId, root: Digest) -> Result<Option<u64>, AppError> {
        let name = carried_name(to, root);
        let stored = self.read(move |_app, tx| Ok(settings::get(tx, &name)?))?;
        Ok(stored.and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?))))
    }

    /// Takes a piece of a wanted attachment from a volume; a piece of one that is here already changes nothing.
    pub(super) fn take_piece(
        &self,
        from: &PartyId,
        agreement: AgreementId,
        bytes: &[u8],
    ) -> Result<Piece, AppError> {
        let piece = decode_courier_piece(bytes)
            .map_err(|why| AppError::new(ErrorKind::Invalid, "courier.piece", words::INVALID).because(why))?;
        let named = (agreement, piece.root);
        let taken = match piece.index {
            None => self.take_chunk_list(from, named, piece.bytes).map(|()| (0, false)),
            Some(index) => self
                .take_chunk(from, named, index, piece.bytes)
                .map(|pulled| (pulled.next, index >= pulled.next.saturating_add(AHEAD_MAX))),
        };
        match taken {
            Ok((have, gap)) => Ok((piece.root, have, gap.then_some("attachment.gap"))),
            Err(error) if error.kind() == ErrorKind::NotFound && self.has_whole(from, named)? => {
                Ok((piece.root, piece.index.map_or(0, |index| index.saturating_add(1)), None))
            }
            Err(error) => Err(error),
        }
    }

    /// Makes durable what a volume brought of attachments, and says for each that was touched and each that is wanted how
    /// far it is. Nothing is said that a crash could take back.
    pub(super) fn haves(
        &self,
        from: &PartyId,
        touched: &BTreeSet<(AgreementId, Digest)>,
    ) -> Result<Vec<(AgreementId, CourierHave)>, AppError> {
        for (_, root) in touched {
            self.flush_pull(*root)?;
        }
        let mut all = Vec::new();
        for (agreement, root) in touched {
            if self.has_whole(from, (*agreement, *root))? {
                all.push((*agreement, CourierHave { root: *root, have: Some(u64::MAX) }));
            }
        }
        for want in self.wants_from(from)? {
            all.push((want.agreement, CourierHave { root: want.root, have: want.have }));
        }
        Ok(all)
    }

    /// Takes how far a partner has an attachment: where the next journey goes on. It can only harm itself by what it says.
    pub(super) fn take_have(
        &self,
        from: &PartyId,
        agreement: AgreementId,
        bytes: &[u8],
    ) -> Result<Position, AppError> {
        let told = decode_courier_have(bytes)
            .map_err(|why| AppError::new(ErrorKind::Invalid, "courier.piece", words::INVALID).because(why))?;
        let length = self.may_have(from, agreement, told.root)?;
        let have = told.have.map(|have| have.min(chunks_of(length)));
        let name = carried_name(from, told.root);
        let value = have.map(u64::to_be_bytes);
        self.write(move |_app, tx| {
            Ok(settings::set(tx, &name, value.as_ref().map_or(&[][..], |bytes| bytes.as_slice()))?)
        })?;
        Ok(place(have))
    }
}

/// A part of class bulk.
pub(super) fn part_of(agreement: AgreementId, bytes: Vec<u8>) -> Loaded {
    let digest = mithaq_envelope::courier_digest(&bytes);
    (CourierPart { agreement, lane: Lane::Bulk, digest }, bytes)
}

/// A part that says how far an attachment is.
pub(super) fn have_part((agreement, have): (AgreementId, CourierHave)) -> Loaded {
    part_of(agreement, encode_courier_have(&have))
}

/// Chunks from the beginning, as a place.
pub(super) fn place(have: Option<u64>) -> Position {
    Position { epoch: 1, seq: have.unwrap_or(0) }
}

/// Under which name is kept how far a partner has an attachment.
pub(crate) fn carried_name(party: &PartyId, root: Digest) -> String {
    format!("courier.have.{party}.{root:?}")
}
