//! Whose rows a list shows. The condition is part of the query, so that what a person may not see takes no place on a
//! page and changes no count.

use mithaq_db::Value;
use mithaq_model::OfficerId;

use crate::sql::id;

macro_rules! of_reports {
    () => {
        "(r.case_id IN (SELECT case_id FROM case_officer WHERE officer = $officer)
    OR (r.case_id IS NULL AND r.direction = 'received'))"
    };
}

/// Reports: those of the cases of an officer, and what came in and belongs to no case yet.
pub(crate) const REPORTS: &str = of_reports!();

/// Requests, by the case of their report. What came in and belongs to no case is the desk's.
pub(crate) const REQUESTS: &str =
    "id IN (SELECT r.id FROM report r JOIN case_officer o ON o.case_id = r.case_id
    WHERE o.officer = $officer)";

/// Private checks: of a case of the officer, or with a candidate in one.
pub(crate) const CHECKS: &str = "((direction = 'own'
        AND case_id IN (SELECT case_id FROM case_officer WHERE officer = $officer))
    OR (direction = 'received' AND id IN (SELECT c.check_id FROM check_candidate c
        JOIN subject_case s ON s.subject = c.subject JOIN case_officer o ON o.case_id = s.case_id
        WHERE o.officer = $officer)))";

/// Consents about reports the officer sees.
pub(crate) const CONSENTS: &str = concat!("object IN (SELECT r.id FROM report r WHERE ", of_reports!(), ")");

/// How much of a node's rows a person sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// All: who answers for the node.
    Everything,
    /// What belongs to the cases this officer is assigned to.
    Cases(OfficerId),
}

impl Sight {
    /// Returns what a query's condition gets behind it; the officer becomes the query's last argument.
    pub(crate) fn and(self, condition: &str, args: &mut Vec<Value>) -> String {
        match self {
            Self::Everything => String::new(),
            Self::Cases(officer) => {
                args.push(id(officer));
                format!(" AND {}", condition.replace("$officer", &format!("${}", args.len())))
            }
        }
    }
}
