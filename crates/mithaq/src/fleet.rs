//! Real nodes on this machine, each a process of its own: made, started, killed, and brought under agreements that
//! both roots signed. What `mithaq demo` and `mithaq bench` run on.

mod agree;
mod make;
mod work;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mithaq_model::{AgreementId, PartyId, Timestamp};

pub(crate) use self::make::{RECORD, Spec, failed};
pub(crate) use self::work::{Draft, handling, id_of, release, text, why};
use crate::http::Api;
use crate::local;
use crate::ui::{Exit, Failure};

/// Longest wait for one thing to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// One node.
pub(crate) struct Node {
    pub(crate) party: PartyId,
    state: &'static str,
    pub(crate) directory: PathBuf,
    /// Address of its client API.
    pub(crate) address: String,
    pub(crate) tokens: BTreeMap<&'static str, String>,
    pub(crate) log_key: String,
    /// What it runs; none: this program.
    program: Option<PathBuf>,
    child: Option<Child>,
}

impl Node {
    /// Number of the process, while it runs.
    pub(crate) fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
}

/// Several nodes and the agreements between them.
pub(crate) struct Fleet {
    nodes: Vec<Node>,
    agreements: BTreeMap<(usize, usize), AgreementId>,
    lang: &'static str,
    temporary: Option<Temporary>,
}

/// A directory that goes with the fleet.
pub(crate) struct Temporary(PathBuf);

/// Where nodes are to lie: in the directory that the person named, or in one that goes with what this returns beside it.
pub(crate) fn place(name: &str, directory: Option<&Path>) -> Result<(PathBuf, Option<Temporary>), Failure> {
    let base = match directory {
        Some(path) => path.to_path_buf(),
        None => std::env::temp_dir().join(format!("mithaq-{name}-{}", std::process::id())),
    };
    if base.exists() {
        let text = format!("`{}` exists already", base.display());
        return Err(Failure::new(Exit::Usage, "fleet.exists", text).hint("give another directory with --dir"));
    }
    let temporary = directory.is_none().then(|| Temporary(base.clone()));
    Ok((base, temporary))
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clean.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.kill_all();
    }
}

impl Fleet {
    /// Makes the nodes: keys, database, people. Without a directory they lie in a temporary one that goes with
    /// the fleet.
    pub(crate) fn make(
        name: &str,
        directory: Option<&Path>,
        specs: &[Spec],
        lang: &'static str,
    ) -> Result<Self, Failure> {
        let (base, temporary) = place(name, directory)?;
        let nodes = specs.iter().map(|spec| make::node(&base.join(spec.party), spec));
        let mut nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        // Further processes come after all nodes, so that nodes keep the numbers of their specifications.
        for (number, spec) in specs.iter().enumerate() {
            for (twin, port) in (1..).zip(&spec.twins) {
                let Some(node) = nodes.get(number) else { continue };
                nodes.push(make::twin(node, &base.join(format!("{}-{twin}", spec.party)), *port)?);
            }
        }
        Ok(Self { nodes, agreements: BTreeMap::new(), lang, temporary })
    }

    /// Finds nodes that were made before, by the directories they lie in; none of them runs.
    pub(crate) fn found(directories: &[PathBuf], lang: &'static str) -> Result<Self, Failure> {
        let nodes = directories.iter().map(|directory| make::found(directory)).collect::<Result<_, _>>()?;
        Ok(Self { nodes, agreements: BTreeMap::new(), lang, temporary: None })
    }

    /// Whether its directory was named by the person, and stays.
    pub(crate) const fn lasts(&self) -> bool {
        self.temporary.is_none()
    }

    /// The API of a node as one of its officers.
    pub(crate) fn api(&self, node: usize, officer: &str) -> Result<Api, Failure> {
        let node = self.node(node)?;
        let token = node.tokens.get(officer).cloned();
        Api::new(&format!("http://{}", node.address), token, self.lang)
    }

    pub(crate) fn node(&self, number: usize) -> Result<&Node, Failure> {
        self.nodes.get(number).ok_or_else(|| Failure::new(Exit::Failed, "fleet.node", "no such node"))
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn agreement(&self, one: usize, other: usize) -> Result<AgreementId, Failure> {
        let key = (one.min(other), one.max(other));
        let id = self.agreements.get(&key).copied();
        id.ok_or_else(|| Failure::new(Exit::Failed, "fleet.agreement", "no such agreement"))
    }

    /// Starts every node and waits until all serve.
    pub(crate) async fn start_all(&mut self) -> Result<(), Failure> {
        for number in 0..self.nodes.len() {
            self.start(number)?;
        }
        for number in 0..self.nodes.len() {
            self.wait_ready(number).await?;
        }
        Ok(())
    }

    pub(crate) fn start(&mut self, number: usize) -> Result<(), Failure> {
        let Some(node) = self.nodes.get_mut(number) else { return Ok(()) };
        let program = node.program.clone().map_or_else(std::env::current_exe, Ok)?;
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(node.directory.join("node.log"))?;
        let child = Command::new(program)
            .arg("serve")
            .arg(&node.directory)
            // Held open while this process lives, however it ends.
            .env(local::STOP_WITH_INPUT, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        node.child = Some(child);
        Ok(())
    }

    /// Lets a node run another program from its next start on.
    pub(crate) fn runs(&mut self, number: usize, program: &Path) {
        if let Some(node) = self.nodes.get_mut(number) {
            node.program = Some(program.to_path_buf());
        }
    }

    pub(crate) async fn wait_ready(&self, number: usize) -> Result<(), Failure> {
        let api = self.api(number, "admin")?;
        until("a node did not start", async || Ok(api.get("/api/v1/health").await.is_ok().then_some(())))
            .await
    }

    /// Kills a node as a power cut would: `SIGKILL`, no goodbye.
    pub(crate) fn kill(&mut self, number: usize) {
        if let Some(mut child) = self.nodes.get_mut(number).and_then(|node| node.child.take()) {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }

    pub(crate) fn kill_all(&mut self) {
        for number in 0..self.nodes.len() {
            self.kill(number);
        }
    }

    /// The last lines of each node's log, when something broke.
    pub(crate) fn show_logs(&self) {
        for node in &self.nodes {
            let log = std::fs::read_to_string(node.directory.join("node.log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().rev().take(12).collect();
            for line in lines.iter().rev() {
                eprintln!("[{}] {line}", node.party);
            }
        }
    }
}

pub(crate) fn now() -> Timestamp {
    mithaq_app::ports::Clock::now(&mithaq_node::SystemClock)
}

/// Asks until there is an answer, or the patience is over.
pub(crate) async fn until<T>(
    what: &str,
    ask: impl AsyncFn() -> Result<Option<T>, Failure>,
) -> Result<T, Failure> {
    until_within(PATIENCE, what, ask).await
}

/// Asks until there is an answer, or the time is over.
pub(crate) async fn until_within<T>(
    patience: Duration,
    what: &str,
    ask: impl AsyncFn() -> Result<Option<T>, Failure>,
) -> Result<T, Failure> {
    let started = Instant::now();
    while started.elapsed() < patience {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(Failure::new(Exit::Failed, "fleet.patience", what)
        .hint("look at node.log in the node's directory (--dir)"))
}
