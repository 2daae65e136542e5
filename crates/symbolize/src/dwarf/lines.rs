//! The line table of a unit: from addresses to files and lines.

use gimli::{ColumnType, Reader};

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
    address: u64,
    /// Index in the unit's file table.
    pub(crate) file: u32,
    /// From 1; 0 is code that the compiler made up.
    pub(crate) line: u32,
    /// From 1; 0 is not known.
    pub(crate) column: u16,
}

/// Rows of one stretch of code.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    begin: u64,
    end: u64,
    first: usize,
    last: usize,
}

impl Lines {
    /// Runs a unit's line program.
    pub(crate) fn read<R: Reader<Offset = usize>>(unit: &gimli::Unit<R>) -> Result<Lines, Miss> {
        let mut lines = Lines::default();
        let Some(program) = unit.line_program.clone() else { return Ok(lines) };
        let mut program = program.rows();
        let mut first = 0;
        while let Some((_, row)) = program.next_row()? {
            if row.end_sequence() {
                lines.end_sequence(first, row.address());
                first = lines.rows.len();
                continue;
            }
            if lines.rows.len() >= MAX_ROWS {
                return Err(Miss::TooLarge("lines of a unit"));
            }
            let row = Row {
                address: row.address(),
                file: u32::try_from(row.file_index()).unwrap_or(u32::MAX),
                line: row.line().and_then(|line| u32::try_from(line.get()).ok()).unwrap_or(0),
                column: match row.column() {
                    ColumnType::LeftEdge => 0,
                    ColumnType::Column(column) => u16::try_from(column.get()).unwrap_or(0),
                },
            };
            lines.rows.push(row);
        }
        lines.sequences.sort_unstable_by_key(|sequence| (sequence.begin, sequence.end, sequence.first));
        Ok(lines)
    }

    /// The row that an address belongs to: the last one that starts at or before it.
    pub(crate) fn find(&self, address: u64) -> Option<&Row> {
        let after = self.sequences.partition_point(|sequence| sequence.begin <= address);
        let mut before = self.sequences[..after].iter().rev().take(MAX_OVERLAP);
        let sequence = before.find(|sequence| address < sequence.end)?;
        let rows = &self.rows[sequence.first..sequence.last];
        rows[..rows.partition_point(|row| row.address <= address)].last()
    }

    fn end_sequence(&mut self, first: usize, end: u64) {
        let last = self.rows.len();
        if let Some(row) = self.rows[first..].first()
            && row.address < end
        {
            let begin = row.address;
            self.sequences.push(Sequence { begin, end, first, last });
        }
    }
}
