//! Where a report comes from: CPU, task, kernel release, taint, hardware, loaded modules.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::find::{find, number_behind};

/// What a report says about the machine and the task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin<'t> {
    /// The CPU that printed the report.
    pub cpu: Option<u32>,
    /// The task's user, as the kernel numbers it.
    pub uid: Option<u32>,
    /// The task's pid.
    pub pid: Option<u32>,
    /// The task's name; up to 15 bytes of anything.
    pub comm: Option<Cow<'t, str>>,
    /// The kernel's release: `6.1.0-50-cloud-amd64`.
    pub release: Option<&'t str>,
    /// The kernel's version, as far as it is printed: `#1 SMP PREEMPT_DYNAMIC`.
    pub version: Option<&'t str>,
    /// The letters of the kernel's taint flags (Documentation/admin-guide/tainted-kernels.rst); empty where it is not tainted.
    pub taint: Option<String>,
    /// The machine, as its firmware names it.
    pub hardware: Option<Cow<'t, str>>,
    /// The loaded modules, as printed, with their flags: `crashme(OE)`.
    pub modules: Vec<&'t str>,
}

impl<'t> Origin<'t> {
    /// Takes what one line of a report says; true where the line says something of this kind.
    pub(crate) fn read(&mut self, line: &'t [u8]) -> bool {
        if let Some(rest) = behind(line, b"Hardware name: ") {
            self.hardware.get_or_insert_with(|| String::from_utf8_lossy(trim(rest)));
            return true;
        }
        if let Some(rest) = behind(line, b"Modules linked in:") {
            if self.modules.is_empty() {
                let words = rest.split(|b| *b == b' ').filter(|word| !word.is_empty());
                let names = words.take_while(|word| !word.starts_with(b"[last") && !word.starts_with(b"Last"));
                self.modules = names.filter_map(|word| std::str::from_utf8(word).ok()).collect();
            }
            return true;
        }
        self.read_task(line).is_some()
    }

    /// `CPU: 1 PID: 65 Comm: sh Tainted: G           O       6.1.0 #1`, or `Pid: 65, comm: sh Not tainted 3.0.0 #1`.
    fn read_task(&mut self, line: &'t [u8]) -> Option<()> {
        static COMM: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"omm: "));
        let is_comm = |at: &usize| matches!(line[..*at], [.., b' ', b'C' | b'c']);
        let comm_at = COMM.find_iter(line).find(is_comm)? + COMM.needle().len();
        let head = &line[..comm_at];
        let tail = &line[comm_at..];
        let (comm_end, taint_at) = find(tail, b" Tainted: ")
            .map(|at| (at, Some(at + 10)))
            .or_else(|| find(tail, b" Not tainted ").map(|at| (at, None)))?;
        self.cpu = self.cpu.or_else(|| number_behind(head, b"CPU: "));
        self.uid = self.uid.or_else(|| number_behind(head, b"UID: "));
        self.pid = self.pid.or_else(|| number_behind(head, b"PID: ").or_else(|| number_behind(head, b"Pid: ")));
        self.comm.get_or_insert_with(|| String::from_utf8_lossy(trim(&tail[..comm_end])));
        let rest = match taint_at {
            // The flags have a fixed width, one column a flag (kernel/panic.c, `print_tainted`).
            Some(at) => {
                let flags = tail[at..].iter().take_while(|b| b.is_ascii_uppercase() || **b == b' ').count();
                // A release that starts with a letter does not exist, but a flag column may touch it.
                let letters = tail[at..at + flags].iter().filter(|b| **b != b' ').map(|b| char::from(*b)).collect();
                self.taint.get_or_insert(letters);
                &tail[at + flags..]
            }
            None => {
                self.taint.get_or_insert_with(String::new);
                &tail[comm_end + b" Not tainted ".len()..]
            }
        };
        if self.release.is_none()
            && let Ok(rest) = std::str::from_utf8(rest.trim_ascii())
        {
            let (release, version) = rest.split_once(' ').unwrap_or((rest, ""));
            self.release = Some(release).filter(|release| !release.is_empty());
            self.version = Some(version.trim_ascii()).filter(|version| version.starts_with('#'));
        }
        Some(())
    }
}

fn behind<'t>(line: &'t [u8], text: &[u8]) -> Option<&'t [u8]> {
    line.strip_prefix(text)
}

fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(lines: &[&'static str]) -> Origin<'static> {
        let mut origin = Origin::default();
        lines.iter().for_each(|line| assert!(origin.read(line.as_bytes()), "{line}"));
        origin
    }

    #[test]
    fn tasks() {
        let found = origin(&["CPU: 1 UID: 0 PID: 65 Comm: my task Tainted: G           O       6.12.117-crashdbg #1 "]);
        assert_eq!((found.cpu, found.pid, found.comm.as_deref()), (Some(1), Some(65), Some("my task")));
        assert_eq!((found.taint.as_deref(), found.release), (Some("GO"), Some("6.12.117-crashdbg")));
        let found = origin(&["Pid: 7, comm: sh Not tainted 3.0.0 #1"]);
        assert_eq!((found.pid, found.taint.as_deref(), found.release), (Some(7), Some(""), Some("3.0.0")));
    }

    #[test]
    fn machines() {
        let found = origin(&["Hardware name: QEMU Standard PC", "Modules linked in: a(O) b [last unloaded: c]"]);
        assert_eq!(found.hardware.as_deref(), Some("QEMU Standard PC"));
        assert_eq!(found.modules, ["a(O)", "b"]);
    }

    #[test]
    fn other_lines_say_nothing() {
        let mut origin = Origin::default();
        for line in ["", "x", "Comm: x", "CPU: 1 PID: 2 Comm: x"] {
            assert!(!origin.read(line.as_bytes()), "{line}");
        }
        assert_eq!(origin, Origin::default());
    }
}
