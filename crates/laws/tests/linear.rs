//! No log takes more than linear time: four times as much of the same takes about four times as long.

use std::time::{Duration, Instant};

use testkit::HOSTILE;

/// Bytes of the shorter log: more than reaches around a report, so that windows play their part.
const SIZE: usize = 192 << 10;
/// The longer one is so many times as long, and still one window.
const TIMES: usize = 4;
/// Linear is 4 times as long, square is 16 times.
const MOST: u32 = 8;
/// What is faster than this is not worth a look, and too short to compare.
const SHORT: Duration = Duration::from_millis(30);

#[test]
fn hostile_logs_take_linear_time() {
    let mut slow = Vec::new();
    for kind in HOSTILE {
        let long = kind.log(SIZE * TIMES);
        let time = cost(&long);
        if time < SHORT {
            continue;
        }
        let (short, long) = (best(&kind.log(SIZE)), time.min(best(&long)));
        if long > short * MOST && long > SHORT {
            slow.push(format!("{}: {short:?}, and {long:?} for {TIMES} times as much", kind.name));
        }
    }
    assert!(slow.is_empty(), "more than linear:\n{}", slow.join("\n"));
}

/// The shorter one of two runs: whatever else the machine does only adds to a run.
fn best(log: &[u8]) -> Duration {
    cost(log).min(cost(log))
}

/// How long the whole pipeline works on a log.
fn cost(log: &[u8]) -> Duration {
    let start = now();
    let mut length = 0;
    ksplat::reports(log, |found| length += found.title.title.len());
    std::hint::black_box(length);
    ksplat::Decoder::default().tokens(log);
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
