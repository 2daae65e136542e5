//! Causes: which splats of a log are first causes, and which only echo an earlier one.
//!
//! What is decided is read off the headlines and the lines up to the next one of the same caller: who printed them, which
//! task was running, whether the report was over. Where the log does not say, a splat is a cause of its own.

use std::collections::VecDeque;

use crate::log::{Entry, Log};

mod headline;
mod holder;
mod panic;

pub use headline::is_message;

use headline::{Headline, Kind};
use holder::Holders;

/// An earlier splat that one only echoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// Number of the splat that is the first cause, in its log.
    pub of: usize,
    /// Why this one is no crash of its own.
    pub why: Why,
}

/// Why a splat is no crash of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Another line of the same report that looks like a headline: `invalid opcode: 0000` below `kernel BUG at …`.
    Headline,
    /// The same task printed it before the earlier report was over.
    Inside,
    /// The kernel panics since the earlier report was printed.
    Panic,
    /// The access that KASAN had announced faults.
    Fault,
    /// A task that had oopsed dies.
    Death,
    /// The same is reported again.
    Again,
    /// It happens in a call that was reported already.
    Call,
    /// It hangs since the same task holds what it waits for.
    Holder,
    /// The fuzzer's program fails since the kernel has crashed.
    Crash,
}

impl Why {
    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Why::Headline => "another headline",
            Why::Inside => "inside",
            Why::Panic => "panic",
            Why::Fault => "announced fault",
            Why::Death => "death of the task",
            Why::Again => "again",
            Why::Call => "same call",
            Why::Holder => "same holder",
            Why::Crash => "crash before",
        }
    }
}

/// Splats that another one is held against: the last so many.
const LAST: usize = 16;

/// Which splats of a log are first causes, and which only echo an earlier one.
#[derive(Clone, Debug, Default)]
pub struct Causes {
    echoes: Vec<Option<Echo>>,
}

impl Causes {
    /// Looks at all splats of a log.
    pub fn of(log: &Log<'_>) -> Causes {
        let entries = log.entries();
        let count = log.starts().take(2).count();
        if count < 2 {
            return Causes { echoes: vec![None; count] };
        }
        let mut seen = Seen { holders: Holders::of(entries, log.starts()), ..Seen::default() };
        let judge = |(number, start)| seen.judge(number, Headline::read(entries, start));
        Causes { echoes: log.starts().enumerate().map(judge).collect() }
    }

    /// What the splat of this number echoes; `None` for a first cause.
    pub fn echo(&self, splat: usize) -> Option<Echo> {
        self.echoes.get(splat).copied().flatten()
    }
}

/// The splats so far, the last ones of them, newest first.
#[derive(Default)]
struct Seen<'t> {
    splats: VecDeque<Known<'t>>,
    holders: Holders,
}

struct Known<'t> {
    headline: Headline<'t>,
    /// Number of the splat that is its first cause: its own, where it is one.
    cause: usize,
}

impl<'t> Seen<'t> {
    fn judge(&mut self, number: usize, headline: Headline<'t>) -> Option<Echo> {
        let echo = self.echo(&headline);
        self.splats.truncate(LAST - 1);
        self.splats.push_front(Known { cause: echo.map_or(number, |echo| echo.of), headline });
        echo
    }

    fn echo(&self, later: &Headline<'t>) -> Option<Echo> {
        // What the same caller printed last.
        let last = self.splats.iter().find(|known| known.headline.context == later.context);
        if let Some(last) = last.filter(|last| last.headline.is_inlined_call_of(later)) {
            return Some(Echo { of: last.cause, why: Why::Headline });
        }
        let earlier = |why: Why, fits: &dyn Fn(&Headline<'t>) -> bool| {
            let known = self.splats.iter().find(|known| fits(&known.headline))?;
            Some(Echo { of: known.cause, why })
        };
        if let Some(echo) = earlier(Why::Again, &|earlier| earlier.is_repeated_by(later)) {
            return Some(echo);
        }
        if let Some(pid) = later.hangs() {
            let holder = self.holders.last(pid);
            let waits_too =
                |earlier: &Headline<'t>| earlier.hangs().is_some_and(|pid| self.holders.last(pid) == holder);
            if let Some(echo) = earlier(Why::Holder, &waits_too) {
                return Some(echo);
            }
        }
        if later.is_of_fuzzer() {
            return earlier(Why::Crash, &|earlier| matches!(earlier.kind, Kind::Oops | Kind::Panic));
        }
        if later.kind == Kind::Panic {
            let near = |e: &Headline<'t>| e.context == later.context && panic::follows(e, later);
            return earlier(Why::Panic, &near).or_else(|| earlier(Why::Panic, &|e| panic::follows(e, later)));
        }
        let taken = last.and_then(|known| Some(Echo { of: known.cause, why: known.headline.takes(later)? }));
        taken.or_else(|| earlier(Why::Death, &|earlier| earlier.died && earlier.is_of_task(later)))
    }
}

/// The lines of the same caller behind a headline, the next headline of that caller last, as far as it is worth looking.
fn tail<'l, 't>(entries: &'l [Entry<'t>], start: usize) -> impl Iterator<Item = &'l Entry<'t>> {
    /// A report that is longer, with everything that others print in between, does not show its end.
    const FAR: usize = 512;
    let context = entries[start].line.context;
    entries[start + 1..].iter().take(FAR).filter(move |entry| entry.line.context == context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;

    /// For each splat a word: `-` for a cause, else the number and the reason.
    fn causes(lines: &[&str]) -> Vec<String> {
        let text = lines.join("\n");
        let causes = Causes::of(&Log::parse(text.as_bytes(), Rules::Syzbot));
        let word = |echo: &Echo| format!("{} {}", echo.of, echo.why.name());
        causes.echoes.iter().map(|echo| echo.as_ref().map_or("-".into(), word)).collect()
    }

    const WARN: [&str; 5] = [
        "[ 1.0][ T7] WARNING: CPU: 1 PID: 7 at mm/slub.c:1 f+0x1/0x2",
        "[ 1.0][ T7] CPU: 1 PID: 7 Comm: a Not tainted 6.1.0 #1",
        "[ 1.0][ T7] Call Trace:",
        "[ 1.0][ T7]  f+0x1/0x2",
        "[ 1.0][ T7] ---[ end trace 0000000000000000 ]---",
    ];
    const OOPS: [&str; 7] = [
        "[ 1.0][ T7] BUG: kernel NULL pointer dereference, address: 0000000000000010",
        "[ 1.0][ T7] Oops: 0000 [#1] SMP",
        "[ 1.0][ T7] CPU: 1 PID: 7 Comm: a Not tainted 6.1.0 #1",
        "[ 1.0][ T7] RIP: 0010:f+0x1/0x2",
        "[ 1.0][ T7] Call Trace:",
        "[ 1.0][ T7]  g+0x1/0x2",
        "[ 1.0][ T7] ---[ end trace 0000000000000000 ]---",
    ];

    fn after(lines: &[&str], more: &[&str]) -> Vec<String> {
        causes(&[lines, more].concat())
    }

    #[test]
    fn a_panic_follows_what_it_is_for() {
        for (lines, says, want) in [
            (&WARN[..], "kernel: panic_on_warn set ...", "0 panic"),
            (&WARN, "Fatal exception", "-"),
            (&WARN, "Attempted to kill init! exitcode=0x0000000b", "-"),
            (&OOPS, "Fatal exception in interrupt", "0 panic"),
            (&OOPS, "Attempted to kill init! exitcode=0x0000000b", "0 panic"),
            (&OOPS, "panic_on_warn set ...", "-"),
            (&OOPS, "VFS: Unable to mount root fs", "-"),
            (&["[ 1.0][ C0] BUG: soft lockup - CPU#0 stuck for 22s! [a:7]"], "softlockup: hung tasks", "0 panic"),
            (&["[ 1.0][ T9] INFO: task a:7 blocked for more than 143 seconds."], "hung_task: blocked tasks", "0 panic"),
            (&["[ 1.0][ C0] PANIC: double fault, error_code: 0x0"], "Machine halted.", "0 panic"),
            (&[], "kernel: panic_on_warn set ...", "-"),
        ] {
            let text = format!("[ 1.0][ T7] Kernel panic - not syncing: {says}");
            let end = format!("[ 1.0][ T7] ---[ end Kernel panic - not syncing: {says} ]---");
            let found = after(lines, &[&text, &end]);
            assert_eq!(found[found.len() - 2], want, "{says}");
            assert!(found[found.len() - 1].ends_with(" again"), "{found:?}");
        }
    }

    #[test]
    fn the_nearest_report_that_fits_is_followed_and_the_same_callers_first() {
        let other = "[ 1.0][ T8] WARNING: CPU: 0 PID: 8 at mm/slub.c:2 g+0x1/0x2";
        let panic = "[ 1.0][ T7] Kernel panic - not syncing: panic_on_warn set ...";
        assert_eq!(after(&WARN, &[other, panic]), ["-", "-", "0 panic"]);
        let all = [&WARN[..], &[other, panic]].concat();
        let console: Vec<String> = all.iter().map(|line| line[..6].to_owned() + &line[11..]).collect();
        let console: Vec<&str> = console.iter().map(String::as_str).collect();
        assert_eq!(causes(&console), ["-", "-", "1 panic"]);
    }

    #[test]
    fn an_oops_has_several_headlines() {
        let lines = ["kernel BUG at mm/slub.c:1!", "invalid opcode: 0000 [#1] SMP", "RIP: 0010:f+0x1/0x2"];
        assert_eq!(causes(&lines), ["-", "0 another headline"]);
        let lines = ["Unhandled fault: page domain fault (0x81b) at 0x1", "Internal error: : 81b [#1] SMP ARM"];
        assert_eq!(causes(&lines), ["-", "0 another headline"]);
        let apart = ["kernel BUG at mm/slub.c:1!", "RIP: 0010:f+0x1/0x2", "invalid opcode: 0000 [#1] SMP"];
        assert_eq!(causes(&apart), ["-", "-"]);
    }

    #[test]
    fn hung_tasks_follow_the_first_that_waits_for_the_same_one() {
        let hung = |pid: u32| {
            let head = format!("[ 9.0][ T9] INFO: task a:{pid} blocked for more than 143 seconds.");
            [head, "[ 9.0][ T9] Call Trace:".into(), "[ 9.0][ T9]  __mutex_lock+0x1/0x2".into()].join("\n")
        };
        let owner = |pid: u32, owner: u32| {
            format!("[ 9.0][ T9] INFO: task a:{pid} is blocked on a mutex likely owned by task b:{owner}.")
        };
        let lines = [hung(1), owner(1, 3), hung(2), owner(2, 3), hung(3), owner(3, 4), hung(5), owner(5, 6)];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let headline = |n: usize| format!("{n} another headline");
        assert_eq!(
            causes(&lines),
            ["-", &headline(0), "0 same holder", &headline(0), "0 same holder", &headline(0), "-", &headline(6)]
        );

        let list = "[ 9.0][ T9] Showing all locks held in the system:\n[ 9.0][ T9] 1 lock held by a/1:\n\
                    [ 9.0][ T9]  #0: ffff888000000010 (x){+.+.}-{3:3}, at: f+0x1/0x2\n[ 9.0][ T9] 2 locks held by a/2:\n\
                    [ 9.0][ T9]  #0: ffff888000000010 (x){+.+.}-{3:3}, at: f+0x1/0x2\n\
                    [ 9.0][ T9]  #1: ffff888000000020 (y){+.+.}-{3:3}, at: g+0x1/0x2\n[ 9.0][ T9] 1 lock held by a/5:\n\
                    [ 9.0][ T9]  #0: ffff888000000030 (x){+.+.}-{3:3}, at: f+0x1/0x2";
        let lines = [hung(1), hung(2), hung(5), list.to_owned()];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(causes(&lines), ["-", "0 same holder", "-"]);
        let lines = [hung(1), owner(1, 2), hung(2), owner(2, 1)];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(causes(&lines)[2], "0 same holder", "tasks that wait for each other");
    }

    #[test]
    fn a_fuzzer_fails_after_a_crash() {
        let fails = ["SYZFAIL: failed to recv rpc"];
        assert_eq!(after(&OOPS, &fails), ["-", "0 crash before"]);
        assert_eq!(after(&WARN, &fails), ["-", "-"], "a warning stops nobody");
    }

    #[test]
    fn inlined_calls_have_headlines_too() {
        let lines = [
            "WARNING: at a.c:1 h a.c:3 [inline]",
            "WARNING: at a.c:1 g a.c:2 [inline]",
            "WARNING: at a.c:1 f+0x1/0x2 a.c:1",
        ];
        assert_eq!(causes(&lines), ["-", "0 another headline", "0 another headline"]);
        assert_eq!(causes(&[lines[0], "Call Trace:", lines[2]]), ["-", "-"]);
    }

    #[test]
    fn what_interrupts_a_report_of_the_same_task_is_inside_it() {
        let sleeping = "[ 1.0][ T7] BUG: sleeping function called from invalid context at x.c:1";
        assert_eq!(after(&OOPS[..6], &[sleeping]), ["-", "0 inside"]);
        let other = sleeping.replace("T7", "T8");
        assert_eq!(after(&OOPS[..6], &[&other]), ["-", "-"]);
        let slub = ["BUG kmalloc-64 (Not tainted): Poison", "INFO: Allocated in f age=1", "INFO: Object 0x1 @offset=1"];
        assert_eq!(causes(&slub), ["-", "0 another headline", "0 another headline"]);
    }

    #[test]
    fn a_task_that_oopsed_only_dies() {
        let exit = "[ 2.0][ T7] WARNING: CPU: 1 PID: 7 at kernel/exit.c:1 do_exit+0x1/0x2";
        assert_eq!(after(&OOPS, &[exit]), ["-", "0 death of the task"]);
        assert_eq!(after(&WARN, &[exit]), ["-", "-"], "a warning kills nobody");
        assert_eq!(after(&OOPS, &[&exit.replace("T7", "T8").replace("PID: 7", "PID: 8")]), ["-", "-"]);
    }

    #[test]
    fn kasan_announces_a_fault() {
        let kasan = [
            "[ 1.0][ T7] BUG: KASAN: slab-out-of-bounds in f+0x1/0x2",
            "[ 1.0][ T7] CPU: 1 PID: 7 Comm: a Not tainted 6.1.0 #1",
            "[ 1.0][ T7] Call Trace:",
            "[ 1.0][ T7]  f+0x1/0x2",
            "[ 1.0][ T7] ==================================================================",
        ];
        assert_eq!(after(&kasan, &OOPS), ["-", "0 announced fault"]);
        let elsewhere: Vec<String> = OOPS.iter().map(|line| line.replace(":f+", ":h+")).collect();
        let elsewhere: Vec<&str> = elsewhere.iter().map(String::as_str).collect();
        assert_eq!(after(&kasan, &elsewhere), ["-", "-"]);
        let null = kasan[0].replace("slab-out-of-bounds", "null-ptr-deref");
        assert_eq!(after(&[&[null.as_str()], &kasan[1..]].concat(), &elsewhere), ["-", "0 announced fault"]);
    }

    #[test]
    fn what_lasts_is_reported_again() {
        for (first, again, other) in [
            (
                "BUG: soft lockup - CPU#0 stuck for 22s! [a:7]",
                "BUG: soft lockup - CPU#0 stuck for 45s! [a:7]",
                "BUG: soft lockup - CPU#0 stuck for 22s! [b:8]",
            ),
            (
                "INFO: task a:7 blocked for more than 143 seconds.",
                "INFO: task a:7 blocked for more than 286 seconds.",
                "INFO: task b:8 blocked for more than 143 seconds.",
            ),
            (
                "unregister_netdevice: waiting for lo to become free. Usage count = 2",
                "unregister_netdevice: waiting for lo to become free. Usage count = 1",
                "unregister_netdevice: waiting for eth0 to become free. Usage count = 1",
            ),
        ] {
            assert_eq!(causes(&[first, "x", again, "x", other]), ["-", "0 again", "-"], "{first}");
        }
        let stall = |period: u32| {
            let numbers = format!("rcu: \t(t=10502 jiffies g={period} q=1)");
            ["rcu: INFO: rcu_preempt self-detected stall on CPU".to_owned(), numbers]
        };
        let lines = [stall(5), stall(5), stall(9)].concat();
        assert_eq!(causes(&lines.iter().map(String::as_str).collect::<Vec<_>>()), ["-", "0 again", "-"]);
        let twice = "[ 1.000001] BUG: Bad page map in process a";
        assert_eq!(causes(&[twice, twice, "[ 1.000002] BUG: Bad page map in process a"]), ["-", "0 again", "-"]);
    }
}
