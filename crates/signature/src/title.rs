//! Titles: a splat's name, as syzbot would give it, and whether the report can be believed.

use std::borrow::Cow;

use trace::format::{Format, Integrity};
use trace::shape::{Captures, Place};
use trace::{Entry, Marks, Rules, Splat, Trigger, Undecoded, physical};

use crate::corrupted::{self, Corrupted};
use crate::crash_type::CrashType;
use crate::explain::{Watch, fates};
use crate::name::prefixes;
use crate::recipe::{Key, Text, keys};
use crate::scrub::scrubbed;
use crate::template;

/// How a report is called.
#[derive(Clone, Debug)]
pub struct Title {
    /// The name of the bug.
    pub title: String,
    /// Other names of the same bug, without duplicates.
    pub alternatives: Vec<String>,
    /// What kind of bug it is.
    pub crash_type: Option<CrashType>,
    /// The row of the table that named it; `None` for a message that no row knows, which is its own title.
    pub format: Option<&'static Format>,
    /// The blamed functions, one for each stack trace that the title looks at.
    pub keys: Vec<Key>,
    /// Why the report cannot be believed.
    pub corrupted: Option<Corrupted>,
    kind: String,
}

impl Title {
    /// Names a splat.
    pub fn of(splat: &Splat<'_>) -> Title {
        Title::watched(splat, &mut ())
    }

    /// Names a splat, and says on the way what it decides.
    pub(crate) fn watched(splat: &Splat<'_>, watch: &mut impl Watch) -> Title {
        let undecoded = match splat.rules {
            Rules::Syzbot => Undecoded::default(),
            Rules::Ksplat => Undecoded::of(splat.with_doubted()),
        };
        let [own, mut lines] = read(splat, &undecoded);
        let mut draft = Draft::new(splat.trigger, splat.rules, &own, watch);
        if draft.title.is_empty() {
            // The trigger stands in what the prefix left out: an overlong prompt, another line's end.
            let raw = trace::Log::parse(splat.raw, splat.rules);
            let lines: Vec<Entry<'_>> = raw.entries().iter().map(|entry| entry.whole()).collect();
            draft = Draft::new(splat.trigger, splat.rules, &lines, watch);
        }
        if splat.rules == Rules::Ksplat && !splat.doubted.is_empty() {
            // Doubted frames are better than none.
            let damaged =
                |draft: &Draft, lines: &[Entry<'_>]| draft.corrupted.or_else(|| draft.check(splat, lines)).is_some();
            if damaged(&draft, &lines) {
                let all = with_doubted(splat, &undecoded);
                let other = Draft::new(splat.trigger, splat.rules, &all, &mut ());
                if !damaged(&other, &all) {
                    // Again, for who watches.
                    draft = Draft::new(splat.trigger, splat.rules, &all, watch);
                    lines = Cow::Owned(all);
                }
            }
        }
        let kind = draft.format.and_then(|format| format.row.kind);
        let is_unknown = draft.format.is_none() && draft.corrupted.is_none();
        let is_message = || trace::is_message(&splat.lines[0]) && has_no_stack(&lines);
        let printk = || splat.rules == Rules::Ksplat && is_unknown && is_message();
        let crash_type = match kind.map(CrashType::named) {
            Some(kind) => Some(kind),
            None if printk() => Some(CrashType::PRINTK),
            None => CrashType::of_title(&draft.title),
        };
        let corrupted = draft.corrupted.or_else(|| draft.check(splat, &lines));
        let mut alternatives = Vec::with_capacity(draft.alternatives.len());
        for title in draft.alternatives {
            let title = scrubbed(&title, splat.rules);
            if !alternatives.contains(&title) {
                alternatives.push(title);
            }
        }
        Title {
            kind: scrubbed(draft.kind.as_ref().unwrap_or(&draft.title), splat.rules),
            title: scrubbed(&draft.title, splat.rules),
            alternatives,
            crash_type,
            format: draft.format,
            keys: draft.keys,
            corrupted,
        }
    }

    /// True where a function is missing that the title should name.
    pub fn lacks_function(&self) -> bool {
        self.keys.iter().any(|key| key.name.is_none())
    }

    /// The kind of report: the title without the functions that it blames.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The function that the title names: what stands behind its last ` in `.
    pub fn frame(&self) -> Option<&str> {
        let at = self.title.rfind(" in ")? + 4;
        let rest = &self.title[at..];
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b':';
        let generic = rest.strip_prefix('<').and_then(|inner| {
            let length = inner.bytes().take_while(|b| is_name(*b) || *b == b' ').count();
            inner[length..].starts_with('>').then_some(length + 2)
        });
        let start = generic.unwrap_or(0);
        let length = rest[start..].bytes().take_while(|b| is_name(*b)).count();
        (length > 0).then(|| &rest[..start + length])
    }

    /// How bad the bug is: the worst of its names, from 24 to 1.
    pub fn rank(&self) -> Option<usize> {
        let titles = std::iter::once(&self.title).chain(&self.alternatives);
        titles.filter_map(|title| CrashType::of_title(title)?.rank()).max()
    }
}

/// A title before it is scrubbed.
#[derive(Default)]
struct Draft {
    title: String,
    /// The title with `*` for each blamed function.
    kind: Option<String>,
    alternatives: Vec<String>,
    format: Option<&'static Format>,
    keys: Vec<Key>,
    /// The blamed functions stand in no stack trace.
    untraced: bool,
    corrupted: Option<Corrupted>,
}

impl Draft {
    fn new(trigger: Trigger, rules: Rules, entries: &[Entry<'_>], watch: &mut impl Watch) -> Draft {
        let places = places(trigger, entries);
        let mut draft = Draft::default();
        let mut best: Option<Place> = None;
        let mut titled = false;
        // Formats are looked for at the places that would name the report rather than the best one so far.
        let mut better = &places[..];
        for format in Format::of(trigger, rules) {
            let Some((at, captures)) = format.shape.match_first(entries, better) else { continue };
            if best.is_none_or(|best| at < best) {
                (titled, best) = (false, Some(at));
                draft.title.clear();
                (draft.format, draft.kind) = (None, None);
            }
            better = &places[..places.partition_point(|place| *place <= at)];
            let (from, captures) = match &format.report {
                None => (at, captures),
                Some(report) => {
                    let Some(found) = report.match_first(entries, &places) else { continue };
                    found
                }
            };
            draft.fill(format, rules, &captures, Text { entries, from }, watch);
            titled = true;
            better = &places[..places.partition_point(|place| *place < at)];
            if better.is_empty() {
                break;
            }
        }
        if !titled {
            draft.corrupted = best.map(|_| Corrupted::NoReport);
            watch.row();
            draft.title = places.first().map_or_else(String::new, |at| lossy(&entries[at.line].line.body[at.column..]));
        }
        watch.draft(&draft.title);
        watch.rows(|| {
            let found = Format::of(trigger, rules).filter_map(|format| {
                let (at, _) = format.shape.match_first(entries, &places)?;
                let whole = format.report.as_ref().is_none_or(|report| report.match_first(entries, &places).is_some());
                Some((format, at, whole))
            });
            fates(found, draft.format)
        });
        draft
    }

    /// What is missing from the report beside what the title needs.
    fn check(&self, splat: &Splat<'_>, lines: &[Entry<'_>]) -> Option<Corrupted> {
        let integrity = self.format.map(|format| format.row.integrity);
        let found = corrupted::check(&self.title, integrity, splat, lines);
        // A report that was cut before its trace is named by its headline or instruction pointer as the whole one is.
        found.filter(|why| splat.rules == Rules::Syzbot || !self.untraced || *why != Corrupted::NoTrace)
    }

    fn fill(
        &mut self,
        format: &'static Format,
        rules: Rules,
        captures: &Captures<'_>,
        text: Text<'_, '_>,
        watch: &mut impl Watch,
    ) {
        watch.row();
        let row = format.row;
        let found = if row.recipe.steps.is_empty() { Default::default() } else { keys(format, rules, text, watch) };
        let captures: Vec<String> = captures.iter().flatten().map(|capture| lossy(capture)).collect();
        let names: Vec<&str> = found.keys.iter().map(Key::title).collect();
        self.title = filled(row.title, &captures, &names);
        self.kind = Some(filled(row.title, &captures, &["*"; 4]));
        for title in row.alternatives {
            self.add(filled(title, &captures, &names));
        }
        for names in partly_stripped(&found.keys) {
            let title = filled(row.title, &captures, &names);
            if title != self.title {
                self.add(title);
            }
            for title in row.alternatives {
                self.add(filled(title, &captures, &names));
            }
        }
        self.corrupted = if found.failed {
            Some(Corrupted::NoFrames)
        } else {
            (row.integrity == Integrity::Corrupted).then_some(Corrupted::ByFormat)
        };
        self.format = Some(format);
        self.untraced = !found.keys.is_empty() && !found.traced;
        self.keys = found.keys;
    }

    fn add(&mut self, title: String) {
        if !self.alternatives.contains(&title) {
            self.alternatives.push(title);
        }
    }
}

/// A line that holds its trigger more often was not printed by the kernel.
const PLACES_OF_LINE: usize = 16;
/// The places that are looked at: a region has few, save where somebody prints triggers for fun.
const PLACES: usize = 256;

/// The lines of a splat with those doubted frames among them that may be calls: the unwinder had lost its way there.
/// What it doubts above a frame that it is sure of was left on the stack by others.
fn with_doubted<'t>(splat: &Splat<'t>, undecoded: &'t Undecoded) -> Vec<Entry<'t>> {
    let all: Vec<Entry<'t>> = splat.with_doubted().copied().collect();
    let all = physical(&all, undecoded);
    let (mut is_sure, mut kept) = (false, Vec::with_capacity(all.len()));
    for entry in all.iter().rev() {
        let Entry { line, marks, .. } = entry;
        if line.reliable {
            is_sure |= trace::stack::frame_functions(line.body, splat.rules).is_some();
            is_sure &= trace::stack::heads(line.body, *marks) == 0;
        }
        if line.reliable || !is_sure && !is_padding(line.body) {
            kept.push(*entry);
        }
    }
    kept.reverse();
    kept
}

/// True for a doubted frame that is no call but the address of a function, which is the end of the one before it:
/// `? __pfx_f+0x10/0x10`, `? f+0x20/0x20`.
fn is_padding(line: &[u8]) -> bool {
    let is_end = |found: trace::FrameAt<'_>| found.frame.offset == found.frame.size;
    line.trim_ascii_start().starts_with(b"__pfx_") || trace::Frame::find(line).is_some_and(is_end)
}

/// The lines that name a splat, its own and all of them: by ksplat's rules as the kernel printed them.
fn read<'s, 't>(splat: &'s Splat<'t>, undecoded: &'t Undecoded) -> [Cow<'s, [Entry<'t>]>; 2] {
    [&splat.lines[..splat.own], &splat.lines].map(|lines| match splat.rules {
        Rules::Syzbot => Cow::Borrowed(lines),
        Rules::Ksplat => physical(lines, undecoded),
    })
}

/// True where nobody printed a stack trace: a message of a driver that only reads as a report.
fn has_no_stack(lines: &[Entry<'_>]) -> bool {
    lines.iter().all(|entry| trace::stack::heads(entry.line.body, entry.marks) == 0)
}

/// Where the text of a trigger stands in the lines.
fn places(trigger: Trigger, entries: &[Entry<'_>]) -> Vec<Place> {
    let mark = Marks::trigger(trigger);
    let text = trigger.text().as_bytes();
    let mut places = Vec::new();
    for (line, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.marks.any(mark)) {
        let body = entry.line.body;
        let columns = memchr::memchr_iter(text[0], body).filter(|at| body[*at..].starts_with(text));
        places.extend(columns.take(PLACES_OF_LINE).map(|column| Place { line, column }));
        if places.len() >= PLACES {
            break;
        }
    }
    places
}

/// The blamed functions as printed, and without each of the prefixes that one of them has.
fn partly_stripped(keys: &[Key]) -> impl Iterator<Item = Vec<&str>> {
    let whole = (!keys.is_empty()).then(|| keys.iter().map(Key::printed).collect());
    let stripped = prefixes().filter_map(move |prefix| {
        let strip = |key| Key::printed(key).strip_prefix(prefix).unwrap_or(key.printed());
        keys.iter().any(|key| key.printed().starts_with(prefix)).then(|| keys.iter().map(strip).collect())
    });
    whole.into_iter().chain(stripped)
}

/// A template with its captures `{1}` and blamed functions `{f1}` put in.
fn filled(template: &str, captures: &[String], names: &[&str]) -> String {
    let number = |digits: &str| digits.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    let value = |argument: &str| match argument.strip_prefix('f') {
        Some(frame) => number(frame).and_then(|n| names.get(n).copied()).unwrap_or("corrupted"),
        None => number(argument).and_then(|n| captures.get(n)).map_or("", String::as_str),
    };
    template::filled(template, |argument| Some(value(argument))).unwrap_or_default()
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
