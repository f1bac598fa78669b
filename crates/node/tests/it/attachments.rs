//! Attachments over the line, whichever side accepts connections: fetched by who wants one, or brought by who has it.

use hyper::{Method, StatusCode};
use mithaq_app::{NewAttachment, Use, intent};
use mithaq_model::{CaseId, Grade, MediaType, Millis, Purpose, ReportId};
use mithaq_node::Ended;
use mithaq_node::backup::{Attachments, backup, check, restore};
use mithaq_testkit::text;

use crate::world::{Running, Site, agree, release, until};

const MIB: usize = 1024 * 1024;

fn file() -> Vec<u8> {
    (0..5 * MIB + 17).map(|n| (n % 251).to_be_bytes()[7]).collect()
}

/// A released report with a file. Begun as the next version of one that was released without.
fn release_with_file(from: &Site, to: &Site, id: mithaq_model::AgreementId) -> ReportId {
    let (case, report) = release(from, to, id, "Abdelhamid Tazerout");
    from.with(|app| {
        let actor = |login: &str| {
            app.authenticate(&app.issue_token(login, Millis::hours(1)).unwrap().secret).unwrap()
        };
        let enter = |login: &str| {
            let may = actor(login).may(intent::WorkCase).unwrap();
            app.enter_case(may, case, Purpose::Investigate, &text("Checking the ferry passengers")).unwrap()
        };
        let write = actor("analyst").may(intent::WriteReport).unwrap();
        let changes = mithaq_app::Changes { grade: Grade::from_code("4x4:B2").ok(), ..Default::default() };
        app.correct_report(write, &enter("analyst"), report, &changes).unwrap();
        let bytes = file();
        let length = u64::try_from(bytes.len()).unwrap();
        let new = NewAttachment { name: text("list.csv"), media: MediaType::unknown(), length };
        let begun = app.begin_attachment(write, &enter("analyst"), report, new).unwrap();
        for (index, part) in (0..).zip(bytes.chunks(MIB)) {
            app.put_attachment_chunk(write, begun.id, index, part).unwrap();
        }
        app.review_report(
            actor("supervisor").may(intent::ReviewReport).unwrap(),
            &enter("supervisor"),
            report,
        )
        .unwrap();
        for login in ["supervisor", "spoc"] {
            app.approve_report(actor(login).may(intent::ReleaseReport).unwrap(), report).unwrap();
        }
        let spoc = actor("spoc").may(intent::ReleaseReport).unwrap();
        app.release_report(spoc, report, &Use::default()).unwrap();
    });
    report
}

fn case_of(site: &Site) -> CaseId {
    site.with(|app| {
        let actor = |login: &str| {
            app.authenticate(&app.issue_token(login, Millis::hours(1)).unwrap().secret).unwrap()
        };
        let new = mithaq_app::NewCase {
            title: text("Ferry tickets"),
            area: mithaq_model::CrimeArea::ForeignTerroristFighters,
            offence: text("Recruitment for terrorism, penal code article 218-1"),
            purposes: vec![Purpose::Investigate],
            officers: vec![actor("analyst").id()],
        };
        app.open_case(actor("supervisor").may(intent::GovernCase).unwrap(), &new).unwrap()
    })
}

async fn arrives_and_is_read(es: &Running, token: &str, case: CaseId, report: ReportId) {
    let list = format!("/api/v1/reports/{report}/attachments");
    until("the attachment is here", async || {
        let answer = es.api(Some(token), Method::GET, &list, "").await;
        answer.text.contains("\"state\":\"here\"").then_some(())
    })
    .await;
    let body = format!(
        r#"{{"why":{{"purpose":"investigate","reason":{{"lang":"en","text":"the list"}}}},"case":"{case}","from":0}}"#
    );
    let answer = es.api_bytes(token, &format!("{list}/1/read"), &body).await;
    assert_eq!((answer.0, answer.1.len()), (StatusCode::OK, file().len()));
    assert_eq!(answer.1, file());
    let none = es.api(Some(token), Method::POST, &format!("{list}/2/read"), &body).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attachment_arrives_whichever_side_accepts_connections() {
    for closed in [None, Some("es-police"), Some("ma-security")] {
        let base = tempfile::tempdir().unwrap();
        let site = |name, state| {
            Site::new(base.path(), name, state, |config| {
                if closed == Some(name) {
                    config.peer_endpoint = String::new();
                }
            })
        };
        let (ma, es) = (site("ma-security", "MA"), site("es-police", "ES"));
        let id = agree(&ma, &es);
        let report = release_with_file(&ma, &es, id);
        let (case, token) = (case_of(&es), es.token("analyst"));
        let (sender, receiver) = (ma.start().await, es.start().await);
        arrives_and_is_read(&receiver, &token, case, report).await;
        until("the sender was told", async || {
            sender.metric("mithaq_entries_total{kind=\"receipt.complete\",verdict=\"complete\"}").await
        })
        .await;
        let bytes = receiver.metric("mithaq_attachment_bytes{state=\"here\"}").await.unwrap();
        assert!((bytes - 5_242_897.0).abs() < 0.5, "{bytes}");
        assert_eq!(
            (sender.stop().await, receiver.stop().await),
            (Ended::Drained, Ended::Drained),
            "{closed:?}"
        );
    }
}

fn have(site: &Site, report: ReportId) -> Vec<(u64, u64, &'static str)> {
    site.with(|app| {
        let actor = app.authenticate(&app.issue_token("analyst", Millis::hours(1)).unwrap().secret).unwrap();
        let all = app.attachments_of(actor.may(intent::ReadReport).unwrap(), report).unwrap();
        all.iter().map(|one| (one.have, one.chunks, one.state.code())).collect()
    })
}

#[test]
fn a_copy_holds_the_attachments_and_brings_them_back() {
    let base = tempfile::tempdir().unwrap();
    let (ma, es) = (
        Site::new(base.path(), "ma-security", "MA", |_| ()),
        Site::new(base.path(), "es-police", "ES", |_| ()),
    );
    let id = agree(&ma, &es);
    let report = release_with_file(&ma, &es, id);
    let out = base.path().join("copy");
    let label = backup(&ma.dir, &out, Attachments::Copy).unwrap();
    assert_eq!((label.attachments, label.attachments_missing), (1, 0));
    assert_eq!(label.attachment_bytes, u64::try_from(file().len() + 6 * 16).unwrap());
    let copy = out.display().to_string();
    assert_eq!(check(&copy, None).unwrap().attachments, 1);

    // The disk is lost; the copy brings back all of it.
    std::fs::remove_dir_all(ma.dir.join("attachments")).unwrap();
    let done = restore(&ma.dir, Some(&out)).unwrap();
    assert_eq!(done.attachments_missing, 0);
    assert_eq!(have(&ma, report), [(6, 6, "here")]);

    // From a copy without them: what was in place is put aside, and taken from there.
    let without = base.path().join("without");
    backup(&ma.dir, &without, Attachments::LeaveOut).unwrap();
    let done = restore(&ma.dir, Some(&without)).unwrap();
    assert_eq!((done.attachments_missing, have(&ma, report)), (0, vec![(6, 6, "here")]));
    let beside = std::fs::read_dir(&ma.dir).unwrap();
    let aside = beside.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("attachments.before-")
    });
    assert_eq!(aside.count(), 1);

    // A copy that was damaged is not called sound.
    let mut files = std::fs::read_dir(out.join("attachments")).unwrap().map(|entry| entry.unwrap().path());
    let stored = files.find(|path| path.extension().is_some_and(|end| end == "mxa")).unwrap();
    let mut bytes = std::fs::read(&stored).unwrap();
    bytes[3 * MIB] ^= 1;
    std::fs::write(&stored, bytes).unwrap();
    let unsound = check(&copy, None).unwrap_err();
    assert!(unsound.to_string().contains("1 of the 1 attachments"), "{unsound}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_copy_lacks_of_attachments_is_said_and_fetched_again() {
    let base = tempfile::tempdir().unwrap();
    let (ma, es) = (
        Site::new(base.path(), "ma-security", "MA", |_| ()),
        Site::new(base.path(), "es-police", "ES", |_| ()),
    );
    let id = agree(&ma, &es);
    let report = release_with_file(&ma, &es, id);
    let (case, token) = (case_of(&es), es.token("analyst"));
    let (sender, receiver) = (ma.start().await, es.start().await);
    arrives_and_is_read(&receiver, &token, case, report).await;
    assert_eq!(receiver.stop().await, Ended::Drained);
    let out = base.path().join("copy");
    let label = backup(&es.dir, &out, Attachments::LeaveOut).unwrap();
    assert_eq!((label.attachments, label.attachments_missing), (0, 1));
    assert_eq!(check(&out.display().to_string(), None).unwrap().attachments_missing, 1, "left out is sound");

    std::fs::remove_dir_all(es.dir.join("attachments")).unwrap();
    let done = restore(&es.dir, Some(&out)).unwrap();
    assert_eq!(done.attachments_missing, 1);
    let token = es.token("analyst");
    let receiver = es.start().await;
    arrives_and_is_read(&receiver, &token, case, report).await;
    assert_eq!((sender.stop().await, receiver.stop().await), (Ended::Drained, Ended::Drained));
}
