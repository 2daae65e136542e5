//! A long console from a pipe: memory is that of the largest report, not of the log.

use std::io::{self, Write};
use std::process::Stdio;

use crate::Args;
use crate::child::{cpu_of_children, ksplat, peak_memory};
use crate::inputs::{labelled, quiet};

/// Bytes of quiet console between two reports.
const BETWEEN: usize = 8 << 20;

/// Parts after which the memory is looked at.
const PARTS: u64 = 4;

/// Runs the bench.
pub fn bench(args: &Args) -> io::Result<()> {
    let Some(logs) = labelled("stream")? else { return Ok(()) };
    let quiet = quiet(BETWEEN)?;
    println!(
        "stream: {} GB from a pipe, a labelled log after every {} MiB of boot messages",
        args.stream,
        BETWEEN >> 20
    );
    let before = cpu_of_children()?;
    let mut child = ksplat(&["report", "--quiet", "--jobs", "1"])?.stdin(Stdio::piped()).spawn()?;
    let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("a pipe is missing"));
    };
    let drain = std::thread::spawn(move || io::copy(&mut output, &mut io::sink()));
    let (mut written, mut logs) = (0, logs.iter().cycle());
    for part in 1..=PARTS {
        while written < args.stream * 1_000_000_000 * part / PARTS {
            let log = logs.next().map_or(&[][..], |(_, log)| log);
            input.write_all(&quiet)?;
            input.write_all(log)?;
            written += (quiet.len() + log.len()) as u64;
        }
        println!("  {:5.2} GB: peak memory {:.1} MB", written as f64 / 1e9, peak_memory(&child)?);
    }
    drop(input);
    let status = child.wait()?;
    let printed = drain.join().map_err(|_| io::Error::other("the reader of the output failed"))??;
    if !status.success() {
        return Err(io::Error::other(format!("ksplat report: {status}")));
    }
    let cpu = (cpu_of_children()? - before).as_secs_f64();
    println!("  {:.2} GB per CPU second, {:.1} MB printed", written as f64 / 1e9 / cpu, printed as f64 / 1e6);
    Ok(())
}
