//! Bisection logs: all real ones, read and judged.

use std::fs::{self, File};
use std::io;

use crate::Args;
use crate::child::{cheapest, floor};
use crate::inputs::folder;

/// Runs the bench.
pub fn bench(args: &Args) -> io::Result<()> {
    let Some(shared) = testkit::shared_or_skip("bisect") else { return Ok(()) };
    let path = folder()?.join("bisection-logs.tar");
    zstd::stream::copy_decode(File::open(shared.join("corpus/bisection-logs.tar.zst"))?, File::create(&path)?)?;
    let bytes = fs::metadata(&path)?.len();
    println!("bisect: the real bisection logs as one plain tar, {:.1} MB, NDJSON", bytes as f64 / 1e6);
    let floor = floor(args.runs, &path)?;
    for command in ["show", "audit"] {
        let cost = cheapest(args.runs, &["bisect", command, "--quiet", "--jobs", "1", "--format", "ndjson"], &path)?;
        println!(
            "  {command}: {:.0} MB per CPU second ({:.0} ms, {:.1} times counting line breaks)",
            cost.rate(bytes),
            cost.cpu.as_secs_f64() * 1e3,
            cost.cpu.as_secs_f64() / floor.as_secs_f64(),
        );
    }
    Ok(())
}
