//! What each stage of the pipeline takes of the labelled logs, in this process: where to look for what bounds a report.

use std::io;
use std::time::{Duration, Instant};

use ksplat::signature::{Signature, Title};
use ksplat::trace::{Console, Log, Report, Rules, windows};

use crate::Args;
use crate::inputs::{Named, labelled};

const STAGES: [&str; 7] = ["window", "capture", "log", "splat", "report", "title", "signature"];

/// Rounds over all logs for each run that was asked for.
const ROUNDS: usize = 8;

/// Runs the bench.
pub fn bench(args: &Args) -> io::Result<()> {
    let Some(logs) = labelled("stages")? else { return Ok(()) };
    let bytes: usize = logs.iter().map(|(_, log)| log.len()).sum();
    let mut best = [Duration::MAX; STAGES.len()];
    for _ in 0..args.runs.max(1) * ROUNDS {
        let spent = round(&logs);
        best.iter_mut().zip(spent).for_each(|(best, spent)| *best = spent.min(*best));
    }
    let total = best.iter().sum::<Duration>().as_secs_f64();
    println!(
        "stages: {:.1} MB of labelled logs in memory, {:.0} MB/s without printing",
        bytes as f64 / 1e6,
        bytes as f64 / 1e6 / total
    );
    for (stage, spent) in STAGES.iter().zip(best) {
        let spent = spent.as_secs_f64();
        println!("  {stage:10} {:5.1} %  {:6.1} ns a KB", 100.0 * spent / total, spent * 1e12 / bytes as f64);
    }
    Ok(())
}

/// One round over all logs, as the pipeline takes them (`ksplat::reports`).
fn round(logs: &[Named]) -> [Duration; STAGES.len()] {
    let mut spent = [Duration::ZERO; STAGES.len()];
    for (_, text) in logs {
        let mut watch = Watch { spent: &mut spent, last: Instant::now() };
        let windows: Vec<_> = windows(text, Rules::Syzbot).collect();
        watch.lap(0);
        for window in windows {
            let console = Console::read(&text[window.bytes]);
            watch.lap(1);
            let log = Log::parse(console.text(), Rules::Syzbot);
            watch.lap(2);
            for splat in log.splats() {
                watch.lap(3);
                let report = Report::parse(&splat);
                watch.lap(4);
                let title = Title::of(&splat);
                watch.lap(5);
                std::hint::black_box(Signature::of(&splat, &report, &title));
                watch.lap(6);
            }
        }
    }
    spent
}

struct Watch<'s> {
    spent: &'s mut [Duration; STAGES.len()],
    last: Instant,
}

impl Watch<'_> {
    fn lap(&mut self, stage: usize) {
        let now = Instant::now();
        self.spent[stage] += now - self.last;
        self.last = now;
    }
}
