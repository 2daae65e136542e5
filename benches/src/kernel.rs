//! Signing a real kernel of 590 MB, and comparing it with the one before it.

use std::io;
use std::path::PathBuf;

use crate::Args;
use crate::child::{Cost, fastest};

/// More runs than of other commands: a run is short, and other programs on the machine disturb it.
const RUNS: usize = 4;

/// Runs the bench of `ksplat kernel-signature`.
pub fn signature(args: &Args) -> io::Result<()> {
    let Some(vmlinux) = kernel("KSPLAT_VMLINUX") else { return Ok(()) };
    let path = vmlinux.to_string_lossy();
    let size = vmlinux.metadata()?.len();
    let hashed: usize = {
        let bytes = std::fs::read(&vmlinux)?;
        let sections = ksplat::image::loaded_sections(&bytes).map_err(io::Error::other)?;
        sections.iter().map(|section| section.bytes.len()).sum()
    };
    println!("kernel-signature: {:.0} MB, of which {:.1} MB are hashed", size as f64 / 1e6, hashed as f64 / 1e6);
    for (name, allowed) in [("blake3", 25.0), ("sha256", 50.0)] {
        let cost = fastest(args.runs * RUNS, &["kernel-signature", "--algorithm", name, &path])?;
        println!("  {name:<11} {} (goal: at most {allowed} ms)", shown(cost));
    }
    let cost = fastest(args.runs, &["kernel-signature", "--normalized", &path])?;
    println!("  normalized  {}", shown(cost));
    Ok(())
}

/// Runs the bench of `ksplat kernel-diff`.
pub fn diff(args: &Args) -> io::Result<()> {
    let Some((first, second)) = kernel("KSPLAT_VMLINUX_47").zip(kernel("KSPLAT_VMLINUX")) else { return Ok(()) };
    let (first, second) = (first.to_string_lossy(), second.to_string_lossy());
    println!("kernel-diff: 6.1.0-47 and 6.1.0-50 (goal: less than 10 s)");
    let cost = fastest(args.runs, &["kernel-diff", "--summary", &first, &second])?;
    println!("  summary     {}", shown(cost));
    let cost = fastest(args.runs, &["kernel-diff", &first, &second])?;
    println!("  with code   {} for {:.1} MB of text", shown(cost), cost.output as f64 / 1e6);
    Ok(())
}

fn shown(cost: Cost) -> String {
    let [wall, cpu] = [cost.wall, cost.cpu].map(|time| time.as_secs_f64() * 1e3);
    format!("{wall:>7.1} ms, {cpu:.1} ms of CPU time")
}

fn kernel(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    if path.is_none() {
        println!("skipped: kernel: {variable} is not set (testdata/lab/packages env)");
    }
    path
}
