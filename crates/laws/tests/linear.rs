//! No log takes more than linear time: four times as much of the same takes about four times as long.

use std::time::{Duration, Instant};

use ksplat::trace::{Rules, windows};
use testkit::HOSTILE;

/// Bytes of the shorter log of a kind: more than reaches around a report. The longer one still is one window.
const SIZE: usize = 192 << 10;
/// The longer log is so many times as long.
const TIMES: usize = 4;
/// Linear is as long as the parts together, square is 4 times.
const MOST: u32 = 2;
/// What is faster than this is not worth a look, and too short to compare.
const SHORT: Duration = Duration::from_millis(30);

#[test]
fn hostile_logs_take_linear_time() {
    check(SIZE, &reports);
}

/// Windows are bounded, and what they hold together is little more than the log: what is linear in each of them, and in
/// finding them, is linear in all.
#[test]
fn windows_of_hostile_logs_are_found_in_linear_time() {
    check(8 * SIZE, &|log| {
        let held: usize = windows(log, Rules::Ksplat).map(|window| window.bytes.len()).sum();
        assert!(held <= 4 * log.len(), "{held} bytes are looked at of {}", log.len());
    });
}

/// All kinds, one behind the other: many windows, and many kinds of reports in one.
#[test]
fn a_log_of_all_kinds_takes_linear_time() {
    let all = |size| HOSTILE.iter().flat_map(|kind| kind.log(16 << 10)).cycle().take(size).collect::<Vec<u8>>();
    let whole = HOSTILE.len() * (16 << 10);
    let parts = |log: &[u8]| (0..TIMES).for_each(|_| reports(log));
    let (short, long) = (best(&all(whole), &parts), best(&all(whole * TIMES), &reports));
    assert!(long <= short * MOST, "{short:?} in {TIMES} parts, and {long:?} at once");
}

/// Holds `work` to linear time on each kind of log.
#[track_caller]
fn check(size: usize, work: &dyn Fn(&[u8])) {
    let mut slow = Vec::new();
    for kind in HOSTILE {
        let long = kind.log(size * TIMES);
        let time = cost(&long, work);
        if time < SHORT {
            continue;
        }
        // Some kernels count a thread's time in ticks of 4 ms: the short log is worked on until it takes as long.
        let short = kind.log(size);
        let (short, long) = (best(&short, &|log| (0..TIMES).for_each(|_| work(log))), time.min(best(&long, work)));
        if long > short * MOST && long > SHORT {
            slow.push(format!("{}: {short:?} in {TIMES} parts, and {long:?} at once", kind.name));
        }
    }
    assert!(slow.is_empty(), "more than linear:\n{}", slow.join("\n"));
}

/// The whole pipeline.
fn reports(log: &[u8]) {
    let mut length = 0;
    ksplat::reports(log, |found| length += found.title.title.len());
    std::hint::black_box(length);
    std::hint::black_box(ksplat::Decoder::default().tokens(log));
}

/// The shorter one of two runs: whatever else the machine does only adds to a run.
fn best(log: &[u8], work: &dyn Fn(&[u8])) -> Duration {
    cost(log, work).min(cost(log, work))
}

/// How long it takes to work on a log.
fn cost(log: &[u8], work: &dyn Fn(&[u8])) -> Duration {
    let start = now();
    work(log);
    now().saturating_sub(start)
}

/// The time that this thread has worked, where the kernel tells it, so that other work on the machine does not count.
fn now() -> Duration {
    let worked = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let worked = worked.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok());
    worked.map_or_else(since_start, Duration::from_nanos)
}

fn since_start() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed()
}
