//! A console on which nothing happens: what is paid for every byte that is no report.

use std::fs;
use std::io;

use crate::Args;
use crate::child::{cheapest, floor};
use crate::inputs::{folder, quiet};
use crate::verdict;

/// Bytes of the console.
const BYTES: usize = 16 << 20;

/// GB that one core is to read in a second.
const GOAL: f64 = 2.0;

/// Runs the bench.
pub fn bench(args: &Args) -> io::Result<()> {
    let path = folder()?.join("quiet.log");
    let text = quiet(BYTES)?;
    fs::write(&path, &text)?;
    let floor = floor(args.runs, &path)?;
    let cost = cheapest(args.runs, &["report", "--quiet", "--jobs", "1"], &path)?;
    if cost.output > 0 {
        return Err(io::Error::other("there is a report in the quiet console"));
    }
    println!("quiet: {:.1} MB of boot messages, no report", text.len() as f64 / 1e6);
    println!(
        "  {:.2} GB per CPU second{} ({:.1} ms with the start of the process, {:.1} times counting line breaks)",
        cost.rate(text.len() as u64) / 1e3,
        verdict(cost.rate(text.len() as u64) / 1e3, GOAL, "GB"),
        cost.cpu.as_secs_f64() * 1e3,
        cost.cpu.as_secs_f64() / floor.as_secs_f64(),
    );
    Ok(())
}
