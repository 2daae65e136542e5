//! A console log, changed in what differs from one occurrence of a crash to the next: nothing of this may change its name.
//!
//! Equal things stay equal and different ones different: a caller keeps its lines, a function its size.

mod message;
mod prefix;

use message::{addresses, cpus, names, offsets, processes, registers};
use prefix::{callers, others, times};

/// A kind of change.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    /// What changes.
    pub name: &'static str,
    /// Changes a console log; a seed chooses how.
    pub write: fn(&[u8], u64) -> Vec<u8>,
    /// Only what printk puts in front of messages changes, so that it means nothing whatever the messages are.
    pub is_outside_messages: bool,
}

const fn outside(name: &'static str, write: fn(&[u8], u64) -> Vec<u8>) -> Noise {
    Noise { name, write, is_outside_messages: true }
}

const fn inside(name: &'static str, write: fn(&[u8], u64) -> Vec<u8>) -> Noise {
    Noise { name, write, is_outside_messages: false }
}

/// All kinds of change.
pub const NOISES: &[Noise] = &[
    outside("time", times),
    outside("caller ids", callers),
    outside("lines of other callers", others),
    inside("CPUs", cpus),
    inside("process ids", processes),
    inside("numbers of task names", names),
    inside("addresses", addresses),
    inside("registers", registers),
    inside("offsets and sizes", offsets),
];

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "[    1.000000][  T123] BUG: x on CPU#1\n\
        [    1.000000][  T123] CPU: 1 PID: 123 Comm: syz-executor.3 Not tainted 6.1.0 #1\n\
        [    1.000001][    C1] RAX: 0000000000000001 RBX: ffff888012345678 RCX: 0000000000000001\n\
        [    1.000002][  T123]  [<ffffffff81234567>] f.isra.0+0x1a/0x40\n";

    fn changed(name: &str) -> String {
        let noise = NOISES.iter().find(|noise| noise.name == name).unwrap();
        String::from_utf8((noise.write)(LOG.as_bytes(), 5)).unwrap()
    }

    /// The lines that differ, as they became.
    fn differences(name: &str) -> Vec<String> {
        let changed = changed(name);
        changed.lines().zip(LOG.lines()).filter(|(new, old)| new != old).map(|(new, _)| new.to_owned()).collect()
    }

    #[test]
    fn prefixes_change_on_every_line() {
        assert_eq!(differences("time").len(), 4);
        assert!(changed("time").starts_with("[    1.000005][  T123] BUG"));
        assert_eq!(differences("caller ids").len(), 4);
        assert!(changed("caller ids").starts_with("[    1.000000][  T129] BUG"));
    }

    #[test]
    fn what_a_message_says_changes_where_it_stands() {
        assert_eq!(differences("CPUs")[0], "[    1.000000][  T123] BUG: x on CPU#7");
        assert_eq!(differences("CPUs").len(), 2);
        let task = "[    1.000000][  T123] CPU: 1 PID: 129 Comm: syz-executor.3 Not tainted 6.1.0 #1";
        assert_eq!(differences("process ids"), [task]);
        assert!(differences("numbers of task names")[0].contains("syz-executor.9 Not"));
        assert_eq!(differences("addresses").len(), 2);
        assert!(differences("addresses")[1].contains("[<ffffff") && differences("addresses")[1].contains("567>]"));
        let registers = &differences("registers")[0];
        let values: Vec<&str> = registers.split(' ').filter(|word| word.len() == 16).collect();
        assert!(values[0] == values[2] && values[0] != values[1] && values[0] != "0000000000000001");
        let frame = &differences("offsets and sizes")[0];
        assert!(frame.contains("f.isra.0+0x") && !frame.contains("+0x1a/0x40"));
    }

    #[test]
    fn other_callers_only_add_lines() {
        let changed = changed("lines of other callers");
        let kept: Vec<&str> =
            changed.lines().filter(|line| !["T77777", "T88888", "C77"].iter().any(|id| line.contains(id))).collect();
        assert_eq!(kept, LOG.lines().collect::<Vec<_>>());
        assert!(changed.lines().count() > LOG.lines().count());
    }
}
