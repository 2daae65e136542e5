//! Tables that the kernel sorts or walks as a whole, so that their order and place say nothing.

use super::references::{Reference, within};
use super::space::Space;
use super::units::Unit;

/// A table: its section or the label at its start, bytes of an entry, and the fields that count from themselves: where they
/// are and their bytes.
struct Table(&'static str, u64, &'static [(u64, u32)]);

/// Layouts of x86_64, for tables whose relocations do not tell them.
const TABLES: [Table; 20] = [
    Table("__bug_table", 12, &[(0, 4), (4, 4)]),
    Table("__ex_table", 12, &[(0, 4), (4, 4)]),
    Table("__jump_table", 16, &[(0, 4), (4, 4), (8, 8)]),
    Table("__start___jump_table", 16, &[(0, 4), (4, 4), (8, 8)]),
    Table("__ksymtab", 12, &[(0, 4), (4, 4), (8, 4)]),
    Table("__ksymtab_gpl", 12, &[(0, 4), (4, 4), (8, 4)]),
    Table("__mcount_loc", 8, &[]),
    Table("__start_mcount_loc", 8, &[]),
    Table("__start___tracepoints_ptrs", 4, &[(0, 4)]),
    Table("__start_static_call_sites", 8, &[(0, 4), (4, 4)]),
    Table(".static_call_sites", 8, &[(0, 4), (4, 4)]),
    // Since 6.3 an entry has flags: 5d1dd961e743 ("x86/alternatives: Add alt_instr.flags").
    Table(".altinstructions", 12, &[(0, 4), (4, 4)]),
    Table(".altinstructions", 14, &[(0, 4), (4, 4)]),
    Table(".call_sites", 4, &[(0, 4)]),
    Table(".ibt_endbr_seal", 4, &[(0, 4)]),
    Table(".orc_unwind_ip", 4, &[(0, 4)]),
    Table(".parainstructions", 16, &[]),
    Table(".retpoline_sites", 4, &[(0, 4)]),
    Table(".return_sites", 4, &[(0, 4)]),
    Table(".smp_locks", 4, &[(0, 4)]),
];

/// Strides that entries of tables have.
const STRIDES: [u64; 12] = [4, 8, 12, 14, 16, 20, 24, 32, 40, 48, 56, 64];

/// Sections that are not compared: debug types; the second half of what objtool says of the stack, which is read with the first.
pub(super) fn is_left_out(section: &str) -> bool {
    matches!(section, ".BTF" | ".orc_unwind")
}

/// Fields of a unit that count from themselves, where it is a table: their flat addresses and bytes.
pub(super) fn relative_fields(space: &Space<'_>, unit: &Unit) -> Vec<(u64, u32)> {
    if space.unit_name(unit).starts_with("__initcall__") {
        return vec![(unit.begin, 4)];
    }
    let Some(Table(_, stride, fields)) = table(space, unit) else { return Vec::new() };
    let starts = (unit.begin..unit.end).step_by(*stride as usize);
    starts.flat_map(|start| fields.iter().map(move |(field, size)| (start + field, *size))).collect()
}

/// Bytes of an entry, where a unit is a table.
pub(super) fn stride(space: &Space<'_>, unit: &Unit, references: &[Reference]) -> Option<u64> {
    if unit.is_sized {
        return None;
    }
    // Each export has a label of its own (`__ksymtab_vfs_read`) before an entry.
    let known = table(space, unit).filter(|Table(_, stride, _)| unit.end - unit.begin > *stride);
    if known.is_none() && !space.unit_name(unit).starts_with("__start_") {
        return None;
    }
    let found = STRIDES.into_iter().find(|stride| is_regular(unit, within(references, unit.begin, unit.end), *stride));
    found.or(known.map(|Table(_, stride, _)| *stride))
}

fn table(space: &Space<'_>, unit: &Unit) -> Option<&'static Table> {
    if unit.is_sized {
        return None;
    }
    let name = space.unit_name(unit);
    let section = space.sections[unit.section].name;
    let size = unit.end - unit.begin;
    // Each export has a label of its own (`__ksymtab_vfs_read`) before an entry.
    let is_called =
        |table: &str, stride: u64| size > stride && (table == section || (!name.is_empty() && table == name));
    let mut called = TABLES.iter().filter(|Table(table, stride, _)| is_called(table, *stride));
    let first = called.next()?;
    match called.next() {
        Some(second) if !points_at_something(space, unit, first) => Some(second),
        _ => Some(first),
    }
}

/// Whether the first field of each entry counts to something that is loaded, as those of a table of another layout do not.
fn points_at_something(space: &Space<'_>, unit: &Unit, Table(_, stride, fields): &Table) -> bool {
    let Some((field, size)) = fields.first() else { return true };
    let last = unit.end - stride;
    (unit.begin..=last).step_by(*stride as usize).map(|start| start + field).all(|at| {
        let by = space.value(unit.section, at, *size).unwrap_or_default();
        space.section_at(at.wrapping_add_signed(by)).is_some()
    })
}

/// Whether each entry has its references at the same places. What is behind the last entry is padding.
fn is_regular(unit: &Unit, references: &[Reference], stride: u64) -> bool {
    let first = references.partition_point(|reference| reference.begin < unit.begin + stride);
    let count = references.len().checked_div(first).unwrap_or(0);
    count > 1
        && references.len() == first * count
        && count as u64 * stride <= unit.end - unit.begin
        && references.iter().enumerate().all(|(at, reference)| {
            let model = &references[at % first];
            reference.begin - model.begin == (at / first) as u64 * stride
        })
}
