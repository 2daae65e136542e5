//! Reports of many logs: every field computed and printed, on one core and on two.

use std::io;

use crate::Args;
use crate::child::{cheapest, floor};
use crate::inputs::{archive, labelled};
use crate::verdict;

/// Bytes of logs in the archive.
const BYTES: u64 = 100_000_000;

/// MB of logs that one core is to read, name and print as text in a second.
const GOAL: f64 = 220.0;

/// Runs the bench.
pub fn bench(args: &Args) -> io::Result<()> {
    let Some(logs) = labelled("report")? else { return Ok(()) };
    let (path, bytes) = archive(&logs, BYTES)?;
    println!(
        "report: {} labelled logs again and again as members of one plain tar, {:.1} MB",
        logs.len(),
        bytes as f64 / 1e6
    );
    println!(
        "  of each report: title and its alternatives, type, blamed frames, corrupted, suppressed, panicked, executor, \
         positions,\n  signature, first cause or echo, machine and task, details, each frame of each trace, trapping \
         instruction, guilty file.\n  Of register lines only NDJSON reads the numbers, and of `Code:` the listing; the \
         text form does not print them."
    );
    let floor = floor(args.runs, &path)?;
    for (form, goal) in [("text", Some(GOAL)), ("ndjson", None)] {
        let run = |jobs| cheapest(args.runs, &["report", "--quiet", "--format", form, "--jobs", jobs], &path);
        let one = run("1")?;
        println!(
            "  {form}: {:.0} MB per CPU second{}; {:.0} ms, {:.1} times counting line breaks; {:.1} MB printed",
            one.rate(bytes),
            goal.map_or(String::new(), |goal| verdict(one.rate(bytes), goal, "MB")),
            one.cpu.as_secs_f64() * 1e3,
            one.cpu.as_secs_f64() / floor.as_secs_f64(),
            one.output as f64 / 1e6,
        );
        let two = run("2")?;
        println!(
            "  {form}, two jobs: {:.0} ms on the wall, {:.2} times as fast as one, for {:.2} times its CPU time",
            two.wall.as_secs_f64() * 1e3,
            one.wall.as_secs_f64() / two.wall.as_secs_f64(),
            two.cpu.as_secs_f64() / one.cpu.as_secs_f64(),
        );
    }
    Ok(())
}
