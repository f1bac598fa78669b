//! Reads a consolidated list of the Security Council and prints what was carried, what was not and why, and
//! how fast. Shows no content. `cargo run --release -p mithaq-interop --example un_list -- FILE`

use std::process::ExitCode;
use std::time::Duration;

use mithaq_interop::un_list::{self, Options};
use mithaq_model::{Attribute, PartyId, SpecialCategory, Timestamp};

/// Passes everything: this program stores nothing.
fn screen(_about: Attribute, _text: &str) -> Vec<SpecialCategory> {
    Vec::new()
}

fn main() -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "an example is a program: it may read its arguments and a file"
    )]
    let (mut arguments, file) = (std::env::args(), std::fs::read);
    let Some(Ok(xml)) = arguments.nth(1).map(file) else {
        eprintln!("usage: un_list FILE");
        return ExitCode::from(2);
    };
    let mut best = Duration::MAX;
    let mut read = Ok(un_list::Everything::default());
    for _round in 0..20 {
        let Ok(originator) = PartyId::new("example") else { return ExitCode::FAILURE };
        let options = Options::new(originator, Timestamp::default(), Timestamp::MAX, &screen);
        #[expect(clippy::disallowed_methods, reason = "the example measures how long reading takes")]
        let begin = std::time::Instant::now();
        let all = un_list::read_all(&xml, options);
        best = best.min(begin.elapsed());
        read = all;
    }
    match read {
        Ok(all) => {
            print!("{}", all.report);
            let claims: usize = all.records.iter().map(|record| record.subject.claims().len()).sum();
            let entries = all.records.len();
            let rate = f64::from(u32::try_from(entries).unwrap_or(u32::MAX)) / best.as_secs_f64();
            eprintln!("{entries} entries, {claims} claims, best of 20: {best:?}, {rate:.0} entries/s");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
