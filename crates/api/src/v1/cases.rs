//! Cases, and subjects inside them. Every call that touches a person carries a purpose and a reason.

use axum::Json;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use mithaq_app::{Actor, App, AppError, CaseAccess, NewCase, Query, intent};
use mithaq_model::{Case, CaseId, CrimeArea, Lang, OfficerId, Purpose, SubjectId, Text};
use mithaq_store::Page;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::people::Created;
use crate::v1::subjects::{NewSubjectBody, SubjectView};

/// A text with its language.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextView {
    /// Language, BCP 47.
    pub(crate) lang: String,
    /// The text.
    pub(crate) text: String,
}

impl From<&Text> for TextView {
    fn from(text: &Text) -> Self {
        Self { lang: text.lang().code().to_owned(), text: text.reveal().to_owned() }
    }
}

impl TextView {
    /// One line of it.
    pub(crate) fn line(&self, name: &str) -> Result<Text, AppError> {
        field(name, Text::line(field(name, Lang::new(&self.lang))?, &self.text))
    }

    /// A text of several lines.
    pub(crate) fn long(&self, name: &str) -> Result<Text, AppError> {
        field(name, Text::new(field(name, Lang::new(&self.lang))?, &self.text))
    }
}

/// A case.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseView {
    id: String,
    title: TextView,
    /// Area of crime, a code.
    area: &'static str,
    /// The offence with its statute.
    offence: TextView,
    /// Purposes, as codes.
    purposes: Vec<&'static str>,
    /// Officers assigned, by number.
    officers: Vec<String>,
    /// `open` or `closed`.
    state: &'static str,
    opened: String,
    review_on: String,
}

impl From<&Case> for CaseView {
    fn from(case: &Case) -> Self {
        Self {
            id: case.id.to_string(),
            title: TextView::from(&case.title),
            area: case.area.code(),
            offence: TextView::from(&case.offence),
            purposes: case.purposes.iter().copied().map(Purpose::code).collect(),
            officers: case.officers.iter().map(ToString::to_string).collect(),
            state: case.state.code(),
            opened: case.opened.to_string(),
            review_on: case.review_on.to_string(),
        }
    }
}

/// What is needed to open a case.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCaseBody {
    title: TextView,
    /// Area of crime, a code.
    area: String,
    /// The offence with its statute.
    offence: TextView,
    /// Purposes, as codes; not empty.
    purposes: Vec<String>,
    /// Officers assigned, by number.
    officers: Vec<String>,
}

/// Opens a case.
#[utoipa::path(post, path = "/api/v1/cases", tag = "cases", request_body = NewCaseBody,
    responses((status = 201, body = Created), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn open_case(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<NewCaseBody>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let may = may(&app, &actor, intent::GovernCase).await?;
    let purposes = body.purposes.iter().map(|code| field("purposes", Purpose::from_code(code)));
    let officers = body.officers.iter().map(|id| field("officers", id.parse::<OfficerId>()));
    let new = NewCase {
        title: body.title.line("title")?,
        area: field("area", CrimeArea::from_code(&body.area))?,
        offence: body.offence.line("offence")?,
        purposes: purposes.collect::<Result<_, _>>()?,
        officers: officers.collect::<Result<_, _>>()?,
    };
    let id = blocking(app, move |app| app.open_case(may, &new)).await?;
    Ok((StatusCode::CREATED, Json(Created { id: id.to_string() })))
}

/// Lists the cases the caller is assigned to.
#[utoipa::path(get, path = "/api/v1/cases", tag = "cases",
    responses((status = 200, body = [CaseView]), (status = 403, body = Problem)))]
pub(crate) async fn my_cases(
    State(app): State<App>,
    Signed(actor): Signed,
) -> Result<Json<Vec<CaseView>>, ApiError> {
    let may = may(&app, &actor, intent::WorkCase).await?;
    let cases = blocking(app, move |app| app.my_cases(may, &Page::first(1_000))).await?;
    Ok(Json(cases.iter().map(CaseView::from).collect()))
}

/// An officer to assign.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignBody {
    /// Number of the officer.
    officer: String,
}

/// Assigns an officer to a case.
#[utoipa::path(post, path = "/api/v1/cases/{case}/officers", tag = "cases", params(("case" = String, Path)),
    request_body = AssignBody, responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn assign(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(case): Path<String>,
    Json(body): Json<AssignBody>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::GovernCase).await?;
    let (case, officer): (CaseId, OfficerId) = (number(&case)?, field("officer", body.officer.parse())?);
    blocking(app, move |app| app.assign_to_case(may, case, officer)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Closes a case: nothing is searched, read or disclosed for it any more.
#[utoipa::path(post, path = "/api/v1/cases/{case}/close", tag = "cases", params(("case" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn close_case(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(case): Path<String>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::GovernCase).await?;
    let case: CaseId = number(&case)?;
    blocking(app, move |app| app.close_case(may, case)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why a person's data is touched.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    /// Purpose, a code; one the case was opened for.
    pub(crate) purpose: String,
    /// The reason, a few words; kept for oversight.
    pub(crate) reason: TextView,
}

impl Why {
    /// Enters the case.
    pub(crate) fn enter(&self, app: &App, actor: &Actor, case: CaseId) -> Result<CaseAccess, AppError> {
        let purpose = field("purpose", Purpose::from_code(&self.purpose))?;
        app.enter_case(app.may(actor, intent::WorkCase)?, case, purpose, &self.reason.line("reason")?)
    }
}

/// Subjects to write.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSubjects {
    why: Why,
    /// At most 256.
    subjects: Vec<NewSubjectBody>,
}

/// Writes subjects into a case.
#[utoipa::path(post, path = "/api/v1/cases/{case}/subjects", tag = "subjects", params(("case" = String, Path)),
    request_body = NewSubjects, responses((status = 201, body = [Created]), (status = 400, body = Problem),
    (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn add_subjects(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(case): Path<String>,
    Json(body): Json<NewSubjects>,
) -> Result<(StatusCode, Json<Vec<Created>>), ApiError> {
    let may = may(&app, &actor, intent::WriteSubject).await?;
    let case: CaseId = number(&case)?;
    let ids = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        let subjects = body.subjects.iter().map(|one| one.subject(app)).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<SubjectId> = subjects.iter().map(mithaq_model::Subject::id).collect();
        app.add_subjects(may, &access, subjects)?;
        Ok(ids)
    })
    .await?;
    let created = ids.iter().map(|id| Created { id: id.to_string() }).collect();
    Ok((StatusCode::CREATED, Json(created)))
}

/// What a search asks. There is no wildcard and no "all".
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchBody {
    why: Why,
    /// At least two parts of a name, in any script.
    name: Option<TextView>,
    /// Number of a document.
    document: Option<TextView>,
}

/// A subject that was found. Reading it is another call, logged by itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct HitView {
    /// Number of the subject.
    subject: String,
    /// Parts of the question found.
    shared: u32,
    /// Parts the question has.
    asked: u32,
}

/// Searches inside one case.
#[utoipa::path(post, path = "/api/v1/cases/{case}/search", tag = "subjects", params(("case" = String, Path)),
    request_body = SearchBody, responses((status = 200, body = [HitView]), (status = 400, body = Problem),
    (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn search(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(case): Path<String>,
    Json(body): Json<SearchBody>,
) -> Result<Json<Vec<HitView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadSubject).await?;
    let case: CaseId = number(&case)?;
    let hits = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        let query = Query {
            name: body.name.map(|name| name.line("name")).transpose()?,
            document: body.document.map(|number| number.line("document")).transpose()?,
        };
        app.search(may, &access, &query)
    })
    .await?;
    let view = |hit: &mithaq_app::Hit| HitView {
        subject: hit.subject.to_string(),
        shared: hit.shared,
        asked: hit.asked,
    };
    Ok(Json(hits.iter().map(view).collect()))
}

/// Reads one subject of a case.
#[utoipa::path(post, path = "/api/v1/cases/{case}/subjects/{subject}/read", tag = "subjects",
    params(("case" = String, Path), ("subject" = String, Path)), request_body = Why,
    responses((status = 200, body = SubjectView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn read_subject(
    State(app): State<App>,
    Signed(actor): Signed,
    Path((case, subject)): Path<(String, String)>,
    Json(why): Json<Why>,
) -> Result<Json<SubjectView>, ApiError> {
    let may = may(&app, &actor, intent::ReadSubject).await?;
    let (case, subject): (CaseId, SubjectId) = (number(&case)?, number(&subject)?);
    let found = blocking(app, move |app| {
        let access = why.enter(app, &actor, case)?;
        app.read_subject(may, &access, subject, &why.reason.line("reason")?)
    })
    .await?;
    Ok(Json(SubjectView::from(&found)))
}

/// What an import did.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportedView {
    /// SHA-256 of the file, as the ledger calls it.
    sha256: String,
    persons: u64,
    organisations: u64,
    /// Subjects written.
    added: usize,
    /// Subjects that were there already.
    existing: usize,
    /// Entries refused.
    refused: usize,
    /// Texts refused because they speak of special categories.
    special_categories: Vec<CountView>,
    /// What was carried and what not, path by path.
    paths: Vec<PathView>,
}

/// Purpose and reason of an import, in the address: the body is the list itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuery {
    purpose: String,
    reason: String,
    #[serde(default = "uncategorised")]
    class: String,
}

fn uncategorised() -> String {
    mithaq_model::SubjectClass::UnknownUncategorised.code().to_owned()
}

/// Imports the consolidated list of the UN Security Council (XML, as published) into a case.
#[utoipa::path(post, path = "/api/v1/cases/{case}/import/un-list", tag = "subjects",
    params(("case" = String, Path), ("purpose" = String, Query), ("reason" = String, Query), ("class" = Option<String>, Query)),
    request_body(content = Vec<u8>, content_type = "application/xml"),
    responses((status = 200, body = ImportedView), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn import_un_list(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(case): Path<String>,
    axum::extract::Query(query): axum::extract::Query<ImportQuery>,
    body: axum::body::Bytes,
) -> Result<Json<ImportedView>, ApiError> {
    let may = may(&app, &actor, intent::WriteSubject).await?;
    let case: CaseId = number(&case)?;
    let done = blocking(app, move |app| {
        let reason = TextView { lang: "en".to_owned(), text: query.reason };
        let why = Why { purpose: query.purpose, reason };
        let access = why.enter(app, &actor, case)?;
        let class = field("class", mithaq_model::SubjectClass::from_code(&query.class))?;
        app.import_un_list(may, &access, &body, class, &mut |_done, _total| ())
    })
    .await?;
    Ok(Json(ImportedView {
        sha256: done.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        persons: done.persons,
        organisations: done.organisations,
        added: done.added,
        existing: done.existing,
        refused: done.refused,
        special_categories: counts(
            done.losses.categories().iter().map(|(one, n)| (one.code().to_owned(), *n)),
        ),
        paths: done.losses.paths().iter().map(PathView::from).collect(),
    }))
}

fn counts(all: impl Iterator<Item = (String, u64)>) -> Vec<CountView> {
    all.map(|(code, count)| CountView { code, count }).collect()
}

/// How often something was seen.
#[derive(Serialize, ToSchema)]
pub(crate) struct CountView {
    /// Stable code.
    code: String,
    /// How often.
    count: u64,
}

/// What became of one path of the published file; names of elements and numbers, no content.
#[derive(Serialize, ToSchema)]
pub(crate) struct PathView {
    /// Path of the element.
    path: String,
    /// Elements that became a claim or part of one.
    carried: u64,
    /// Elements that did not, by reason.
    lost: Vec<CountView>,
    /// Of the carried: those that say less now, by how.
    weakened: Vec<CountView>,
}

impl From<(&String, &mithaq_interop::Account)> for PathView {
    fn from((path, account): (&String, &mithaq_interop::Account)) -> Self {
        Self {
            path: path.clone(),
            carried: account.carried,
            lost: counts(account.lost.iter().map(|(loss, n)| (loss.code(), *n))),
            weakened: counts(account.weakened.iter().map(|(how, n)| (how.code().to_owned(), *n))),
        }
    }
}
