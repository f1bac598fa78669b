//! A throw-away PostgreSQL: made in the temporary directory, on a socket only, and always taken down.
//!
//! It keeps nothing and is not durable (`fsync=off`). It listens on no network address.

use crate::{shell, system};
use anyhow::{Context as _, Result, bail};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Options of `cargo xtask pg`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The command to run and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// The port only names the socket file, and the socket is in a directory of our own: it is always free.
const PORT: &str = "5432";

/// The longest path of a Unix socket is 107 bytes; what `.s.PGSQL.5432` and the name need is below this.
const LONGEST_TEMP_DIR: usize = 60;

/// What the guardian does once nobody holds the other end of its standard input: even if this program was
/// killed, the server stops and its files go. `$1` is pg_ctl, `$2` the directory, `$3` the user or nothing.
const GUARDIAN: &str = r#"
stop_one() {
  if [ -n "$3" ]; then runuser -u "$3" -- "$1" stop -D "$2" -m immediate -w -s
  else "$1" stop -D "$2" -m immediate -w -s; fi
}
stop() {
  if [ -d "$2/standby" ]; then stop_one "$1" "$2/standby" "$3"; fi
  stop_one "$1" "$2/data" "$3"
}
cat >/dev/null
# A server that is only just starting cannot be stopped yet, and writes files again after they were removed.
for try in 1 2 3; do
  if stop "$1" "$2" "$3"; then rm -rf "$2"; break; fi
  rm -rf "$2"
  sleep 1
done
rm -rf "$2"
"#;

/// A running server. Dropping it stops it and removes its files.
#[derive(Debug)]
pub(crate) struct Cluster {
    dir: PathBuf,
    guardian: Child,
    /// Closing it is the sign for the guardian.
    hold: Option<ChildStdin>,
}

impl Cluster {
    /// Makes and starts one.
    pub(crate) fn start(root: &Path) -> Result<Self> {
        system::ensure(root, &[system::POSTGRES])?;
        let user = if system::is_root() { Some("postgres") } else { None };
        let dir = new_dir("pg", user)?;
        let pg_ctl = bin("pg_ctl")?;
        // The guardian comes first: what fails after this line is cleaned up as well.
        let (guardian, hold) = start_guardian(&pg_ctl, &dir, user)?;
        let cluster = Self { dir, guardian, hold: Some(hold) };
        cluster.init(user)?;
        cluster.launch(&pg_ctl, user)?;
        Ok(cluster)
    }

    /// How a client reaches it: a keyword string of libpq.
    pub(crate) fn address(&self) -> String {
        format!("host={} port={PORT} user=postgres dbname=postgres", self.dir.display())
    }

    /// Tells a command where the server is, and that a test may not pass by skipping it.
    pub(crate) fn export(&self, command: &mut Command) {
        command.env("MITHAQ_TEST_PG", self.address()).env("MITHAQ_REQUIRE_PG", "1");
    }

    fn init(&self, user: Option<&str>) -> Result<()> {
        let data = self.dir.join("data");
        let mut command = as_user(user, &bin("initdb")?);
        command.arg("-D").arg(data).args(["--username=postgres", "--auth=trust", "--no-sync"]);
        command.args(["--locale=C.UTF-8", "--encoding=UTF8"]).current_dir(&self.dir);
        shell::output(&mut command).map(drop)
    }

    fn launch(&self, pg_ctl: &Path, user: Option<&str>) -> Result<()> {
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -p {PORT} -c fsync=off \
             -c synchronous_commit=off -c full_page_writes=off -c max_connections=200",
            self.dir.display()
        );
        let mut command = as_user(user, pg_ctl);
        command.arg("start").arg("-D").arg(self.dir.join("data")).arg("-l").arg(self.dir.join("log"));
        command.args(["-w", "-s", "-t", "60", "-o", &options]).current_dir(&self.dir);
        // Not captured: the server would inherit the pipe and hold it open for as long as it runs.
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
        if !status.context("cannot start `pg_ctl`")?.success() {
            let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            bail!("PostgreSQL did not start: {}", log.lines().last().unwrap_or("it wrote no log"));
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.hold.take());
        // Its own failure leaves a directory behind, which is no reason to fail what was checked.
        drop(self.guardian.wait());
    }
}

/// Runs one command with a server beside it.
pub(crate) fn run(workspace: &crate::workspace::Workspace, options: &Options) -> Result<()> {
    let Some((name, args)) = options.command.split_first() else { bail!("no command given") };
    let cluster = Cluster::start(&workspace.root)?;
    let mut command = Command::new(name);
    command.args(args);
    cluster.export(&mut command);
    let shown = shell::show(&command);
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

pub(crate) fn bin(name: &str) -> Result<PathBuf> {
    let found = system::find(name);
    // Debian links some programs into PATH as wrappers; the link's target has its siblings beside it.
    let found = found.map(|file| file.canonicalize().unwrap_or(file));
    found.with_context(|| format!("`{name}` is not here: install PostgreSQL"))
}

/// PostgreSQL refuses to run as root, so root runs it as the user of Debian's package.
pub(crate) fn as_user(user: Option<&str>, program: &Path) -> Command {
    match user {
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// A directory of this process, for servers of one sort: several sorts may run at once.
pub(crate) fn new_dir(sort: &str, user: Option<&str>) -> Result<PathBuf> {
    let temp = std::env::temp_dir();
    let temp = if temp.as_os_str().len() > LONGEST_TEMP_DIR { PathBuf::from("/tmp") } else { temp };
    let dir = temp.join(format!("mithaq-{sort}-{}", std::process::id()));
    let mut command = Command::new("install");
    command.args(["-d", "-m", "700"]);
    if let Some(user) = user {
        command.args(["-o", user]);
    }
    shell::output(command.arg(&dir)).map(drop)?;
    Ok(dir)
}

pub(crate) fn start_guardian(pg_ctl: &Path, dir: &Path, user: Option<&str>) -> Result<(Child, ChildStdin)> {
    let mut command = Command::new("sh");
    command.args(["-c", GUARDIAN, "mithaq-pg-guardian"]).arg(pg_ctl).arg(dir).arg(user.unwrap_or(""));
    // A group of its own: Ctrl-C ends this program and not the one that cleans up after it.
    command.process_group(0).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut guardian = command.spawn().context("cannot start `sh`")?;
    let hold = guardian.stdin.take().context("no pipe to the guardian")?;
    Ok((guardian, hold))
}
