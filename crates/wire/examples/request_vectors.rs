//! Writes `docs/spec/vectors/requests.json`: `cargo run -p mithaq-wire --example request_vectors > FILE`.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a program for whoever changes the format")]

use core::fmt::Write as _;

use mithaq_model::{Lang, ObjectId, RefusalGround, Text, Timestamp};
use mithaq_wire::{RequestStep, Said, encode_request_step};

fn main() {
    let text = |words| Text::line(Lang::FR, words).expect("a line");
    let at = Timestamp::from_millis(1_780_300_800_000);
    let (which, until) = (text("Laquelle des deux traversées ?"), Timestamp::from_millis(1_780_900_000_000));
    let said = [
        ("accepted", Said::Accepted { direct: false }),
        ("clarify", Said::Clarify { text: which }),
        ("clarified", Said::Clarified { text: text("La seconde, à midi") }),
        ("delayed", Said::Delayed { until, text: text("Autorisation du juge attendue") }),
        ("refused", Said::Refused { ground: RefusalGround::EndangersPerson, part: true, text: None }),
        ("feedback", Said::Feedback { useful: 3, accuracy: 2, text: None }),
        ("overdue", Said::Overdue { level: 1 }),
    ];
    let mut rows = Vec::new();
    for (name, said) in said {
        let bytes = encode_request_step(&RequestStep { request: ObjectId::new([6; 16]), at, said });
        let hex = bytes.iter().fold(String::new(), |mut out, byte| {
            let _infallible = write!(out, "{byte:02x}");
            out
        });
        rows.push(format!("    {{ \"said\": \"{name}\", \"bytes\": \"{hex}\" }}"));
    }
    println!("{{\n  \"request\": \"{}\",\n  \"steps\": [\n{}\n  ]\n}}", "06".repeat(16), rows.join(",\n"));
}
