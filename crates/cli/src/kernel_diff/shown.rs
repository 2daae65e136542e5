//! The instructions of a changed function, side by side with their source lines.

use ksplat::image::program::{Line, PartKind};
use ksplat::kernel::{Hunk, hunks};

use super::findings::Finding;
use super::side::{Parts, Side};

/// A part that differs, with the instructions of a function.
pub struct Shown<'c> {
    pub finding: &'c Finding<'c>,
    /// Source of the function, in the second kernel if it is there.
    pub place: Option<String>,
    pub hunks: Vec<ShownHunk>,
}

/// A stretch of a changed function.
pub struct ShownHunk {
    pub place: Option<String>,
    pub rows: Vec<ShownRow>,
}

/// Instructions that stand beside each other.
pub struct ShownRow {
    pub sides: [Option<Line>; 2],
    pub is_same: bool,
}

impl<'c> Shown<'c> {
    pub fn new(finding: &'c Finding<'c>, sides: [(&Side, &Parts<'_>); 2], with_code: bool) -> Shown<'c> {
        let change = finding.change;
        let parts = [change.first, change.second];
        if change.kind != PartKind::Function {
            return Shown { finding, place: None, hunks: Vec::new() };
        }
        let place = |which: usize, offset: u64| {
            let (side, apart) = sides[which];
            let part = &apart.program.parts()[parts[which]?];
            side.sources()?.place(apart.program.link_addr(part, offset))
        };
        let whole = place(1, 0).or_else(|| place(0, 0));
        let (Some(ours), Some(theirs), true) = (change.first, change.second, with_code) else {
            return Shown { finding, place: whole, hunks: Vec::new() };
        };
        let listings = [(0, ours), (1, theirs)].map(|(which, at)| {
            let program = &sides[which].1.program;
            program.listing(&program.parts()[at])
        });
        let shown = |hunk: &Hunk| {
            let changed = hunk.rows.iter().find(|row| !row.is_same);
            let place = changed.and_then(|row| {
                let at = |which: usize, line: Option<usize>| place(which, listings[which].lines[line?].offset);
                at(1, row.second).or_else(|| at(0, row.first))
            });
            let line = |which: usize, line: Option<usize>| line.map(|line| listings[which].lines[line].clone());
            let rows = hunk
                .rows
                .iter()
                .map(|row| ShownRow { sides: [line(0, row.first), line(1, row.second)], is_same: row.is_same });
            ShownHunk { place, rows: rows.collect() }
        };
        let hunks = hunks(&listings[0], &listings[1]).iter().map(shown).collect();
        Shown { finding, place: whole, hunks }
    }
}
