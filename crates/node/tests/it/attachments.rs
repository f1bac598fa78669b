//! Attachments over the line, whichever side accepts connections: fetched by who wants one, or brought by who has it.

use hyper::{Method, StatusCode};
use mithaq_app::{NewAttachment, Use, intent};
use mithaq_model::{CaseId, Grade, MediaType, Millis, Purpose, ReportId};
use mithaq_node::Ended;
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
