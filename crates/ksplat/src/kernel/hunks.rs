//! Two listings side by side, where they differ.

use image::program::Listing;
use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

/// A stretch of two functions that differ in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hunk {
    /// From top to bottom.
    pub rows: Vec<Row>,
}

/// Lines that stand beside each other, by their place in the listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Of the first function.
    pub first: Option<usize>,
    /// Of the second function.
    pub second: Option<usize>,
    /// Whether they say the same.
    pub is_same: bool,
}

/// Lines that are shown before and after what differs.
const CONTEXT: usize = 2;
/// Longer functions are not aligned, which takes time with the square of their length.
const MAX_LINES: usize = 20_000;

/// Where two listings differ, with some lines around.
pub fn hunks(first: &Listing, second: &Listing) -> Vec<Hunk> {
    let keys = |listing: &'_ Listing| listing.lines.iter().map(|line| line.key.clone()).collect::<Vec<_>>();
    let (ours, theirs) = (keys(first), keys(second));
    let operations = if ours.len().max(theirs.len()) > MAX_LINES {
        vec![DiffOp::Replace { old_index: 0, old_len: ours.len(), new_index: 0, new_len: theirs.len() }]
    } else {
        capture_diff_slices(Algorithm::Myers, &ours, &theirs)
    };
    let groups = group_diff_ops(operations, CONTEXT);
    groups.iter().map(|group| Hunk { rows: group.iter().flat_map(rows).collect() }).collect()
}

fn rows(operation: &DiffOp) -> Vec<Row> {
    let (old, new) = (operation.old_range(), operation.new_range());
    let is_same = matches!(operation, DiffOp::Equal { .. });
    let count = old.len().max(new.len());
    let at = |range: &std::ops::Range<usize>, row: usize| (row < range.len()).then(|| range.start + row);
    (0..count).map(|row| Row { first: at(&old, row), second: at(&new, row), is_same }).collect()
}
