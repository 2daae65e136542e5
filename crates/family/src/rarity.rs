//! How rare names are: a bug is told by what few reports have.

use std::collections::BTreeMap;

use crate::traits::Traits;

/// In how many reports each name was seen.
///
/// A name is written with its kind in front: `f:` a function, `k:` a word of a function's name, `p:` a path, `d:` a
/// directory, `l:` a lock, `c:` a slab cache, `w:` a word of a title, `t:` a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rarity {
    reports: u32,
    seen: BTreeMap<Box<str>, u32>,
}

/// The table that ships.
const SHIPPED: &str = include_str!("rarity.tsv");

impl Default for Rarity {
    fn default() -> Rarity {
        Rarity::parse(SHIPPED).expect("the shipped table is sound: `rarity::tests`")
    }
}

impl Rarity {
    /// A table without anything in it.
    pub fn new() -> Rarity {
        Rarity { reports: 0, seen: BTreeMap::new() }
    }

    /// Reads a table: the number of reports in the first line, then `count<TAB>name` a line. What is wrong with it.
    pub fn parse(text: &str) -> Result<Rarity, String> {
        let mut lines = text.lines();
        let reports = lines.next().and_then(|line| line.parse().ok()).ok_or("line 1: no number of reports")?;
        let mut seen = BTreeMap::new();
        for (number, line) in lines.enumerate() {
            let row = line.split_once('\t').and_then(|(count, name)| Some((name, count.parse().ok()?)));
            let Some((name, count)) = row else { return Err(format!("line {}: no count and name", number + 2)) };
            seen.insert(name.into(), count);
        }
        Ok(Rarity { reports, seen })
    }

    /// Writes the table, without the names that were seen less often than this.
    pub fn to_text(&self, least: u32) -> String {
        let mut text = format!("{}\n", self.reports);
        for (name, count) in self.seen.iter().filter(|(_, count)| **count >= least) {
            text.push_str(&format!("{count}\t{name}\n"));
        }
        text
    }

    /// Counts a report.
    pub fn learn(&mut self, report: &Traits) {
        let names = crate::profile::names(report);
        self.count(names.iter().map(String::as_str));
    }

    fn count<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        self.reports += 1;
        for name in names {
            match self.seen.get_mut(name) {
                Some(count) => *count += 1,
                None => drop(self.seen.insert(name.into(), 1)),
            }
        }
    }

    /// How much a name says: the logarithm of one over the share of reports that have it; at least 0.
    pub fn weight(&self, name: &str) -> f32 {
        let seen = self.seen.get(name).copied().unwrap_or(0);
        ((self.reports + 2) as f32 / (seen + 2) as f32).ln().max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_is_sound() {
        let shipped = Rarity::parse(SHIPPED).expect("a table");
        assert!(shipped.reports > 1000);
        assert!(shipped.weight("f:dump_stack") < 2.0);
        assert!(shipped.weight("f:no_such_function") > 6.0);
    }

    #[test]
    fn tables_can_be_written_and_read() {
        let mut table = Rarity::new();
        table.count(["f:a", "f:b"].into_iter());
        table.count(["f:a"].into_iter());
        assert_eq!(Rarity::parse(&table.to_text(1)), Ok(table.clone()));
        assert!(table.weight("f:a") < table.weight("f:b"));
        assert_eq!(Rarity::parse("x"), Err("line 1: no number of reports".to_owned()));
        assert_eq!(Rarity::parse("1\nx"), Err("line 2: no count and name".to_owned()));
    }
}
