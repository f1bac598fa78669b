//! Which tokens a subject makes: told to who works its case, with what stands in the way, and to nobody else.

use mithaq_app::{AppError, TokensExplained, Without, intent};
use mithaq_check::Strength;
use mithaq_model::{AgreementId, CaseId, ClaimSource, CrimeArea, Subject, SubjectClass, SubjectId};
use mithaq_testkit::subject_named;

use super::{CAPS, LATIN, Scene, code, row};
use crate::world::{MA, World};

fn explain(scene: &Scene, case: CaseId, number: SubjectId) -> Result<TokensExplained, AppError> {
    let may = scene.ma().actor("analyst").may(intent::ReadSubject).unwrap();
    let access = scene.ma().enter("analyst", case);
    scene.ma().app.explain_tokens(may, &access, (scene.world.agreement, number))
}

#[test]
fn a_subject_is_explained_as_it_would_be_asked_and_held() {
    let scene = Scene::new(CAPS);
    let told = explain(&scene, scene.ma_case, scene.ours).unwrap();
    assert_eq!(told.without, []);
    let check = scene.asked();
    assert_eq!(row(scene.ma(), check).queries, told.evaluations, "it costs what was said");
    for token in told.asking.iter().chain(&told.asked) {
        assert_eq!((token.kind, token.second.as_str(), token.band), ("year", "1987", Strength::Possible));
        assert!(token.sounds.len() >= 2 && token.eighths > 0);
    }
    let met = |tokens: &[mithaq_app::TokenShown]| -> std::collections::BTreeSet<_> {
        tokens.iter().filter_map(|token| token.meets).collect()
    };
    assert_eq!(met(&told.asking), ["year_asks_day", "year_asks_year"].into());
    assert_eq!(met(&told.asked), ["day_asks_year", "year_asks_year"].into());
    assert_eq!(scene.ma().count("check.explained"), 1);
    assert!(!scene.calls().iter().any(|call| call.body.windows(4).any(|part| part == b"1987")));
}

#[test]
fn what_stands_in_the_way_is_named() {
    let scene = Scene::new(CAPS);
    let add = |number: u8, class, edit: &dyn Fn(Subject) -> Subject| {
        scene.ma().add_subject(scene.ma_case, edit(subject_named(number, LATIN, class, MA)))
    };
    let suspect = SubjectClass::SuspectCommitted;
    let told = |number| explain(&scene, scene.ma_case, number).unwrap();
    let victim = told(add(60, SubjectClass::Victim, &|one| one));
    assert_eq!((victim.without.as_slice(), victim.asking.len()), ([Without::Class].as_slice(), 0));
    let minor = told(add(61, suspect, &|one| one.with_minor()));
    assert_eq!((minor.without.as_slice(), minor.evaluations), ([Without::Minor].as_slice(), 0));
    let lawyer = |one: Subject| one.with_protected_role(mithaq_model::ProtectedRole::ALL[0]);
    assert_eq!(told(add(62, suspect, &lawyer)).without, [Without::ProtectedRole]);
    let names = |one: Subject| {
        let named = |claim: &&mithaq_model::Claim| claim.attribute == mithaq_model::Attribute::Name;
        let claims = one.claims().iter().filter(named).cloned().collect();
        Subject::new(one.id(), one.kind(), one.class(), claims).unwrap()
    };
    assert_eq!(told(add(63, suspect, &names)).without, [Without::NameAlone]);
    let paper = |issuer: &str, named: bool| {
        let line = |text: &str| mithaq_model::Text::line(mithaq_model::Lang::EN, text).unwrap();
        let (kind, number) = (line("passport"), line("AB123456"));
        let document =
            mithaq_model::Document { kind, number, issuer: Some(line(issuer)), issued: None, note: None };
        move |one: Subject| {
            let mut claims = names(one.clone()).claims().to_vec();
            let mut paper = claims.first().unwrap().clone();
            paper.attribute = mithaq_model::Attribute::Document;
            paper.value = mithaq_model::Value::Document(document.clone());
            claims.retain(|_| named);
            claims.push(paper);
            Subject::new(one.id(), one.kind(), one.class(), claims).unwrap()
        }
    };
    let told_strong = told(add(66, suspect, &paper("MA", true)));
    assert_eq!((told_strong.without.len(), told_strong.asking.is_empty()), (0, false));
    assert!(told_strong.asking.iter().all(|one| one.band == Strength::Strong && one.sounds.len() == 1));
    assert_eq!(told(add(67, suspect, &paper("MA", false))).without, [Without::NoName]);
    let words = told(add(68, suspect, &paper("the ministry", true))).without;
    assert_eq!(words, [Without::Documents(1), Without::NameAlone]);
    let foreign = |one: Subject| {
        let mut claims = one.claims().to_vec();
        claims.iter_mut().for_each(|claim| claim.source = ClaimSource::Received);
        Subject::new(one.id(), one.kind(), one.class(), claims).unwrap()
    };
    let all = told(add(64, suspect, &foreign));
    assert!(matches!(all.without[..], [Without::Claims(count)] if count > 0) && all.asking.is_empty());
    // A case of another area may ask, and holds nobody in a set.
    let area = CrimeArea::ALL.iter().copied().find(|area| {
        !scene.ma().app.registry().agreements[&scene.world.agreement].agreement().areas.contains(area)
    });
    let other = scene.ma().case(area.unwrap());
    let outside = scene.ma().add_subject(other, subject_named(65, LATIN, suspect, MA));
    let told = explain(&scene, other, outside).unwrap();
    assert_eq!((told.without.as_slice(), told.asked.len()), ([Without::Case].as_slice(), 0));
    assert!(!told.asking.is_empty());
}

#[test]
fn only_who_works_the_case_is_told() {
    let scene = Scene::new(CAPS);
    let other = scene.ma().case(CrimeArea::ForeignTerroristFighters);
    assert_eq!(code(explain(&scene, other, scene.ours)), "object.not_found");
    assert_eq!(code(explain(&scene, scene.ma_case, SubjectId::new([99; 16]))), "object.not_found");
    assert!(scene.ma().actor("spoc").may(intent::ReadSubject).is_err());
    let may = scene.ma().actor("analyst").may(intent::ReadSubject).unwrap();
    let access = scene.ma().enter("analyst", scene.ma_case);
    let unknown = (AgreementId::new([1; 32]), scene.ours);
    assert_eq!(code(scene.ma().app.explain_tokens(may, &access, unknown)), "object.not_found");
    assert_eq!(scene.ma().count("refused.subject.read"), 3, "each refusal is an entry");
    // Under an agreement without private checks there is no policy to explain by.
    let world = World::new();
    let case = world.ma().case(CrimeArea::ForeignTerroristFighters);
    let subject = world.ma().add_subject(case, subject_named(7, LATIN, SubjectClass::SuspectCommitted, MA));
    let may = world.ma().actor("analyst").may(intent::ReadSubject).unwrap();
    let access = world.ma().enter("analyst", case);
    let told = world.ma().app.explain_tokens(may, &access, (world.agreement, subject));
    assert_eq!(code(told), "check.not_agreed");
}
