//! What a report says besides its stack traces, as data. The types are those of the NDJSON record, and their
//! documentation is that of its schema. A kind of report has a file; `detail/read.rs` knows which line is for whom.

mod atomic;
mod by;
mod code;
mod cursor;
mod fault;
mod hang;
mod leak;
pub mod lockdep;
mod memory;
mod race;
mod read;
mod registers;
mod source;
mod stall;
mod symbol;
mod taint;
mod ubsan;
mod value;

use schemars::JsonSchema;
use serde::Serialize;

pub use atomic::Atomic;
pub use by::By;
pub use code::{Code, CodeLine};
pub use cursor::Text;
pub use fault::{Oops, PageFault, Privilege, ProtectionFault};
pub use hang::{Hang, HangKind};
pub use leak::Leak;
pub use lockdep::{Holder, Lockdep};
pub use memory::{Access, AccessKind, Object, Sanitizer, Variable};
pub use race::{Race, RaceAccess, Uninit};
pub(crate) use read::DetailReader;
pub use registers::{Pointer, Registers, Values};
pub use source::Source;
pub use stall::{Stall, StalledCpu};
pub use symbol::Symbol;
pub use taint::{Module, ModuleState, Taint};
pub use ubsan::{DebugObject, Ubsan};
pub use value::{Hex, Time};

/// What a report says, by kind; most reports are of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Detail<'t> {
    /// The line of the source that complains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source<'t>>,
    /// What a warning or BUG says: the text that is printed below `cut here`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Text<'t>>,
    /// The kernel dies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oops: Option<Oops<'t>>,
    /// A page fault that nothing handles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_fault: Option<PageFault<'t>>,
    /// A general protection fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protection_fault: Option<ProtectionFault<'t>>,
    /// The sanitizer that reports: KASAN, KMSAN, KCSAN, KFENCE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sanitizer: Option<Sanitizer<'t>>,
    /// The access that KASAN or KFENCE complains about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access<'t>>,
    /// The object that the access hit, or missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Object<'t>>,
    /// A data race (KCSAN).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub race: Option<Race<'t>>,
    /// An uninitialised value (KMSAN).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uninit: Option<Uninit<'t>>,
    /// Undefined behaviour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ubsan: Option<Ubsan<'t>>,
    /// What is wrong with a reference count: `underflow; use-after-free.`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refcount: Option<Text<'t>>,
    /// An object that is used at the wrong time of its life (ODEBUG).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug_object: Option<DebugObject<'t>>,
    /// Sleeping or scheduling where it is forbidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub atomic: Option<Atomic<'t>>,
    /// What lockdep says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockdep: Option<Box<Lockdep<'t>>>,
    /// Who holds which locks, as far as the report lists it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locks_held: Vec<Holder<'t>>,
    /// A task or CPU that hangs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hang: Option<Hang<'t>>,
    /// A grace period of RCU that does not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall: Option<Stall<'t>>,
    /// Leaked memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leak: Option<Leak<'t>>,
}
