//! What the system says about this process. Linux; elsewhere nothing is said.

/// Memory, threads and files of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Process {
    /// Bytes in memory now.
    pub(super) resident: Option<u64>,
    /// Most bytes in memory since the start.
    pub(super) resident_peak: Option<u64>,
    /// Threads.
    pub(super) threads: Option<u64>,
    /// Open files.
    pub(super) files: Option<u64>,
}

impl Process {
    pub(super) fn read() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let files =
            std::fs::read_dir("/proc/self/fd").ok().and_then(|files| u64::try_from(files.count()).ok());
        Self { files, ..parse(&status) }
    }
}

fn parse(status: &str) -> Process {
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let bytes = |name| number(name).and_then(|kib| kib.checked_mul(1024));
    Process {
        resident: bytes("VmRSS"),
        resident_peak: bytes("VmHWM"),
        threads: number("Threads"),
        files: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_system_are_read() {
        let process = parse("Name:\tmithaq\nVmHWM:\t   90 kB\nVmRSS:\t   80 kB\nThreads:\t12\n");
        assert_eq!(process.resident, Some(80 * 1024));
        assert_eq!((process.resident_peak, process.threads), (Some(90 * 1024), Some(12)));
        assert_eq!(parse("VmRSS: many kB\n"), Process::default());
    }
}
