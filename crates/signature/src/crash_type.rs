//! Crash types: what kind of bug a title names, and how bad it is.
//!
//! Facts from syzkaller (pkg/report/crash, pkg/report/title_to_type.go, pkg/report/impact_score.go, Apache-2.0; see NOTICE).

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};
use trace::Format;

/// What kind of bug a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CrashType(&'static str);

/// The first row with a prefix of the title names its type; an empty name is a kind without a type.
const TYPES: &[(&str, &[&str])] = &[
    ("KFENCE-USE-AFTER-FREE-WRITE", &["KFENCE: use-after-free write"]),
    ("KFENCE-USE-AFTER-FREE-READ", &["KFENCE: use-after-free read", "KFENCE: use-after-free"]),
    ("KFENCE-WRITE", &["KFENCE: invalid write", "KFENCE: out-of-bounds write"]),
    ("KFENCE-READ", &["KFENCE: invalid read", "KFENCE: out-of-bounds read", "KFENCE: out-of-bounds"]),
    ("KFENCE-MEMORY-CORRUPTION", &["KFENCE: memory corruption"]),
    ("KFENCE-INVALID-FREE", &["KFENCE: invalid free"]),
    ("KMSAN-UNINIT-VALUE", &["KMSAN: uninit-value"]),
    (
        "KMSAN-USE-AFTER-FREE-READ",
        &["KMSAN: kernel-infoleak-after-free", "KMSAN: kernel-usb-infoleak-after-free", "KMSAN: use-after-free"],
    ),
    ("KMSAN-INFO-LEAK", &["KMSAN: kernel-infoleak", "KMSAN: kernel-usb-infoleak"]),
    ("KASAN-NULL-POINTER-DEREFERENCE-WRITE", &["KASAN: null-ptr-deref Write"]),
    ("KASAN-NULL-POINTER-DEREFERENCE-READ", &["KASAN: null-ptr-deref Read"]),
    ("NULL-POINTER-DEREFERENCE", &["BUG: unable to handle kernel NULL pointer dereference in"]),
    (
        "KASAN-WRITE",
        &[
            "KASAN: global-out-of-bounds Write",
            "KASAN: out-of-bounds Write",
            "KASAN: slab-out-of-bounds Write",
            "KASAN: stack-out-of-bounds Write",
            "KASAN: user-memory-access Write",
            "KASAN: vmalloc-out-of-bounds Write",
            "KASAN: wild-memory-access Write",
        ],
    ),
    (
        "KASAN-READ",
        &[
            "KASAN: global-out-of-bounds Read",
            "KASAN: invalid-access Read",
            "KASAN: out-of-bounds Read",
            "KASAN: slab-out-of-bounds Read",
            "KASAN: stack-out-of-bounds Read",
            "KASAN: unknown-crash Read",
            "KASAN: user-memory-access Read",
            "KASAN: vmalloc-out-of-bounds Read",
            "KASAN: wild-memory-access Read",
            "KASAN: slab-out-of-bounds",
            "KASAN: stack-out-of-bounds",
            "KASAN: wild-memory-access",
        ],
    ),
    ("KASAN-INVALID-FREE", &["KASAN: double-free or invalid-free", "KASAN: invalid-free"]),
    ("KASAN-USE-AFTER-FREE-WRITE", &["KASAN: slab-use-after-free Write", "KASAN: use-after-free Write"]),
    (
        "KASAN-USE-AFTER-FREE-READ",
        &["KASAN: slab-use-after-free Read", "KASAN: use-after-free Read", "KASAN: use-after-free"],
    ),
    ("MEMORY_SAFETY_BUG", &["BUG: corrupted list", "BUG: unable to handle kernel paging request"]),
    ("REFCOUNT_WARNING", &["WARNING: refcount bug"]),
    ("MEMORY_SAFETY_UBSAN", &["UBSAN: array-index-out-of-bounds"]),
    ("KCSAN-DATARACE", &["KCSAN: data-race"]),
    ("KCSAN-ASSERT", &["KCSAN: assert: race in"]),
    (
        "LOCKDEP",
        &[
            "BUG: bad unlock balance in",
            "BUG: held lock freed in",
            "BUG: rwlock",
            "BUG: spinlock",
            "BUG: still has locks held in",
            "BUG: using",
            "WARNING: bad unlock balance in",
            "WARNING: held lock freed in",
            "WARNING: lock held",
            "WARNING: locking bug in",
            "WARNING: nested lock was not taken in",
            "WARNING: still has locks held in",
            "WARNING: suspicious RCU usage in",
            "inconsistent lock state in",
            "possible deadlock in",
        ],
    ),
    ("ATOMIC_SLEEP", &["BUG: scheduling while atomic in", "BUG: sleeping function called from invalid context in"]),
    ("LEAK", &["memory leak in"]),
    ("BUG", &["BUG: bad usercopy in", "kernel BUG"]),
    ("WARNING", &["WARNING in"]),
    (
        "",
        &[
            "BUG: stack guard page was hit in",
            "WARNING: corrupted",
            "WARNING: kernel stack frame pointer has bad value",
            "WARNING: kernel stack regs has bad",
        ],
    ),
    ("HANG", &["BUG: soft lockup in", "INFO: rcu detected stall in", "INFO: task can't die in", "INFO: task hung in"]),
    (
        "DoS",
        &[
            "Alignment trap in",
            "BUG: Object already free",
            "Internal error in",
            "PANIC: double fault",
            "Unhandled fault in",
            "VFS: Busy inodes after unmount (use-after-free)",
            "VFS: Close: file count is zero (use-after-free)",
            "divide error in",
            "general protection fault in",
            "go runtime error",
            "int3 in",
            "invalid opcode in",
            "kernel panic:",
            "kernel stack overflow",
            "panic:",
            "rust_kernel panicked",
            "stack segment fault in",
            "trusty:",
            "unregister_netdevice: waiting for DEV to become free",
        ],
    ),
    ("NO_OUTPUT", &["no output from test machine"]),
    ("LOST_CONNECTION", &["lost connection to test machine"]),
    ("REBOOT", &["unexpected kernel reboot"]),
    ("SYZ_FAILURE", &["SYZFAIL", "SYZFATAL:"]),
    ("WARNING", &["WARNING:"]),
    ("", &["BUG:", "INFO:"]),
    ("KASAN-UNKNOWN", &["KASAN:"]),
    ("KFENCE-UNKNOWN", &["KFENCE:"]),
    ("KMSAN-UNKNOWN", &["KMSAN:"]),
    ("UBSAN", &["UBSAN:"]),
    ("KCSAN-UNKNOWN", &["KCSAN:"]),
];

/// How titles start, with their types: those of rows that name their type, then [`TYPES`].
struct Starts {
    starts: Vec<(&'static str, Option<CrashType>)>,
    automaton: AhoCorasick,
}

static STARTS: LazyLock<Starts> = LazyLock::new(|| {
    let rows = Format::all().iter().map(|format| format.row);
    let of_rows = rows.filter_map(|row| Some((row.title.split('{').next()?, Some(CrashType(row.kind?)))));
    let known = TYPES.iter().flat_map(|(name, starts)| {
        starts.iter().map(move |start| (*start, Some(CrashType(name)).filter(|_| !name.is_empty())))
    });
    let starts: Vec<_> = of_rows.filter(|(start, _)| !start.is_empty()).chain(known).collect();
    let mut automaton = AhoCorasick::builder();
    automaton.match_kind(MatchKind::LeftmostFirst).start_kind(StartKind::Anchored);
    let automaton = automaton.build(starts.iter().map(|(start, _)| start));
    Starts { starts, automaton: automaton.expect("some dozens of short texts fit an automaton") }
});

/// Types by impact, worst first.
const RANKED: [&str; 24] = [
    "KASAN-INVALID-FREE",
    "KFENCE-INVALID-FREE",
    "KASAN-USE-AFTER-FREE-WRITE",
    "KASAN-WRITE",
    "KFENCE-MEMORY-CORRUPTION",
    "KASAN-USE-AFTER-FREE-READ",
    "KMSAN-USE-AFTER-FREE-READ",
    "KASAN-READ",
    "KFENCE-READ",
    "MEMORY_SAFETY_UBSAN",
    "KCSAN-ASSERT",
    "REFCOUNT_WARNING",
    "KASAN-NULL-POINTER-DEREFERENCE-WRITE",
    "KASAN-NULL-POINTER-DEREFERENCE-READ",
    "NULL-POINTER-DEREFERENCE",
    "KMSAN-INFO-LEAK",
    "MEMORY_SAFETY_BUG",
    "KMSAN-UNINIT-VALUE",
    "KCSAN-DATARACE",
    "ATOMIC_SLEEP",
    "LOCKDEP",
    "LEAK",
    "DoS",
    "HANG",
];

/// Types that syzbot does not know, each with the one whose rank it has: a machine that is broken or out of memory.
const OURS: [(&str, &str); 3] = [("HARDWARE", "DoS"), ("OOM", "HANG"), ("ALLOCATION_FAILURE", "HANG")];

impl CrashType {
    /// A task that makes no progress.
    pub const HANG: CrashType = CrashType("HANG");
    /// A message that only reads as a report: no row of the table knows it, and nobody printed a stack.
    pub const PRINTK: CrashType = CrashType("PRINTK");

    /// The type that a row of the table names.
    pub(crate) fn named(name: &'static str) -> CrashType {
        CrashType(name)
    }

    /// The type that a title names: one that a row of the table makes, or one that syzbot knows.
    pub fn of_title(title: &str) -> Option<CrashType> {
        CrashType::known(title)?.0
    }

    /// The type of the titles that start like this one, and how they start; they may be of no type.
    pub fn known(title: &str) -> Option<(Option<CrashType>, &'static str)> {
        let Starts { starts, automaton } = &*STARTS;
        let found = automaton.find(Input::new(title).anchored(Anchored::Yes))?;
        let (start, kind) = starts[found.pattern()];
        Some((kind, start))
    }

    /// syzbot's name of the type.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// How bad it is: 24 is worst, 1 is least; `None` where the field does not rank it.
    pub fn rank(self) -> Option<usize> {
        let ranked = OURS.iter().find(|(ours, _)| *ours == self.0).map_or(self.0, |(_, like)| like);
        RANKED.iter().position(|name| *name == ranked).map(|n| RANKED.len() - n)
    }
}

impl std::fmt::Display for CrashType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_ranks() {
        for (title, name, rank) in [
            ("possible deadlock in send_sigio", "LOCKDEP", Some(4)),
            ("KASAN: use-after-free Write in f", "KASAN-USE-AFTER-FREE-WRITE", Some(22)),
            ("KASAN: invalid-free in f", "KASAN-INVALID-FREE", Some(24)),
            ("INFO: task hung in f", "HANG", Some(1)),
            ("WARNING in f", "WARNING", None),
        ] {
            let found = CrashType::of_title(title).expect("a type");
            assert_eq!((found.name(), found.rank()), (name, rank));
        }
        assert_eq!(CrashType::of_title("BUG: Bad page map"), None);
        assert_eq!(CrashType::of_title("something"), None);
    }

    #[test]
    fn every_ranked_type_exists() {
        for name in RANKED {
            assert!(TYPES.iter().any(|(known, _)| *known == name), "{name}");
        }
    }

    #[test]
    fn the_types_of_rows_have_ranks() {
        for kind in Format::all().iter().filter_map(|format| format.row.kind) {
            assert!(CrashType::named(kind).rank().is_some(), "{kind}");
        }
    }

    #[test]
    fn no_row_is_hidden_by_another() {
        let prefixes: Vec<_> =
            TYPES.iter().flat_map(|(name, all)| all.iter().map(move |prefix| (name, prefix))).collect();
        for (n, (name, prefix)) in prefixes.iter().enumerate() {
            let hidden = prefixes[..n].iter().find(|(other, before)| prefix.starts_with(*before) && other != name);
            assert_eq!(hidden, None, "{prefix}");
        }
    }
}
