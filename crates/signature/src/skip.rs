//! Skips: the functions that a report is not named by, those of all formats and each format's own, found in one pass.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use trace::format::Pick;
use trace::{Format, Rules};

use crate::list::{ENTRIES, Line, List, REPORTERS, lines};
use crate::memo::Memo;

/// Why a function is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skip {
    /// It reports bugs or passes them on: a line of `signature/src/blame/bystander.txt`.
    Bystander(Line),
    /// It reports what ksplat's rules do not take for the bug: a line of `signature/src/blame/reporter.txt`.
    Reporter(Line),
    /// It leads to what a stall is about, or interrupts it: a line of `signature/src/blame/entry.txt`.
    Entry(Line),
    /// The row of the format says so, with this name.
    Row(String),
}

/// Whose a line of the one list is, a bit each: that of all formats, and that of each row with names of its own.
type Owners = u64;

const ALL: Owners = 1;

struct Skips {
    list: List,
    /// Of each line of the list.
    owners: Vec<Owners>,
    /// The bit of each row of the table that has names of its own.
    rows: Vec<Owners>,
}

static SKIPS: LazyLock<Skips> = LazyLock::new(|| {
    let mut all: Vec<Line> = lines(include_str!("blame/bystander.txt")).collect();
    let mut owners = vec![ALL; all.len()];
    let mut own: HashMap<&str, usize> = HashMap::new();
    let mut rows = vec![0; Format::all().len()];
    let with_names = Format::all().iter().filter(|format| !format.row.skip.is_empty());
    for (format, bit) in with_names.zip(1..Owners::BITS) {
        rows[format.index] = 1 << bit;
        for name in format.row.skip {
            let at = *own.entry(name).or_insert_with(|| {
                all.push(Line { text: (*name).into(), number: 0 });
                owners.push(0);
                owners.len() - 1
            });
            owners[at] |= rows[format.index];
        }
    }
    Skips { list: List::new(all), owners, rows }
});

/// True where a function is passed over, in reports of any format or of this one, whatever the rules.
pub(crate) fn skips(function: &str, format: Option<&Format>) -> bool {
    thread_local!(static KNOWN: RefCell<Memo<Owners>> = RefCell::new(Memo::new()));
    let owners = KNOWN.with_borrow_mut(|known| known.answer(function, |function| SKIPS.owners(function)));
    owners & SKIPS.of(format) != 0
}

/// The same by these rules.
pub(crate) fn skips_by(rules: Rules, function: &str, format: Option<&Format>) -> bool {
    let is_entry = || is_stall(format) && ENTRIES.names(function);
    skips(function, format) || rules == Rules::Ksplat && (REPORTERS.names(function) || is_entry())
}

fn is_stall(format: Option<&Format>) -> bool {
    format.is_some_and(|format| format.row.recipe.pick == Pick::Stall)
}

/// Why a function is passed over in reports of this format by these rules.
pub(crate) fn skip_by(rules: Rules, function: &str, format: Option<&Format>) -> Option<Skip> {
    let ours = || {
        let entry = || ENTRIES.line(function).filter(|_| is_stall(format)).cloned().map(Skip::Entry);
        REPORTERS.line(function).cloned().map(Skip::Reporter).or_else(entry)
    };
    skip(function, format).or_else(|| ours().filter(|_| rules == Rules::Ksplat))
}

/// Why a function is passed over in reports of this format, whatever the rules.
pub fn skip(function: &str, format: Option<&Format>) -> Option<Skip> {
    let at = SKIPS.find(function, format)?;
    let line = SKIPS.list.at(at).clone();
    Some(if SKIPS.owners[at] == ALL { Skip::Bystander(line) } else { Skip::Row(line.text) })
}

impl Skips {
    /// The owners whose lines count in reports of this format.
    fn of(&self, format: Option<&Format>) -> Owners {
        ALL | format.map_or(0, |format| self.rows[format.index])
    }

    fn find(&self, function: &str, format: Option<&Format>) -> Option<usize> {
        let counting = self.of(format);
        self.list.positions(function).find(|line| self.owners[*line] & counting != 0)
    }

    /// Whose lines name this function.
    fn owners(&self, function: &str) -> Owners {
        self.list.positions(function).fold(0, |owners, line| owners | self.owners[line])
    }
}

#[cfg(test)]
pub(crate) fn list() -> &'static List {
    &SKIPS.list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rows_own_names_are_its_own() {
        let format = |title: &str| Format::all().iter().find(|format| format.row.title == title);
        let (odebug, kmalloc) = (format("WARNING: ODEBUG bug in {f1}"), format("WARNING: kmalloc bug in {f1}"));
        assert!(odebug.is_some() && kmalloc.is_some());
        assert_eq!(skip("xrcux", odebug), Some(Skip::Row("*rcu*".into())));
        assert_eq!(skip("xrcux", kmalloc), None);
        assert_eq!(skip("xrcux", None), None);
        let bystander = skip("dump_stack_lvl", None);
        assert_eq!(bystander, Some(Skip::Bystander(Line { text: "*dump_stack*".into(), number: 27 })));
        assert_eq!(skip("dump_stack_lvl", odebug), bystander);
        let with_names = Format::all().iter().filter(|format| !format.row.skip.is_empty()).count();
        assert!(with_names < Owners::BITS as usize, "each row has a bit");
        assert!(
            skips_by(Rules::Ksplat, "nmi_cpu_backtrace", None) && !skips_by(Rules::Syzbot, "nmi_cpu_backtrace", None)
        );
        assert!(matches!(skip_by(Rules::Ksplat, "nmi_cpu_backtrace", None), Some(Skip::Reporter(_))));
        let stall = format("BUG: soft lockup in {f1}");
        assert!(matches!(skip_by(Rules::Ksplat, "x64_sys_call", stall), Some(Skip::Entry(_))));
        assert!(skips_by(Rules::Ksplat, "x64_sys_call", stall) && !skips_by(Rules::Ksplat, "x64_sys_call", kmalloc));
    }
}
