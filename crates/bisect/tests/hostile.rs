//! Any bytes are read, in linear time.

use bisect::Log;

/// Lines that open blocks, or could make a reader look back or ahead.
const PATTERNS: &[&[u8]] = &[
    b"testing commit 7bc3e6e55acf065500a24621f3b313e7e5998acf\nrun #0: crashed: a\n",
    b": ",
    b"representative crash: , types: [",
    b"# git bisect bad 7bc3e6e55acf065500a24621f3b313e7e5998acf\n",
    b"testing commit 7bc3e6e55acf065500a24621f3b313e7e5998acf\nrun #0: crashed: a in sctp_b\n# git bisect bad 7bc3e6e55acf065500a24621f3b313e7e5998acf\n",
    b"# git bisect bad 7bc3e6e55acf065500a24621f3b313e7e5998acf\n7bc3e6e55acf065500a24621f3b313e7e5998acf is the first bad commit\n a/b.c | 2 +-\n c/d.c | 2 +-\n",
    b"all runs: crashed: WARNING in x\nkernel signature: aa\n# git bisect good 7bc3e6e55acf065500a24621f3b313e7e5998acf\n",
    b"crash: KASAN: use-after-free Read in a\n a+0x1/0x2 b/c.c:1\nCall Trace:\n d+0x3/0x4 e/f.c:2\n",
    b"7bc3e6e55acf065500a24621f3b313e7e5998acf is the first bad commit\n",
    b"recipients (cc): [\"a\" \"b\" \"",
    b"\n",
    b"\xff",
];

#[test]
fn any_bytes_are_read() {
    let words: &[&[u8]] = &[
        b"testing commit ",
        b"7bc3e6e55acf065500a24621f3b313e7e5998acf",
        b"\n",
        b"run #",
        b"99999999999",
        b": crashed: ",
        b"# git bisect bad ",
        b"\xff\xfe",
        b"all runs: ",
        b"OK",
        b"Bisecting: ",
        b" is the first bad commit\n",
        b" | ",
        b"    ",
        b"revisions tested: 9, total time: 99999999999999h (build: 1x, test: )\n",
        b"first bad commit: ",
        b"crash: ",
        b"error: ",
        b"[\"",
        b"\r\n",
        b"failed building ",
        b"recipients (cc): [\"",
        b"{text}",
        b"\0",
        b"cc: []\n",
        b"bisecting cause commit starting from ",
        b"\n\n",
        b"testing release ",
        b"kernel signature: ",
        b"representative crash: a, types: [b]\n",
        b"reproducer is flaky (1.2.3 repro chance estimate)\n",
        " µs…".as_bytes(),
    ];
    let mut state = 1u64;
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        for _ in 0..24 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            bytes.extend_from_slice(words[(state >> 33) as usize % words.len()]);
        }
        let log = Log::parse(&bytes);
        let known: usize = log.lines.known.values().chain(log.lines.foreign.values()).sum();
        assert_eq!(known + log.lines.unread.len(), log.lines.total);
        log.to_text();
        bisect::CrashReport::of(&log);
        serde_json::to_string(&log).unwrap();
        let audit = bisect::audit(&log, bisect::Context::default());
        assert!(audit.probability.is_none_or(|p| (0.0..=1.0).contains(&p)), "{audit:?}");
        audit.to_text();
    }
}

/// Ten times the bytes may take ten times as long, with room for a busy machine, not a hundred times.
#[test]
fn long_input_takes_linear_time() {
    for pattern in PATTERNS {
        let time = |bytes: usize| {
            let input = pattern.repeat(bytes / pattern.len());
            let start = worked();
            let log = Log::parse(&input);
            assert!(log.lines.total > 0);
            bisect::audit(&log, bisect::Context::default());
            worked() - start
        };
        time(200_000);
        let (short, long) = (time(400_000).max(1e-2), time(4_000_000));
        assert!(long < short * 60.0, "{short} s, then {long} s");
    }
}

/// Each pattern for 50 MB is read and judged in less than a minute of this thread's work.
#[test]
fn fifty_megabytes_are_read() {
    for pattern in PATTERNS {
        let input = pattern.repeat((50 << 20) / pattern.len());
        let start = worked();
        let log = Log::parse(&input);
        let audit = bisect::audit(&log, bisect::Context::default());
        let text = audit.to_text();
        assert!(text.len() < 1 << 16 || audit.silences.len() > 1000, "{} bytes of text", text.len());
        let taken = worked() - start;
        println!("{taken:.1} s for {}", pattern.escape_ascii());
        assert!(taken < 60.0, "{taken} s for {}", pattern.escape_ascii());
    }
}

/// Seconds that this thread has worked, where the kernel tells it, so that other work on the machine does not count.
fn worked() -> f64 {
    let worked = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    worked.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}
