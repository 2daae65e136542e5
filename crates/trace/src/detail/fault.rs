//! Faults of the processor: page faults, general protection faults, and the `Oops:` line.

use schemars::JsonSchema;
use serde::Serialize;

use super::cursor::{Cursor, Text, text};
use super::memory::AccessKind;
use super::value::Hex;

/// The line that says that the kernel dies: `Oops: 0002 [#1] PREEMPT SMP KASAN`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Oops<'t> {
    /// The processor's error code (x86), or its syndrome (`ESR` of arm64).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<Hex>,
    /// How many times the kernel died so far, this one included.
    pub count: u32,
    /// What the kernel is built with: `PREEMPT`, `SMP`, `KASAN`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Text<'t>>,
}

impl<'t> Oops<'t> {
    /// Reads a line that ends in `: 0002 [#1] PREEMPT SMP`.
    pub(super) fn parse(line: &'t [u8]) -> Option<Oops<'t>> {
        let mut line = Cursor(line);
        let head = line.until(" [#")?;
        let count = line.number()?;
        line.skip("]")?;
        let code = &head[memchr::memrchr(b' ', head).map_or(0, |at| at + 1)..];
        let mut code = Cursor(code);
        let error_code = code.hex().filter(|_| code.0.is_empty());
        let words = line.0.split(|b| *b == b' ').filter(|word| !word.is_empty());
        // A kernel knows a handful; a line of thousands is not the kernel's.
        Some(Oops { error_code, count, options: words.take(16).map(text).collect() })
    }
}

/// Whose mode the processor was in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    /// The kernel's (`supervisor`).
    Supervisor,
    /// User space's.
    User,
}

/// A page fault that nothing handles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PageFault<'t> {
    /// The address that was accessed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Hex>,
    /// What the access does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessKind>,
    /// With whose rights the page was accessed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privilege: Option<Privilege>,
    /// In whose mode the processor was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Privilege>,
    /// The processor's error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<Hex>,
    /// Why: `not-present page`, `permissions violation`, `level 0 translation fault`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Text<'t>>,
    /// The walk through the page tables: `PGD 0 P4D 0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_tables: Option<Text<'t>>,
}

impl<'t> PageFault<'t> {
    /// Reads the headline.
    ///
    /// `BUG: kernel NULL pointer dereference, address: 0000000000000010`, `BUG: unable to handle page fault for address:
    /// ffffc90000000000` (arch/x86/mm/fault.c), `Unable to handle kernel paging request at virtual address dfff800000000000`
    /// (arm64, riscv), before 5.1 `BUG: unable to handle kernel paging request at ffffc90000000000`.
    pub(super) fn of_headline(line: &'t [u8]) -> Option<PageFault<'t>> {
        let mut line = Cursor(line);
        let _ = line.skip("BUG: ");
        let unable = line.skip("unable to handle ").or_else(|| line.skip("Unable to handle ")).is_some();
        if !unable && !line.0.starts_with(b"kernel NULL pointer") && !line.0.starts_with(b"Kernel NULL pointer") {
            return None;
        }
        let behind = ["address: ", "virtual address ", "data at ", "at address ", " at "];
        let address = behind.iter().find_map(|text| line.hex_behind(text));
        // Before 4.15 `%p` printed no zero.
        let null = || line.0.ends_with(b"(null)").then_some(Hex(0));
        Some(PageFault { address: address.or_else(null), ..PageFault::default() })
    }

    /// Takes a line below the headline; false where it says nothing.
    pub(super) fn read(&mut self, line: &'t [u8]) -> bool {
        self.take(Cursor(line)).is_some()
    }

    fn take(&mut self, mut line: Cursor<'t>) -> Option<()> {
        match line.0.first()? {
            b'#' => {
                line.skip("#PF: ")?;
                if line.skip("error_code(").is_some() {
                    self.error_code = line.hex();
                    line.until(") - ")?;
                    self.cause = Some(text(line.0));
                    return Some(());
                }
                self.privilege = privilege(line.word());
                line.blanks();
                self.access = match line.word() {
                    b"read" => Some(AccessKind::Read),
                    b"write" => Some(AccessKind::Write),
                    b"instruction" => Some(AccessKind::Execute),
                    _ => None,
                };
                line.until(" in ")?;
                self.mode =
                    if line.0.starts_with(b"kernel") { Some(Privilege::Supervisor) } else { privilege(line.word()) };
            }
            b'P' => {
                line.0.starts_with(b"PGD ").then_some(())?;
                self.page_tables.get_or_insert(text(line.0));
            }
            // arm64 (arch/arm64/mm/fault.c, `mem_abort_decode`).
            b'E' => {
                line.skip("ESR = ")?;
                self.error_code = self.error_code.or(line.hex());
            }
            b'F' => {
                line.skip("FSC = ")?;
                line.until(": ")?;
                self.cause.get_or_insert(text(line.0));
            }
            b'C' => {
                line.skip("CM = ")?;
                let writes: u8 = line.number_behind("WnR = ")?;
                self.access = Some(if writes == 1 { AccessKind::Write } else { AccessKind::Read });
            }
            b'[' => {
                line.skip("[")?;
                let address = line.hex()?;
                line.skip("] ").filter(|()| self.address == Some(address) && line.0.starts_with(b"pgd"))?;
                self.page_tables.get_or_insert(text(line.0));
            }
            _ => return None,
        }
        Some(())
    }
}

fn privilege(word: &[u8]) -> Option<Privilege> {
    match word {
        b"supervisor" => Some(Privilege::Supervisor),
        b"user" => Some(Privilege::User),
        _ => None,
    }
}

/// A general protection fault (x86).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProtectionFault<'t> {
    /// The address that the kernel takes for the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Hex>,
    /// What it says of the address: `probably for non-canonical address`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<'t>>,
    /// What KASAN takes the access for: `null-ptr-deref`, `maybe wild-memory-access`, `probably user-memory-access`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Text<'t>>,
    /// The bytes that KASAN takes the access for: the first and the last one's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<[Hex; 2]>,
}

impl<'t> ProtectionFault<'t> {
    /// Reads `general protection fault, probably for non-canonical address 0xdffffc0000000000: 0000 [#1] SMP` (arch/x86/kernel/traps.c).
    pub(super) fn of_headline(line: &'t [u8]) -> Option<ProtectionFault<'t>> {
        let mut line = Cursor(line);
        let _ = line.skip("Oops: ");
        let _ = line.skip("segment-related ");
        line.skip("general protection fault")?;
        let mut fault = ProtectionFault::default();
        let _ = line.skip(",");
        line.blanks();
        if let Some(reason) = line.until(" address ") {
            fault.reason = Some(format!("{} address", text(reason)).into());
            fault.address = line.hex();
        }
        Some(fault)
    }

    /// Takes `KASAN: null-ptr-deref in range [0x0000000000000008-0x000000000000000f]` (mm/kasan/report.c, `kasan_non_canonical_hook`).
    pub(super) fn kasan(&mut self, line: &'t [u8]) -> Option<()> {
        let mut line = Cursor(line);
        line.skip("KASAN: ")?;
        let kind = text(line.until(" in range [")?);
        let first = line.hex()?;
        line.skip("-")?;
        self.range = Some([first, line.hex()?]);
        self.kind = Some(kind);
        Some(())
    }
}
