//! Skips: the functions that a report is not named by, those of all formats and each format's own, found in one pass.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use trace::Format;

use crate::list::{Line, List, lines};
use crate::memo::Memo;

/// Why a function is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skip {
    /// It reports bugs or passes them on: a line of `signature/src/blame/bystander.txt`.
    Bystander(Line),
    /// The row of the format says so, with this name.
    Row(String),
}

/// Whose a line of the one list is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owner {
    /// That of all formats.
    All,
    /// That of these rows, by their positions in the table.
    Rows(Vec<usize>),
}

struct Skips {
    list: List,
    /// Of each line of the list.
    owners: Vec<Owner>,
}

static SKIPS: LazyLock<Skips> = LazyLock::new(|| {
    let mut all: Vec<Line> = lines(include_str!("blame/bystander.txt")).collect();
    let mut owners = vec![Owner::All; all.len()];
    let mut own: HashMap<&str, usize> = HashMap::new();
    for format in Format::all() {
        for name in format.row.skip {
            let at = *own.entry(name).or_insert_with(|| {
                all.push(Line { text: (*name).into(), number: 0 });
                owners.push(Owner::Rows(Vec::new()));
                owners.len() - 1
            });
            if let Owner::Rows(rows) = &mut owners[at] {
                rows.push(format.index);
            }
        }
    }
    Skips { list: List::new(all), owners }
});

/// True where a function is passed over, in reports of any format or of this one.
pub(crate) fn skips(function: &str, format: Option<&Format>) -> bool {
    let own = format.filter(|format| !format.row.skip.is_empty());
    is_bystander(function) || own.is_some() && SKIPS.find(function, own).is_some()
}

/// True where a function is passed over in reports of all formats.
fn is_bystander(function: &str) -> bool {
    thread_local!(static KNOWN: RefCell<Memo> = RefCell::new(Memo::new()));
    KNOWN.with_borrow_mut(|known| known.answer(function, |function| SKIPS.find(function, None).is_some()))
}

/// Why a function is passed over in reports of this format.
pub fn skip(function: &str, format: Option<&Format>) -> Option<Skip> {
    let at = SKIPS.find(function, format)?;
    let line = SKIPS.list.at(at).clone();
    Some(if SKIPS.owners[at] == Owner::All { Skip::Bystander(line) } else { Skip::Row(line.text) })
}

impl Skips {
    fn find(&self, function: &str, format: Option<&Format>) -> Option<usize> {
        self.list.find(function, |line| match &self.owners[line] {
            Owner::All => true,
            Owner::Rows(rows) => format.is_some_and(|format| rows.contains(&format.index)),
        })
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
    }
}
