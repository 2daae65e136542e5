//! Logs that make a reader look far, remember much or start over: of any size, and all of it of one kind.

/// A kind of hostile log.
#[derive(Clone, Copy, Debug)]
pub struct Hostile {
    /// What is in it.
    pub name: &'static str,
    head: &'static [u8],
    repeated: &'static [u8],
    /// `@` in what is repeated stands for a number that counts, so that nothing is the same twice.
    counts: bool,
}

impl Hostile {
    /// A log of that kind, of about so many bytes.
    pub fn log(&self, size: usize) -> Vec<u8> {
        let mut log = Vec::with_capacity(size + self.head.len() + self.repeated.len());
        log.extend_from_slice(self.head);
        let mut number = 0_u32;
        while log.len() < size {
            if self.counts {
                number += 1;
                let number = format!("{number:07}");
                let mut parts = self.repeated.split(|b| *b == b'@');
                log.extend_from_slice(parts.next().unwrap_or_default());
                parts.for_each(|part| log.extend([number.as_bytes(), part].concat()));
            } else {
                log.extend_from_slice(self.repeated);
            }
        }
        log
    }
}

const fn only(name: &'static str, repeated: &'static [u8]) -> Hostile {
    Hostile { name, head: b"", repeated, counts: false }
}

const fn after(name: &'static str, head: &'static [u8], repeated: &'static [u8]) -> Hostile {
    Hostile { name, head, repeated, counts: false }
}

const fn counted(name: &'static str, head: &'static [u8], repeated: &'static [u8]) -> Hostile {
    Hostile { name, head, repeated, counts: true }
}

const KASAN: &[u8] =
    b"[    1.000000][   T12] BUG: KASAN: use-after-free in f+0x1/0x2\n[    1.000000][   T12] Call Trace:\n";

/// All kinds.
pub const HOSTILE: &[Hostile] = &[
    // Lines without end, and lines without text.
    only("a line without end", b"x"),
    only("digits", b"1"),
    only("hex digits", b"1a"),
    only("zeroes", b"\0"),
    only("blanks", b" "),
    only("tabs", b"\t"),
    only("brackets", b"["),
    only("question marks", b" ? "),
    only("plus signs", b"+0x"),
    only("newlines", b"\n"),
    only("carriage returns", b"\r"),
    only("carriage returns and newlines", b"\r\n"),
    // Prefixes.
    only("stamps in one line", b"[    1.000000] "),
    only("stamps and callers in one line", b"[    1.000000][   T12] "),
    only("callers", b"[    1.000000][   T12] x\n[    1.000000][   T13] x\n"),
    only("prompts", b" login: "),
    only("prompts and stamps", b"x login: [    1.000000] "),
    only("prompts a line", b"x login: [    1.000000] x login: x\n"),
    only("dropped messages", b"** 1 printk messages dropped ** "),
    only("replayed messages", b"BUG: x\n** replaying previous printk message **\n"),
    // Triggers.
    only("triggers", b"BUG: x\n"),
    only("triggers of a caller", b"[    1.000000][   T12] BUG: x\n"),
    only("triggers in one line", b"BUG: "),
    only(
        "all kinds of triggers in one line",
        b"kernel BUG WARNING: INFO: panic: UBSAN: int3: divide error: fatal error: ",
    ),
    only("warnings that are none", b"WARNING: fbcon: Driver 'x' missed to adjust virtual screen size (1x1 vs. \n"),
    only("panics", b"Kernel panic - not syncing: x\n"),
    only("opcodes", b"[    1.000000] invalid opcode: 0000 [#1]\n"),
    only("use after free without a trace", b"BUG: KASAN: use-after-free in f+0x1/0x2\n"),
    only("use after free in one line", b"BUG: KASAN: use-after-free in f+0x1/0x2 in "),
    only("messages of whatever task", b"INFO: task x:1 blocked for more than 1 seconds.\n"),
    only("stalls", b"INFO: rcu_sched self-detected stall on CPU\n"),
    only("cycles", b"WARNING: possible circular locking dependency detected\n"),
    only("boots", b"Booting the kernel.\n"),
    only("failed allocations", b"x: vmalloc: allocation failure: 1 bytes\n"),
    // What reports are made of.
    after("frames", KASAN, b"[    1.000000][   T12]  f+0x1/0x2\n"),
    after("frames of bystanders", KASAN, b"[    1.000000][   T12]  dump_stack+0x1/0x2\n"),
    after("doubted frames", KASAN, b"[    1.000000][   T12]  ? f+0x1/0x2\n"),
    after("frames in one line", KASAN, b" f+0x1/0x2"),
    after(
        "frames whose names grow",
        KASAN,
        b"[    1.000000][   T12]  _RYFG_FGyyEvRYFF_EvRYFFEvERLB_B_B_ERLRjB_B_B_+0x1/0x2\n",
    ),
    after(
        "frames whose templates grow",
        KASAN,
        b"[    1.000000][   T12]  _Z1fI1AIiES0_IS1_S1_ES0_IS2_S2_ES0_IS3_S3_ES0_IS4_S4_ES0_IS5_S5_ES0_IS6_S6_ES0_IS7_S7_ES0_IS8_S8_ES0_IS9_S9_ES0_ISA_SA_ES0_ISB_SB_ES0_ISC_SC_EEvv+0x1/0x2\n",
    ),
    after("frames of arm", KASAN, b"[    1.000000][   T12] [<c010>] (f) from [<c011>] (g+0x1/0x2)\n"),
    after("modules behind a frame", KASAN, b" f+0x1/0x2 ["),
    after("call traces", KASAN, b"[    1.000000][   T12] Call Trace:\n"),
    after("call traces in one line", KASAN, b"Call Trace: "),
    after("objects", KASAN, b"[    1.000000][   T12] Allocated by task 1:\n[    1.000000][   T12] Freed by task 1:\n"),
    after("objects in one line", KASAN, b"Allocated by task 1 Freed by task 1 "),
    after(
        "origins",
        b"BUG: KMSAN: uninit-value in f+0x1/0x2\n",
        b"Local variable x created at:\nUninit was created at:\n",
    ),
    after("origins in one line", b"BUG: KMSAN: uninit-value in f+0x1/0x2\n", b"Local variable Uninit was created at: "),
    after("races", b"BUG: KCSAN: data-race in f / g\n", b"\nread to 0x1 of 1 bytes by task 1 on cpu 1:\n"),
    after("links of a cycle", b"WARNING: possible circular locking dependency detected\n", b"-> #1 (x){+.+.}-{3:3}:\n"),
    after("held locks", b"WARNING: possible recursive locking detected\n", b" #0: 0 (x){+.+.}-{3:3}, at: f+0x1/0x2\n"),
    after("held locks in one line", b"WARNING: possible recursive locking detected\n", b" at: "),
    after("modules", KASAN, b"Modules linked in: a(O) b\n"),
    after("modules in one line", b"BUG: x\nModules linked in:", b" abc(OE)"),
    after("tasks in one line", b"BUG: x\n", b"CPU: 1 PID: 2 Comm: syz.1.2 Not tainted "),
    after("executors in one line", b"BUG: x\n", b" Comm: syz.1.2"),
    after("pointers in one line", KASAN, b"RIP: 0010:"),
    after("pointers of arm in one line", KASAN, b"PC is at pc : "),
    after("addresses in one line", b"BUG: unable to handle kernel paging request\nIP: ", b"[<ffffffff81000000>] "),
    after("registers of risc-v", KASAN, b"status: 0000000200000120 badaddr: 0000000000000000 cause: "),
    after("code", b"BUG: x\nCode:", b" 00"),
    after(
        "other CPUs",
        b"INFO: rcu_sched self-detected stall on CPU\n",
        b"[    1.000000][    C1] Sending NMI from CPU 0 to CPUs 1:\n",
    ),
    after("leaks", b"BUG: memory leak\n", b"unreferenced object 0x1 (size 1):\n  backtrace:\n    f+0x1/0x2\n"),
    after("memory", KASAN, b"[    1.000000][   T12] >ffff888012acfb00: fb fb fb fb\n"),
    // The same, each another one.
    counted("triggers, each of a caller of its own", b"", b"[    1.000000][T@] BUG: x@\n"),
    counted("reports, each another one", b"", b"BUG: KASAN: use-after-free in f@+0x1/0x2\nCall Trace:\n g@+0x1/0x2\n"),
    counted("frames, each another one", KASAN, b"[    1.000000][   T12]  f@+0x1/0x2\n"),
    counted("traces, each another one", KASAN, b"[    1.000000][   T12] Call Trace:\n[    1.000000][   T12]  f@+0x1/0x2\n"),
    counted("pointers, each another one", KASAN, b"[    1.000000][   T12] RIP: 0010:f@+0x1/0x2\n"),
    counted(
        "pointers behind an end, each another one",
        KASAN,
        b"[    1.000000][   T12] ---[ end trace 0 ]---\n[    1.000000][   T12] RIP: 0010:f@+0x1/0x2\n",
    ),
    counted("registers, each another one", KASAN, b"[    1.000000][   T12] R@: 0000000000000001 RAX: 000000000@\n"),
    counted("exceptions, each another one", KASAN, b"[    1.000000][   T12]  asm_exc_page_fault+0x1/0x2\n[    1.000000][   T12]  f@+0x1/0x2\n"),
    counted("objects, each another one", KASAN, b"[    1.000000][   T12] Allocated by task @:\n[    1.000000][   T12]  f@+0x1/0x2\n"),
    counted(
        "links of a cycle, each another one",
        b"WARNING: possible circular locking dependency detected\n",
        b"-> #@ (x@){+.+.}-{3:3}:\n f@+0x1/0x2\n",
    ),
    counted(
        "held locks, each another one",
        b"WARNING: possible recursive locking detected\n",
        b" #@: 0 (x@){+.+.}-{3:3}, at: f@+0x1/0x2\n",
    ),
    counted("holders of locks, each another one", b"INFO: task x:1 blocked for more than 1 seconds.\n", b"1 lock held by x/@:\n #0: 0 (x@){+.+.}-{3:3}, at: f@+0x1/0x2\n"),
    counted("modules, each another one", b"BUG: x\nModules linked in:", b" m@(O)"),
    counted("tasks, each another one", b"BUG: x\n", b"CPU: @ PID: @ Comm: c@ Not tainted 6.@ #@\n"),
    counted("races, each another one", b"BUG: KCSAN: data-race in f / g\n", b"\nread to 0x1 of 1 bytes by task @ on cpu 1:\n f@+0x1/0x2\n"),
    counted("leaks, each another one", b"BUG: memory leak\n", b"unreferenced object 0x@ (size 1):\n  comm \"c@\", pid @\n  backtrace:\n    f@+0x1/0x2\n"),
    counted("stalls, each another one", b"", b"rcu: INFO: rcu_sched self-detected stall on CPU\nrcu: \t@-....: (1 GPs behind)\n"),
    counted("other CPUs, each another one", b"INFO: rcu_sched self-detected stall on CPU\n", b"[    1.000000][    C1] Sending NMI from CPU 0 to CPUs @:\n[    1.000000][C@] NMI backtrace for cpu @\n[    1.000000][C@] RIP: 0010:f@+0x1/0x2\n"),
    counted("tasks that hang, each another one", b"", b"INFO: task x@:@ blocked for more than 143 seconds.\ntask:x@ state:D pid:@\nCall Trace:\n f@+0x1/0x2\n"),
    counted("panics, each another one", b"", b"Kernel panic - not syncing: x@\n f@+0x1/0x2\n"),
    counted("records, each of a boot of its own", b"", b"6,9@,1,-;BUG: x\n6,@,1,-;x\n"),
    counted("parts of a dump, each another one", b"", b"Panic#@ Part@\n<4>[    1.000000] BUG: x@\n"),
    // Captures.
    only("quotes", b"> "),
    only("quoted lines", b"> > > > > > [    1.000000] x\n"),
    only("container lines", b"2026-11-22T23:49:11Z stdout F "),
    only("container lines that go on", b"2026-11-22T23:49:11Z stdout P BUG: x\n"),
    only("syslog in one line", b"Nov 22 23:49:11 a kernel: "),
    only("syslog", b"Nov 22 23:49:11 a kernel: BUG: x #011\n"),
    only("escapes", b"\x1b[1"),
    only("titles of a terminal", b"\x1b]0;"),
    only("escapes that end", b"\x1b[1mBUG: x\x1b[0m\n"),
    after("nested arrays", b"{\"MESSAGE\":", b"["),
    after("nested objects", b"", b"{\"MESSAGE\":"),
    only("arrays of bytes", b"{\"MESSAGE\":[66,85,71,58]}\n"),
    only("arrays of bytes and a trigger", b"{\"MESSAGE\":[66,85,71,58]}\nBUG: x\n"),
    after("an array without end", b"{\"MESSAGE\":[", b"66,85,71,58,"),
    only("arrays without end", b"{\"MESSAGE\":[66,"),
    only("fields of the journal", b"\t\"MESSAGE\" : \"BUG: x\",\n"),
    only("elements of arrays", b"\t\"MESSAGE\" : [\n\t\t66,\n"),
    only("entries of the journal", b"Sun 2026-11-22 23:36:22.010516 UTC [s=a5;m=3]\n    MESSAGE=BUG: x\n"),
    after(
        "an entry without end",
        b"Sun 2026-11-22 23:36:22.010516 UTC [s=a5;m=3]\n    MESSAGE=BUG: x\n",
        b"            BUG: x\n",
    ),
    only("jobs", b"job\tstep\t2026-11-22T23:49:11Z [    1.000000] BUG: x\n"),
    only("services", b"vm-1  | [    1.000000] BUG: x\n"),
    only("services in one line", b"vm-1  | "),
    only("folded lines", b"[    1.000000][   T12] BUG: the quick brown fox jumps over the lazy dog and\nsleeps\n"),
    after("a line folded without end", b"[    1.000000] BUG: x\n", b"the quick brown fox jumps over the lazy dog and the cow under it\n"),
    after("a string without end", b"{\"MESSAGE\":\"", b"\\n"),
    only("objects of docker", b"{\"log\":\"BUG: \\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T23:49:11Z\"}\n"),
    only("objects of docker in one line", b"{\"log\":\"BUG: x\",\"stream\":\"\"}\n"),
    only("fields of dmesg", b"         \"msg\": \"BUG: x\\n\"\n"),
    after("absurd lengths", b"__CURSOR=a\n", b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\x7fBUG: x\n"),
    after("short lengths", b"__CURSOR=a\n", b"MESSAGE\n\x06\0\0\0\0\0\0\0BUG: x\n\n"),
    after("records without end", b"__CURSOR=a\n", b"MESSAGE=BUG: x\n"),
    only("fragments", b"6,1,1,-,ncfrag=0/999999;BUG: x"),
    only("fragments a line", b"6,1,1,-,ncfrag=7/999999;BUG: x\n"),
    only("records that go on", b"6,1,1,+;BUG: x\n"),
    only("records of two boots", b"6,999999999999999999,1,-;BUG: x\n6,1,999999999999999999,-;x\n"),
    only("records with a dictionary", b"6,1,1,-;BUG: x\n A=\\x1b\\x1b\n"),
    only("parts of a dump", b"Panic#1 Part1\n<4>[    1.000000] BUG: x\n"),
    only("indented messages", b"[    1.000000] WARNING: x\n               x\n"),
    only("times since the last message", b"[  +9.999999] BUG: x\n"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_have_the_size_that_is_asked_for() {
        for kind in HOSTILE {
            let length = kind.log(10_000).len();
            assert!((10_000..11_000).contains(&length), "{}: {length}", kind.name);
            assert!(!kind.counts || kind.repeated.contains(&b'@'), "{}", kind.name);
        }
    }
}
