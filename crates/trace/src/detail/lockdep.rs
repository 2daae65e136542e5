//! Lockdep's reports: what is wrong, the locks that it is about, who holds what, and the cycle.

mod chain;
mod dependency;
mod held;
mod lock;
mod problem;
mod scenario;

use schemars::JsonSchema;
use serde::Serialize;

use super::by::By;
use super::cursor::{Cursor, Text, text};
use super::source::Source;
use crate::find::{find, holds};

pub use chain::{Chain, Link};
pub(crate) use dependency::heads_state;
pub use dependency::{Dependency, State};
pub use held::Holder;
use lock::WaitTypes;
pub use lock::{Class, Lock, Usage, Use, Wait, WaitType};
pub use problem::Problem;
pub use scenario::{Action, Step};

/// A report of lockdep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lockdep<'t> {
    /// What it complains about.
    pub problem: Problem,
    /// The task that does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<By<'t>>,
    /// The interrupts that the task is in, and those that can come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<IrqContext>,
    /// The lock that the task is about to take, takes, or releases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Lock<'t>>,
    /// The lock that it holds already, and that does not go with the wanted one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Lock<'t>>,
    /// The lock of the dependency that interrupts take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub irq_safe: Option<Lock<'t>>,
    /// The lock of the dependency that is held while interrupts can come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub irq_unsafe: Option<Lock<'t>>,
    /// The two states that do not go together: `["SOFTIRQ-ON-W", "IN-SOFTIRQ-W"]`, first the one that was registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub states: Option<[Text<'t>; 2]>,
    /// The cycle of a circular report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<Chain<'t>>,
    /// The locks that lead from one that interrupts take to one that is held while they can come, in the order in which they are printed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency<'t>>,
    /// How the deadlock could come about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scenario: Vec<Step<'t>>,
    /// The check of RCU that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rcu: Option<RcuUsage<'t>>,
}

/// A failed check of RCU: `net/core/dev.c:123 suspicious rcu_dereference_check() usage!`, or `… Illegal context switch in RCU read-side critical section!`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RcuUsage<'t> {
    /// Where the check is.
    pub source: Source<'t>,
    /// What it says.
    pub text: Text<'t>,
}

/// `[HC0[0]:SC1[1]:HE1:SE0]`: the interrupts that a task is in, and those that can come (`print_usage_bug`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct IrqContext {
    /// In a hardware interrupt, as lockdep traces it.
    pub hardirq: bool,
    /// How deep in hardware interrupts.
    pub hardirq_count: u32,
    /// In a software interrupt, as lockdep traces it.
    pub softirq: bool,
    /// How deep in software interrupts.
    pub softirq_count: u32,
    /// Hardware interrupts are enabled.
    pub hardirqs_enabled: bool,
    /// Software interrupts are enabled.
    pub softirqs_enabled: bool,
}

impl IrqContext {
    fn parse(line: &mut Cursor<'_>) -> Option<IrqContext> {
        line.skip("[HC")?;
        let hardirq: u32 = line.number()?;
        line.skip("[")?;
        let hardirq_count = line.number()?;
        line.skip("]:SC")?;
        let softirq: u32 = line.number()?;
        line.skip("[")?;
        let softirq_count = line.number()?;
        line.skip("]:HE")?;
        let hardirqs_enabled: u32 = line.number()?;
        line.skip(":SE")?;
        let softirqs_enabled: u32 = line.number()?;
        line.skip("]")?;
        Some(IrqContext {
            hardirq: hardirq > 0,
            hardirq_count,
            softirq: softirq > 0,
            softirq_count,
            hardirqs_enabled: hardirqs_enabled > 0,
            softirqs_enabled: softirqs_enabled > 0,
        })
    }
}

/// What the next line that shows a lock shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Slot {
    #[default]
    Nothing,
    Wanted,
    Held,
    Safe,
    Unsafe,
}

/// Reads a report of lockdep line by line.
#[derive(Debug)]
pub(super) struct LockdepReader<'t> {
    report: Lockdep<'t>,
    slot: Slot,
    in_scenario: bool,
    links: Vec<Link<'t>>,
}

impl<'t> LockdepReader<'t> {
    /// The reader of the report that a line heads.
    pub fn of_headline(line: &'t [u8]) -> Option<LockdepReader<'t>> {
        let report = Lockdep {
            problem: Problem::of_headline(line)?,
            task: None,
            context: None,
            wanted: None,
            held: None,
            irq_safe: None,
            irq_unsafe: None,
            states: None,
            chain: None,
            dependencies: Vec::new(),
            scenario: Vec::new(),
            rcu: None,
        };
        Some(LockdepReader { report, slot: Slot::Nothing, in_scenario: false, links: Vec::new() })
    }

    /// Takes the line `-> #1 (&a){+.+.}-{3:3}:`, which heads the stack trace with that number.
    pub fn link(&mut self, line: &'t [u8], trace: usize) {
        let link = || {
            let mut line = Cursor(line);
            line.skip("-> #")?;
            let number = line.number()?;
            Some(Link { number, lock: Lock::parse(line.0)?, trace: Some(trace) })
        };
        self.links.extend(link());
    }

    /// Takes the line `IN-SOFTIRQ-R at:`, which heads the stack trace with that number.
    pub fn state(&mut self, line: &'t [u8], trace: usize) {
        if let Some(dependency) = self.report.dependencies.last_mut() {
            dependency.head(line, trace);
        }
    }

    /// The stack trace that was headed last, with this number, has no frames.
    pub fn without_trace(&mut self, trace: usize) {
        if let Some(link) = self.links.last_mut().filter(|link| link.trace == Some(trace)) {
            link.trace = None;
        }
        if let Some(dependency) = self.report.dependencies.last_mut() {
            dependency.without_trace(trace);
        }
    }

    /// Takes another line, with its blanks; false where it says nothing of locks.
    pub fn read(&mut self, line: &'t [u8]) -> bool {
        let text = line.trim_ascii();
        if text.is_empty() {
            return false;
        }
        if self.in_scenario {
            if let Some(step) = Step::parse(line) {
                self.report.scenario.push(step);
                return true;
            }
            self.in_scenario = !text.starts_with(b"*** DEADLOCK ***");
        }
        if self.slot != Slot::Nothing
            && let Some(lock) = Lock::parse(text)
        {
            self.put(lock);
            return true;
        }
        if text.starts_with(b"->")
            && let Some(dependency) = Dependency::parse(text)
        {
            self.report.dependencies.push(dependency);
            return true;
        }
        self.sentence(text)
    }

    /// Lines of words; they end in a few characters, which rules out most others.
    fn sentence(&mut self, line: &'t [u8]) -> bool {
        let holds = |words| holds(line, words);
        match line.last() {
            Some(b':') => {
                if let Some(task) = [&b" is trying to "[..], b" takes:", b" just changed the state of lock:"]
                    .iter()
                    .find_map(|words| find(line, words))
                {
                    self.task(&line[..task]);
                    self.slot = Slot::Wanted;
                    // `is trying to release lock (&a) at:`: the lock has no usage bits.
                    let mut rest = Cursor(line);
                    if rest.until(" is trying to release lock (").is_some()
                        && let Some(class) = rest.until(") at:")
                    {
                        self.put(Lock { class: Class::parse(class), ..Lock::default() });
                    }
                } else if holds(b"task is already holding") {
                    self.slot = Slot::Held;
                } else if holds(b"-safe lock") && !holds(b"dependencies between") {
                    self.slot = Slot::Safe;
                } else if holds(b"-unsafe lock") && !holds(b"dependencies between") {
                    self.slot = Slot::Unsafe;
                } else if holds(b" scenario:") {
                    self.in_scenario = true;
                } else {
                    return false;
                }
                true
            }
            Some(b'.') if line.starts_with(b"inconsistent {") => {
                let mut line = Cursor(line);
                if line.skip("inconsistent {").is_some()
                    && let Some(from) = line.until("} -> {")
                    && let Some(to) = line.until("}")
                {
                    self.report.states = Some([text(from), text(to)]);
                }
                true
            }
            Some(b'!') => {
                if self.report.problem == Problem::SuspiciousRcuUsage {
                    let Some(source) = Source::parse(line) else { return false };
                    let text = text(Cursor(line).behind_word());
                    self.report.rcu.get_or_insert(RcuUsage { source, text });
                } else if let Some(at) = find(line, b" is freeing memory ") {
                    self.task(&line[..at]);
                    self.slot = Slot::Held;
                } else if let Some(at) = find(line, b" is leaving the kernel with locks still held") {
                    self.task(&line[..at]);
                } else {
                    return false;
                }
                true
            }
            _ => false,
        }
    }

    /// `sh/65 [HC0[0]:SC1[1]:HE1:SE0]`, or without the brackets.
    fn task(&mut self, task: &'t [u8]) {
        let at = find(task, b" [HC").unwrap_or(task.len());
        if let Some(mut context) = task.get(at + 1..).map(Cursor) {
            self.report.context = IrqContext::parse(&mut context);
        }
        self.report.task = Some(By::task(&task[..at], b'/'));
    }

    fn put(&mut self, lock: Lock<'t>) {
        let place = match std::mem::take(&mut self.slot) {
            Slot::Nothing => return,
            Slot::Wanted => &mut self.report.wanted,
            Slot::Held => &mut self.report.held,
            Slot::Safe => &mut self.report.irq_safe,
            Slot::Unsafe => &mut self.report.irq_unsafe,
        };
        place.get_or_insert(lock);
    }

    /// The report, read whole.
    pub fn finish(mut self) -> Lockdep<'t> {
        if !self.links.is_empty() {
            self.report.chain = Some(Chain::new(self.links));
        }
        self.report
    }
}

/// Says what the wait types of all locks of a report mean; some of them show how the kernel is configured.
pub(super) fn explain_waits(mut report: Option<&mut Lockdep<'_>>, holders: &mut [Holder<'_>]) {
    let mut types = WaitTypes::default();
    each_lock(report.as_deref_mut(), holders, &mut |lock| types.learn(lock));
    each_lock(report, holders, &mut |lock| types.explain(lock));
}

fn each_lock(report: Option<&mut Lockdep<'_>>, holders: &mut [Holder<'_>], each: &mut dyn FnMut(&mut Lock<'_>)) {
    if let Some(Lockdep { wanted, held, irq_safe, irq_unsafe, chain, dependencies, .. }) = report {
        [wanted, held, irq_safe, irq_unsafe].into_iter().flatten().for_each(&mut *each);
        dependencies.iter_mut().for_each(|dependency| each(&mut dependency.lock));
        chain.iter_mut().flat_map(|chain| &mut chain.locks).for_each(|link| each(&mut link.lock));
    }
    holders.iter_mut().flat_map(|holder| &mut holder.locks).for_each(each);
}
