//! Who holds which locks.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::by::By;
use super::super::cursor::Cursor;
use super::lock::Lock;

/// A task, and the locks that it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Holder<'t> {
    /// The task.
    pub task: By<'t>,
    /// How many locks it holds.
    pub count: u32,
    /// The locks, as far as they are printed, each with the place where it was taken.
    pub locks: Vec<Lock<'t>>,
}

impl<'t> Holder<'t> {
    /// Reads `2 locks held by sh/65:`, or `no locks held by sh/65.` (kernel/locking/lockdep.c, `lockdep_print_held_locks`).
    pub(crate) fn parse(line: &'t [u8]) -> Option<Holder<'t>> {
        let mut line = Cursor(line);
        let count = if line.skip("no ").is_some() { 0 } else { line.number().filter(|_| line.skip(" ").is_some())? };
        line.skip("lock")?;
        let _ = line.skip("s");
        line.skip(" held by ")?;
        let task = line.0.trim_ascii();
        let task = task.strip_suffix(b":").or_else(|| task.strip_suffix(b".")).unwrap_or(task);
        Some(Holder { task: By::task(task, b'/'), count, locks: Vec::new() })
    }

    /// Takes ` #0: ffff888012345678 (&mm->mmap_lock){++++}-{3:3}, at: f+0x1a/0x40`; false where it is none.
    pub(crate) fn read(&mut self, line: &'t [u8]) -> bool {
        let lock = || {
            let mut line = Cursor(line);
            line.skip("#")?;
            let _: u32 = line.number()?;
            line.skip(":")?;
            Lock::parse(line.0)
        };
        let lock = lock();
        let found = lock.is_some();
        self.locks.extend(lock);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders() {
        let mut holder = Holder::parse(b"2 locks held by kworker/0:1/65:").expect("a holder");
        assert_eq!((holder.count, holder.task.comm.as_deref(), holder.task.pid), (2, Some("kworker/0:1"), Some(65)));
        assert!(holder.read(b"#0: ffff888012345678 (&x){+.+.}-{3:3}, at: f+0x1/0x2"));
        assert!(!holder.read(b"#1: x"));
        assert_eq!(holder.locks.len(), 1);
        assert_eq!(Holder::parse(b"no locks held by sh/65.").map(|holder| holder.count), Some(0));
        assert_eq!(Holder::parse(b"2 locks held"), None);
        assert_eq!(Holder::parse(b"locks held by x/1"), None);
    }
}
