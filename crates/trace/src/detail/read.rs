//! Which line of a report is for which detail. A line is looked at by its first byte before anything else.

use super::Detail;
use super::atomic::Atomic;
use super::cursor::text;
use super::fault::{Oops, PageFault, ProtectionFault};
use super::hang::Hang;
use super::leak::Leak;
use super::lockdep::{Holder, LockdepReader, explain_waits};
use super::memory::{Access, Object, Sanitizer};
use super::race::{Race, Uninit};
use super::source::Source;
use super::stall::Stall;
use super::symbol::Symbol;
use super::ubsan::{DebugObject, Ubsan};
use crate::find::{find, holds};

/// What the next line may be the rest of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Nothing,
    /// What UBSAN complains about.
    Ubsan,
    /// What a warning says, in kernels before 4.15; later ones print it above the headline.
    Message,
    /// The name of the variable, or the function whose frame it is in.
    Place,
}

/// Reads the details of a report line by line; what is said first counts.
#[derive(Debug, Default)]
pub(crate) struct DetailReader<'t> {
    detail: Box<Detail<'t>>,
    lockdep: Option<Box<LockdepReader<'t>>>,
    next: Next,
    over: bool,
}

impl<'t> DetailReader<'t> {
    /// Takes a line between `cut here` and the headline.
    pub fn message(&mut self, line: &'t [u8]) {
        let line = line.trim_ascii();
        if let Some(what) = line.strip_prefix(b"refcount_t: ") {
            self.detail.refcount = Some(text(what));
        } else if line.starts_with(b"ODEBUG: ") {
            self.detail.debug_object = DebugObject::parse(line);
        }
        if !line.is_empty() {
            self.detail.message.get_or_insert(text(line));
        }
    }

    /// Another report starts: what follows is not about this one.
    pub fn end(&mut self) {
        self.over = true;
    }

    /// Takes a line that heads stack trace number `trace`.
    pub fn head(&mut self, line: &'t [u8], trace: usize) {
        if self.over {
            return;
        }
        let line = line.trim_ascii_start();
        match line.first() {
            Some(b'-') => {
                if let Some(lockdep) = &mut self.lockdep {
                    lockdep.link(line, trace);
                }
            }
            Some(b'.' | b'H' | b'I' | b'R' | b'S') => {
                if let Some(lockdep) = &mut self.lockdep {
                    lockdep.state(line, trace);
                }
            }
            Some(b'L') => {
                self.detail.uninit.get_or_insert_default().read(line);
            }
            Some(b'r' | b'w' | b'a') => {
                if let Some(race) = &mut self.detail.race {
                    race.head(line, trace);
                }
            }
            _ => {}
        }
    }

    /// The trace that was headed last, with this number, has no frames.
    pub fn head_without_frames(&mut self, trace: usize) {
        if let Some(lockdep) = &mut self.lockdep {
            lockdep.without_trace(trace);
        }
        if let Some(access) = self.detail.race.as_mut().and_then(|race| race.accesses.last_mut()) {
            access.trace = None;
        }
    }

    /// Takes a line that is no part of a stack trace; true where it belongs to the report.
    pub fn read(&mut self, line: &'t [u8]) -> bool {
        if self.over {
            return false;
        }
        let text = line.trim_ascii();
        let Some(first) = text.first() else { return false };
        if self.next != Next::Nothing && self.rest(text) {
            return true;
        }
        if self.headline(*first, text).is_some() || self.below(*first, text) {
            return true;
        }
        self.lockdep.as_mut().is_some_and(|lockdep| lockdep.read(line))
    }

    /// Takes what the line before announced.
    fn rest(&mut self, line: &'t [u8]) -> bool {
        match std::mem::take(&mut self.next) {
            Next::Ubsan => self.detail.ubsan.as_mut().is_some_and(|ubsan| {
                ubsan.read(line);
                // `signed integer overflow:`, in kernels before 5.7.
                self.next = if line.ends_with(b":") { Next::Ubsan } else { Next::Nothing };
                true
            }),
            Next::Place => self.detail.object.as_mut().is_some_and(|object| {
                let found = Symbol::find(line).filter(|place| place.offset.is_some());
                object.at = object.at.or(found);
                found.is_some()
            }),
            Next::Message => {
                let is_other =
                    [&b"Modules linked in:"[..], b"CPU: ", b"Kernel panic", b"Call Trace:", b"---", b"kobject"];
                // A headline that somebody folded has its function here.
                let function = Symbol::find(line).filter(|found| found.offset.is_some()).map(|found| found.function);
                if let Some(function) = function.filter(|function| line.starts_with(function.as_bytes())) {
                    self.detail.source.as_mut().map(|source| source.function.get_or_insert(function));
                    return true;
                }
                let says = !is_other.iter().any(|head| line.starts_with(head));
                if says {
                    self.message(line);
                }
                says
            }
            Next::Nothing => false,
        }
    }

    /// Takes a line that says what happened.
    fn headline(&mut self, first: u8, line: &'t [u8]) -> Option<()> {
        match first {
            b'B' => self.bug(line, line.strip_prefix(b"BUG: ")?),
            b'w' => match line.strip_prefix(b"watchdog: ")?.strip_prefix(b"BUG: ") {
                Some(what) => self.bug(line, what),
                None => self.hard_lockup(line),
            },
            b'N' => match line.strip_prefix(b"NMI watchdog: ")?.strip_prefix(b"BUG: ") {
                Some(what) => self.bug(line, what),
                None => self.hard_lockup(line),
            },
            b'W' | b'[' => {
                if first == b'W' {
                    line.strip_prefix(b"WARNING: ")?;
                    if self.source(line).is_some() {
                        if self.detail.message.is_none() {
                            self.next = Next::Message;
                        }
                        return Some(());
                    }
                } else {
                    line.strip_prefix(b"[ BUG: ").or_else(|| line.strip_prefix(b"[ INFO: "))?;
                }
                self.start_lockdep(line)
            }
            b'k' => {
                line.strip_prefix(b"kernel BUG at ")?;
                self.source(line)
            }
            b'r' | b'I' => {
                let info = line.strip_prefix(b"rcu: ").unwrap_or(line);
                if info.starts_with(b"INFO: task ") {
                    self.detail.hang = self.detail.hang.take().or_else(|| Hang::of_task(info));
                } else if info.starts_with(b"INFO: rcu") {
                    self.detail.stall = self.detail.stall.take().or_else(|| Stall::of_headline(info));
                } else if info.starts_with(b"INFO: ") {
                    self.start_lockdep(info)?;
                } else {
                    self.oops(
                        line.strip_prefix(b"Internal error: ").or_else(|| line.strip_prefix(b"invalid opcode: "))?,
                    )?;
                }
                // What else is printed of the hung task comes below.
                (self.detail.hang.is_none() || !info.starts_with(b"INFO: task ") || info.ends_with(b"seconds."))
                    .then_some(())
            }
            b'g' | b's' | b'O' => {
                let oops = self.oops(line);
                let fault = ProtectionFault::of_headline(line);
                let found = oops.is_some() || fault.is_some();
                self.detail.protection_fault = self.detail.protection_fault.take().or(fault);
                found.then_some(())
            }
            b'd' => {
                line.strip_prefix(b"divide error: ")?;
                self.oops(line)
            }
            b'U' => {
                if let Some(ubsan) = Ubsan::of_headline(line) {
                    self.detail.ubsan.get_or_insert(ubsan);
                    self.next = Next::Ubsan;
                    return Some(());
                }
                self.detail.page_fault.get_or_insert(PageFault::of_headline(line)?);
                Some(())
            }
            _ => None,
        }
    }

    /// Takes a headline with `BUG: `; `what` follows it.
    fn bug(&mut self, line: &'t [u8], what: &'t [u8]) -> Option<()> {
        let detail = &mut self.detail;
        match what.first()? {
            b'K' if what.starts_with(b"KCSAN: ")
                || what.starts_with(b"KA")
                || what.starts_with(b"KM")
                || what.starts_with(b"KF") =>
            {
                let sanitizer = Sanitizer::parse(what)?;
                if sanitizer.name == "KCSAN" {
                    detail.race.get_or_insert_default();
                } else if sanitizer.name == "KMSAN" {
                    detail.uninit.get_or_insert_default();
                } else if let Some(at) = find(what, b" at addr ") {
                    detail.access.get_or_insert_default().address = super::cursor::Cursor(&what[at + 9..]).hex();
                }
                detail.sanitizer.get_or_insert(sanitizer);
            }
            b's' | b'w' => {
                if let Some(hang) = Hang::of_lockup(what) {
                    detail.hang.get_or_insert(hang);
                } else {
                    detail.atomic = detail.atomic.take().or_else(|| Atomic::of_headline(what));
                    self.source(line);
                }
            }
            b'k' | b'K' | b'u' | b'U' => {
                let fault = PageFault::of_headline(line)?;
                detail.page_fault.get_or_insert(fault);
            }
            b'm' if what.starts_with(b"memory leak") => {
                detail.leak.get_or_insert_default();
            }
            _ => return self.start_lockdep(line),
        }
        Some(())
    }

    fn source(&mut self, line: &'t [u8]) -> Option<()> {
        let source = Source::of_headline(line)?;
        self.detail.source.get_or_insert(source);
        Some(())
    }

    fn hard_lockup(&mut self, line: &'t [u8]) -> Option<()> {
        let hang = Hang::of_hard_lockup(line)?;
        self.detail.hang.get_or_insert(hang);
        Some(())
    }

    fn oops(&mut self, line: &'t [u8]) -> Option<()> {
        let oops = Oops::parse(line)?;
        self.detail.oops.get_or_insert(oops);
        Some(())
    }

    fn start_lockdep(&mut self, line: &'t [u8]) -> Option<()> {
        if self.lockdep.is_none() {
            self.lockdep = Some(Box::new(LockdepReader::of_headline(line)?));
        }
        Some(())
    }

    /// Takes a line that says more of what happened.
    fn below(&mut self, first: u8, line: &'t [u8]) -> bool {
        let detail = &mut self.detail;
        if detail.sanitizer.is_some() && self.sanitizer(first, line) {
            return true;
        }
        let detail = &mut self.detail;
        match first {
            b'0'..=b'9' | b'n' if holds(line, b" held by ") => {
                let holder = Holder::parse(line);
                let found = holder.is_some();
                detail.locks_held.extend(holder);
                found
            }
            b'#' if line.starts_with(b"#PF: ") => detail.page_fault.get_or_insert_default().read(line),
            b'#' => detail.locks_held.last_mut().is_some_and(|holder| holder.read(line)),
            b'K' => detail.protection_fault.as_mut().is_some_and(|fault| fault.kasan(line).is_some()),
            b'u' if line.starts_with(b"unreferenced object") => {
                let leak = Leak::of_headline(line);
                let known = detail.leak.as_ref().is_some_and(|leak| leak.address.is_some());
                if !known {
                    detail.leak = leak;
                }
                true
            }
            b'c' if line.starts_with(b"comm \"") => {
                let open = detail.leak.as_mut().filter(|leak| leak.by.is_none());
                open.is_some_and(|leak| leak.read(line).is_some())
            }
            _ => {
                detail.page_fault.as_mut().is_some_and(|fault| fault.read(line))
                    || detail.stall.as_mut().is_some_and(|stall| stall.read(line))
                    || detail.hang.as_mut().is_some_and(|hang| hang.read(line))
                    || detail.atomic.as_mut().is_some_and(|atomic| atomic.read(line))
            }
        }
    }

    /// Takes a line of a sanitizer's report.
    fn sanitizer(&mut self, first: u8, line: &'t [u8]) -> bool {
        let detail = &mut self.detail;
        match first {
            b'R' | b'W' | b'F' if detail.access.as_ref().is_none_or(|access| access.kind.is_none()) => {
                let Some(mut access) = Access::of_kasan(line) else { return false };
                access.address = access.address.or(detail.access.as_ref().and_then(|access| access.address));
                detail.access = Some(access);
                true
            }
            b'U' | b'O' | b'I' | b'C' if detail.access.is_none() => {
                let Some((access, name)) = Access::of_kfence(line) else { return false };
                detail.access = Some(access);
                if name.is_some() {
                    detail.object.get_or_insert_default().name = name;
                }
                true
            }
            b'T' | b'w' | b'a' | b'f' | b'0'..=b'9' | b'[' => {
                let starts = line.starts_with(b"The buggy address");
                if starts {
                    detail.object.get_or_insert_default();
                }
                let Some(object) = &mut detail.object else { return false };
                let found = object.read(line);
                let announces =
                    line.ends_with(b"variable:") || line.ends_with(b"in frame:") || line.ends_with(b"created by:");
                if found && announces {
                    self.next = Next::Place;
                }
                found
            }
            b'k' if line.starts_with(b"kfence-#") => {
                let Some(mut object) = Object::of_kfence(line) else { return false };
                if detail.object.as_ref().is_none_or(|known| known.region.is_none()) {
                    object.located = detail.object.take().and_then(|known| known.located);
                    detail.object = Some(object);
                }
                true
            }
            b'v' => detail.race.as_mut().is_some_and(|race| race.value(line).is_some()),
            b'B' | b'M' | b'D' => detail.uninit.as_mut().is_some_and(|uninit: &mut Uninit<'_>| uninit.read(line)),
            _ => false,
        }
    }

    /// The details, read whole.
    pub fn finish(self) -> Box<Detail<'t>> {
        let mut detail = self.detail;
        detail.lockdep = self.lockdep.map(|lockdep| Box::new(lockdep.finish()));
        explain_waits(detail.lockdep.as_deref_mut(), &mut detail.locks_held);
        detail.uninit = detail.uninit.filter(|uninit| *uninit != Uninit::default());
        detail.race = detail.race.filter(|race| *race != Race::default());
        detail
    }
}
