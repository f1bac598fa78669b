//! Every rule of the CBOR of `docs/spec/envelope.md` (Conventions) at every place of every kind of document: a reader
//! that is not ours finds the values, each is spelled in every other way, and the real decoder refuses all of them
//! (fault group 31).

use super::*;

/// One value within a document.
#[derive(Debug, Clone, Copy)]
struct Found {
    start: usize,
    /// Where its content begins.
    inner: usize,
    end: usize,
    major: u8,
    number: u64,
}

/// Walks one value of definite lengths, and everything in it.
fn walk(bytes: &[u8], start: usize, all: &mut Vec<Found>) -> usize {
    let (major, low) = (bytes[start] >> 5, bytes[start] & 31);
    let width = if low < 24 { 0 } else { 1 << (low - 24) };
    let inner = start + 1 + width;
    let wide = bytes[start + 1..inner].iter().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
    let number = if width == 0 { u64::from(low) } else { wide };
    let place = all.len();
    all.push(Found { start, inner, end: 0, major, number });
    let count = if major < 2 || major == 7 { 0 } else { usize::try_from(number).unwrap() };
    let end = match major {
        2 | 3 => inner + count,
        4 => (0..count).fold(inner, |at, _| walk(bytes, at, all)),
        5 => (0..2 * count).fold(inner, |at, _| walk(bytes, at, all)),
        _number_or_simple => inner,
    };
    all[place].end = end;
    end
}

fn values(bytes: &[u8]) -> Vec<Found> {
    let mut all = Vec::new();
    assert_eq!(walk(bytes, 0, &mut all), bytes.len());
    all
}

/// A head of so many bytes of number: 1, 2, 4 or 8.
fn long_head(major: u8, number: u64, width: u32) -> Vec<u8> {
    let mut head = vec![major << 5 | (24 + u8::try_from(width.ilog2()).unwrap())];
    head.extend_from_slice(&number.to_be_bytes()[8 - usize::try_from(width).unwrap()..]);
    head
}

/// The same value spelled otherwise, and values no document holds, each with the rule it breaks.
fn misspelled(bytes: &[u8], at: Found) -> Vec<(&'static str, Vec<u8>)> {
    let (content, whole) = (&bytes[at.inner..at.end], &bytes[at.start..at.end]);
    let mut all: Vec<(&'static str, Vec<u8>)> = Vec::new();
    let needs = u32::try_from(at.inner - at.start - 1).unwrap();
    let wider = [1, 2, 4, 8].into_iter().filter(|width| *width > needs && at.major < 7);
    all.extend(
        wider.map(|width| ("shortest", [&long_head(at.major, at.number, width)[..], content].concat())),
    );
    all.extend([28, 29, 30].map(|low| ("reserved", [&[at.major << 5 | low][..], content].concat())));
    if (2..6).contains(&at.major) {
        let open = [at.major << 5 | 31];
        let one = if at.major < 4 { whole } else { content };
        all.push(("indefinite", [&open[..], one, &[0xff]].concat()));
        for claimed in [u64::MAX, 1 << 62, 1 << 40, 0xffff_ffff] {
            all.push(("huge", [&long_head(at.major, claimed, 8)[..], content].concat()));
        }
        all.push(("huge", [&long_head(at.major, 0x7fff_ffff, 4)[..], content].concat()));
    } else {
        all.push(("indefinite", vec![at.major << 5 | 31]));
    }
    all.push(("tag", [&[0xc1][..], whole].concat()));
    all.push(("tag", [&[0xd9, 0xd9, 0xf7][..], whole].concat()));
    for float in [&[0xf9, 0x3c, 0][..], &[0xfa, 0x3f, 0x80, 0, 0], &[0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]] {
        all.push(("float", float.to_vec()));
    }
    for simple in [&[0xf7][..], &[0xe0], &[0xf8, 0x14], &[0xf8, 0xf6], &[0xf8, 0xff], &[0xff]] {
        all.push(("simple", simple.to_vec()));
    }
    if at.major == 3 && content.len() > 3 {
        let head = &bytes[at.start..at.inner];
        // Not UTF-8: a lone byte, an overlong slash, a surrogate, beyond Unicode.
        for bad in [&[0xff][..], &[0xc0, 0xaf], &[0xed, 0xa0, 0x80], &[0xf4, 0x90, 0x80, 0x80]] {
            all.push(("utf-8", [head, bad, &content[bad.len()..]].concat()));
        }
    }
    for (open, deep) in [(0x81, 100_000), (0xa1, 100_000), (0xc1, 100_000), (0x9f, 100_000)] {
        all.push(("depth", vec![open; deep]));
    }
    all
}

/// Every document with every value misspelled, one at a time.
fn refuses<T>(name: &str, good: &[u8], decode: impl Fn(&[u8]) -> Result<T, WireError>) -> usize {
    assert!(decode(good).is_ok(), "{name}");
    assert_eq!(decode(&[good, &[0xf6]].concat()).err(), Some(WireError::Trailing), "{name}");
    let mut tried = 0;
    for at in values(good) {
        for (rule, bad) in misspelled(good, at) {
            let document = [&good[..at.start], &bad[..], &good[at.end..]].concat();
            assert!(decode(&document).is_err(), "{name}: {rule} at {} of major type {}", at.start, at.major);
            tried += 1;
        }
    }
    tried
}

fn hex(page: &str, kept: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let lines = page.lines().filter(|line| line.contains("\"bytes\": \"") && kept(line));
    let digits = lines.map(|line| line.split("\"bytes\": \"").nth(1).unwrap().split('"').next().unwrap());
    digits
        .map(|hex| {
            let pairs = hex.as_bytes().chunks(2).map(|pair| core::str::from_utf8(pair).unwrap());
            pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
        })
        .collect()
}

/// A claim of 2^40 or 2^62 parts that took memory would end the test: there is not that much.
#[test]
fn every_other_spelling_of_every_value_is_refused() {
    let mut tried = 0;
    tried += refuses("envelope header", &encode_envelope_header(&header()), decode_envelope_header);
    tried += refuses("manifest", &encode_manifest(&manifest()), decode_manifest);
    let order = Order::Recall {
        object: ObjectId::new([1; 16]),
        versions: vec![ReportVersion::FIRST],
        reason: OrderReason::Originator,
        answer_by: Timestamp::from_millis(-4),
    };
    tried += refuses("order", &encode_order(&order), decode_order);
    let notice = Notice::Suspended { from: Timestamp::from_millis(1 << 40) };
    tried += refuses("notice", &encode_notice(&notice), decode_notice);
    let answer = BatchAnswer {
        receipts: vec![vec![1; 24]],
        have: Position { epoch: 1, seq: 300 },
        head: Digest([9; 32]),
        stopped: Some("lane.gap".to_owned()),
    };
    tried += refuses("answer", &encode_batch_answer(&answer), decode_batch_answer);
    tried += refuses("batch", &encode_batch(&[vec![1_u8; 30], vec![3]]), |bytes| {
        decode_batch(bytes).map(|parts| parts.len())
    });
    let requests = include_str!("../../../../docs/spec/vectors/requests.json");
    for step in hex(requests, |_| true) {
        tried += refuses("step of a request", &step, decode_request_step);
    }
    let onward = include_str!("../../../../docs/spec/vectors/onward.json");
    for bytes in hex(onward, |line| line.contains("\"token\"")) {
        tried += refuses("token", &bytes, decode_onward_token);
    }
    for bytes in hex(onward, |line| line.contains("\"hop")) {
        tried += refuses("hop", &bytes, decode_hop);
    }
    for bytes in hex(onward, |line| !line.contains("\"hop") && !line.contains("\"token\"")) {
        tried += refuses("onward step", &bytes, decode_onward_step);
    }
    assert!(tried > 5_000, "{tried}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn every_other_spelling_of_every_value_of_a_report_is_refused(report in any_report(), subject in any_subject()) {
        refuses("report", &encode_report(&report), decode_report);
        refuses("subject", &encode_subject(&subject), decode_subject);
    }
}
