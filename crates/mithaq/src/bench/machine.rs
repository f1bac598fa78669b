//! The machine a number was made on, as far as it tells: processor, memory, kernel, disk, what a flush costs there,
//! and how busy it was.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value as Json, json};

use super::percentile::Sample;

/// What is known about the machine.
pub(super) struct Machine {
    processor: String,
    cores: usize,
    memory_gib: u64,
    system: String,
    disk: String,
    flush_ms: Option<f64>,
    load_before: f64,
    source: String,
}

impl Machine {
    /// Looks at the machine; `directory` is where the nodes will lie.
    pub(super) fn look(directory: &Path) -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let named = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kib = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next());
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            processor: named.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.to_owned()),
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            memory_gib: kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / (1024 * 1024),
            system: format!("{} {}", std::env::consts::OS, release.trim()),
            disk: disk_of(directory),
            flush_ms: flush(directory),
            load_before: load(),
            source: source(),
        }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let flush = self.flush_ms.map_or_else(|| "unknown".to_owned(), |ms| format!("{ms:.2} ms"));
        vec![
            format!(
                "machine   {} cores, {}, {} GiB, {}",
                self.cores, self.processor, self.memory_gib, self.system
            ),
            format!("disk      {}; writing 4 KiB and flushing takes {flush} (median)", self.disk),
            "fsync     SQLite, write-ahead log, synchronous=FULL: every commit is flushed".to_owned(),
            format!("load      {:.2} before, {:.2} after (1 minute)", self.load_before, load()),
            format!("version   mithaq {}, {}, {}", env!("CARGO_PKG_VERSION"), self.source, profile()),
            format!("command   {}", command()),
        ]
    }

    pub(super) fn json(&self) -> Json {
        json!({
            "processor": self.processor, "cores": self.cores, "memory_gib": self.memory_gib,
            "system": self.system, "disk": self.disk, "flush_ms": self.flush_ms,
            "fsync": "sqlite wal synchronous=full", "load_before": self.load_before, "load_after": load(),
            "version": env!("CARGO_PKG_VERSION"), "source": self.source, "profile": profile(),
            "command": command(),
        })
    }
}

/// The load of the last minute.
pub(super) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(f64::NAN)
}

/// Memory a process holds in RAM, in bytes.
pub(super) fn resident(process: u32) -> Option<u64> {
    status(process, "VmRSS:")
}

/// Most memory a process ever held in RAM, in bytes.
pub(super) fn peak(process: u32) -> Option<u64> {
    status(process, "VmHWM:")
}

fn status(process: u32, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
    kib?.parse::<u64>().ok().map(|kib| kib * 1024)
}

const fn profile() -> &'static str {
    if cfg!(debug_assertions) { "development profile: not a number to publish" } else { "release profile" }
}

/// The command as it was typed, without the path of the program.
fn command() -> String {
    let args: Vec<String> = std::env::args().skip(1).collect();
    format!("mithaq {}", args.join(" "))
}

/// The commit of the tree the command is run in, if it is one.
fn source() -> String {
    let git = Command::new("git").args(["describe", "--always", "--dirty", "--exclude=*"]).output();
    let name = git.ok().filter(|out| out.status.success());
    let name = name.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    name.map_or_else(|| "commit unknown".to_owned(), |name| format!("commit {name}"))
}

/// The file system under a directory: that of the longest mount point before it.
fn disk_of(directory: &Path) -> String {
    let real = directory.ancestors().find_map(|path| path.canonicalize().ok()).unwrap_or_default();
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let places = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (_device, place, kind) = (words.next()?, words.next()?, words.next()?);
        real.starts_with(place).then_some((place.len(), kind))
    });
    places.max().map_or_else(|| "unknown file system".to_owned(), |(_, kind)| kind.to_owned())
}

/// Median time to append 4 KiB and flush it, in milliseconds.
fn flush(directory: &Path) -> Option<f64> {
    let place = directory.ancestors().find(|path| path.is_dir())?;
    let name = place.join(format!("mithaq-flush-{}", std::process::id()));
    let mut times = Vec::new();
    let mut probe = || {
        let mut file = fs::File::create(&name)?;
        for _ in 0..40 {
            let started = Instant::now();
            file.write_all(&[0x5a; 4096])?;
            file.sync_data()?;
            times.push(started.elapsed().as_secs_f64() * 1_000.0);
        }
        Ok::<_, std::io::Error>(())
    };
    let probed = probe();
    let _left = fs::remove_file(&name);
    probed.ok().and_then(|()| Sample::new(times).at(50))
}
