//! Recipes: from a report's text to the functions that its title names.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::LazyLock;

use memchr::memmem::{self, Finder};
use trace::format::{Format, Pick, Recipe, Step};
use trace::shape::{Captures, Place, Shape};
use trace::{Entry, Marks, Rules, stack};

use crate::explain::{Decision, Watch};
use crate::list::{ANCHORS, Line, List, WAITERS};
use crate::memo::Memo;
use crate::name::{demangled, without_prefix};
use crate::skip::{skip_by, skips_by};

/// A blamed function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name in titles, without a syscall prefix; `None` where the report has no usable frame.
    pub name: Option<String>,
    /// Its name as it was printed, demangled.
    pub raw: String,
}

impl Key {
    const MISSING: Key = Key { name: None, raw: String::new() };

    /// What a title says: the name, or that it is missing.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or("corrupted")
    }

    /// The name as it was printed, or that it is missing.
    pub(crate) fn printed(&self) -> &str {
        if self.name.is_some() { &self.raw } else { self.title() }
    }
}

/// What a recipe found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// One function for each stack trace that the recipe reads.
    pub keys: Vec<Key>,
    /// True where a stack trace was missing, or had no usable frame.
    pub failed: bool,
    /// True where one of the functions stands in a stack trace, and not in a headline or an instruction pointer.
    pub traced: bool,
    /// The first function of a headline or an instruction pointer that a list passes over.
    passed: Option<Key>,
}

/// A report's lines, from where its format matched.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a, 't> {
    pub entries: &'a [Entry<'t>],
    pub from: Place,
}

impl<'t> Text<'_, 't> {
    fn line(&self, n: usize) -> &'t [u8] {
        let body = self.entries[n].line.body;
        if n == self.from.line { &body[self.from.column..] } else { body }
    }
}

/// Runs the recipe of a format, and by ksplat's rules what else may find a frame.
pub(crate) fn keys(format: &Format, rules: Rules, text: Text<'_, '_>, watch: &mut impl Watch) -> Keys {
    let Recipe { steps, otherwise, at_last, pick } = format.row.recipe;
    let mut found = Walk::new(format, rules, pick, text, watch).run(steps, &format.steps);
    if found.failed && !otherwise.is_empty() {
        watch.see(|| Decision::Otherwise);
        found = Walk::new(format, rules, pick, text, watch).run(otherwise, &format.otherwise);
    }
    if !found.failed || rules == Rules::Syzbot {
        return found;
    }
    let mut passed = found.passed.take();
    // A stall that no known subsystem is entered for is still a stall of somebody, who may have been waiting.
    let picks = if pick == Pick::Stall { &[Pick::Stall, Pick::Hang][..] } else { &[pick] };
    let attempts = picks.iter().flat_map(|pick| at_last.iter().zip(&format.at_last).map(move |steps| (*pick, steps)));
    for (pick, (steps, shapes)) in attempts {
        watch.see(|| Decision::Otherwise);
        let better = Walk::new(format, rules, pick, text, watch).run(steps, shapes);
        if !better.failed {
            return better;
        }
        passed = passed.or(better.passed);
    }
    if let ([key @ Key { name: None, .. }], Some(passed)) = (&mut found.keys[..], passed) {
        // The report is not to be believed, but where it happened is known.
        *key = passed;
    }
    found
}

/// A walk over the lines of a report: strictly forward, step by step.
struct Walk<'a, 't, 'w, W> {
    format: &'a Format,
    rules: Rules,
    pick: Pick,
    watch: &'w mut W,
    text: Text<'a, 't>,
    next: usize,
    candidates: Vec<Candidate<'t>>,
    found: Keys,
}

/// A function that may be blamed.
struct Candidate<'t> {
    name: Cow<'t, str>,
    /// It stands in a stack trace.
    traced: bool,
}

impl<'a, 't, 'w, W: Watch> Walk<'a, 't, 'w, W> {
    fn new(format: &'a Format, rules: Rules, pick: Pick, text: Text<'a, 't>, watch: &'w mut W) -> Self {
        Walk { format, rules, pick, watch, text, next: text.from.line, candidates: Vec::new(), found: Keys::default() }
    }

    fn run(mut self, steps: &[Step], shapes: &[Option<Shape>]) -> Keys {
        let mut at = 0;
        let mut traces = 0;
        while at < steps.len() {
            if steps[at] == Step::Stack {
                if traces > 0 {
                    self.reduce();
                }
                traces += 1;
                at += self.read_stack(steps.get(at + 1).zip(shapes.get(at + 1).map(Option::as_ref)));
            } else {
                self.go_to(steps[at], shapes[at].as_ref());
                at += 1;
            }
        }
        self.reduce();
        self.found
    }

    /// Goes on to the first line that fits a step.
    fn go_to(&mut self, step: Step, shape: Option<&Shape>) {
        while self.next < self.text.entries.len() {
            let n = self.next;
            self.next += 1;
            if self.is_foreign(n) {
                return;
            }
            if self.try_step(n, step, shape) {
                return;
            }
        }
        self.watch.see(|| Decision::Step(step, None));
    }

    /// Reads one stack trace; how many steps that completes: the next one's line may end the trace.
    fn read_stack(&mut self, next: Option<(&Step, Option<&Shape>)>) -> usize {
        let first = (self.next < self.text.entries.len()).then(|| self.text.line(self.next));
        self.watch.see(|| Decision::Step(Step::Stack, first.map(lossy)));
        while self.next < self.text.entries.len() {
            let n = self.next;
            self.next += 1;
            let line = self.text.line(n);
            if self.is_foreign(n) {
                return 1;
            }
            if stack::heads(line, self.text.entries[n].marks) != 0 {
                return 1;
            }
            if let Some((step, shape)) = next
                && *step != Step::Stack
                && self.try_step(n, *step, shape)
            {
                return 2;
            }
            if self.has_enough() {
                continue;
            }
            if let Some((first, second)) = stack::frame_functions(line, self.rules) {
                self.add(first, true);
                second.into_iter().for_each(|second| self.add(second, true));
            }
        }
        1
    }

    /// Gives up where another report was printed into the frames.
    fn is_foreign(&mut self, n: usize) -> bool {
        let line = self.text.line(n);
        let foreign = stack::is_foreign_frame(line);
        if foreign {
            self.found.failed = true;
            self.watch.see(|| Decision::Foreign(lossy(line)));
        }
        foreign
    }

    /// Takes the candidates of a line that fits a step.
    fn try_step(&mut self, n: usize, step: Step, shape: Option<&Shape>) -> bool {
        let line = self.text.line(n);
        let marks = self.text.entries[n].marks;
        let pointer = || marks.any(Marks::POINTER).then(|| stack::instruction_pointer(line)).flatten();
        let one = |function: Option<&'t [u8]>| [function, None, None, None];
        let functions: Option<Captures<'t>> = match step {
            Step::Stack => None,
            Step::Line(_) => shape.and_then(|shape| shape.find(line)),
            Step::CallTrace => {
                let heads = marks.any(Marks::BACKTRACE)
                    || (marks.any(Marks::CALL_TRACE) || marks.any(Marks::CALL_TRACE_LOWER))
                        && [&b"Call Trace:"[..], b"Call trace:"].iter().any(|text| memmem::find(line, text).is_some());
                heads.then_some(Captures::default())
            }
            Step::InstructionPointer => pointer().map(one),
            Step::Interrupted => {
                let interrupted = || marks.any(Marks::INTERRUPT).then(|| interrupted(line)).flatten();
                pointer().or_else(|| interrupted().map(Some)).map(one)
            }
            Step::Origin => origin(line).map(Some).map(one),
        };
        let Some(functions) = functions else { return false };
        self.watch.see(|| Decision::Step(step, Some(lossy(line))));
        functions.into_iter().flatten().for_each(|function| self.add(function, false));
        true
    }

    /// True where more candidates cannot change who is blamed.
    fn has_enough(&self) -> bool {
        self.pick == Pick::First && !self.candidates.is_empty()
    }

    fn add(&mut self, function: &'t [u8], traced: bool) {
        if self.has_enough() {
            return;
        }
        let name = match String::from_utf8_lossy(function) {
            Cow::Borrowed(name) => demangled(name),
            Cow::Owned(name) => Cow::Owned(name),
        };
        let format = Some(self.format);
        self.watch.see(|| Decision::Candidate {
            function: name.clone().into_owned(),
            skip: skip_by(self.rules, &name, format),
        });
        if !skips_by(self.rules, &name, format) {
            self.candidates.push(Candidate { name, traced });
        } else if !traced && self.found.passed.is_none() {
            self.found.passed = Some(Key { name: Some(without_prefix(&name).into()), raw: name.into_owned() });
        }
    }

    /// Chooses one of the candidates.
    fn reduce(&mut self) {
        let candidates = std::mem::take(&mut self.candidates);
        let names: Vec<&str> = candidates.iter().map(|candidate| without_prefix(&candidate.name)).collect();
        let picked = match self.pick {
            Pick::First => names.first().map(|name| (*name, 0)),
            Pick::Stall => stalled(&names),
            Pick::Hang => hung(&names),
        };
        self.watch.see(|| Decision::Blamed {
            pick: self.pick,
            printed: picked.map_or_else(String::new, |(_, n)| candidates[n].name.clone().into_owned()),
            name: picked.map(|(name, _)| name.to_owned()),
            known: known(self.pick, &names, picked.map(|(_, n)| n)),
        });
        self.found.failed |= picked.is_none();
        self.found.traced |= picked.is_none_or(|(_, n)| candidates[n].traced);
        self.found.keys.push(picked.map_or(Key::MISSING, |(name, n)| Key {
            name: Some(name.into()),
            raw: candidates[n].name.clone().into_owned(),
        }));
    }
}

/// The functions that a list knows and that decide, with its lines.
fn known(pick: Pick, names: &[&str], picked: Option<usize>) -> Vec<(String, Line)> {
    let on = |list: &List, name: &str| list.line(name).map(|line| (name.to_owned(), line.clone()));
    match pick {
        Pick::First => Vec::new(),
        Pick::Stall => names.iter().find_map(|name| on(&ANCHORS, name)).into_iter().collect(),
        Pick::Hang => names.iter().take(picked.unwrap_or(names.len())).filter_map(|name| on(&WAITERS, name)).collect(),
    }
}

/// A stalled task is named by what it called below its entry into a subsystem.
fn stalled<'n>(names: &[&'n str]) -> Option<(&'n str, usize)> {
    thread_local!(static KNOWN: RefCell<Memo<bool>> = RefCell::new(Memo::new()));
    let is_anchor = |name: &str| KNOWN.with_borrow_mut(|known| known.answer(name, |name| ANCHORS.names(name)));
    let anchor = names.iter().position(|name| is_anchor(name))?;
    if names[anchor].contains("smp_call_function") {
        return Some(("smp_call_function", anchor));
    }
    let below = anchor.saturating_sub(1);
    Some((names[below], below))
}

/// A hung task is named by what it waits for.
fn hung<'n>(names: &[&'n str]) -> Option<(&'n str, usize)> {
    const GRACE: [&str; 4] = ["synchronize_rcu", "synchronize_srcu", "synchronize_net", "synchronize_sched"];
    for (n, name) in names.iter().enumerate() {
        if name.contains("rtnl_lock") {
            return Some((name, n));
        }
        if GRACE.iter().any(|wait| name.contains(wait)) {
            return Some(("synchronize_rcu", n));
        }
    }
    names.iter().enumerate().find(|(_, name)| !WAITERS.names(name)).map(|(n, name)| (*name, n))
}

/// `--- interrupt: 380 at func+0x1/0x2`.
fn interrupted(line: &[u8]) -> Option<&[u8]> {
    static INTERRUPT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"--- interrupt: "));
    INTERRUPT.find_iter(line).find_map(|at| {
        let rest = &line[at + INTERRUPT.needle().len()..];
        let vector = rest.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let rest = rest[vector..].strip_prefix(b" at ").filter(|_| vector > 0)?;
        Some(&rest[..trace::shape::function(rest)?])
    })
}

/// KMSAN's line between two stack traces, whole.
fn origin(line: &[u8]) -> Option<&[u8]> {
    static VARIABLE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"Local variable "));
    static VALUE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"Uninit was created at:"));
    let variable = VARIABLE
        .find(line)
        .and_then(|at| memmem::rfind(&line[at..], b" created at:").map(|end| (at, at + end + b" created at:".len())));
    let value = || VALUE.find(line).map(|at| (at, at + VALUE.needle().len()));
    variable.or_else(value).map(|(start, end)| &line[start..end])
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
