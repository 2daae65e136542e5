//! Captures in every form give the console text that went into them.

use testkit::mutate::{FORMS, Form, without};
use testkit::{Log, Numbers, labelled_logs};
use trace::{Console, Layer};

/// A log with what makes forms differ: callers, lines of user space, tabs, a message of more than one line, a memory dump.
const LOG: &[u8] = b"Decompressing Linux... Parsing ELF... done.\n\
[    0.000000] Linux version 6.12.0 (gcc) #1 SMP\n\
[    5.140900][    T1] usb 1-1: new high-speed USB device \"x\" \\o/\n\
2018/01/09 14:28:48 executing program 2:\n\
mmap(&(0x7f0000000000/0x1000)=nil, 0x1000, 0x3, 0x32, 0xffffffffffffffff, 0x0)\n\
[   59.774473][ T3245] WARNING: possible circular locking dependency detected\n\
[   59.774480][ T3245] \n\
[   59.774480][ T3245] but task is already holding lock:\n\
[   59.774490][    C1] rcu: \t0-...!: (1 GPs behind) idle=1/2/3\n\
[   59.774500][ T3245]  dump_stack+0x1/0x2\n\
[   59.774510][ T3245] >ffff888012acfb00: fb fb fb fb\n\
[   59.774520][T123456]                    ^\n\
\n\
[   60.000000][ T3245] Kernel panic - not syncing: \xff\xe2\x82\xac\n\
[ 3599.999999][ T3245] last words <TASK> & more\n";

/// A log without any stamp, as a kernel prints it that has none.
const UNSTAMPED: &[u8] = b"BUG: KASAN: use-after-free in f+0x1/0x2\n\
Read of size 4 at addr ffff888012acfb00 by task x/1\n\
\n\
CPU: 0 PID: 1 Comm: x Not tainted 6.12.0 #1\n\
Call Trace:\n \
dump_stack+0x1/0x2\n \
f+0x1/0x2\n\
>ffff888012acfb00: fb fb fb fb\n\
                   ^\n\
Rebooting in 86400 seconds..\n";

/// Reading a capture in this form gives the log back, without what the form loses, byte for byte: else what differs.
///
/// Only newlines at the end are not compared: some forms have none to keep, or always add one.
fn round_trip(name: &str, log: &[u8], form: &Form) -> Option<String> {
    let capture = (form.write)(log);
    let console = Console::read(&capture);
    let want = without(log, form.loses);
    let trim = |text: &[u8]| String::from_utf8_lossy(text).trim_end_matches('\n').to_owned();
    let (got, want) = (trim(console.text()), trim(&want));
    if got != want {
        let differ = got.lines().zip(want.lines()).find(|(got, want)| got != want);
        return Some(format!(
            "{name} as {}: taken for {:?}; {} and {} bytes; first difference (got, want): {differ:#?}",
            form.name,
            console.format(),
            got.len(),
            want.len()
        ));
    }
    check_offsets(name, form, &capture, &console);
    let again = Console::read(console.text());
    let is_read_twice = again.text() != console.text() || !again.format().is_empty();
    is_read_twice.then(|| format!("{name} as {}: read twice, as {:?}", form.name, again.format()))
}

#[track_caller]
fn check_round_trips<'l>(logs: impl IntoIterator<Item = (&'l str, &'l [u8])>) {
    let wrong = |(name, log)| FORMS.iter().filter_map(move |form| round_trip(name, log, form));
    let wrong: Vec<String> = logs.into_iter().flat_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Offsets never go beyond the capture, and where the form stores text as it is, each line's message is found there.
fn check_offsets(name: &str, form: &Form, capture: &[u8], console: &Console<'_>) {
    let mut at = 0;
    for line in console.text().split(|&b| b == b'\n') {
        let end = at + line.len();
        let mapped = console.offset(at);
        assert!(mapped <= capture.len() && console.offset(end) <= capture.len());
        // The message is what is behind the stamp, which may be made up; tabs may be escaped.
        let message = line.iter().position(|&b| b == b']').filter(|_| line.starts_with(b"[")).map_or(0, |i| i + 1);
        let message = message + if line[message..].starts_with(b"[") { 9 } else { 0 };
        let skip = (message + 1).min(line.len());
        let text = line[skip..].split(|&b| b == b'\t').next().unwrap_or_default();
        if form.is_verbatim {
            let from = console.offset(at + skip);
            assert!(
                capture[from..].starts_with(text),
                "{name} as {}: offset {} -> {from}: {:?} is not at {:?}",
                form.name,
                at + skip,
                String::from_utf8_lossy(text),
                String::from_utf8_lossy(&capture[from..(from + 60).min(capture.len())]),
            );
        }
        at = end + 1;
    }
}

#[test]
fn every_form_gives_the_console_back() {
    check_round_trips([("the log", LOG)]);
    let unstamped = |form: &&Form| !form.loses.others;
    let wrong = FORMS.iter().filter(unstamped).find_map(|form| round_trip("the log without stamps", UNSTAMPED, form));
    assert_eq!(wrong, None);
}

#[test]
fn every_form_of_the_corpus_gives_the_console_back() {
    let logs = labelled_logs("every_form_of_the_corpus_gives_the_console_back");
    check_round_trips(logs.iter().map(|log| (&*log.name, &*log.bytes)));
}

#[test]
fn plain_consoles_are_borrowed() {
    for Log { name, bytes: log } in labelled_logs("plain_consoles_are_borrowed") {
        let console = Console::read(&log);
        assert!(std::ptr::eq(console.text(), log.as_slice()), "{name}: {:?}", console.format());
        assert_eq!(console.format(), []);
        assert_eq!(console.offset(log.len() / 2), log.len() / 2);
    }
}

#[test]
fn parts_of_plain_consoles_are_plain() {
    for Log { name, bytes: log } in labelled_logs("parts_of_plain_consoles_are_plain") {
        for part in 0..8 {
            let part = &log[log.len() * part / 8..log.len() * (part + 1) / 8];
            // A part that holds nothing but a trace looks like indented text, and is none the worse without its blanks.
            let console = Console::read(part);
            assert!(matches!(console.format(), [] | [Layer::Indent]), "{name}: {:?}", console.format());
        }
    }
}

#[test]
fn layers_are_told_outermost_first() {
    let formats = |name: &str| {
        let form = FORMS.iter().find(|form| form.name == name).expect("a form of that name");
        Console::read(&(form.write)(LOG)).format().to_vec()
    };
    assert_eq!(formats("crlf"), []);
    assert_eq!(formats("dmesg -r"), []);
    assert_eq!(formats("kubernetes around syslog"), [Layer::Cri, Layer::Syslog]);
    assert_eq!(formats("quoted journal"), [Layer::Quote, Layer::Syslog]);
    assert_eq!(formats("indented dmesg -T, crlf"), [Layer::Indent, Layer::DmesgTime]);
    assert_eq!(formats("dmesg -x"), [Layer::DmesgDecoded]);
    assert_eq!(formats("netconsole"), [Layer::Kmsg]);
    assert_eq!(formats("gh run view --log"), [Layer::Job, Layer::IsoStamp]);
    assert_eq!(formats("docker compose logs -t"), [Layer::Compose, Layer::IsoStamp]);
    assert_eq!(formats("quoted flowed mail"), [Layer::Quote, Layer::Wrapped]);
    assert_eq!(formats("journalctl json-pretty"), [Layer::JournalJson]);
    assert_eq!(formats("journalctl verbose"), [Layer::JournalVerbose]);
}

#[test]
fn programs_keep_their_names() {
    let capture = b"Nov 22 23:49:11 db1 systemd[1]: Started x.\n\
        Nov 22 23:49:12 db1 kernel: BUG: oh\n\
        -- Boot 0123 --\n\
        Nov 22 23:49:14 db1 sshd[123]: Accepted: y\n\
        Nov 22 23:49:14 db1 kernel: more\n";
    let want = "systemd[1]: Started x.\n[    0.000000] BUG: oh\n-- Boot 0123 --\nsshd[123]: Accepted: y\n[    2.000000] more\n";
    assert_eq!(String::from_utf8_lossy(Console::read(capture).text()), want);
    let capture = b"[    1.500000] db1 systemd[1]: Started x.\n\
        [    2.500000] db1 kernel: usb 1-1: BUG: oh\n\
        [    3.500000] db1 sshd[123]: Accepted: y\n\
        [    3.600000] db1 sshd[123]: z\n";
    let want = "systemd[1]: Started x.\n[    2.500000] usb 1-1: BUG: oh\nsshd[123]: Accepted: y\nsshd[123]: z\n";
    assert_eq!(String::from_utf8_lossy(Console::read(capture).text()), want);
}

#[test]
fn a_mail_keeps_its_words() {
    let capture = b"Hello,\n\nOn Monday, X wrote:\n> I see this:\n>\n> [    1.000000] BUG: oh\n> [    1.000001]  f+0x1/0x2\n\nAny idea?\n";
    let want = "Hello,\n\nOn Monday, X wrote:\nI see this:\n\n[    1.000000] BUG: oh\n[    1.000001]  f+0x1/0x2\n\nAny idea?\n";
    let console = Console::read(capture);
    assert_eq!(String::from_utf8_lossy(console.text()), want);
    assert_eq!(console.format(), [Layer::Quote]);
}

#[test]
fn a_report_in_a_commit_message_is_indented() {
    let capture = b"Fix a crash:\n\n  BUG: oh\n  [...]\n  CPU: 5 PID: 1 Comm: x\n  Call Trace:\n   <TASK>\n   f+0x1/0x2\n\nFixes: 12\n";
    let want = "Fix a crash:\n\nBUG: oh\n[...]\nCPU: 5 PID: 1 Comm: x\nCall Trace:\n <TASK>\n f+0x1/0x2\n\nFixes: 12\n";
    let console = Console::read(capture);
    assert_eq!(String::from_utf8_lossy(console.text()), want);
    assert_eq!(console.format(), [Layer::Indent]);
}

/// What dmesg of util-linux 2.38.1 printed for one log.
#[test]
fn dmesg_tells_times_in_other_ways() {
    let want = "[    0.000000] Linux\n[    0.000000] BUG: oh\n[    7.000000][   T12] caller\n";
    for capture in [
        "[Nov22 23:48] Linux\n[  +0.000000] BUG: oh\n[  +7.000000] [   T12] caller\n",
        "[    0.000000 <    0.000000>] Linux\n[    0.000000 <    0.000000>] BUG: oh\n[    7.000000 <    7.000000>] [   T12] caller\n",
        "[<    0.000000>] Linux\n[<    0.000000>] BUG: oh\n[<    7.000000>] [   T12] caller\n",
        "[Sun Nov 22 23:48:06 2026 <    0.000000>] Linux\n[Sun Nov 22 23:48:06 2026 <    0.000000>] BUG: oh\n\
         [Sun Nov 22 23:48:13 2026 <    7.000000>] [   T12] caller\n",
    ] {
        assert_eq!(String::from_utf8_lossy(Console::read(capture.as_bytes()).text()), want, "{capture}");
    }
}

#[test]
fn a_console_that_quotes_something_stays_plain() {
    for line in [
        "> [    1.000000] BUG: quoted",
        "  [    1.000000] BUG: indented",
        "Dec  1 01:12:58 syzkaller kernel: BUG: a log on the console",
        "Dec  1 01:12:58 syzkaller daemon.err dhcpcd[5652]: libudev: received NULL device",
        "[Sun Nov 22 23:49:11 2026] BUG: oh",
        "6,339,5140900,-;record",
        "2026-11-22T23:49:11Z INFO: a program",
        "{\"log\":\"x\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T23:49:11Z\"}",
        "[    1.500000] usb kernel: x",
        "kern  :warn  : [    1.000000] x",
        "Panic#2 Part1",
        "job\tstep\t2026-11-22T23:49:11.1234567Z [    1.000000] x",
        "vm-1  | [    1.000000] x",
        "Sun 2026-11-22 23:36:22.010516 UTC [s=a5;i=1;b=0;m=3;t=6;x=d]",
        "\t\"MESSAGE\" : \"x\",",
        "data: {\"MESSAGE\": \"x\"}",
    ] {
        let capture = format!("[    1.000000] a\n[    1.000001] b\n{line}\n[    1.000002] c\n");
        let console = Console::read(capture.as_bytes());
        assert!(std::ptr::eq(console.text(), capture.as_bytes()), "{line}: {:?}", console.format());
    }
}

#[test]
fn damaged_captures_are_read_without_a_panic() {
    let mut numbers = Numbers::new(3);
    let bytes = b"\n\n\0\r\x1b[]{}\"\\,;:.<>- 0T9\xff\xc3=";
    for form in FORMS {
        let whole = (form.write)(LOG);
        for _ in 0..300 {
            let mut capture = whole.clone();
            for _ in 0..=numbers.below(8) {
                let (a, b) = (numbers.below(capture.len()), numbers.below(capture.len()));
                match numbers.below(5) {
                    0 => capture.truncate(a.max(1)),
                    1 => drop(capture.drain(a.min(b)..a.max(b).min(a.min(b) + 40))),
                    2 => capture[a] = bytes[numbers.below(bytes.len())],
                    3 => capture.insert(a, bytes[numbers.below(bytes.len())]),
                    _ => {
                        let piece = capture[a.min(b)..a.max(b).min(a.min(b) + 200)].to_vec();
                        capture.splice(a..a, piece);
                    }
                }
                if capture.is_empty() {
                    capture.push(b'x');
                }
            }
            let console = Console::read(&capture);
            for at in [0, 1, console.text().len() / 2, console.text().len(), usize::MAX / 2] {
                assert!(console.offset(at) <= capture.len());
            }
        }
    }
}

/// Lines that make a reader look far or remember much, each repeated behind several heads: 600 MB in all. What is not
/// linear takes hours.
#[test]
fn pathological_captures_end() {
    const SIZE: usize = 4 << 20;
    let patterns: &[&[u8]] = &[
        b"\r",
        b"\x1b[",
        b"\x1b]",
        b"\n",
        b"> ",
        b" ",
        b"\t\n",
        b"[",
        b"[ 1.1] \n",
        b"{\"\n",
        b"\\x1b",
        b"6,1,1,-;\\x1b\n",
        b"6,1,1,-,ncfrag=0/9;",
        b"6,1,1,-,ncfrag=0/9;\n",
        b"6,1,1,+;a\n",
        b"__CURSOR=\n",
        b"__CURSOR=\nMESSAGE\n\x01\0\0\0\0\0\0\0\n\n",
        b"Panic#1 Part1\n",
        b"Nov 22 23:49:11 a kernel: #011\n",
        b"{\"MESSAGE\":\"\\n\\n\\n\"}\n",
        b"{\"log\":\"[[[[[\",\"stream\":\"\"}\n",
        b"\"msg\": \"\\u00e9\"\n",
        b"> > > [ 1.1] x\n",
        b"2026-11-22T23:49:11Z stdout P [ 1.1] ",
        b"2026-11-22T23:49:11Z stdout P [ 1.1] \n",
        b"[ 1.1] WARNING: \n      ",
    ];
    for pattern in patterns {
        for head in [
            &b""[..],
            b"[    1.000000] x\n",
            b"> [    1.000000] x\n",
            b"__CURSOR=a\n",
            b"6,1,1,-;x\n",
            b"{\"MESSAGE\":",
        ] {
            let capture = [head, &pattern.repeat(SIZE / pattern.len())].concat();
            let console = Console::read(&capture);
            assert!(console.text().len() <= capture.len() * 8, "{:?}", String::from_utf8_lossy(pattern));
        }
    }
}
