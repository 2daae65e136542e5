//! Roles: what a stack trace shows, told by the line that heads it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::detail::lockdep::heads_state;
use crate::find::holds;

/// What a stack trace shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Where the report was printed.
    Call,
    /// Another CPU, which was asked for its stack.
    OtherCpu,
    /// An instruction pointer without a trace.
    Pointer,
    /// Where the object was allocated.
    Allocated,
    /// Where the object was freed.
    Freed,
    /// Where work, a timer or an RCU callback with the object was queued.
    Queued,
    /// Where a lock of the cycle was taken.
    LockChain,
    /// Where a lock got the state that now conflicts.
    LockState,
    /// Where an uninitialised value was stored.
    Stored,
    /// Where an uninitialised value was created.
    Created,
    /// Where the page was allocated.
    PageAllocated,
    /// Where the page was freed.
    PageFreed,
    /// One side of a data race.
    Access,
    /// Where leaked memory was allocated.
    Leaked,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 14] = [
        Role::Call,
        Role::OtherCpu,
        Role::Pointer,
        Role::Allocated,
        Role::Freed,
        Role::Queued,
        Role::LockChain,
        Role::LockState,
        Role::Stored,
        Role::Created,
        Role::PageAllocated,
        Role::PageFreed,
        Role::Access,
        Role::Leaked,
    ];

    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Role::Call => "call trace",
            Role::OtherCpu => "other cpu",
            Role::Pointer => "instruction pointer",
            Role::Allocated => "allocated",
            Role::Freed => "freed",
            Role::Queued => "queued",
            Role::LockChain => "lock chain",
            Role::LockState => "lock state",
            Role::Stored => "stored",
            Role::Created => "created",
            Role::PageAllocated => "page allocated",
            Role::PageFreed => "page freed",
            Role::Access => "access",
            Role::Leaked => "leaked",
        }
    }

    /// The role of the trace that a line heads; the line has no blanks in front.
    pub(super) fn of_head(text: &[u8]) -> Option<Role> {
        let starts = |head: &str| text.starts_with(head.as_bytes());
        let holds = |word: &str| holds(text, word.as_bytes());
        let ends = || text.trim_ascii_end().ends_with(b":");
        match text.first()? {
            b'A' | b'a' if starts("Allocated") || starts("allocated by task") => Some(Role::Allocated),
            b'F' | b'f' if starts("Freed") || starts("freed by task") => Some(Role::Freed),
            b'b' if starts("backtrace") => Some(Role::Leaked),
            b'B' if starts("Backtrace:") => Some(Role::Call),
            b'C' if starts("Call Trace:") || starts("Call trace:") => Some(Role::Call),
            b'L' | b'S' if ends() && (holds("work creation") || holds("call_rcu")) => Some(Role::Queued),
            b'L' if starts("Local variable ") && ends() => Some(Role::Created),
            b'U' if starts("Uninit was created at:") => Some(Role::Created),
            b'U' if starts("Uninit was stored") => Some(Role::Stored),
            b'-' if starts("-> #") => Some(Role::LockChain),
            b'.' if starts("... acquired at:") => Some(Role::LockChain),
            b'H' | b'I' | b'R' | b'S' if heads_state(text) => Some(Role::LockState),
            b'.' | b'w' if ends() && holds("which became ") => Some(Role::LockState),
            b'{' if ends() && holds("state was registered at:") => Some(Role::LockState),
            b'p' if starts("page last allocated") => Some(Role::PageAllocated),
            b'p' if starts("page last free") => Some(Role::PageFreed),
            b'N' if starts("NMI backtrace for cpu") => Some(Role::OtherCpu),
            b'r' | b'w' if ends() && holds(" bytes by ") => Some(Role::Access),
            b'U' | b'O' | b'I' | b'C' if ends() && is_kfence(text) => Some(Role::Call),
            _ => None,
        }
    }
}

/// `Use-after-free read at 0xffff88823bd4ef40 (in kfence-#166):` (mm/kfence/report.c, `kfence_report_error`).
pub(super) fn is_kfence(text: &[u8]) -> bool {
    const SAYS: [&str; 6] = [
        "Use-after-free ",
        "Out-of-bounds ",
        "Invalid read at ",
        "Invalid write at ",
        "Invalid free of ",
        "Corrupted memory at ",
    ];
    SAYS.iter().any(|says| text.starts_with(says.as_bytes()))
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl JsonSchema for Role {
    fn schema_name() -> Cow<'static, str> {
        "Role".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "What a stack trace shows.", "enum": Role::ALL.map(Role::name) })
    }
}
