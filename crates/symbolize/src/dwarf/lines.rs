//! The line table of a unit: from addresses to files and lines.

use gimli::LineProgramHeader;

use super::Bytes;
use super::program;
use crate::Miss;

/// Rows of one unit; the largest of a kernel has some 50,000.
const MAX_ROWS: usize = 8_000_000;
/// Sequences whose ranges are looked at for one address.
const MAX_OVERLAP: usize = 16;

/// The rows of a line table, ordered for search.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    rows: Vec<Row>,
    /// Sorted by `begin`.
    sequences: Vec<Sequence>,
}

/// The place of the instructions from an address on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Bytes from the start of the sequence.
    delta: u32,
    /// From 1; 0 is code that the compiler made up.
    pub(crate) line: u32,
    /// Index in the unit's file table; a unit has some hundreds of files.
    pub(crate) file: u16,
}

/// Rows of one stretch of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sequence {
    begin: u64,
    end: u64,
    first: usize,
    last: usize,
}

impl Lines {
    /// Runs a unit's line program.
    pub(crate) fn read<'i, R: Bytes<'i>>(unit: &gimli::Unit<R>) -> Result<Lines, Miss> {
        match &unit.line_program {
            None => Ok(Lines::default()),
            Some(program) => Lines::run(program.header()),
        }
    }

    fn run<'i, R: Bytes<'i>>(header: &LineProgramHeader<R>) -> Result<Lines, Miss> {
        let mut lines = Lines::default();
        // A row takes some 4 bytes of a program, and half of the rows repeat the place before.
        lines.rows.reserve((header.raw_program_buf().len() / 10).min(MAX_ROWS));
        let (mut first, mut begin) = (0, 0);
        let mut last = (u64::MAX, 0);
        program::run(header, |state| {
            if state.end_sequence {
                lines.end_sequence(first, begin, state.address);
                first = lines.rows.len();
                return Ok(());
            }
            let is_first = lines.rows.len() == first;
            if is_first {
                begin = state.address;
            } else if (state.file, state.line) == last {
                return Ok(());
            }
            // Addresses do not fall within a sequence, and no function is 4 GiB long.
            let Some(delta) = state.address.checked_sub(begin).and_then(|delta| u32::try_from(delta).ok()) else {
                return Ok(());
            };
            if lines.rows.len() >= MAX_ROWS {
                return Err(Miss::TooLarge("lines of a unit"));
            }
            last = (state.file, state.line);
            lines.rows.push(Row { delta, line: state.line, file: u16::try_from(state.file).unwrap_or(u16::MAX) });
            Ok(())
        })?;
        lines.sequences.sort_unstable_by_key(|sequence| (sequence.begin, sequence.end, sequence.first));
        Ok(lines)
    }

    /// The row that an address belongs to: the last one that starts at or before it.
    pub(crate) fn find(&self, address: u64) -> Option<&Row> {
        let sequence = self.sequence_at(address)?;
        let rows = &self.rows[sequence.first..sequence.last];
        rows[..rows.partition_point(|row| u64::from(row.delta) <= address - sequence.begin)].last()
    }

    /// The place from each address on where it changes: file and line of a row, nothing between sequences.
    pub(crate) fn pieces(&self) -> Vec<(u64, Option<(u16, u32)>)> {
        let mut pieces = Vec::with_capacity(self.rows.len() + self.sequences.len());
        let mut bounds: Vec<u64> = self.sequences.iter().flat_map(|sequence| [sequence.begin, sequence.end]).collect();
        bounds.sort_unstable();
        bounds.dedup();
        for pair in bounds.windows(2) {
            let Some(sequence) = self.sequence_at(pair[0]) else {
                pieces.push((pair[0], None));
                continue;
            };
            let rows = &self.rows[sequence.first..sequence.last];
            let at = |row: &Row| sequence.begin + u64::from(row.delta);
            let first = rows.partition_point(|row| at(row) <= pair[0]).saturating_sub(1);
            let inside = rows[first..].iter().take_while(|row| at(row) < pair[1]);
            pieces.extend(inside.map(|row| (at(row).max(pair[0]), Some((row.file, row.line)))));
        }
        pieces.extend(bounds.last().map(|end| (*end, None)));
        pieces
    }

    fn sequence_at(&self, address: u64) -> Option<&Sequence> {
        let after = self.sequences.partition_point(|sequence| sequence.begin <= address);
        let mut before = self.sequences[..after].iter().rev().take(MAX_OVERLAP);
        before.find(|sequence| address < sequence.end)
    }

    fn end_sequence(&mut self, first: usize, begin: u64, end: u64) {
        let last = self.rows.len();
        if first < last && begin < end {
            self.sequences.push(Sequence { begin, end, first, last });
        }
    }
}

#[cfg(test)]
mod tests {
    use gimli::{DebugLine, DebugLineOffset, EndianSlice, LineProgramHeader, RunTimeEndian};

    use super::*;

    /// Address, file, line, end of sequence.
    type Rows = Vec<(u64, u64, u64, bool)>;

    /// The same by gimli's state machine.
    fn slow_rows(
        header: &LineProgramHeader<EndianSlice<'_, RunTimeEndian>>,
        bytes: &[u8],
    ) -> Vec<(u64, u64, u64, bool)> {
        let section = DebugLine::from(EndianSlice::new(bytes, RunTimeEndian::Little));
        let program = section.program(header.offset(), 8, None, None).expect("parsed before");
        let mut rows = program.rows();
        let mut all = Vec::new();
        while let Ok(Some((_, row))) = rows.next_row() {
            all.push((row.address(), row.file_index(), row.line().map_or(0, |line| line.get()), row.end_sequence()));
        }
        all
    }

    fn table(program: &[u8]) -> Vec<u8> {
        let mut header = vec![1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
        // No directories; one file, a.c.
        header.extend([0, b'a', b'.', b'c', 0, 0, 0, 0, 0]);
        let mut unit = vec![4, 0];
        unit.extend((header.len() as u32).to_le_bytes());
        unit.extend(&header);
        unit.extend(program);
        let mut section = (unit.len() as u32).to_le_bytes().to_vec();
        section.extend(unit);
        section
    }

    fn both(program: &[u8]) -> (Rows, Rows) {
        let bytes = table(program);
        let section = DebugLine::from(EndianSlice::new(&bytes, RunTimeEndian::Little));
        let parsed = section.program(DebugLineOffset(0), 8, None, None).expect("a table");
        let mut fast = Vec::new();
        let _ = program::run(parsed.header(), |state| {
            fast.push((state.address, state.file, u64::from(state.line), state.end_sequence));
            Ok(())
        });
        (fast, slow_rows(parsed.header(), &bytes))
    }

    /// `DW_LNE_set_address` and every standard opcode, special ones, an unknown extended one.
    const PROGRAM: [u8; 41] = [
        0, 9, 2, 0, 0x10, 0, 0x81, 0xff, 0xff, 0xff, 0xff, // set_address
        3, 41, 1, // advance_line, copy
        2, 0x81, 1, 75, // advance_pc, special
        4, 2, 5, 7, 6, 7, 8, 200, // file, column, negate, block, const_add_pc, special
        9, 4, 0, 10, 11, 12, 3, 20, 0, 2, 0x80, 1, // fixed_advance, prologue, epilogue, isa, special, unknown
        2, 9, 0, // advance_pc; end follows
    ];

    #[test]
    fn rows_are_those_of_the_simple_machine() {
        let mut program = PROGRAM.to_vec();
        program.extend([1, 1]);
        let (fast, slow) = both(&program);
        assert_eq!(fast, slow);
        assert_eq!(fast.len(), 5);
        assert_eq!(fast[0], (0xffff_ffff_8100_1000, 1, 42, false));
    }

    #[test]
    fn any_bytes_give_the_same_rows_or_an_error() {
        let mut seed = 1_u64;
        let mut compared = 0;
        for _ in 0..3000 {
            let mut program = PROGRAM.to_vec();
            for _ in 0..3 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (seed >> 33) as usize % program.len();
                program[at] = (seed >> 48) as u8;
            }
            program.extend([0, 1, 1]);
            let (fast, slow) = both(&program);
            // Where one of them stops at an error, the rows up to there are the same.
            let same = fast.len().min(slow.len());
            assert_eq!(fast[..same], slow[..same], "{program:?}");
            compared += same;
        }
        assert!(compared > 9000, "{compared} rows");
    }

    #[test]
    fn an_address_belongs_to_the_last_row_before_it() {
        // Lines 42 at 0x1000, 43 at 0x1010 and, at once, 44; the end at 0x1020.
        let program = [0, 9, 2, 0, 0x10, 0, 0, 0, 0, 0, 0, 3, 41, 1, 2, 16, 3, 1, 1, 3, 1, 1, 2, 16, 0, 1, 1];
        let bytes = table(&program);
        let section = DebugLine::from(EndianSlice::new(&bytes, RunTimeEndian::Little));
        let parsed = section.program(DebugLineOffset(0), 8, None, None).expect("a table");
        let lines = Lines::run(parsed.header()).expect("a good program");
        let line = |address| lines.find(address).map(|row| row.line);
        assert_eq!(
            [0xfff, 0x1000, 0x100f, 0x1010, 0x101f, 0x1020].map(line),
            [None, Some(42), Some(42), Some(44), Some(44), None]
        );
    }
}
