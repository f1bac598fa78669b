//! Mithaq: agree first, exchange under control, prove it all. The command line.

mod agreement;
mod attachment;
mod backup;
mod bench;
#[cfg(test)]
mod calls;
mod check;
mod client;
mod courier;
mod demo;
mod doctor;
#[cfg(test)]
mod documented;
mod fleet;
mod http;
mod import;
mod justification;
mod keys;
mod local;
mod names;
mod onward;
mod ops;
mod request;
mod rights;
mod session;
mod ui;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::ui::{Exit, Failure, Ui};

/// Agree first, exchange under control, prove it all
#[derive(Debug, Parser)]
#[command(name = "mithaq", version, after_help = format!("Exit codes:\n{}", ui::EXIT_CODES))]
struct Cli {
    /// Print one JSON document instead of lines
    #[arg(long, global = true)]
    json: bool,
    /// Print results only
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Language: ar, fr, es or en [default: from the environment]
    #[arg(long, global = true, value_parser = ["ar", "fr", "es", "en"])]
    lang: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start three nodes on this machine and follow an exchange between them
    Demo(demo::DemoArgs),
    /// Set up a node
    Init(local::InitArgs),
    /// Run a node
    Serve(local::NodeDir),
    /// Copy the database of a node to a new directory, also while it runs
    Backup(backup::BackupArgs),
    /// Begin anew after a loss: from a copy of the database, or from the one in place
    Restore(backup::RestoreArgs),
    /// Look for what is wrong with a node, running or not
    Doctor(local::NodeDir),
    /// Check and show the configuration of a node
    #[command(subcommand)]
    Config(ops::ConfigCommand),
    /// Show every lane: how far it is, what waits, what is wrong
    Lanes(ops::Lanes),
    /// Messages on their way: list, show, try again
    #[command(subcommand)]
    Outbox(ops::OutboxCommand),
    /// Make a token for an officer, at the node itself
    Token(local::TokenArgs),
    /// Sign in; the password from MITHAQ_PASSWORD or one line of standard input
    Login(session::LoginArgs),
    /// End every session of yours
    Logout(client::NodeArgs),
    /// Say who you are to the node, and in which roles
    Whoami(client::NodeArgs),
    /// Change your own password; the new one from MITHAQ_NEW_PASSWORD or one line of standard input
    Password(client::NodeArgs),
    /// Say whether the node works: counts and states, no content
    Health(client::NodeArgs),
    /// Write, sign and govern agreements
    #[command(subcommand)]
    Agreement(agreement::AgreementCommand),
    /// Partners: manifests and risk assessments
    #[command(subcommand)]
    Partner(client::PartnerCommand),
    /// Keys over time: what the node signs with, new keys, keys that are not trusted any more
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Officers of the node
    #[command(subcommand)]
    Officers(client::OfficerCommand),
    /// Cases
    #[command(subcommand)]
    Case(client::CaseCommand),
    /// Subjects: write, import, search, read
    #[command(subcommand)]
    Subjects(client::SubjectCommand),
    /// Reports: from draft to receipt
    #[command(subcommand)]
    Report(client::ReportCommand),
    /// Attachments: files of any size of a report
    #[command(subcommand)]
    Attachment(attachment::AttachmentCommand),
    /// Clear special categories and protected roles, with a written ground
    #[command(subcommand)]
    Clear(rights::ClearCommand),
    /// What was held back: see it, let it in or refuse it, two persons
    #[command(subcommand)]
    Quarantine(rights::QuarantineCommand),
    /// A life is at risk: open one report for four hours, review it afterwards
    #[command(subcommand)]
    Emergency(rights::EmergencyCommand),
    /// Hold a case or a report: neither disclosed nor erased by time
    #[command(subcommand)]
    Hold(rights::HoldCommand),
    /// Reasons that people gave for looking at persons: drawn at random, judged by others
    #[command(subcommand)]
    Justification(justification::JustificationCommand),
    /// What oversight sees: decisions about rights, alarms
    #[command(subcommand)]
    Oversight(rights::OversightCommand),
    /// Carry what waits by hand, where there is no line
    #[command(subcommand)]
    Courier(courier::CourierCommand),
    /// Requests for information: from question to figures
    #[command(subcommand)]
    Request(request::RequestCommand),
    /// Private checks: does a partner know this person? Yes or no, and nothing else
    #[command(subcommand)]
    Check(check::CheckCommand),
    /// Consents to pass on what another party originated: ask, grant, refuse, take back
    #[command(subcommand)]
    Consent(onward::ConsentCommand),
    /// Pass a report on; see where the copies of your own are
    #[command(subcommand)]
    Onward(onward::OnwardCommand),
    /// Evidence: export and checkpoint
    #[command(subcommand)]
    Evidence(client::EvidenceCommand),
    /// The log of the node and who countersigned it
    #[command(subcommand)]
    Ledger(client::LedgerCommand),
    /// Check an evidence bundle offline
    Verify(verify::VerifyArgs),
    /// Measure what this program does on this machine
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Names: compare, index and find them across scripts; needs no node
    #[command(subcommand)]
    Names(names::NamesCommand),
    /// Print who may do what
    Roles,
    /// Print the OpenAPI document of the client API
    #[command(hide = true)]
    Openapi,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let lang = ui::language(cli.lang.as_deref(), |name| std::env::var(name).ok());
    let ui = Ui { json: cli.json, lang, quiet: cli.quiet };
    match run(&cli.command, ui) {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            ui.failure(&failure);
            failure.exit.into()
        }
    }
}

fn run(command: &Command, ui: Ui) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => demo::run(args, ui),
        Command::Init(args) => local::init(args, ui),
        Command::Serve(args) => local::serve_node(args),
        Command::Doctor(args) => doctor::run(args, ui),
        Command::Config(command) => ops::config(command, ui),
        Command::Lanes(args) => ops::lanes(&args.node, ui),
        Command::Outbox(command) => ops::outbox(command, ui),
        Command::Backup(args) => backup::backup(args, ui),
        Command::Restore(args) => backup::restore(args, ui),
        Command::Token(args) => local::token(args, ui),
        Command::Login(args) => session::login(args, ui),
        Command::Logout(node) => session::logout(node, ui),
        Command::Whoami(node) => session::whoami(node, ui),
        Command::Password(node) => session::password(node, ui),
        Command::Health(node) => session::health(node, ui),
        Command::Agreement(command) => agreement::run(command, ui),
        Command::Partner(command) => client::partner(command, ui),
        Command::Keys(command) => keys::run(command, ui),
        Command::Officers(command) => client::officer(command, ui),
        Command::Case(command) => client::case(command, ui),
        Command::Subjects(command) => client::subject(command, ui),
        Command::Report(command) => client::report(command, ui),
        Command::Attachment(command) => attachment::run(command, ui),
        Command::Clear(command) => rights::clear(command, ui),
        Command::Quarantine(command) => rights::quarantine(command, ui),
        Command::Emergency(command) => rights::emergency(command, ui),
        Command::Hold(command) => rights::hold(command, ui),
        Command::Justification(command) => justification::run(command, ui),
        Command::Oversight(command) => rights::oversight(command, ui),
        Command::Courier(command) => courier::run(command, ui),
        Command::Request(command) => request::run(command, ui),
        Command::Check(command) => check::run(command, ui),
        Command::Consent(command) => onward::consent(command, ui),
        Command::Onward(command) => onward::onward(command, ui),
        Command::Evidence(command) => client::evidence(command, ui),
        Command::Ledger(command) => client::ledger(command, ui),
        Command::Verify(args) => verify::run(args, ui),
        Command::Bench(command) => bench::run(command, ui),
        Command::Names(command) => names::run(command, ui),
        Command::Roles => {
            let matrix = mithaq_app::role_matrix();
            let lines: Vec<String> = matrix.lines().map(ToOwned::to_owned).collect();
            ui.result(&serde_json::json!({ "matrix": lines }), &lines)
        }
        Command::Openapi => {
            let document = mithaq_api::openapi().map_err(anyhow::Error::from)?;
            let json = serde_json::from_str(&document).map_err(anyhow::Error::from)?;
            ui.result(&json, &[document])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
