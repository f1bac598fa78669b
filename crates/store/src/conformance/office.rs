//! People, cases, agreements, partners, alarms.

use mithaq_model::{
    AgreementId, Case, CaseId, CaseState, CrimeArea, Lang, Officer, OfficerId, Purpose, RiskLevel, Role,
    Sensitive,
};
use zeroize::Zeroizing;

use super::{AGREEMENT, at, nodes, number, party, text};
use crate::agreements::{self, Counter, NewAgreement, Step};
use crate::people::{self, Token};
use crate::{Page, StoreError, alarms, cases, partners};

pub(super) fn officer(n: u8) -> Officer {
    Officer {
        id: number(n),
        login: format!("u-{n}"),
        name: Sensitive::new(format!("Officer Number {n}")),
        unit: number(200),
        roles: [Role::Analyst, Role::Spoc].into_iter().collect(),
        lang: Lang::AR,
        active: true,
    }
}

pub(super) fn case(n: u8, officers: &[u8]) -> Case {
    Case {
        id: number(n),
        title: text("Dossier à l’essai"),
        area: *CrimeArea::ALL.first().unwrap(),
        offence: text("vol à main armée, art. 509"),
        purposes: Purpose::ALL.iter().copied().take(2).collect(),
        officers: officers.iter().map(|n| number(*n)).collect(),
        state: CaseState::Open,
        opened: at(5),
        review_on: at(500),
    }
}

#[test]
fn officers_come_back_as_they_were_and_change_once_per_version() {
    for node in nodes() {
        node.write(|tx, v| people::add(tx, v, &officer(1))).unwrap();
        let taken = Err(StoreError::Conflict { what: "officer" });
        assert_eq!(node.write(|tx, v| people::add(tx, v, &officer(1))), taken);
        let same_login = || Officer { login: "u-1".to_owned(), ..officer(2) };
        assert_eq!(node.write(move |tx, v| people::add(tx, v, &same_login())), taken);

        let hash = Sensitive::new("$argon2id$x".to_owned());
        let set = hash.clone();
        node.write(move |tx, _| people::set_password(tx, number(1), Some(&set))).unwrap();
        let (found, password) = node.read(|tx, v| people::by_login(tx, v, "u-1")).unwrap().unwrap();
        assert_eq!((found.officer, password), (officer(1), Some(hash)));
        assert!(node.read(|tx, v| people::by_login(tx, v, "u-2")).unwrap().is_none());

        let changed = || Officer { roles: [Role::Dpo].into_iter().collect(), active: false, ..officer(1) };
        node.write(move |tx, v| people::change(tx, v, 1, &changed())).unwrap();
        assert_eq!(node.write(move |tx, v| people::change(tx, v, 1, &changed())), taken);
        let now = node.read(|tx, v| people::get(tx, v, number(1))).unwrap().unwrap();
        assert_eq!((now.officer, now.version), (changed(), 2));

        for n in 2..=5 {
            node.write(move |tx, v| people::add(tx, v, &officer(n))).unwrap();
        }
        let page = Page { after: Some(number::<OfficerId>(2)), limit: 2 };
        let page = node.read(move |tx, v| people::list(tx, v, &page)).unwrap();
        assert_eq!(page.iter().map(|o| o.officer.id).collect::<Vec<_>>(), [number(3), number(4)]);
        node.write(|tx, _| people::erase(tx, number(1))).unwrap();
        assert_eq!(node.read(|tx, v| people::get(tx, v, number(1))), Ok(None));
    }
}

#[test]
fn tokens_end_by_time_and_by_revocation() {
    let token =
        |n: u8| Token { hash: [n; 32], officer: number(1), created: at(1), expires: at(100), revoked: None };
    for node in nodes() {
        for n in 1..=3 {
            node.write(move |tx, _| people::add_token(tx, &token(n))).unwrap();
        }
        let good = |n: u8, now: i64| {
            let found = node.read(move |tx, _| people::token(tx, &[n; 32])).unwrap();
            found.is_some_and(|token| token.is_good(at(now)))
        };
        assert!(good(1, 99) && !good(1, 100) && !good(9, 1));
        assert_eq!(node.write(|tx, _| people::revoke_tokens(tx, number(2), None, at(5))), Ok(0));
        assert_eq!(node.write(|tx, _| people::revoke_tokens(tx, number(1), Some(&[1; 32]), at(5))), Ok(1));
        assert!(!good(1, 6) && good(2, 6));
        assert_eq!(node.write(|tx, _| people::revoke_tokens(tx, number(1), None, at(5))), Ok(2));
        assert!(!good(2, 6) && !good(3, 6));
    }
}

#[test]
fn cases_come_back_and_only_their_officers_find_them() {
    for node in nodes() {
        for (n, officers) in [(1, vec![1, 2]), (2, vec![2]), (3, vec![])] {
            node.write(move |tx, v| cases::add(tx, v, &case(n, &officers))).unwrap();
        }
        let found = node.read(|tx, v| cases::get(tx, v, number(1))).unwrap().unwrap();
        assert_eq!(found.case, case(1, &[1, 2]));
        let of = |n: u8| {
            let mine = node.read(move |tx, v| cases::of_officer(tx, v, number(n), &Page::first(10))).unwrap();
            mine.into_iter().map(|c| c.case.id).collect::<Vec<CaseId>>()
        };
        assert_eq!((of(1), of(2), of(3)), (vec![number(1)], vec![number(1), number(2)], vec![]));
        let closed = || Case { state: CaseState::Closed, ..case(1, &[3, 3]) };
        node.write(move |tx, v| cases::change(tx, v, 1, &closed())).unwrap();
        let late = node.write(move |tx, v| cases::change(tx, v, 1, &closed()));
        assert_eq!(late, Err(StoreError::Conflict { what: "case" }));
        assert_eq!((of(1), of(3)), (vec![], vec![number(1)]));
        assert_eq!(node.read(|tx, _| cases::is_assigned(tx, number(1), number(3))), Ok(true));
        assert_eq!(node.read(|tx, _| cases::is_assigned(tx, number(1), number(2))), Ok(false));
        assert_eq!(node.read(|tx, v| cases::list(tx, v, &Page::first(2))).unwrap().len(), 2);
        node.write(|tx, _| cases::erase(tx, number(1))).unwrap();
        assert!(node.read(|tx, v| cases::get(tx, v, number(1))).unwrap().is_none());
    }
}

fn agreement_of<'a>(parties: &'a [mithaq_model::PartyId]) -> NewAgreement<'a> {
    NewAgreement {
        id: AGREEMENT,
        state: "draft",
        parties,
        supersedes: Some(AgreementId::new([1; 32])),
        starts: at(10),
        ends: at(1_000),
        text: b"the rules",
    }
}

fn step(state: &str, n: i64) -> Step {
    Step { state: state.to_owned(), at: at(n), reason: "signed".to_owned(), officer: Some(number(1)) }
}

#[test]
fn agreements_change_state_once_per_version_and_keep_their_history() {
    for node in nodes() {
        let add = || {
            node.write(|tx, v| {
                let parties = [party("ma-security"), party("es-police")];
                agreements::add(tx, v, &agreement_of(&parties), (at(1), None))
            })
        };
        add().unwrap();
        assert_eq!(add(), Err(StoreError::Conflict { what: "agreement" }));
        node.write(|tx, _| agreements::set_state(tx, &AGREEMENT, 1, &step("in_force", 2))).unwrap();
        let late = node.write(|tx, _| agreements::set_state(tx, &AGREEMENT, 1, &step("suspended", 3)));
        assert_eq!(late, Err(StoreError::Conflict { what: "agreement" }));
        let stored = node.read(|tx, v| agreements::get(tx, v, &AGREEMENT)).unwrap().unwrap();
        assert_eq!(
            (stored.state.as_str(), stored.version, &**stored.text),
            ("in_force", 2, &b"the rules"[..])
        );
        let states: Vec<_> = node.read(|tx, _| agreements::history(tx, &AGREEMENT)).unwrap();
        assert_eq!(states.iter().map(|s| s.state.as_str()).collect::<Vec<_>>(), ["draft", "in_force"]);
        let mine = node.read(|tx, v| agreements::with_party(tx, v, &party("es-police"))).unwrap();
        assert_eq!(mine.first(), Some(&stored));
        assert_eq!(mine.len(), 1);
        assert_eq!(node.read(|tx, v| agreements::with_party(tx, v, &party("ci-judiciary"))), Ok(vec![]));
        assert_eq!(node.read(agreements::list), Ok(vec![stored]));
    }
}

#[test]
fn a_party_signs_once_and_only_a_party() {
    for node in nodes() {
        node.write(|tx, v| {
            let parties = [party("ma-security"), party("es-police")];
            agreements::add(tx, v, &agreement_of(&parties), (at(1), None))
        })
        .unwrap();
        let sign = |who: &'static str, bytes: &'static [u8]| {
            node.write(move |tx, _| agreements::sign(tx, &AGREEMENT, &party(who), bytes, at(4)))
        };
        let conflict = Err(StoreError::Conflict { what: "signature" });
        assert_eq!(sign("es-police", b"one"), Ok(()));
        assert_eq!(sign("es-police", b"two"), conflict);
        assert_eq!(sign("ci-judiciary", b"one"), conflict);
        let all = node.read(|tx, _| agreements::signatures(tx, &AGREEMENT)).unwrap();
        let signed: Vec<_> = all.into_iter().map(|s| s.signed).collect();
        assert_eq!(signed, [Some((b"one".to_vec(), at(4))), None]);
    }
}

#[test]
fn budgets_count_per_day_and_a_refused_job_counts_nothing() {
    for node in nodes() {
        let count = |day: u32, more: u32, refuse: bool| {
            node.write(move |tx, _| {
                let (agreement, party) = (AGREEMENT, party("ma-security"));
                let counter = Counter { agreement: &agreement, party: &party, name: "reports", day };
                let sum = agreements::count(tx, &counter, u64::from(more))?;
                if refuse { Err(StoreError::Tombstone) } else { Ok(sum) }
            })
        };
        assert_eq!(count(1, 2, false), Ok(2));
        assert_eq!(count(1, 3, true), Err(StoreError::Tombstone));
        assert_eq!((count(1, 3, false), count(2, 1, false)), (Ok(5), Ok(1)));
        let used = node.read(|tx, _| {
            let (agreement, party) = (AGREEMENT, party("ma-security"));
            agreements::used(tx, &Counter { agreement: &agreement, party: &party, name: "reports", day: 1 })
        });
        assert_eq!(used, Ok(5));
    }
}

#[test]
fn a_partner_has_one_manifest_per_number_and_its_newest_risk() {
    let es = || party("es-police");
    for node in nodes() {
        node.write(move |tx, _| partners::put(tx, &es(), "https://old")).unwrap();
        node.write(move |tx, _| partners::put(tx, &es(), "https://new")).unwrap();
        node.write(move |tx, _| partners::seen(tx, &es(), at(9), -3)).unwrap();
        let stranger = node.write(|tx, _| partners::seen(tx, &party("ci-judiciary"), at(9), 0));
        assert_eq!(stranger, Err(StoreError::Missing { what: "partner" }));
        let list = node.read(|tx, _| partners::list(tx)).unwrap();
        assert_eq!((list.len(), list[0].endpoint.as_str(), list[0].skew_ms), (1, "https://new", Some(-3)));

        for n in 1..=2 {
            node.write(move |tx, _| partners::add_manifest(tx, &es(), n, &[n as u8; 9])).unwrap();
        }
        let fork = node.write(move |tx, _| partners::add_manifest(tx, &es(), 2, b"another"));
        assert_eq!(fork, Err(StoreError::Conflict { what: "manifest" }));
        let chain = node.read(move |tx, _| partners::manifests(tx, &es(), 2)).unwrap();
        assert_eq!((chain.len(), chain[0].bytes.as_slice()), (1, &[2; 9][..]));
        node.tamper("UPDATE partner_manifest SET bytes = hash WHERE number = 2");
        assert!(super::integrity(&node.read(move |tx, _| partners::manifests(tx, &es(), 1)).unwrap_err()));

        let risk = |level, n: u8| partners::Risk {
            level,
            at: at(1),
            valid_to: at(2),
            officer: number(1),
            content: Zeroizing::new(vec![n; 5]),
        };
        let (low, high) = (*RiskLevel::ALL.first().unwrap(), *RiskLevel::ALL.last().unwrap());
        assert_eq!(node.read(move |tx, v| partners::risk(tx, v, &es())), Ok(None));
        for (level, n) in [(low, 1), (high, 2)] {
            node.write(move |tx, v| partners::add_risk(tx, v, &es(), &risk(level, n))).unwrap();
        }
        assert_eq!(node.read(move |tx, v| partners::risk(tx, v, &es())), Ok(Some(risk(high, 2))));
        node.write(move |tx, _| partners::remove(tx, &es())).unwrap();
        assert_eq!(node.read(move |tx, v| partners::risk(tx, v, &es())), Ok(None));
    }
}

#[test]
fn an_alarm_rings_once_until_it_is_seen() {
    let alarm = |n: u8| alarms::Alarm {
        id: [n; 16],
        kind: "lane.equivocation".to_owned(),
        reference: "report/1/7".to_owned(),
        object: Some(number(n)),
        at: at(i64::from(n)),
    };
    for node in nodes() {
        for (n, new) in [(2, true), (1, true), (2, false)] {
            assert_eq!(node.write(move |tx, _| alarms::raise(tx, &alarm(n))), Ok(new));
        }
        assert_eq!(node.read(|tx, _| alarms::open(tx, 10)), Ok(vec![alarm(1), alarm(2)]));
        node.write(|tx, _| alarms::acknowledge(tx, &[1; 16], number(1), at(9))).unwrap();
        let again = node.write(|tx, _| alarms::acknowledge(tx, &[1; 16], number(1), at(9)));
        assert_eq!(again, Err(StoreError::Missing { what: "open alarm" }));
        assert_eq!(node.read(|tx, _| alarms::open(tx, 10)), Ok(vec![alarm(2)]));
        assert_eq!(node.write(move |tx, _| alarms::raise(tx, &alarm(1))), Ok(false));
        let seen = alarms::Rung { alarm: alarm(1), seen: Some((number(1), at(9))) };
        assert_eq!(node.read(|tx, _| alarms::get(tx, &[1; 16])), Ok(Some(seen.clone())));
        assert_eq!(node.read(|tx, _| alarms::get(tx, &[7; 16])), Ok(None));
        let open = alarms::Rung { alarm: alarm(2), seen: None };
        assert_eq!(node.read(|tx, _| alarms::newest(tx, 10)), Ok(vec![open, seen]));
    }
}

#[test]
fn what_happens_anew_rings_again_after_somebody_saw_to_it() {
    let alarm = |when: i64| alarms::Alarm {
        id: [1; 16],
        kind: "peer.equivocation".to_owned(),
        reference: "es-police".to_owned(),
        object: None,
        at: at(when),
    };
    for node in nodes() {
        for (when, rings) in [(1, true), (2, false)] {
            assert_eq!(node.write(move |tx, _| alarms::ring(tx, &alarm(when))), Ok(rings));
        }
        assert_eq!(
            node.read(|tx, _| alarms::open(tx, 10)),
            Ok(vec![alarm(1)]),
            "it rings once while it is open"
        );
        node.write(|tx, _| alarms::acknowledge(tx, &[1; 16], number(1), at(9))).unwrap();
        assert_eq!(node.write(move |tx, _| alarms::ring(tx, &alarm(10))), Ok(true));
        assert_eq!(node.read(|tx, _| alarms::open(tx, 10)), Ok(vec![alarm(10)]));
    }
}
