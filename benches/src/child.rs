//! The command as a child process, and what it costs; and the floor to compare it with.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

/// What a run cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// CPU time of all threads, the system's share included.
    pub cpu: Duration,
    /// Time on the wall.
    pub wall: Duration,
    /// Bytes that the run wrote.
    pub output: u64,
}

impl Cost {
    /// MB of input for each second of CPU time.
    pub fn rate(&self, bytes: u64) -> f64 {
        bytes as f64 / 1e6 / self.cpu.as_secs_f64()
    }
}

/// The command that lies beside this program, with arguments.
pub fn ksplat(args: &[&str]) -> io::Result<Command> {
    let path: PathBuf = std::env::current_exe()?.with_file_name("ksplat");
    let mut command = Command::new(path);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(command)
}

/// What a command over a file costs: the least CPU time and the least time on the wall of some runs. Its output goes
/// through a pipe and is dropped.
pub fn cheapest(runs: usize, args: &[&str], input: &Path) -> io::Result<Cost> {
    let mut best: Option<Cost> = None;
    for _ in 0..runs.max(1) {
        let Cost { cpu, wall, output } = run(ksplat(args)?.arg(input))?;
        best = Some(best.map_or(Cost { cpu, wall, output }, |best| Cost {
            cpu: best.cpu.min(cpu),
            wall: best.wall.min(wall),
            output,
        }));
    }
    best.ok_or_else(|| io::Error::other("no run"))
}

/// The run of a command that took the least time on the wall; its output goes through a pipe and is dropped.
pub fn fastest(runs: usize, args: &[&str]) -> io::Result<Cost> {
    let mut best: Option<Cost> = None;
    for _ in 0..runs.max(1) {
        let cost = run(&mut ksplat(args)?)?;
        best = Some(best.filter(|best| best.wall <= cost.wall).unwrap_or(cost));
    }
    best.ok_or_else(|| io::Error::other("no run"))
}

/// Counts the line breaks of a file: what reading each byte once costs on this machine.
pub fn floor(runs: usize, input: &Path) -> io::Result<Duration> {
    let mut best = Duration::MAX;
    let mut buffer = vec![0; 1 << 18];
    for _ in 0..runs.max(1) {
        let start = cpu(UsageWho::RUSAGE_SELF)?;
        let (mut file, mut lines) = (File::open(input)?, 0);
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            lines += memchr::memchr_iter(b'\n', &buffer[..read]).count();
        }
        std::hint::black_box(lines);
        best = best.min(cpu(UsageWho::RUSAGE_SELF)? - start);
    }
    Ok(best)
}

/// The largest memory that a living child has held so far, in MB.
pub fn peak_memory(child: &Child) -> io::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    peak.map(|kib: f64| kib * 1024.0 / 1e6).ok_or_else(|| io::Error::other("no VmHWM in /proc/PID/status"))
}

/// CPU time of all children that have ended.
pub fn cpu_of_children() -> io::Result<Duration> {
    cpu(UsageWho::RUSAGE_CHILDREN)
}

fn run(command: &mut Command) -> io::Result<Cost> {
    let (before, start) = (cpu_of_children()?, Instant::now());
    let mut child = command.spawn()?;
    let output = child.stdout.take().map_or(Ok(0), |mut out| io::copy(&mut out, &mut io::sink()))?;
    let status = child.wait()?;
    // 1 says that there was no report.
    if !matches!(status.code(), Some(0 | 1)) {
        return Err(io::Error::other(format!("{command:?}: {status}")));
    }
    Ok(Cost { cpu: cpu_of_children()? - before, wall: start.elapsed(), output })
}

fn cpu(who: UsageWho) -> io::Result<Duration> {
    let usage = getrusage(who)?;
    let times = [usage.user_time(), usage.system_time()];
    let micros = times.iter().map(|time| time.tv_sec() * 1_000_000 + time.tv_usec()).sum::<i64>();
    Ok(Duration::from_micros(micros.unsigned_abs()))
}
