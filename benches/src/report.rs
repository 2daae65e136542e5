//! Reports of many logs: every field computed and the text form printed, on one core and on two.

use std::io;

use crate::Args;
use crate::child::{cheapest, floor};
use crate::inputs::{archive, labelled};

/// Bytes of logs in the archive.
const BYTES: u64 = 100_000_000;

/// Runs the bench.
pub fn bench(args: &Args) -> io::Result<()> {
    let Some(logs) = labelled("report")? else { return Ok(()) };
    let (path, bytes) = archive(&logs, BYTES)?;
    println!(
        "report: {} labelled logs as members of one plain tar, {:.1} MB, text form",
        logs.len(),
        bytes as f64 / 1e6
    );
    let floor = floor(args.runs, &path)?;
    let mut walls = Vec::new();
    for jobs in ["1", "2"] {
        let cost = cheapest(args.runs, &["report", "--quiet", "--jobs", jobs], &path)?;
        println!(
            "  --jobs {jobs}: {:.0} MB per CPU second ({:.0} ms, {:.1} times counting line breaks), {:.0} ms on the wall, {:.1} MB printed",
            cost.rate(bytes),
            cost.cpu.as_secs_f64() * 1e3,
            cost.cpu.as_secs_f64() / floor.as_secs_f64(),
            cost.wall.as_secs_f64() * 1e3,
            cost.output as f64 / 1e6,
        );
        walls.push(cost.wall.as_secs_f64());
    }
    if let [one, two] = walls[..] {
        println!("  both cores: {:.2} times as fast as one", one / two);
    }
    Ok(())
}
