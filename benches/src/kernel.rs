//! Signing a real kernel of 590 MB, and comparing it with the one before it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::Args;
use crate::child::{Cost, fastest};

/// More runs than of other commands: a run is short, and other programs on the machine disturb it.
const RUNS: usize = 4;

/// Runs the bench of `ksplat kernel-signature`.
pub fn signature(args: &Args) -> io::Result<()> {
    let Some(vmlinux) = kernel("KSPLAT_VMLINUX") else { return Ok(()) };
    let path = vmlinux.to_string_lossy();
    let size = vmlinux.metadata()?.len();
    let ranges = hashed(&vmlinux)?;
    let bytes: u64 = ranges.iter().map(|(_, length)| length).sum();
    println!("kernel-signature: {:.0} MB, of which {:.1} MB are hashed", size as f64 / 1e6, bytes as f64 / 1e6);
    let floor = reading(args.runs * RUNS, &vmlinux, &ranges)?;
    println!("  floor       {:>7.1} ms to read these from the page cache, one thread, nothing hashed", millis(floor));
    for (name, allowed) in [("blake3", 25), ("sha256", 50)] {
        let cost = fastest(args.runs * RUNS, &["kernel-signature", "--algorithm", name, &path])?;
        println!("  {name:<11} {}", against(cost, allowed));
    }
    let cost = fastest(args.runs, &["kernel-signature", "--normalized", &path])?;
    println!("  normalized  {}", shown(cost));
    Ok(())
}

/// Where in the file the bytes are that a signature is made of: offset and length.
fn hashed(vmlinux: &Path) -> io::Result<Vec<(u64, u64)>> {
    let bytes = std::fs::read(vmlinux)?;
    let sections = ksplat::image::loaded_sections(&bytes).map_err(io::Error::other)?;
    let range = |section: &[u8]| {
        let offset = section.as_ptr().addr() - bytes.as_ptr().addr();
        (offset as u64, section.len() as u64)
    };
    Ok(sections.iter().map(|section| range(&section.bytes)).collect())
}

/// The least time in which this machine hands these bytes of a file to a program that does nothing with them.
fn reading(runs: usize, path: &Path, ranges: &[(u64, u64)]) -> io::Result<Duration> {
    let file = File::open(path)?;
    let mut buffer = vec![0; 1 << 18];
    let mut best = Duration::MAX;
    for _ in 0..runs.max(1) {
        let start = Instant::now();
        for &(offset, length) in ranges {
            for at in (0..length).step_by(buffer.len()) {
                let part = buffer.len().min((length - at) as usize);
                file.read_exact_at(&mut buffer[..part], offset + at)?;
            }
        }
        std::hint::black_box(&buffer);
        best = best.min(start.elapsed());
    }
    Ok(best)
}

/// Runs the bench of `ksplat kernel-diff`.
pub fn diff(args: &Args) -> io::Result<()> {
    let Some((first, second)) = kernel("KSPLAT_VMLINUX_47").zip(kernel("KSPLAT_VMLINUX")) else { return Ok(()) };
    let (first, second) = (first.to_string_lossy(), second.to_string_lossy());
    println!("kernel-diff: 6.1.0-47 and 6.1.0-50");
    let cost = fastest(args.runs, &["kernel-diff", "--summary", &first, &second])?;
    println!("  summary     {}", against(cost, 10_000));
    let cost = fastest(args.runs, &["kernel-diff", &first, &second])?;
    println!("  with code   {}; {:.1} MB of text", against(cost, 10_000), cost.output as f64 / 1e6);
    Ok(())
}

fn shown(cost: Cost) -> String {
    format!("{:>7.1} ms, {:.1} ms of CPU time", millis(cost.wall), millis(cost.cpu))
}

/// With whether it took at most so many milliseconds on the wall.
fn against(cost: Cost, allowed: u64) -> String {
    let is_met = if cost.wall <= Duration::from_millis(allowed) { "met" } else { "NOT met" };
    format!("{} (goal: at most {allowed} ms of wall, {is_met})", shown(cost))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn kernel(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    if path.is_none() {
        println!("skipped: kernel: {variable} is not set (testdata/lab/packages env)");
    }
    path
}
