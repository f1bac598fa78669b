//! A PostgreSQL with a synchronous standby on this machine, durable as in service, and a node of several processes on
//! it. The primary is killed in the middle; what is left is judged by `mithaq bench cluster`.
//!
//! Both servers listen on sockets in a directory of their own and are always taken down.

use crate::pg::{as_user, bin, new_dir, start_guardian};
use crate::workspace::Workspace;
use crate::{shell, system};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};

/// Options of `cargo xtask cluster`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Use the optimised program
    #[arg(long)]
    release: bool,
    /// Run this program instead of building one: two versions are compared in the same hour
    #[arg(long, value_name = "FILE", conflicts_with = "release")]
    binary: Option<PathBuf>,
    /// With `--measure`: say which statements the primary ran, how often and how long (PostgreSQL's `pg_stat_statements`)
    #[arg(long)]
    statements: bool,
    /// What `mithaq bench cluster` takes: `--seconds N`, `--rate N`, `--calm`, `--measure N`, …
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// The port only names the socket file.
const PORT: &str = "5432";

/// How many statements are shown.
const SHOWN: &str = "SELECT calls || ' calls, ' || round(total_exec_time)::text || ' ms, ' || rows || ' rows: '
    || left(regexp_replace(query, '\\s+', ' ', 'g'), 160) FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 60";

/// A primary in `data` with its socket in `p`, a standby in `standby` with its socket in `s`.
struct Servers {
    dir: PathBuf,
    user: Option<&'static str>,
    guardian: Child,
    hold: Option<ChildStdin>,
}

impl Servers {
    fn start(root: &Path) -> Result<Self> {
        system::ensure(root, &[system::POSTGRES])?;
        let user = if system::is_root() { Some("postgres") } else { None };
        let dir = new_dir("ha", user)?;
        let (guardian, hold) = start_guardian(&bin("pg_ctl")?, &dir, user)?;
        let servers = Self { dir, user, guardian, hold: Some(hold) };
        servers.primary()?;
        servers.standby()?;
        Ok(servers)
    }

    fn primary(&self) -> Result<()> {
        let mut command = as_user(self.user, &bin("initdb")?);
        command.arg("-D").arg(self.dir.join("data")).args(["--username=postgres", "--auth=trust"]);
        command.args(["--locale=C.UTF-8", "--encoding=UTF8"]).current_dir(&self.dir);
        shell::output(&mut command)?;
        self.socket("p")?;
        // Until the standby is there, commits do not wait for it.
        self.launch("data", "p", "")?;
        Ok(())
    }

    fn standby(&self) -> Result<()> {
        let mut command = as_user(self.user, &beside_initdb("pg_basebackup")?);
        command.arg("-h").arg(self.dir.join("p")).args(["-p", PORT, "-U", "postgres", "-R", "-c", "fast"]);
        command.arg("-D").arg(self.dir.join("standby")).current_dir(&self.dir);
        shell::output(&mut command)?;
        self.socket("s")?;
        self.launch("standby", "s", "")?;
        self.sql("p", "ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.sql("p", "SELECT pg_reload_conf()")?;
        for _ in 0..100 {
            let state =
                self.sql("p", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")?;
            if state.trim() == "1" {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        bail!("the standby did not become synchronous")
    }

    /// Restarts the primary with the module that counts.
    fn count_statements(&self) -> Result<()> {
        let mut command = as_user(self.user, &bin("pg_ctl")?);
        command.arg("stop").arg("-D").arg(self.dir.join("data")).args(["-w", "-s", "-m", "fast"]);
        shell::output(command.current_dir(&self.dir))?;
        self.launch("data", "p", "-c shared_preload_libraries=pg_stat_statements")?;
        self.sql("p", "CREATE EXTENSION pg_stat_statements").map(drop)
    }

    fn socket(&self, name: &str) -> Result<()> {
        let mut command = as_user(self.user, Path::new("mkdir"));
        shell::output(command.arg(self.dir.join(name)).current_dir(&self.dir)).map(drop)
    }

    fn launch(&self, data: &str, socket: &str, more: &str) -> Result<()> {
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -p {PORT} -c max_connections=200 \
             -c hot_standby=on {more}",
            self.dir.join(socket).display()
        );
        let mut command = as_user(self.user, &bin("pg_ctl")?);
        command.arg("start").arg("-D").arg(self.dir.join(data));
        command.arg("-l").arg(self.dir.join(format!("{data}.log")));
        command.args(["-w", "-s", "-t", "60", "-o", &options]).current_dir(&self.dir);
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
        if !status.context("cannot start `pg_ctl`")?.success() {
            bail!("PostgreSQL did not start in `{data}`");
        }
        Ok(())
    }

    fn sql(&self, socket: &str, sql: &str) -> Result<String> {
        let mut command = as_user(self.user, &beside_initdb("psql")?);
        command.arg("-h").arg(self.dir.join(socket)).args(["-p", PORT, "-U", "postgres", "-At", "-c", sql]);
        shell::output(command.current_dir(&self.dir))
    }

    /// As a node is told.
    fn address(&self) -> String {
        let (p, s) = (self.dir.join("p"), self.dir.join("s"));
        format!(
            "host={},{} port={PORT},{PORT} user=postgres dbname=postgres target_session_attrs=read-write",
            p.display(),
            s.display()
        )
    }

    /// What kills the primary with all its processes at once, and promotes the standby.
    fn fail_over(&self) -> Result<String> {
        let dir = self.dir.display();
        let as_user = self.user.map_or_else(String::new, |user| format!("runuser -u {user} -- "));
        let pg_ctl = bin("pg_ctl")?;
        // A standby that became the primary waits for nobody: it has no standby yet.
        Ok(format!(
            "set -e; cd {dir}; p=$(head -n 1 data/postmaster.pid); kill -9 $p $(ps -o pid= --ppid $p); \
             {as_user}sh -c \"sed -i '/synchronous_standby_names/d' standby/postgresql.auto.conf\"; \
             {as_user}{} promote -D standby -w -s",
            pg_ctl.display()
        ))
    }
}

/// A program of the same version as the server: on Debian the ones in PATH choose a version by themselves.
fn beside_initdb(name: &str) -> Result<PathBuf> {
    let file = bin("initdb")?.with_file_name(name);
    if file.is_file() { Ok(file) } else { bin(name) }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.hold.take());
        // Its own failure leaves a directory behind, which is no reason to fail what was checked.
        drop(self.guardian.wait());
    }
}

/// Makes the servers and runs the nodes on them.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let root: &Path = &workspace.root;
    let program = match &options.binary {
        Some(file) => std::path::absolute(file)?,
        None => build(workspace, options.release)?,
    };
    let args: Vec<&str> = options.args.iter().map(String::as_str).collect();
    on_servers(root, &program, &args, options.statements)
}

fn build(workspace: &Workspace, release: bool) -> Result<PathBuf> {
    let mut build = vec!["build", "--quiet", "--package", "mithaq"];
    if release {
        build.push("--release");
    }
    shell::run(&mut shell::cargo(&workspace.root, &build))?;
    Ok(if release { workspace.release_bin("mithaq") } else { workspace.bin("mithaq") })
}

/// Makes the servers and runs the program's own part on them.
pub(crate) fn on_servers(root: &Path, program: &Path, more: &[&str], statements: bool) -> Result<()> {
    let servers = Servers::start(root)?;
    if statements {
        servers.count_statements()?;
    }
    let (database, fail_over) = (servers.address(), servers.fail_over()?);
    let mut args = vec!["bench", "cluster", "--database", &database, "--fail-over", &fail_over];
    args.extend(more);
    shell::run(&mut shell::program(root, program, &args))?;
    if statements {
        print!("{}", servers.sql("p", SHOWN)?);
    }
    Ok(())
}
