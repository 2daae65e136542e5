//! Splats: the part of a console that one crash printed, before anything is understood of it.

use std::sync::LazyLock;

use crate::format::TABLE;
use crate::line::{Context, Line};
use crate::log::{Budget, Entry, Log};
use crate::marks::Marks;
use crate::physical::is_headline_of;
use crate::rules::Rules;
use crate::trigger::Trigger;
use crate::utf8::Utf8;

/// One splat: the line that started it, what led there and what the same caller printed then.
///
/// The region is syzkaller's (pkg/report/linux.go, `extractReport`): all lines of the same context up to the window's end.
#[derive(Clone, Debug)]
pub struct Splat<'t> {
    /// Number of the splat in its text.
    pub index: usize,
    /// The rules that its text was read by.
    pub rules: Rules,
    /// What started it.
    pub trigger: Trigger,
    /// Who printed it.
    pub context: Context,
    /// Where the first line starts, in bytes of the text.
    pub start: usize,
    /// Where the last line with a trigger ends, at or behind `start`.
    pub end: usize,
    /// Where the search for the next splat goes on.
    pub skip: usize,
    /// Lines of the same caller that led to the splat: at most 5, or 50 where the caller is a task.
    pub before: Vec<Entry<'t>>,
    /// The lines of the splat; the first one has the trigger.
    pub lines: Vec<Entry<'t>>,
    /// Frames of the splat that the unwinder doubts; they are not among `lines`.
    pub doubted: Vec<Entry<'t>>,
    /// How many of `lines` belong to the first report, where the console mixes callers and a second report starts.
    pub own: usize,
    /// The whole text from `start` to `end`.
    pub raw: &'t [u8],
    /// The text says, at or behind where the search for this splat started, that the kernel panicked.
    pub panicked: bool,
    /// The text says somewhere that whatever crashed is not worth a bug.
    pub suppressed: bool,
    /// The machine monitor lost the console.
    pub disconnected: bool,
    /// The region was cut at the next splat, since the text is a flood of them.
    pub cut: bool,
    /// The text, with the answer whether it is UTF-8.
    pub(crate) utf8: Utf8<'t>,
}

/// Lines that repeat a report or belong to it: they do not start a second one.
const FOLLOWS: Marks = Marks::INVALID_OPCODE.or(Marks::NOT_SYNCING);
/// Messages with a stack of their own that are no reports.
pub(crate) const INFORMS: Marks = Marks::VMALLOC_FAILURE.or(Marks::FAULT_INJECTION).or(Marks::ALLOW_RETRY);
/// What ends a region that is long enough to be whole.
const ENDS: Marks = Marks::NOT_SYNCING.or(Marks::CIRCULAR);
/// What decides which lines a region takes.
const TELLS: Marks = Marks::LOCKDEP_OFF.or(Marks::NMI_FROM_CPU).or(ENDS);

impl<'t> Splat<'t> {
    /// The splat that starts with line `start`, found by a search from line `from`.
    pub(crate) fn new(log: &Log<'t>, index: usize, from: usize, start: usize, budget: &mut Budget) -> Splat<'t> {
        let entries = log.entries();
        let first = entries[start];
        let trigger = first.trigger.expect("a splat starts with a trigger");
        let context = first.line.context;
        let mut splat = Splat {
            index,
            rules: log.rules(),
            trigger,
            context,
            start: first.line.offset,
            end: first.line.end(),
            skip: first.line.end(),
            before: before(log, from, start),
            lines: Vec::with_capacity(1024.min(entries.len() - start)),
            doubted: Vec::new(),
            own: 0,
            raw: &[],
            panicked: log.panicked(from),
            suppressed: log.suppressed(),
            disconnected: log.disconnected(),
            cut: false,
            utf8: log.utf8(),
        };
        splat.collect(&entries[start..], budget);
        splat.raw = &log.text()[splat.start..splat.end];
        splat
    }

    fn collect(&mut self, entries: &[Entry<'t>], budget: &mut Budget) {
        let kmsan = holds_kmsan(entries[0].line.raw);
        let whole = if kmsan { 16 } else { 22 };
        let following = following();
        let (mut accepted, mut second, mut cpus, mut closed) = (0, false, false, false);
        for (n, entry) in entries.iter().enumerate() {
            let Entry { line, marks, trigger, .. } = *entry;
            if n > 0 {
                if trigger.is_some() {
                    if !budget.spend(line.offset - self.end) {
                        self.cut = true;
                        break;
                    }
                    self.end = line.end();
                    second |= !(marks.any(following) || self.repeats_headline(&entries[0], entry));
                } else {
                    second |= marks.any(INFORMS);
                }
            }
            let same = line.context == self.context || cpus && line.context.is_cpu();
            if closed || n > 0 && !same {
                continue;
            }
            if n > 0 && !line.reliable {
                self.doubted.push(*entry);
                continue;
            }
            accepted += 1;
            if n > 0 && marks.any(TELLS) {
                if marks.any(Marks::LOCKDEP_OFF) {
                    continue;
                }
                if marks.any(Marks::NMI_FROM_CPU) {
                    cpus = true;
                } else if accepted > whole && marks.any(ENDS) {
                    closed = true;
                    continue;
                }
            }
            self.lines.push(*entry);
            if !second || self.context.is_caller() {
                self.own = self.lines.len();
            }
        }
        if !self.cut {
            let end = entries.last().map_or(self.end, |last| last.line.end());
            budget.spend(end - self.end);
        }
    }

    /// True for a line below those of inlined calls that somebody put in front of it: the kernel's headline.
    fn repeats_headline(&self, first: &Entry<'_>, entry: &Entry<'_>) -> bool {
        self.rules == Rules::Ksplat && is_headline_of(first.line.body, entry.line.body)
    }

    /// Drops the lines that start at or behind `limit`, in bytes of the text.
    pub(crate) fn keep(&mut self, limit: usize) {
        let limit = limit.max(self.start + 1);
        for lines in [&mut self.lines, &mut self.doubted] {
            lines.truncate(lines.partition_point(|entry| entry.line.offset < limit));
        }
        self.own = self.own.min(self.lines.len());
    }

    /// The lines before the splat and of it, in order.
    pub fn all_lines(&self) -> impl Iterator<Item = &Line<'t>> {
        self.before.iter().chain(&self.lines).map(|entry| &entry.line)
    }

    /// The fuzzer's process and program that a task's name gives away: `Comm: syz.5.7376`.
    pub fn executor(&self) -> Option<(u64, u64)> {
        let entries = self.before.iter().chain(&self.lines).filter(|entry| entry.marks.any(Marks::SYZ_COMM));
        entries.flat_map(|entry| executors(entry.line.body)).next()
    }

    /// The lines of the splat with the doubted frames among them, in order.
    pub fn with_doubted(&self) -> impl Iterator<Item = &Entry<'t>> {
        let (mut lines, mut doubted) = (&self.lines[..], &self.doubted[..]);
        std::iter::from_fn(move || {
            let is_earlier = |doubt: &Entry<'_>| lines.first().is_none_or(|line| doubt.line.offset < line.line.offset);
            if doubted.first().is_some_and(is_earlier) { doubted.split_off_first() } else { lines.split_off_first() }
        })
    }

    /// The extracted report: all lines without their prefixes, each with a line break.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.all_lines().map(|line| line.body.len() + 1).sum());
        for line in self.all_lines() {
            text.extend_from_slice(line.body);
            text.push(b'\n');
        }
        text
    }
}

fn holds_kmsan(line: &[u8]) -> bool {
    memchr::memchr_iter(b'K', line).any(|at| line[at..].starts_with(b"KMSAN:") && line[..at].ends_with(b"BUG: "))
}

/// The marks of lines that have a trigger and still belong to the report before them.
pub(crate) fn following() -> Marks {
    static FOLLOWING: LazyLock<Marks> = LazyLock::new(|| {
        let rows = TABLE.iter().filter(|row| row.goes_on);
        let triggers = rows.filter_map(|row| Trigger::of(row.trigger));
        triggers.fold(FOLLOWS, |marks, trigger| marks.or(Marks::trigger(trigger)))
    });
    *FOLLOWING
}

fn executors(line: &[u8]) -> impl Iterator<Item = (u64, u64)> {
    const NAME: &[u8] = b" Comm: syz.";
    memchr::memmem::find_iter(line, NAME).filter_map(|at| {
        let (proc, rest) = number(&line[at + NAME.len()..])?;
        let (id, rest) = number(rest.strip_prefix(b".")?)?;
        rest.starts_with(b" ").then_some((proc, id))
    })
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (digits, rest) = text.split_at(crate::run::digits(text));
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

/// The last lines before the splat that the same caller printed: 50 of a task, 5 of anybody else.
fn before<'t>(log: &Log<'t>, from: usize, start: usize) -> Vec<Entry<'t>> {
    let most = if log.entries()[start].line.context.is_task() { 50 } else { 5 };
    let is_kept = |entry: &&Entry<'_>| entry.line.reliable && !entry.line.body.is_empty();
    let mut lines: Vec<_> = log.before(from, start).filter(is_kept).take(most).copied().collect();
    lines.reverse();
    lines
}
