//! The labelled reports.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::Path;

use family::Traits;
use ksplat::Options;
use ksplat::trace::Rules;

use crate::FOLDS;

/// A report with the bug that it belongs to.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// The bug.
    pub group: String,
    /// The recorded title, without a sequence number.
    pub title: String,
    /// True where the bug's fix is known.
    pub fixed: bool,
    /// True where the group was made by its title.
    pub by_title: bool,
    /// True where the group has more than eight titles: a broken build, or memory corruption.
    pub storm: bool,
    /// The fold of its group.
    pub fold: usize,
    /// What the file's first report says; `None` where none was found.
    pub traits: Option<Traits>,
}

/// Reads the groups and their reports, in the order of the table.
pub fn read(corpus: &Path) -> Result<Vec<Labelled>, String> {
    let table = corpus.join("dedup-groups.tsv");
    let table = std::fs::read_to_string(&table).map_err(|error| format!("{}: {error}", table.display()))?;
    let mut rows = table.lines();
    let header: Vec<&str> = rows.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| header.iter().position(|column| *column == name).ok_or(format!("no column {name}"));
    let [file, group, title, kind, fix] = ["file", "group", "title", "kind", "fix"].map(column);
    let (file, group, title, kind, fix) = (file?, group?, title?, kind?, fix?);
    let mut texts = texts(&corpus.join("dedup-reports.tar.zst"))?;
    let mut reports = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.split('\t').collect();
        let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
        let text = texts.remove(cell(file)).ok_or_else(|| format!("{}: not in the archive", cell(file)))?;
        let mut traits = None;
        Options { rules: Rules::Ksplat }.reports(&text, |found| {
            traits.get_or_insert_with(|| found.traits());
        });
        reports.push(Labelled {
            group: cell(group).to_owned(),
            title: without_number(cell(title)).to_owned(),
            fixed: cell(fix) == "1",
            by_title: cell(kind) == "mail-syzbot",
            storm: false,
            fold: fold(cell(group)),
            traits,
        });
    }
    let mut titles: HashMap<String, HashSet<String>> = HashMap::new();
    for report in &reports {
        titles.entry(report.group.clone()).or_default().insert(report.title.clone());
    }
    for report in &mut reports {
        report.storm = titles[&report.group].len() > 8;
    }
    Ok(reports)
}

fn texts(archive: &Path) -> Result<HashMap<String, Vec<u8>>, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", archive.display());
    let file = std::fs::File::open(archive).map_err(wrong)?;
    let mut tar = tar::Archive::new(zstd::Decoder::new(file).map_err(wrong)?);
    let mut texts = HashMap::new();
    for entry in tar.entries().map_err(wrong)? {
        let mut entry = entry.map_err(wrong)?;
        let path = entry.path().map_err(wrong)?.into_owned();
        let mut text = Vec::new();
        entry.read_to_end(&mut text).map_err(wrong)?;
        texts.insert(path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text);
    }
    Ok(texts)
}

/// A title without the number that syzbot gives to a later bug of the same title.
fn without_number(title: &str) -> &str {
    let number = title.strip_suffix(')').and_then(|rest| rest.rsplit_once(" ("));
    number.filter(|(_, digits)| digits.bytes().all(|b| b.is_ascii_digit())).map_or(title, |(rest, _)| rest)
}

/// The fold of a group: by its name, so that it does not depend on the order.
fn fold(group: &str) -> usize {
    group.bytes().fold(0usize, |sum, b| sum.wrapping_mul(31).wrapping_add(usize::from(b))) / 7 % FOLDS
}
