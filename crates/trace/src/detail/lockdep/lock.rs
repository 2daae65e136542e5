//! Locks as lockdep prints them: `ffff888012345678 (&mm->mmap_lock#2/1){++++}-{3:3}, at: f+0x1a/0x40`.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::cursor::{Cursor, Text, text};
use super::super::symbol::Symbol;
use super::super::value::Hex;

/// A class of locks: all that are initialised in one place of the source, or of one subclass of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Class<'t> {
    /// The name: `&mm->mmap_lock`.
    pub class: Text<'t>,
    /// Which of the classes of that name, counted in the order of their first use (`#2`); absent for the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_version: Option<u32>,
    /// The subclass, which the code gives to locks that nest (`/1`); absent for 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subclass: Option<u32>,
}

impl<'t> Class<'t> {
    /// Reads `&mm->mmap_lock#2/1` (kernel/locking/lockdep.c, `__print_lock_name`).
    pub(super) fn parse(name: &'t [u8]) -> Class<'t> {
        let split = |name: &'t [u8], mark: u8| {
            let at = memchr::memrchr(mark, name)?;
            let number = std::str::from_utf8(&name[at + 1..]).ok()?.parse().ok()?;
            Some((&name[..at], number))
        };
        let (name, subclass) = split(name, b'/').map_or((name, None), |(name, number)| (name, Some(number)));
        let (name, name_version) = split(name, b'#').map_or((name, None), |(name, number)| (name, Some(number)));
        Class { class: text(name), name_version, subclass }
    }
}

/// The class without the number that depends on the order in which a kernel comes to use its locks.
impl fmt::Display for Class<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.class)?;
        self.subclass.map_or(Ok(()), |subclass| write!(f, "/{subclass}"))
    }
}

/// How a lock was taken with regard to one kind of interrupt (`get_usage_char`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// `.`: never in such an interrupt, and never while such interrupts were enabled.
    Never,
    /// `-`: in such an interrupt.
    InInterrupt,
    /// `+`: while such interrupts were enabled.
    Enabled,
    /// `?`: both, in such an interrupt and while they were enabled.
    InInterruptAndEnabled,
}

/// The usage bits of a class, `{+.+.}` (kernel/locking/lockdep.c, `get_usage_chars`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Usage {
    /// Taken as a writer, with regard to hardware interrupts.
    pub hardirq: Use,
    /// Taken as a reader, with regard to hardware interrupts.
    pub hardirq_read: Use,
    /// Taken as a writer, with regard to software interrupts.
    pub softirq: Use,
    /// Taken as a reader, with regard to software interrupts.
    pub softirq_read: Use,
    /// Taken as a writer, with regard to the reclaim of memory by file systems (kernels before 4.15).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reclaim: Option<Use>,
    /// Taken as a reader, with regard to the reclaim of memory by file systems.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reclaim_read: Option<Use>,
}

impl Usage {
    /// Reads `+.+.`.
    pub(super) fn parse(marks: &[u8]) -> Option<Usage> {
        let mut uses = [Use::Never; 6];
        if !matches!(marks.len(), 4 | 6) {
            return None;
        }
        for (mark, one) in marks.iter().zip(&mut uses) {
            *one = match mark {
                b'.' => Use::Never,
                b'-' => Use::InInterrupt,
                b'+' => Use::Enabled,
                b'?' => Use::InInterruptAndEnabled,
                _ => return None,
            };
        }
        let [hardirq, hardirq_read, softirq, softirq_read, reclaim, reclaim_read] = uses;
        let old = |usage| (marks.len() == 6).then_some(usage);
        let (reclaim, reclaim_read) = (old(reclaim), old(reclaim_read));
        Some(Usage { hardirq, hardirq_read, softirq, softirq_read, reclaim, reclaim_read })
    }
}

/// How one has to wait for a lock (include/linux/lockdep_types.h, `enum lockdep_wait_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitType {
    /// Not at all: RCU.
    Free,
    /// By spinning on every kernel: `raw_spinlock_t`.
    Spin,
    /// By spinning, or by sleeping on a real-time kernel: `spinlock_t`.
    Config,
    /// By sleeping: mutexes, semaphores.
    Sleep,
    /// The number means a `spinlock_t` on a kernel with `CONFIG_PROVE_RAW_LOCK_NESTING` and a sleeping lock on others, and the report does not show which it is.
    ConfigOrSleep,
}

/// The wait types of a lock, `{4:4}`; lockdep prints the outer one first (`print_lock_name`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Wait {
    /// The number of the contexts that may take it.
    pub outer: u8,
    /// The number of what waits for it inside.
    pub inner: u8,
    /// What `inner` means.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub wait_type: Option<WaitType>,
}

impl Wait {
    fn parse(line: &mut Cursor<'_>) -> Option<Wait> {
        line.skip("-{")?;
        let outer = line.number()?;
        line.skip(":")?;
        let inner = line.number()?;
        line.skip("}")?;
        Some(Wait { outer, inner, wait_type: None })
    }

    /// Whether the kernel counts `spinlock_t` on its own (`CONFIG_PROVE_RAW_LOCK_NESTING`), as far as this lock shows.
    fn nests_raw(&self) -> Option<bool> {
        match (self.outer, self.inner) {
            (4, _) | (_, 4) => Some(true),
            // RCU's read side: wait-free outside, as a spinlock_t inside.
            (1, 3) => Some(true),
            (1, 2) => Some(false),
            _ => None,
        }
    }

    fn explain(&mut self, nests_raw: Option<bool>) {
        self.wait_type = match (self.inner, nests_raw) {
            (1, _) => Some(WaitType::Free),
            (2, Some(false)) => Some(WaitType::Config),
            (2, _) => Some(WaitType::Spin),
            (3, Some(true)) => Some(WaitType::Config),
            (3, Some(false)) => Some(WaitType::Sleep),
            (3, None) => Some(WaitType::ConfigOrSleep),
            (4, _) => Some(WaitType::Sleep),
            _ => None,
        };
    }
}

/// A lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lock<'t> {
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Hex>,
    /// Its class.
    #[serde(flatten)]
    pub class: Class<'t>,
    /// How locks of the class were taken so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// How one has to wait for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// Where it is, or was, taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Symbol<'t>>,
}

impl<'t> Lock<'t> {
    /// Reads a line or the rest of one; the address and the place may be missing, the usage bits may not.
    pub(super) fn parse(line: &'t [u8]) -> Option<Lock<'t>> {
        let mut line = Cursor(line.trim_ascii_start());
        let address = line.hex();
        line.blanks();
        line.skip("(")?;
        // A class may have brackets in its name: `(work_completion)(&x->work)`.
        let class = Class::parse(line.until("){")?);
        let usage = Usage::parse(line.until("}")?)?;
        let wait = Wait::parse(&mut line);
        let at = line.until("at: ").and_then(|_| Symbol::find(line.0));
        Some(Lock { address, class, usage: Some(usage), wait, at })
    }
}

/// What the wait types of one kernel mean, learnt from all locks of a report.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WaitTypes {
    nests_raw: Option<bool>,
}

impl WaitTypes {
    /// Learns from a lock.
    pub fn learn(&mut self, lock: &Lock<'_>) {
        self.nests_raw = self.nests_raw.or_else(|| lock.wait.and_then(|wait| wait.nests_raw()));
    }

    /// Explains a lock.
    pub fn explain(self, lock: &mut Lock<'_>) {
        if let Some(wait) = &mut lock.wait {
            wait.explain(self.nests_raw);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(line: &'static str) -> String {
        let mut types = WaitTypes::default();
        let Some(mut lock) = Lock::parse(line.as_bytes()) else { return "-".into() };
        types.learn(&lock);
        types.explain(&mut lock);
        serde_json::to_string(&lock).expect("it is data").replace('"', "")
    }

    #[test]
    fn locks() {
        let never = "hardirq:never,hardirq_read:never,softirq:never,softirq_read:never";
        assert_eq!(
            lock("ffff888012345678 (&mm->mmap_lock#2/1){....}-{4:4}, at: f+0x1/0x2 [m]"),
            format!(
                "{{address:0xffff888012345678,class:&mm->mmap_lock,name_version:2,subclass:1,usage:{{{never}}},\
                 wait:{{outer:4,inner:4,type:sleep}},at:{{function:f,offset:1,size:2,module:m}}}}"
            )
        );
        assert_eq!(
            lock(" ((work_completion)(&x->work)){....}, at: [<ffffffff81000000>] f+0x1/0x2"),
            format!(
                "{{class:(work_completion)(&x->work),usage:{{{never}}},at:{{function:f,offset:1,size:2,address:0xffffffff81000000}}}}"
            )
        );
        for line in ["", "x", "(a)", "(a){x}", "ffff888012345678", "(a){....", "ffff (a) {....}"] {
            assert_eq!(lock(line), "-", "{line}");
        }
    }

    #[test]
    fn usage_in_words() {
        let usage = Usage::parse(b"+.-?").expect("four marks");
        assert_eq!(usage.hardirq, Use::Enabled);
        assert_eq!(usage.hardirq_read, Use::Never);
        assert_eq!(usage.softirq, Use::InInterrupt);
        assert_eq!(usage.softirq_read, Use::InInterruptAndEnabled);
        assert_eq!(Usage::parse(b"+.+.-.").and_then(|usage| usage.reclaim), Some(Use::InInterrupt));
        assert_eq!(Usage::parse(b"+.+"), None);
        assert_eq!(Usage::parse(b"+.+x"), None);
    }

    #[test]
    fn a_three_means_what_the_report_shows() {
        let wait = |other: &'static str, line: &'static str| {
            let mut types = WaitTypes::default();
            types.learn(&Lock::parse(other.as_bytes()).expect("a lock"));
            let mut lock = Lock::parse(line.as_bytes()).expect("a lock");
            types.explain(&mut lock);
            lock.wait.and_then(|wait| wait.wait_type)
        };
        assert_eq!(wait("(a){....}-{4:4}", "(b){....}-{3:3}"), Some(WaitType::Config));
        assert_eq!(wait("(rcu_read_lock){....}-{1:3}", "(b){....}-{3:3}"), Some(WaitType::Config));
        assert_eq!(wait("(rcu_read_lock){....}-{1:2}", "(b){....}-{3:3}"), Some(WaitType::Sleep));
        assert_eq!(wait("(a){....}-{2:2}", "(b){....}-{3:3}"), Some(WaitType::ConfigOrSleep));
    }
}
