//! Writes `docs/spec/vectors/onward.json`: `cargo run -p mithaq-wire --example onward_vectors > FILE`.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a program for whoever changes the format")]

use core::fmt::Write as _;

use mithaq_model::{CopyState, Lang, ObjectId, PartyId, Purpose, ReportVersion, Text, Timestamp};
use mithaq_wire::{
    Digest, Hop, OnwardStep, OnwardToken, encode_hop, encode_onward_step, encode_onward_token,
};

fn main() {
    let party = |name| PartyId::new(name).expect("a party");
    let at = Timestamp::from_millis(1_780_300_800_000);
    let (consent, object, version) = (ObjectId::new([8; 16]), ObjectId::new([6; 16]), ReportVersion::FIRST);
    let (to, purpose) = (party("ci-judiciary"), Purpose::Investigate);
    let token = OnwardToken {
        consent,
        originator: party("ma-security"),
        object,
        version,
        content: Digest([5; 32]),
        by: party("es-police"),
        to: to.clone(),
        to_root: [4; 32],
        purpose,
        use_by: at,
        keep_until: at,
        signed_at: at,
    };
    let reason = Text::line(Lang::FR, "Pour une affaire").expect("a line");
    let steps = [
        ("asked", OnwardStep::Asked { consent, object, version, to: to.clone(), purpose, until: at, reason }),
        ("granted", OnwardStep::Granted { consent, token: vec![1, 2, 3] }),
        ("denied", OnwardStep::Denied { consent, lapsed: false }),
        ("revoked", OnwardStep::Revoked { consent, object, version, to: to.clone(), answer_by: at }),
        (
            "tried",
            OnwardStep::Tried {
                object,
                version,
                by: party("es-police"),
                to: to.clone(),
                code: "onward.missing".to_owned(),
            },
        ),
        (
            "copy",
            OnwardStep::Copy {
                consent,
                object,
                version,
                holder: to,
                state: CopyState::Erased,
                at,
                proof: Some(vec![9; 4]),
            },
        ),
        ("carried", OnwardStep::Carried { sealed: vec![7; 4] }),
        ("superseded", OnwardStep::Superseded { object, version }),
    ];
    let mut rows = vec![
        row("token", &encode_onward_token(&token)),
        row("hop", &encode_hop(&Hop { token: Some(vec![1, 2, 3]), sealed: vec![7; 4] })),
        row("hop without token", &encode_hop(&Hop { token: None, sealed: vec![7; 4] })),
    ];
    rows.extend(steps.iter().map(|(name, step)| row(name, &encode_onward_step(step))));
    println!("{{\n  \"documents\": [\n{}\n  ]\n}}", rows.join(",\n"));
}

fn row(name: &str, bytes: &[u8]) -> String {
    let hex = bytes.iter().fold(String::new(), |mut out, byte| {
        let _infallible = write!(out, "{byte:02x}");
        out
    });
    format!("    {{ \"name\": \"{name}\", \"bytes\": \"{hex}\" }}")
}
