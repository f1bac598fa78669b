//! The documents between nodes: CBOR with one spelling.

use super::{Outcome, Target, refused, same_bytes, vectors};
use mithaq_model::{
    AgreementId, Ask, Connection, CopyState, Lang, ObjectId, PartyId, Purpose, RefusalGround, Report,
    ReportId, ReportKind, ReportVersion, Role, SubjectId, Text, Tie, Timestamp,
};
use mithaq_wire::{
    Ack, BatchAnswer, ChunkList, CourierHave, CourierHead, CourierKind, CourierPart, CourierPiece, Digest,
    Heads, Hop, Lane, LaterReceipt, LaterReceipts, Notice, OnwardStep, OnwardToken, Order, OrderReason,
    Position, RequestStep, Said, Want, WireError, decode_batch, decode_batch_answer, decode_chunk_list,
    decode_courier, decode_courier_have, decode_courier_head, decode_courier_piece, decode_envelope_header,
    decode_heads, decode_hop, decode_later_receipts, decode_notice, decode_onward_step, decode_onward_token,
    decode_order, decode_report, decode_request_step, decode_seal_header, decode_wants, encode_batch,
    encode_batch_answer, encode_chunk_list, encode_courier, encode_courier_have, encode_courier_head,
    encode_courier_piece, encode_envelope_header, encode_heads, encode_hop, encode_later_receipts,
    encode_notice, encode_onward_step, encode_onward_token, encode_order, encode_report, encode_request_step,
    encode_seal_header, encode_wants,
};

const WORDS: &[&[u8]] = &[
    b"\x82\x01",
    b"\xf6",
    b"\xf4",
    b"\xf5",
    b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x5b\x00\x00\x00\x01\x00\x00\x00\x00",
    b"\x9f",
    b"\xff",
    b"\x18\x17",
    b"\xc0",
    b"\xf9\x00\x00",
    b"\x62H0",
    b"\x62H3",
    b"\x664x4:B2",
    b"\x69TLP:AMBER",
];

pub(super) fn targets() -> Vec<Target> {
    let target =
        |name, about, seeds: Vec<Vec<u8>>, run| Target { name, about, seeds, dictionary: WORDS, run };
    let shown = |field: &str| vectors::bytes(&["example", field]).into_iter().collect::<Vec<_>>();
    let batch = encode_batch(&[shown("envelope").concat(), vec![1, 2, 3]]);
    vec![
        target("wire-report", "decode_report", shown("report"), |bytes| {
            once(bytes, decode_report, encode_report)
        }),
        target("wire-envelope-header", "decode_envelope_header", shown("envelope_header"), |bytes| {
            once(bytes, decode_envelope_header, encode_envelope_header)
        }),
        target("wire-seal-header", "decode_seal_header", shown("seal_header"), |bytes| {
            once(bytes, decode_seal_header, encode_seal_header)
        }),
        target("wire-batch", "decode_batch", vec![batch], |bytes| match decode_batch(bytes) {
            Ok(envelopes) => same_bytes(bytes, &encode_batch(&envelopes)),
            Err(error) => refused(error),
        }),
        target("wire-batch-answer", "decode_batch_answer", answers(), |bytes| {
            once(bytes, decode_batch_answer, encode_batch_answer)
        }),
        target("wire-chunk-list", "decode_chunk_list", chunk_lists(), |bytes| {
            once(bytes, decode_chunk_list, encode_chunk_list)
        }),
        target("wire-wants", "decode_wants", wants(), |bytes| match decode_wants(bytes) {
            Ok(wants) => same_bytes(bytes, &encode_wants(&wants)),
            Err(error) => refused(error),
        }),
        target("wire-heads", "decode_heads", heads(), |bytes| once(bytes, decode_heads, encode_heads)),
        target("wire-courier-head", "decode_courier_head", courier_heads(), |bytes| {
            once(bytes, decode_courier_head, encode_courier_head)
        }),
        target("wire-courier", "decode_courier", courier(), |bytes| match decode_courier(bytes) {
            Ok((parts, signed)) => same_bytes(bytes, &encode_courier(&parts, signed)),
            Err(error) => refused(error),
        }),
        target("wire-courier-piece", "decode_courier_piece", courier_pieces(), |bytes| {
            match decode_courier_piece(bytes) {
                Ok(piece) => same_bytes(bytes, &encode_courier_piece(&piece)),
                Err(error) => refused(error),
            }
        }),
        target("wire-courier-have", "decode_courier_have", courier_haves(), |bytes| {
            once(bytes, decode_courier_have, encode_courier_have)
        }),
        target("wire-order", "decode_order", orders(), |bytes| once(bytes, decode_order, encode_order)),
        target("wire-notice", "decode_notice", notices(), |bytes| once(bytes, decode_notice, encode_notice)),
        target("wire-request", "decode_report of what asks and answers", requests(), |bytes| {
            once(bytes, decode_report, encode_report)
        }),
        target("wire-request-step", "decode_request_step", steps(), |bytes| {
            once(bytes, decode_request_step, encode_request_step)
        }),
        target("wire-onward-token", "decode_onward_token", onward_tokens(), |bytes| {
            once(bytes, decode_onward_token, encode_onward_token)
        }),
        target("wire-onward-step", "decode_onward_step", onward_steps(), |bytes| {
            once(bytes, decode_onward_step, encode_onward_step)
        }),
        target("wire-hop", "decode_hop", hops(), |bytes| once(bytes, decode_hop, encode_hop)),
        target("wire-later-receipts", "decode_later_receipts", later(), |bytes| {
            once(bytes, decode_later_receipts, encode_later_receipts)
        }),
    ]
}

fn once<T>(
    bytes: &[u8],
    decode: impl FnOnce(&[u8]) -> Result<T, WireError>,
    encode: impl FnOnce(&T) -> Vec<u8>,
) -> Outcome {
    match decode(bytes) {
        Ok(value) => same_bytes(bytes, &encode(&value)),
        Err(error) => refused(error),
    }
}

fn courier_heads() -> Vec<Vec<u8>> {
    let part = |lane| CourierPart { agreement: AgreementId::new([7; 32]), lane, digest: Digest([5; 32]) };
    let head = |kind, checkpoint: Option<&[u8]>| {
        Some(CourierHead {
            kind,
            from: PartyId::new("ma-security").ok()?,
            to: PartyId::new("es-police").ok()?,
            journey: [9; 16],
            volume: 2,
            last: true,
            manifest: Digest([3; 32]),
            made: Timestamp::from_millis(1_000),
            checkpoint: checkpoint.map(<[u8]>::to_vec),
            parts: vec![part(Lane::Control), part(Lane::Report)],
        })
    };
    let heads = [head(CourierKind::Batches, Some(b"note")), head(CourierKind::Answers, None)];
    heads.iter().flatten().map(encode_courier_head).collect()
}

fn courier_pieces() -> Vec<Vec<u8>> {
    let root = Digest([4; 32]);
    let piece = |index, bytes| encode_courier_piece(&CourierPiece { root, index, bytes });
    vec![piece(None, b"list".as_slice()), piece(Some(3), b"chunk")]
}

fn courier_haves() -> Vec<Vec<u8>> {
    let have = |have| encode_courier_have(&CourierHave { root: Digest([4; 32]), have });
    vec![have(None), have(Some(300))]
}

fn courier() -> Vec<Vec<u8>> {
    vec![encode_courier(&[b"\x82\x01".as_slice(), b"two"], b"signed"), encode_courier::<&[u8]>(&[], b"")]
}

const AT: Position = Position { epoch: 1, seq: 300 };

fn answers() -> Vec<Vec<u8>> {
    let answer = |stopped: Option<&str>| BatchAnswer {
        receipts: vec![vec![1; 40], vec![2; 3]],
        have: AT,
        head: Digest([4; 32]),
        stopped: stopped.map(str::to_owned),
    };
    [None, Some("lane.gap")].map(|stopped| encode_batch_answer(&answer(stopped))).to_vec()
}

fn heads() -> Vec<Vec<u8>> {
    let ack = |lane| Ack { lane, at: AT, head: Digest([4; 32]) };
    let sent = vec![ack(Lane::Control), ack(Lane::Report)];
    vec![encode_heads(&Heads { agreement: AgreementId::new([5; 32]), sent, taken: vec![ack(Lane::Bulk)] })]
}

fn orders() -> Vec<Vec<u8>> {
    let (object, at) = (ObjectId::new([6; 16]), Timestamp::from_millis(1_780_300_800_000));
    let versions = vec![ReportVersion::FIRST];
    let all = [
        Order::Recall { object, versions, reason: OrderReason::Inaccurate, answer_by: at },
        Order::Delete { object, reason: OrderReason::Court, answer_by: at },
        Order::Expiry { object, expires: at },
    ];
    all.iter().map(encode_order).collect()
}

fn notices() -> Vec<Vec<u8>> {
    let from = Timestamp::from_millis(-1);
    [Notice::Suspended { from }, Notice::Terminated { from }].iter().map(encode_notice).collect()
}

/// The report of the vectors, asking and answering.
fn requests() -> Vec<Vec<u8>> {
    let shown = vectors::bytes(&["example", "report"]);
    let Some(plain) = shown.and_then(|bytes| decode_report(&bytes).ok()) else { return Vec::new() };
    let words = plain.title.clone();
    let ask = Ask {
        sought: vec![words.clone()],
        why_there: words.clone(),
        basis: words.clone(),
        lawful_at_home: true,
        authorisation: Some(words.clone()),
        urgency_reason: None,
        penalty_years: Some(10),
        connections: vec![Connection { subject: SubjectId::new([3; 16]), text: words }],
        previous: vec![ReportId::new([4; 16])],
    };
    let answers = Tie::Answers { request: ReportId::new([5; 16]), part: true };
    let asking = Report { kind: ReportKind::Request, tie: Some(Tie::Asks(Box::new(ask))), ..plain.clone() };
    vec![encode_report(&asking), encode_report(&Report { tie: Some(answers), ..plain })]
}

fn steps() -> Vec<Vec<u8>> {
    let at = Timestamp::from_millis(1_780_300_800_000);
    let text = Text::line(Lang::FR, "Laquelle ?").ok();
    let ground = RefusalGround::EndangersPerson;
    let said = [
        Some(Said::Accepted { direct: false }),
        text.clone().map(|text| Said::Clarify { text }),
        text.clone().map(|text| Said::Delayed { until: at, text }),
        Some(Said::Refused { ground, part: true, text }),
        Some(Said::Feedback { useful: 3, accuracy: 1, text: None }),
        Some(Said::Overdue { level: 2 }),
    ];
    let step = |said| encode_request_step(&RequestStep { request: ObjectId::new([6; 16]), at, said });
    said.into_iter().flatten().map(step).collect()
}

fn onward_tokens() -> Vec<Vec<u8>> {
    let at = Timestamp::from_millis(1_780_300_800_000);
    let party = |name| PartyId::new(name).ok();
    let parties = (party("ma-security"), party("es-police"), party("ci-judiciary"));
    let (Some(originator), Some(by), Some(to)) = parties else { return Vec::new() };
    vec![encode_onward_token(&OnwardToken {
        consent: ObjectId::new([8; 16]),
        originator,
        object: ObjectId::new([6; 16]),
        version: ReportVersion::FIRST,
        content: Digest([5; 32]),
        by,
        to,
        to_root: [4; 32],
        purpose: Purpose::Investigate,
        use_by: at,
        keep_until: at,
        signed_at: at,
    })]
}

fn onward_steps() -> Vec<Vec<u8>> {
    let (consent, object, version) = (ObjectId::new([8; 16]), ObjectId::new([6; 16]), ReportVersion::FIRST);
    let at = Timestamp::from_millis(1_780_300_800_000);
    let (Ok(to), Ok(reason)) = (PartyId::new("ci-judiciary"), Text::line(Lang::FR, "Pour une affaire"))
    else {
        return Vec::new();
    };
    let purpose = Purpose::Investigate;
    let all = [
        OnwardStep::Asked { consent, object, version, to: to.clone(), purpose, until: at, reason },
        OnwardStep::Granted { consent, token: vec![1; 40] },
        OnwardStep::Denied { consent, lapsed: true },
        OnwardStep::Revoked { consent, object, version, to: to.clone(), answer_by: at },
        OnwardStep::Tried {
            object,
            version,
            by: to.clone(),
            to: to.clone(),
            code: "onward.missing".to_owned(),
        },
        OnwardStep::Copy {
            consent,
            object,
            version,
            holder: to,
            state: CopyState::Erased,
            at,
            proof: Some(vec![2; 9]),
        },
        OnwardStep::Carried { sealed: vec![3; 20] },
        OnwardStep::Superseded { object, version },
    ];
    all.iter().map(encode_onward_step).collect()
}

fn hops() -> Vec<Vec<u8>> {
    let hop = |token| Hop { token, sealed: vec![7; 30] };
    [hop(None), hop(Some(vec![1; 12]))].iter().map(encode_hop).collect()
}

fn chunk_lists() -> Vec<Vec<u8>> {
    let list = |length, count| ChunkList::new(length, vec![Digest([8; 32]); count]).ok();
    let lists = [list(0, 1), list(1 << 20, 1), list((3 << 20) + 1, 4)];
    lists.iter().flatten().map(encode_chunk_list).collect()
}

fn wants() -> Vec<Vec<u8>> {
    let want = |have| Want { agreement: AgreementId::new([5; 32]), root: Digest([6; 32]), have };
    vec![encode_wants(&[]), encode_wants(&[want(None), want(Some(0)), want(Some(70_000))])]
}

fn later() -> Vec<Vec<u8>> {
    let (object, at) = (ObjectId::new([6; 16]), Timestamp::from_millis(1_780_300_800_000));
    let version = ReportVersion::FIRST;
    let wiped = vec!["content".to_owned(), "index".to_owned()];
    vec![encode_later_receipts(&LaterReceipts(vec![
        LaterReceipt::Decided { object, version, verdict: mithaq_wire::Verdict::Accepted, at },
        LaterReceipt::Read { object, version, role: Role::Analyst, reader: [7; 16], at },
        LaterReceipt::Complete { object, version, root: Digest([8; 32]), at },
        LaterReceipt::Erased { object, versions: vec![version], wiped, leaf: Some(70_000), at },
    ]))]
}
