//! Commands and what they cost, side by side.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4 as _;

/// A command that is measured.
pub struct Peer {
    name: String,
    program: PathBuf,
    words: Vec<OsString>,
    input: Option<PathBuf>,
    cache: Option<PathBuf>,
    fresh: Option<PathBuf>,
    is_slow: bool,
}

/// What a run costs.
#[derive(Clone, Copy)]
struct Run {
    cpu: Duration,
    wall: Duration,
    /// In MiB.
    peak: f64,
}

impl Peer {
    /// ksplat itself, which lies beside this program.
    pub fn ours(name: &str) -> Peer {
        Peer::new(name, beside("ksplat"))
    }

    /// A command of the system.
    pub fn command(name: &str) -> Peer {
        Peer::new(name, PathBuf::from(name))
    }

    /// A library, as a command of `benches/peers`.
    pub fn library(name: &str) -> Peer {
        Peer::new(name, testkit::workspace_root().join("benches/peers/target/release").join(name))
    }

    fn new(name: &str, program: PathBuf) -> Peer {
        Peer {
            name: name.to_owned(),
            program,
            words: Vec::new(),
            input: None,
            cache: None,
            fresh: None,
            is_slow: false,
        }
    }

    /// Gives it another name.
    pub fn named(mut self, name: &str) -> Peer {
        self.name = name.to_owned();
        self
    }

    /// Adds arguments.
    pub fn words(mut self, words: &[&str]) -> Peer {
        self.words.extend(words.iter().map(OsString::from));
        self
    }

    /// Adds an argument.
    pub fn path(mut self, path: &Path) -> Peer {
        self.words.push(path.into());
        self
    }

    /// Gives it a file on standard input.
    pub fn input(mut self, path: &Path) -> Peer {
        self.input = Some(path.to_owned());
        self
    }

    /// Says where its cache is.
    pub fn cache(mut self, path: &Path) -> Peer {
        self.cache = Some(path.to_owned());
        self
    }

    /// Names a folder that is emptied before each run.
    pub fn fresh(mut self, path: &Path) -> Peer {
        self.fresh = Some(path.to_owned());
        self
    }

    /// Runs it once only.
    pub fn once(mut self) -> Peer {
        self.is_slow = true;
        self
    }

    fn is_there(&self) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.program.is_file() || std::env::split_paths(&path).any(|folder| folder.join(&self.program).is_file())
    }

    fn run(&self) -> io::Result<Run> {
        let mut command = Command::new(&self.program);
        let input = self.input.as_ref().map_or(Ok(Stdio::null()), |path| File::open(path).map(Stdio::from))?;
        command.args(&self.words).stdin(input).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(cache) = &self.cache {
            command.env("XDG_CACHE_HOME", cache);
        }
        if let Some(folder) = &self.fresh {
            let _ = std::fs::remove_dir_all(folder);
        }
        let start = Instant::now();
        let mut child = command.spawn()?;
        if let Some(mut out) = child.stdout.take() {
            io::copy(&mut out, &mut io::sink())?;
        }
        let ended = child.wait4()?;
        if !ended.status.success() {
            return Err(io::Error::other(format!("{command:?}: {}", ended.status)));
        }
        let cpu = ended.rusage.utime + ended.rusage.stime;
        Ok(Run { cpu, wall: start.elapsed(), peak: ended.rusage.maxrss as f64 / f64::from(1 << 20) })
    }
}

/// The program that lies beside this one.
fn beside(name: &str) -> PathBuf {
    std::env::current_exe().map_or_else(|_| PathBuf::from(name), |path| path.with_file_name(name))
}

/// Commands that do the same thing.
pub struct Table {
    peers: Vec<Peer>,
    runs: usize,
}

impl Table {
    /// Begins a table with its title.
    pub fn new(title: &str, runs: usize) -> Table {
        println!("  {title}");
        Table { peers: Vec::new(), runs: runs.max(1) }
    }

    /// Adds a command, or says that it is not installed.
    pub fn add(&mut self, peer: Peer) {
        if peer.is_there() {
            self.peers.push(peer);
        } else {
            println!("    skipped: {} is not installed", peer.name);
        }
    }

    /// Runs all of them in turn, so that what else goes on on the machine is shared out, and prints the cheapest run of each
    /// and how many times the first one's CPU time that is.
    pub fn print(&self) -> io::Result<()> {
        let mut best: Vec<Option<Run>> = vec![None; self.peers.len()];
        for round in 0..self.runs {
            for (peer, best) in self.peers.iter().zip(&mut best).filter(|(peer, _)| round == 0 || !peer.is_slow) {
                let run = peer.run()?;
                *best = Some(best.map_or(run, |best| Run {
                    cpu: best.cpu.min(run.cpu),
                    wall: best.wall.min(run.wall),
                    peak: best.peak.min(run.peak),
                }));
            }
        }
        let first = best.first().copied().flatten().map_or(1.0, |run| run.cpu.as_secs_f64());
        for (peer, run) in self.peers.iter().zip(best) {
            let Some(Run { cpu, wall, peak }) = run else { continue };
            println!(
                "    {:<28} {:>9.1} ms CPU {:>9.1} ms wall {:>7.1} MiB {:>8.2} times",
                peer.name,
                cpu.as_secs_f64() * 1e3,
                wall.as_secs_f64() * 1e3,
                peak,
                cpu.as_secs_f64() / first
            );
        }
        Ok(())
    }
}
