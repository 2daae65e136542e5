//! A console text, read once: its lines, and what each of them holds.

use crate::line::{Line, Prefix};
use crate::marks::{Marks, all, suppresses};
use crate::rules::Rules;
use crate::splat::Splat;
use crate::trigger::Trigger;
use crate::utf8::Utf8;

/// One line of a [`Log`].
#[derive(Clone, Copy, Debug)]
pub struct Entry<'t> {
    /// The line.
    pub line: Line<'t>,
    /// What it holds.
    pub marks: Marks,
    /// The trigger that makes it the start of a report.
    pub trigger: Option<Trigger>,
}

impl Entry<'_> {
    /// The same line with its prefix as part of the message.
    pub fn whole(self) -> Self {
        Entry { line: Line { body: self.line.raw, ..self.line }, ..self }
    }
}

/// A console text, read once.
#[derive(Debug)]
pub struct Log<'t> {
    text: &'t [u8],
    utf8: Utf8<'t>,
    rules: Rules,
    entries: Vec<Entry<'t>>,
    last_panic: Option<usize>,
    suppressed: bool,
    disconnected: bool,
}

impl<'t> Log<'t> {
    /// Reads a console text; the rules say which lines start a report.
    pub fn parse(text: &'t [u8], rules: Rules) -> Log<'t> {
        let entries = entries(text, rules);
        let mut log = Log {
            text,
            utf8: Utf8::of(text),
            rules,
            entries,
            last_panic: None,
            suppressed: false,
            disconnected: false,
        };
        log.find_triggers();
        log
    }

    /// The text that was read.
    pub fn text(&self) -> &'t [u8] {
        self.text
    }

    /// The text, with the answer whether it is UTF-8.
    pub(crate) fn utf8(&self) -> Utf8<'t> {
        self.utf8
    }

    /// The rules that it was read by.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// All lines.
    pub fn entries(&self) -> &[Entry<'t>] {
        &self.entries
    }

    /// The lines that start a splat, in order.
    pub(crate) fn starts(&self) -> impl Iterator<Item = usize> {
        (0..self.entries.len()).filter(|n| self.entries[*n].trigger.is_some())
    }

    /// The splats, in order: each starts with the first trigger behind the line that started the one before.
    pub fn splats(&self) -> impl Iterator<Item = Splat<'t>> {
        let mut budget = Budget::of(self.text.len());
        let mut from = 0;
        self.starts().enumerate().map(move |(index, start)| {
            let splat = Splat::new(self, index, from, start, &mut budget);
            from = start + 1;
            splat
        })
    }

    /// True where a line at or behind `from` says that the kernel panicked.
    pub(crate) fn panicked(&self, from: usize) -> bool {
        self.last_panic.is_some_and(|at| at >= from)
    }

    /// True where a line says that the output is not worth a bug.
    pub(crate) fn suppressed(&self) -> bool {
        self.suppressed
    }

    /// True where the machine monitor lost the serial console.
    pub(crate) fn disconnected(&self) -> bool {
        self.disconnected
    }

    /// The lines from `from` to before `at` that the same caller printed as line `at`, nearest first.
    pub(crate) fn before(&self, from: usize, at: usize) -> impl Iterator<Item = &Entry<'t>> {
        let context = self.entries[at].line.context;
        self.entries[from..at].iter().rev().filter(move |entry| entry.line.context == context)
    }

    fn find_triggers(&mut self) {
        for n in 0..self.entries.len() {
            let Entry { line, marks, .. } = self.entries[n];
            if marks == Marks::default() {
                continue;
            }
            let held = marks.triggers();
            if held != 0 {
                let printed_again = self.entries.get(n + 1).is_some_and(|next| next.marks.any(Marks::REPLAY));
                if !printed_again {
                    self.entries[n].trigger = Trigger::first(line.raw, held, self.rules);
                }
            }
            if marks.any(Marks::NOT_SYNCING) {
                self.last_panic = Some(n);
            }
            self.suppressed |= marks.any(Marks::MAYBE_SUPPRESSED) && suppresses(line.raw, marks);
            self.disconnected |= marks.any(Marks::VM_DISCONNECTED);
        }
    }
}

/// How many lines the regions of a text's splats may hold together.
///
/// Each region runs to the end of its window, so a text that is nothing but triggers would cost the square of its
/// length. Real consoles stay far below this; a flood's later regions end at the next splat.
pub(crate) struct Budget {
    left: usize,
}

impl Budget {
    fn of(bytes: usize) -> Budget {
        Budget { left: (4 << 20) + 16 * bytes }
    }

    /// Takes the bytes of one region; false where nothing is left.
    pub(crate) fn spend(&mut self, bytes: usize) -> bool {
        self.left = self.left.saturating_sub(bytes);
        self.left > 0
    }
}

fn entries(text: &[u8], rules: Rules) -> Vec<Entry<'_>> {
    let mut marks = all(rules).marks(text);
    let mut next = marks.next();
    let mut entries = Vec::with_capacity(text.len() / 48 + 1);
    let (mut at, mut question, mut prefix) = (0, false, Prefix::default());
    // Behind the last line break there is no line where the text ends.
    let last = (!text.is_empty() && !text.ends_with(b"\n")).then_some(text.len());
    for end in memchr::memchr2_iter(b'\n', b'?', text).chain(last) {
        if text.get(end) == Some(&b'?') {
            question = true;
            continue;
        }
        let mut held = Marks::default();
        while let Some((mark, found)) = next
            && mark < end
        {
            held.add(found);
            next = marks.next();
        }
        let line = prefix.line(at, &text[at..end], std::mem::take(&mut question));
        entries.push(Entry { line, marks: held, trigger: None });
        at = end + 1;
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_what_they_hold() {
        let log = Log::parse(b"BUG: a\nx\nKernel panic - not syncing: b\n", Rules::Syzbot);
        let triggers: Vec<_> = log.entries().iter().map(|e| e.trigger.map(Trigger::text)).collect();
        assert_eq!(triggers, [Some("BUG:"), None, Some("Kernel panic")]);
        assert!(log.panicked(2) && !log.panicked(3));
    }

    #[test]
    fn triggers_may_stand_in_each_other() {
        let log = Log::parse(b"kernel panic: a\nkernel BUG: b\n", Rules::Syzbot);
        let triggers: Vec<_> = log.entries().iter().map(|e| e.trigger.map(Trigger::text)).collect();
        assert_eq!(triggers, [Some("panic:"), Some("BUG:")]);
    }

    #[test]
    fn a_line_that_is_printed_again_is_no_start() {
        let log = Log::parse(b"BUG: a\n** replaying previous printk message **\nBUG: a\n", Rules::Syzbot);
        let triggers: Vec<_> = log.entries().iter().map(|e| e.trigger.is_some()).collect();
        assert_eq!(triggers, [false, false, true]);
    }

    #[test]
    fn a_caller_finds_its_lines() {
        let log = Log::parse(b"[ 1.0][ T1] a\n[ 1.0][ C0] b\n[ 1.0][ T1] c\n[ 1.0][ T1] BUG: d\n", Rules::Syzbot);
        let before = |from, at| log.before(from, at).map(|entry| entry.line.offset).collect::<Vec<_>>();
        assert_eq!(before(0, 3), [28, 0]);
        assert_eq!(before(2, 3), [28]);
        assert_eq!(before(0, 1), [0; 0]);
    }
}
