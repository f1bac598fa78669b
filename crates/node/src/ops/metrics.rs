//! The numbers in the text format of Prometheus (version 0.0.4). Labels are codes, parties and agreement numbers:
//! nothing a person wrote and nobody's name.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use mithaq_app::Figures;
use mithaq_db::{COMMIT_BOUNDS_MICROS, DbStats};
use mithaq_exchange::Halt;
use mithaq_model::PartyId;
use mithaq_store::attachments::LinkState;
use mithaq_store::lanes::LaneView;
use mithaq_wire::Lane;

use super::checks::Check;
use super::process::Process;
use super::{Side, Watch};

/// A page under construction.
#[derive(Default)]
struct Page(String);

impl Page {
    /// Begins a metric: what it says, and its kind.
    fn about(&mut self, name: &str, kind: &str, help: &str) {
        let _infallible = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn row(&mut self, name: &str, labels: &[(&str, &str)], value: impl core::fmt::Display) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let open = if at == 0 { '{' } else { ',' };
            let _infallible = write!(self.0, "{open}{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _infallible = writeln!(self.0, " {value}");
    }

    /// A metric of one value.
    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl core::fmt::Display) {
        self.about(name, kind, help);
        self.row(name, &[], value);
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Writes the page. Without figures the store does not answer: its numbers are left out, so that no alarm sees
/// old ones.
pub(super) fn render(watch: &Watch, party: &PartyId, figures: Option<&Figures>, checks: &[Check]) -> String {
    let mut page = Page::default();
    page.about("mithaq_build_info", "gauge", "Version of the program and party it acts for.");
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("party", party.as_str())];
    page.row("mithaq_build_info", &labels, 1);
    page.one("mithaq_uptime_seconds", "gauge", "Since the start.", watch.started.elapsed().as_secs());
    page.about("mithaq_ready", "gauge", "1 when a check of /readyz holds.");
    for check in checks {
        page.row("mithaq_ready", &[("check", check.name)], u8::from(check.ok));
    }
    requests(&mut page, watch);
    machine(&mut page, watch);
    if let Some(figures) = figures {
        lanes(&mut page, &figures.lanes);
        ledger(&mut page, figures);
        entries(&mut page, &figures.entries);
        attachments(&mut page, &figures.attachments);
        database(&mut page, &figures.database);
    }
    page.0
}

fn requests(page: &mut Page, watch: &Watch) {
    page.about("mithaq_requests_total", "counter", "Requests answered, by listener and status.");
    for ((side, status), count) in &*watch.requests.lock().unwrap_or_else(PoisonError::into_inner) {
        page.row("mithaq_requests_total", &[("side", side.label()), ("status", &status.to_string())], count);
    }
    page.about("mithaq_requests_refused_total", "counter", "Requests refused before any handler, by code.");
    for ((side, code), count) in &*watch.refused.lock().unwrap_or_else(PoisonError::into_inner) {
        page.row("mithaq_requests_refused_total", &[("side", side.label()), ("code", code)], count);
    }
    page.about("mithaq_requests_under_way", "gauge", "Requests being answered now.");
    for side in [Side::Clients, Side::Peers] {
        let now = watch.counter(side).load(Ordering::SeqCst);
        page.row("mithaq_requests_under_way", &[("side", side.label())], now);
    }
}

fn machine(page: &mut Page, watch: &Watch) {
    let process = Process::read();
    let given = [
        ("process_resident_memory_bytes", "Memory in use.", process.resident),
        ("mithaq_memory_peak_bytes", "Most memory in use since the start.", process.resident_peak),
        ("mithaq_threads", "Threads.", process.threads),
        ("process_open_fds", "Open files.", process.files),
        ("mithaq_disk_free_bytes", "Room on the volume.", watch.disk.free()),
    ];
    for (name, help, value) in given {
        if let Some(value) = value {
            page.one(name, "gauge", help, value);
        }
    }
    page.one("mithaq_disk_reserve_bytes", "gauge", "Below this no content is taken.", watch.disk.reserve());
    let ballast = "Kept for the day when the volume is full; 0 when it was let go.";
    page.one("mithaq_disk_ballast_bytes", "gauge", ballast, watch.disk.ballast());
}

fn attachments(page: &mut Page, found: &[(LinkState, u64, u64)]) {
    let of = |state| {
        found.iter().find(|(one, ..)| *one == state).map_or((0, 0), |(_, count, bytes)| (*count, *bytes))
    };
    page.about("mithaq_attachments", "gauge", "Attachments that reports name, by what became of them.");
    for state in LinkState::ALL {
        page.row("mithaq_attachments", &[("state", state.code())], of(state).0);
    }
    page.about("mithaq_attachment_bytes", "gauge", "Their bytes.");
    for state in LinkState::ALL {
        page.row("mithaq_attachment_bytes", &[("state", state.code())], of(state).1);
    }
}

const fn class(lane: Lane) -> &'static str {
    match lane {
        Lane::Control => "control",
        Lane::Report => "report",
        Lane::Bulk => "bulk",
    }
}

fn lanes(page: &mut Page, lanes: &[LaneView]) {
    type Value = fn(&LaneView) -> Option<u64>;
    let metrics: [(&str, &str, Value); 5] = [
        ("mithaq_lane_backlog", "Messages without their receipt.", |lane| {
            lane.sent.as_ref().map(|_| lane.backlog)
        }),
        ("mithaq_lane_attempts", "Attempts since the last progress.", |lane| {
            Some(u64::from(lane.sent.as_ref()?.attempts))
        }),
        ("mithaq_lane_halted", "1 when people must look at the lane.", |lane| {
            Some(u64::from(lane.sent.as_ref()?.halt != Halt::Open))
        }),
        ("mithaq_lane_frozen", "1 when the partner sent two envelopes for one place.", |lane| {
            Some(u64::from(lane.taken.as_ref()?.frozen))
        }),
        ("mithaq_lane_ahead", "Envelopes that came too early.", |lane| {
            Some(u64::from(lane.taken.as_ref()?.ahead))
        }),
    ];
    for (name, help, value) in metrics {
        page.about(name, "gauge", help);
        for lane in lanes {
            let Some(value) = value(lane) else { continue };
            let agreement: String = lane.id.agreement.to_string().chars().take(15).collect();
            let labels = [
                ("from", lane.id.from.as_str()),
                ("to", lane.id.to.as_str()),
                ("agreement", agreement.as_str()),
                ("class", class(lane.id.lane)),
            ];
            page.row(name, &labels, value);
        }
    }
}

fn ledger(page: &mut Page, figures: &Figures) {
    page.one("mithaq_ledger_entries", "gauge", "Entries of the log.", figures.log_size);
    let unsigned = figures.log_size.saturating_sub(figures.log_signed);
    page.one(
        "mithaq_ledger_unsigned_entries",
        "gauge",
        "Entries not under a signed checkpoint yet.",
        unsigned,
    );
    page.one("mithaq_alarms_open", "gauge", "Alarms nobody has seen, at most 1,000.", figures.alarms);
    page.one(
        "mithaq_erasures_not_proven",
        "gauge",
        "Copies whose holder was to prove by now that it erased, and did not.",
        figures.not_proven,
    );
    page.one(
        "mithaq_corrections_not_confirmed",
        "gauge",
        "Corrections and earlier last days whose recipient or further holder was to accept them by now, and did not.",
        figures.not_confirmed,
    );
    page.one(
        "mithaq_erasure_receipts_waiting",
        "gauge",
        "Receipts of erasure that wait until no file holds what was erased.",
        figures.unwiped,
    );
}

/// Entries by kind and verdict, and the two sums people ask for: receipts that came, and what was refused here.
fn entries(page: &mut Page, entries: &BTreeMap<(String, String), u64>) {
    page.about("mithaq_entries_total", "counter", "Entries written since the start, by kind and verdict.");
    for ((kind, verdict), count) in entries {
        page.row("mithaq_entries_total", &[("kind", kind), ("verdict", verdict)], count);
    }
    page.about("mithaq_receipts_total", "counter", "Receipts of partners since the start, by verdict.");
    for ((kind, verdict), count) in entries {
        if matches!(kind.as_str(), "message.decided" | "message.late_receipt") {
            page.row("mithaq_receipts_total", &[("kind", kind), ("verdict", verdict)], count);
        }
    }
    page.about(
        "mithaq_refusals_total",
        "counter",
        "What this node refused since the start, by kind and code.",
    );
    for ((kind, verdict), count) in entries {
        if is_refusal(kind, verdict) {
            page.row("mithaq_refusals_total", &[("kind", kind), ("code", verdict)], count);
        }
    }
}

/// Decisions of this node that were not a yes. What partners decided is theirs.
fn is_refusal(kind: &str, verdict: &str) -> bool {
    let decides = matches!(kind, "report.decided" | "report.read" | "message.taken" | "case.entered");
    (decides || kind.starts_with("refused.")) && !matches!(verdict, "" | "permit" | "accepted")
}

fn database(page: &mut Page, stats: &DbStats) {
    page.one("mithaq_write_queue_waiting", "gauge", "Writes that wait for the database.", stats.waiting);
    page.one(
        "mithaq_write_queue_capacity",
        "gauge",
        "Writes that may wait before callers are refused.",
        stats.capacity,
    );
    page.one(
        "mithaq_commit_failures_total",
        "counter",
        "Transactions that did not become durable.",
        stats.failures,
    );
    page.one("mithaq_committed_jobs_total", "counter", "Jobs in durable transactions.", stats.jobs);
    let name = "mithaq_commit_seconds";
    page.about(name, "histogram", "From the begin of a transaction until it is durable.");
    let mut sum = 0_u64;
    for (bound, count) in COMMIT_BOUNDS_MICROS.iter().zip(&stats.commit_times) {
        sum = sum.saturating_add(*count);
        page.row("mithaq_commit_seconds_bucket", &[("le", &seconds(*bound))], sum);
    }
    page.row("mithaq_commit_seconds_bucket", &[("le", "+Inf")], stats.commits);
    page.row("mithaq_commit_seconds_sum", &[], seconds(stats.commit_micros));
    page.row("mithaq_commit_seconds_count", &[], stats.commits);
}

/// Microseconds as seconds, exactly.
fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::ops::Disk;
    use std::time::Duration;

    #[test]
    fn seconds_are_exact() {
        for (micros, text) in
            [(0, "0"), (250, "0.00025"), (1_000_000, "1"), (5_250_000, "5.25"), (10_000_000, "10")]
        {
            assert_eq!(seconds(micros), text);
        }
    }

    #[test]
    fn a_label_cannot_leave_its_quotes() {
        let mut page = Page::default();
        page.row("a", &[("b", "x\"} 1\nevil{\\"), ("c", "d")], 7);
        assert_eq!(page.0, "a{b=\"x\\\"} 1\\nevil{\\\\\",c=\"d\"} 7\n");
    }

    #[test]
    fn every_metric_is_introduced_once_and_every_line_can_be_read() {
        let watch = Watch::new(
            Arc::new(Disk::told(1, (Path::new("/nowhere"), 0), || Some(5))),
            Duration::from_secs(1),
        );
        watch.answered(Side::Peers, axum::http::StatusCode::OK);
        watch.refused(Side::Clients, "node.busy");
        let commit_times = vec![1; COMMIT_BOUNDS_MICROS.len() + 1];
        let figures = Figures {
            lanes: Vec::new(),
            log_size: 9,
            log_signed: 7,
            alarms: 1,
            entries: [
                (("report.decided".to_owned(), "AGR".to_owned()), 2),
                (("message.decided".to_owned(), "accepted".to_owned()), 3),
            ]
            .into(),
            attachments: vec![(LinkState::Wanted, 2, 70)],
            not_proven: 4,
            not_confirmed: 3,
            unwiped: 0,
            database: DbStats { commits: 13, commit_times, commit_micros: 1_500_000, ..DbStats::default() },
        };
        let party = PartyId::new("ma-security").unwrap();
        let text = render(&watch, &party, Some(&figures), &[]);
        let mut names = std::collections::BTreeSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                assert!(names.insert(rest.split(' ').next().unwrap().to_owned()), "{line}");
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').unwrap();
                assert!(value.parse::<f64>().is_ok(), "{line}");
                let name = name.split('{').next().unwrap();
                let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
                assert!(names.contains(name) || base.is_some_and(|base| names.contains(base)), "{line}");
            }
        }
        for part in [
            "mithaq_ledger_unsigned_entries 2",
            "mithaq_erasures_not_proven 4",
            "mithaq_corrections_not_confirmed 3",
            "mithaq_attachment_bytes{state=\"wanted\"} 70",
            "mithaq_attachments{state=\"here\"} 0",
            "mithaq_refusals_total{kind=\"report.decided\",code=\"AGR\"} 2",
            "mithaq_receipts_total{kind=\"message.decided\",verdict=\"accepted\"} 3",
            "mithaq_commit_seconds_bucket{le=\"0.0005\"} 2",
            "mithaq_commit_seconds_bucket{le=\"+Inf\"} 13",
            "mithaq_commit_seconds_sum 1.5",
            "mithaq_requests_refused_total{side=\"clients\",code=\"node.busy\"} 1",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(!text.contains("mithaq_refusals_total{kind=\"message.decided\""));
        let without = render(&watch, &party, None, &[]);
        assert!(!without.contains("mithaq_ledger"), "no old numbers");
    }
}
