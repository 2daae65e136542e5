//! Holders: which task holds what a hung task waits for, where the kernel says so.
//!
//! Since 6.16 it names the probable owner below the report (kernel/hung_task.c, `debug_show_blocker`). Lockdep shows for each
//! task the locks that it holds and, last, the one that it waits for (`debug_show_all_locks`): a task that has taken
//! another lock since holds those before.

use std::collections::HashMap;

use super::tail;
use crate::detail::Holder;
use crate::find::{find, holds};
use crate::log::Entry;

/// Who waits for whom, by pid.
#[derive(Debug, Default)]
pub(super) struct Holders {
    waits_for: HashMap<u32, u32>,
}

/// Tasks that wait for each other form a longer chain only in a text that was made up.
const CHAIN: usize = 64;

impl Holders {
    /// Reads what a log says of the tasks that hang; `starts` are the lines that start its splats.
    pub fn of(entries: &[Entry<'_>], starts: impl Iterator<Item = usize>) -> Holders {
        let hung: Vec<(usize, u32)> = starts.filter_map(|n| Some((n, hung_task(entries[n].line.body)?))).collect();
        let mut holders = Holders::default();
        if hung.len() < 2 {
            return holders;
        }
        let mut waiting = Vec::with_capacity(hung.len());
        for (start, pid) in &hung {
            for entry in tail(entries, *start) {
                let line = entry.line.body;
                if entry.trigger.is_some() {
                    holders.waits_for.extend(owner(line).map(|owner| (*pid, owner)));
                    break;
                }
                if holds(line, b"mutex_lock") || holds(line, b"rwsem_down_") {
                    waiting.push(*pid);
                }
            }
        }
        let (last, _) = hung[hung.len() - 1];
        let list = entries[last..].iter().position(|entry| entry.line.body.starts_with(b"Showing all locks held"));
        if let Some(list) = list {
            holders.read_locks(&entries[last + list..], &waiting);
        }
        holders
    }

    /// Takes lockdep's list, below the line that heads it.
    fn read_locks(&mut self, entries: &[Entry<'_>], waiting: &[u32]) {
        let mut tasks: Vec<Holder<'_>> = Vec::new();
        let context = entries[0].line.context;
        for entry in entries[1..].iter().filter(|entry| entry.line.context == context) {
            let line = entry.line.body.trim_ascii();
            if let Some(task) = Holder::parse(line) {
                tasks.push(task);
            } else if !line.is_empty() && !tasks.last_mut().is_some_and(|task| task.read(line)) {
                break;
            }
        }
        // The tasks that have taken another lock since they took this one.
        let mut held: HashMap<_, Vec<u32>> = HashMap::new();
        for task in &tasks {
            let Some((pid, (_, before))) = task.task.pid.zip(task.locks.split_last()) else { continue };
            before.iter().for_each(|lock| held.entry((lock.address, &lock.class)).or_default().push(pid));
        }
        for task in &tasks {
            let Some((pid, lock)) = task.task.pid.zip(task.locks.last()) else { continue };
            if let Some([holder]) = held.get(&(lock.address, &lock.class)).map(Vec::as_slice)
                && *holder != pid
                && waiting.contains(&pid)
            {
                self.waits_for.entry(pid).or_insert(*holder);
            }
        }
    }

    /// The task that keeps a hung one waiting in the end, the first one of those that wait for each other; itself, where
    /// none is known.
    pub fn last(&self, pid: u32) -> u32 {
        let (mut path, mut at) = (vec![pid], pid);
        while let Some(holder) = self.waits_for.get(&at)
            && path.len() < CHAIN
        {
            if let Some(start) = path.iter().position(|known| known == holder) {
                return path[start..].iter().copied().min().unwrap_or(at);
            }
            at = *holder;
            path.push(at);
        }
        at
    }
}

/// The pid of `INFO: task sh:65 blocked for more than 143 seconds.`
pub(super) fn hung_task(line: &[u8]) -> Option<u32> {
    let at = find(line, b"INFO: task ")?;
    let task = &line[at..at + find(&line[at..], b" blocked ")?];
    number(&task[memchr::memrchr(b':', task)? + 1..])
}

/// The pid of `cat:66` in `INFO: task sh:65 is blocked on a mutex likely owned by task cat:66.`
fn owner(line: &[u8]) -> Option<u32> {
    const SAYS: &[u8] = b" likely owned by task ";
    let task = line[find(line, SAYS)? + SAYS.len()..].split(|b| *b == b' ').next()?;
    let task = task.strip_suffix(b".").unwrap_or(task);
    number(&task[memchr::memrchr(b':', task)? + 1..])
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
