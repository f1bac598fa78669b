//! Shows that a compiled rule set stays inside the safeguards: not for the requests somebody thought of, but for
//! every request there can be. The question goes to a solver (cvc5, a Debian package) as logic; where an answer is
//! no, it comes with the request that breaks the safeguard.
//!
//! Deliberately not here: whether the facts handed to the rules are true. That is the work of `policy`, and of
//! the people who enter them.
#![deny(missing_docs)]

use std::str::FromStr as _;
use std::thread;

use cedar_policy::{Effect, EntityTypeName, EntityUid, Policy, PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::err::Error;
use cedar_policy_symcc::solver::{LocalSolver, SolverError};
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet};
use mithaq_policy::Rules;
use thiserror::Error as ThisError;

/// What was shown about a rule set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofReport {
    /// Every safeguard with what was found.
    pub safeguards: Vec<Safeguard>,
    /// Rules that can fail on some request instead of answering; such a request is refused. Empty is right.
    pub can_fail: Vec<String>,
    /// Whether some request is permitted at all; a rule set that refuses everything keeps every safeguard and
    /// helps nobody.
    pub permits_something: bool,
}

impl ProofReport {
    /// Returns whether everything was shown that should be.
    #[must_use]
    pub fn holds(&self) -> bool {
        let kept = self.safeguards.iter().all(|one| one.broken_by.is_none());
        kept && !self.safeguards.is_empty() && self.can_fail.is_empty() && self.permits_something
    }
}

/// One safeguard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Safeguard {
    /// Its id, for example `s11-torture`.
    pub id: String,
    /// The limit of the domain page, for example `L7`.
    pub limit: String,
    /// A request that the rule set permits and the safeguard forbids; none when there is no such request.
    pub broken_by: Option<String>,
}

/// Why nothing was shown.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum ProveError {
    /// The solver is not installed.
    #[error("the solver is missing; install it with `apt-get install cvc5`, or name it in CVC5")]
    SolverMissing,
    /// The solver stopped, ran out of time or did not know.
    #[error("the solver gave no answer: {0}")]
    Solver(String),
    /// The rules could not be written as logic; a fault of ours.
    #[error("the rule set cannot be analysed: {0}")]
    Rules(String),
}

/// Shows that a rule set stays inside the safeguards for every request. Takes seconds and starts a process; runs
/// on a thread of its own, so it may be called from anywhere.
///
/// # Errors
/// A [`ProveError`] when nothing was shown. That a safeguard is broken is a result, not an error.
pub fn prove(rules: &Rules) -> Result<ProofReport, ProveError> {
    prove_policies(rules.policies())
}

fn prove_policies(policies: &PolicySet) -> Result<ProofReport, ProveError> {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|error| ProveError::Solver(error.to_string()))?.block_on(ask(policies))
        });
        worker.join().unwrap_or_else(|_panicked| Err(ProveError::Solver("the analysis stopped".to_owned())))
    })
}

async fn ask(policies: &PolicySet) -> Result<ProofReport, ProveError> {
    let (schema, env) = schema()?;
    let mut solver = CedarSymCompiler::new(LocalSolver::cvc5().map_err(start)?).map_err(analysis)?;
    let whole = CompiledPolicySet::compile(policies, &env, &schema).map_err(analysis)?;
    let mut report = ProofReport { safeguards: Vec::new(), can_fail: Vec::new(), permits_something: false };
    for safeguard in forbidding()? {
        let limits = alone(&safeguard)?;
        let compiled = CompiledPolicySet::compile(&limits, &env, &schema).map_err(analysis)?;
        let broken =
            solver.check_implies_with_counterexample_opt(&whole, &compiled).await.map_err(analysis)?;
        let named = |name| safeguard.annotation(name).unwrap_or_default().to_owned();
        report.safeguards.push(Safeguard {
            id: named("id"),
            limit: named("limit"),
            broken_by: broken.map(|found| found.to_string()),
        });
    }
    for policy in policies.policies() {
        let compiled = CompiledPolicy::compile(policy, &env, &schema).map_err(analysis)?;
        if !solver.check_never_errors_opt(&compiled).await.map_err(analysis)? {
            report.can_fail.push(policy.annotation("id").unwrap_or_default().to_owned());
        }
    }
    report.permits_something = !solver.check_always_denies_opt(&whole).await.map_err(analysis)?;
    Ok(report)
}

fn schema() -> Result<(Schema, RequestEnv), ProveError> {
    let fault = |error: &dyn core::fmt::Display| ProveError::Rules(error.to_string());
    let (schema, _warnings) = Schema::from_cedarschema_str(Rules::schema()).map_err(|error| fault(&error))?;
    let action = EntityUid::from_str("Action::\"disclose\"").map_err(|error| fault(&error))?;
    let kind = |name| EntityTypeName::from_str(name).map_err(|error| fault(&error));
    Ok((schema, RequestEnv::new(kind("Party")?, action, kind("Report")?)))
}

/// The safeguards as the product ships them, read apart from any rule set.
fn forbidding() -> Result<Vec<Policy>, ProveError> {
    let all =
        PolicySet::from_str(Rules::safeguards()).map_err(|error| ProveError::Rules(error.to_string()))?;
    let mut safeguards: Vec<Policy> =
        all.policies().filter(|one| one.effect() == Effect::Forbid).cloned().collect();
    safeguards.sort_by_key(|one| one.annotation("id").map(ToOwned::to_owned));
    Ok(safeguards)
}

/// Everything but what one safeguard forbids. A rule set keeps the safeguard if it permits nothing beyond this.
fn alone(safeguard: &Policy) -> Result<PolicySet, ProveError> {
    let everything = Policy::parse(None, "permit (principal, action, resource);");
    let everything = everything.map_err(|error| ProveError::Rules(error.to_string()))?;
    let set = PolicySet::from_policies([
        everything.new_id("everything".parse().unwrap_or_else(never)),
        safeguard.clone(),
    ]);
    set.map_err(|error| ProveError::Rules(error.to_string()))
}

fn never<T>(impossible: core::convert::Infallible) -> T {
    match impossible {}
}

fn start(error: SolverError) -> ProveError {
    if let SolverError::Io(io) = &error
        && io.kind() == std::io::ErrorKind::NotFound
    {
        return ProveError::SolverMissing;
    }
    ProveError::Solver(error.to_string())
}

fn analysis(error: Error) -> ProveError {
    if let Error::SolverError(inside) = error {
        return start(inside);
    }
    if let Error::SolverUnknown = error {
        return ProveError::Solver("it does not know".to_owned());
    }
    ProveError::Rules(error.to_string())
}

#[cfg(test)]
mod tests;
