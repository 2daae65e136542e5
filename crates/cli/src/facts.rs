//! The details of a report in words, a fact a line: what a person wants to know before reading the log.

use std::fmt::{self, Display, from_fn};

use ksplat::trace::detail::lockdep::{Lock, Lockdep, Problem};
use ksplat::trace::detail::{
    Access, AccessKind, By, Detail, Hang, HangKind, Leak, Object, PageFault, Privilege, ProtectionFault, Race, Source,
    Stall, Uninit,
};
use ksplat::trace::{Report, Role};

/// Gives each fact of a report its name and its words.
pub fn facts(report: &Report<'_>, mut fact: impl FnMut(&str, &dyn Display)) {
    let detail = &*report.detail;
    let Detail {
        page_fault, protection_fault, access, object, race, uninit, ubsan, lockdep, hang, stall, leak, ..
    } = detail;
    if let Some(message) = &detail.message {
        fact("says", message);
    }
    if let Some(source) = &detail.source {
        fact("source", &from_fn(|f| source_words(source, f)));
    }
    if let Some(fault) = page_fault {
        fact("fault", &from_fn(|f| page_fault_words(fault, f)));
    }
    if let Some(fault) = protection_fault.as_ref().filter(|fault| fault.address.is_some() || fault.range.is_some()) {
        fact("fault", &from_fn(|f| protection_fault_words(fault, f)));
    }
    if let Some(access) = access {
        fact("access", &from_fn(|f| access_words(access, f)));
    }
    if let Some(object) = object {
        fact("object", &from_fn(|f| object_words(object, f)));
    }
    for trace in report.traces.iter().filter(|trace| matches!(trace.role, Role::Allocated | Role::Freed)) {
        if let Some(by) = &trace.by {
            fact(trace.role.name(), &from_fn(|f| write!(f, "by {}", Who(by))));
        }
    }
    if let Some(race) = race {
        race.accesses.iter().for_each(|side| fact("access", &from_fn(|f| access_words(&side.access, f))));
        fact("value", &from_fn(|f| race_words(race, f)));
    }
    if let Some(uninit) = uninit {
        fact("uninit", &from_fn(|f| uninit_words(uninit, f)));
    }
    if let Some(ubsan) = ubsan {
        fact("says", &from_fn(|f| f.write_str(ubsan.text.as_deref().unwrap_or(&ubsan.kind))));
        if let Some(source) = &ubsan.source {
            fact("source", &from_fn(|f| source_words(source, f)));
        }
    }
    if let Some(lockdep) = lockdep {
        lockdep_facts(lockdep, &mut fact);
    }
    if let Some(hang) = hang {
        fact("hangs", &from_fn(|f| hang_words(hang, f)));
    }
    if let Some(stall) = stall {
        fact("stalls", &from_fn(|f| stall_words(stall, f)));
    }
    if let Some(leak) = leak {
        fact("leaks", &from_fn(|f| leak_words(leak, f)));
    }
}

/// `sh, pid 65, cpu 1, at 12.345678 s`.
struct Who<'b>(&'b By<'b>);

impl Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let By { comm, pid, interrupt, cpu, time } = self.0;
        let mut list = List::new(f);
        list.add_if(interrupt.then_some("an interrupt"), |f, what| f.write_str(what))?;
        list.add_if(comm.as_deref(), |f, comm| f.write_str(comm))?;
        list.add_if(*pid, |f, pid| write!(f, "pid {pid}"))?;
        list.add_if(*cpu, |f, cpu| write!(f, "cpu {cpu}"))?;
        list.add_if(*time, |f, time| write!(f, "at {time}"))
    }
}

/// Writes words with commas between them.
struct List<'f, 'b> {
    f: &'f mut fmt::Formatter<'b>,
    first: bool,
}

impl<'f, 'b> List<'f, 'b> {
    fn new(f: &'f mut fmt::Formatter<'b>) -> Self {
        List { f, first: true }
    }

    fn add_if<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut fmt::Formatter<'b>, T) -> fmt::Result,
    ) -> fmt::Result {
        let Some(value) = value else { return Ok(()) };
        if !std::mem::take(&mut self.first) {
            self.f.write_str(", ")?;
        }
        write(self.f, value)
    }
}

fn source_words(source: &Source<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}:{}", source.file, source.line)?;
    source.column.map_or(Ok(()), |column| write!(f, ":{column}"))
}

fn bytes(count: u64) -> impl Display {
    from_fn(move |f| write!(f, "{count} byte{}", if count == 1 { "" } else { "s" }))
}

fn kind_word(kind: AccessKind) -> &'static str {
    match kind {
        AccessKind::Read => "read",
        AccessKind::Write => "write",
        AccessKind::ReadWrite => "read and write",
        AccessKind::Free => "free",
        AccessKind::Execute => "instruction fetch",
    }
}

fn access_words(access: &Access<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(access.kind.map_or("access", kind_word))?;
    access.size.map_or(Ok(()), |size| write!(f, " of {}", bytes(size)))?;
    access.address.map_or(Ok(()), |address| write!(f, " at {address}"))?;
    access.by.as_ref().map_or(Ok(()), |by| write!(f, " by {}", Who(by)))
}

fn object_words(object: &Object<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut list = List::new(f);
    list.add_if(object.located.as_deref(), |f, located| f.write_str(located.strip_suffix(" of").unwrap_or(located)))?;
    list.add_if(object.name.as_deref(), |f, name| f.write_str(name))?;
    list.add_if(object.cache.as_deref(), |f, cache| write!(f, "cache {cache}"))?;
    list.add_if(object.size, |f, size| bytes(size).fmt(f))?;
    list.add_if(object.address, |f, address| write!(f, "at {address}"))?;
    list.add_if(object.at.map(|at| at.function), |f, at| write!(f, "{} {at}", object.kind))?;
    list.add_if(object.freed.then_some("freed"), |f, freed| f.write_str(freed))
}

fn page_fault_words(fault: &PageFault<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if fault.mode == Some(Privilege::User) {
        f.write_str("user ")?;
    }
    f.write_str(fault.access.map_or("access", kind_word))?;
    fault.address.map_or(Ok(()), |address| write!(f, " at {address}"))?;
    fault.cause.as_ref().map_or(Ok(()), |cause| write!(f, ", {cause}"))
}

fn protection_fault_words(fault: &ProtectionFault<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut list = List::new(f);
    list.add_if(fault.reason.as_deref().zip(fault.address), |f, (reason, address)| write!(f, "{reason} {address}"))?;
    list.add_if(fault.kind.as_deref().zip(fault.range), |f, (kind, [first, last])| {
        write!(f, "{kind} in {first}..{last}")
    })
}

fn race_words(race: &Race<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut list = List::new(f);
    list.add_if(race.value, |f, [before, behind]| write!(f, "{before} -> {behind}"))?;
    list.add_if(race.unknown_origin.then_some("by somebody unknown"), |f, who| f.write_str(who))
}

fn uninit_words(uninit: &Uninit<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut list = List::new(f);
    list.add_if(uninit.bytes.zip(uninit.size), |f, ([first, last], size)| write!(f, "bytes {first}-{last} of {size}"))?;
    list.add_if(uninit.variable.as_deref(), |f, name| write!(f, "from the variable {name}"))?;
    list.add_if(uninit.user_address, |f, address| write!(f, "copied to user space at {address}"))
}

fn lockdep_facts(lockdep: &Lockdep<'_>, fact: &mut impl FnMut(&str, &dyn Display)) {
    let lock = |lock: &Lock<'_>, f: &mut fmt::Formatter<'_>| {
        write!(f, "{}", lock.class)?;
        lock.at.map_or(Ok(()), |at| write!(f, " in {}", at.function))
    };
    if let Some(wanted) = &lockdep.wanted {
        let name = if lockdep.problem == Problem::UnlockBalance { "releases" } else { "takes" };
        fact(name, &from_fn(|f| lock(wanted, f)));
    }
    if let Some(held) = &lockdep.held {
        fact("holds", &from_fn(|f| lock(held, f)));
    }
    if let Some(cycle) = lockdep.chain.as_ref().and_then(|chain| chain.cycle.as_ref()) {
        fact("cycle", cycle);
    }
    if let Some([from, to]) = &lockdep.states {
        fact("states", &from_fn(|f| write!(f, "{from} -> {to}")));
    }
    if let Some(rcu) = &lockdep.rcu {
        fact("source", &from_fn(|f| write!(f, "{}:{}, {}", rcu.source.file, rcu.source.line, rcu.text)));
    }
}

fn hang_words(hang: &Hang<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut list = List::new(f);
    list.add_if(hang.task.as_ref(), |f, task| write!(f, "{}", Who(task)))?;
    list.add_if(hang.cpu, |f, cpu| write!(f, "cpu {cpu}"))?;
    list.add_if(hang.pool.as_deref(), |f, pool| write!(f, "workers of {pool}"))?;
    let at_least = if hang.kind == HangKind::HungTask { "more than " } else { "" };
    list.add_if(hang.seconds, |f, seconds| write!(f, "for {at_least}{seconds} s"))?;
    list.add_if(hang.state, |f, state| write!(f, "state {state}"))?;
    list.add_if(hang.waits_for.as_deref(), |f, what| write!(f, "waits for {what}"))?;
    list.add_if(hang.owner.as_ref(), |f, owner| write!(f, "held by {}", Who(owner)))
}

fn stall_words(stall: &Stall<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut list = List::new(f);
    list.add_if(Some(&stall.flavour), |f, flavour| f.write_str(flavour))?;
    for cpu in stall.cpus.iter().take(MOST) {
        list.add_if(Some(cpu.cpu), |f, cpu| write!(f, "cpu {cpu}"))?;
    }
    for pid in stall.tasks.iter().take(MOST) {
        list.add_if(Some(pid), |f, pid| write!(f, "pid {pid}"))?;
    }
    let more = stall.cpus.len().saturating_sub(MOST) + stall.tasks.len().saturating_sub(MOST);
    list.add_if(Some(more).filter(|more| *more > 0), |f, more| write!(f, "{more} more"))?;
    list.add_if(stall.jiffies, |f, jiffies| write!(f, "for {jiffies} jiffies"))
}

/// CPUs and tasks that a line names of each.
const MOST: usize = 8;

fn leak_words(leak: &Leak<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut list = List::new(f);
    list.add_if(leak.size, |f, size| bytes(size).fmt(f))?;
    list.add_if(leak.address, |f, address| write!(f, "at {address}"))?;
    list.add_if(leak.by.as_ref(), |f, by| write!(f, "allocated by {}", Who(by)))?;
    list.add_if(leak.age_ms, |f, age| write!(f, "{}.{:03} s old", age / 1000, age % 1000))
}
