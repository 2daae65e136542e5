//! Two reports side by side: why they are, or are not, one bucket.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::account::{Account, Made};
use crate::output::printable;

/// Two accounts and where they part.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Comparison<'a> {
    /// Both reports have one signature.
    one_bucket: bool,
    /// The first line of the plaintexts that differs, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_difference: Option<usize>,
    /// One of them.
    a: &'a Account,
    /// The other one.
    b: &'a Account,
}

impl<'a> Comparison<'a> {
    /// Compares two accounts.
    pub fn new(a: &'a Account, b: &'a Account) -> Comparison<'a> {
        let lines = 0..a.plaintext.len().max(b.plaintext.len());
        let first = lines.into_iter().find(|n| a.plaintext.get(*n) != b.plaintext.get(*n));
        Comparison { one_bucket: a.signature == b.signature, first_difference: first.map(|n| n + 1), a, b }
    }
}

/// The widest left side of two.
const WIDEST: usize = 60;

/// Writes the comparison for a person: the verdict, then what it rests on.
pub fn text(a: &Account, b: &Account, out: &mut impl Write) -> io::Result<()> {
    let Comparison { one_bucket, first_difference, .. } = Comparison::new(a, b);
    match first_difference {
        _ if one_bucket => writeln!(out, "one bucket: the signatures are equal")?,
        Some(line) => writeln!(out, "two buckets: the plaintexts of the signatures differ from line {line} on")?,
        None => writeln!(out, "two buckets")?,
    }
    for (name, account) in [("A", a), ("B", b)] {
        writeln!(out, "  {name} {}", account.title)?;
        writeln!(out, "    {}  {}, report {}", account.signature, printable(&account.file), account.index)?;
    }
    side_by_side("plaintext of the signature", &a.plaintext, &b.plaintext, out)?;
    side_by_side("frames of the signature", &in_words(&a.frames), &in_words(&b.frames), out)?;
    side_by_side("blamed in the title", &in_words(&a.walk), &in_words(&b.walk), out)
}

fn in_words(decisions: &[Made]) -> Vec<String> {
    let chosen = decisions.iter().filter(|made| ["keep", "skip", "blame"].contains(&made.decision));
    let words = chosen.map(|Made { decision, what, why }| match *decision {
        "skip" => format!("{decision} {what}  ({why})"),
        _ => format!("{decision} {what}"),
    });
    words.collect()
}

/// Two lists line by line, `!` where they differ; the first difference is named.
fn side_by_side(head: &str, a: &[String], b: &[String], out: &mut impl Write) -> io::Result<()> {
    let width = a.iter().map(|line| line.chars().count()).max().unwrap_or(0).min(WIDEST);
    writeln!(out, "  {head}")?;
    let mut differed = false;
    for n in 0..a.len().max(b.len()) {
        let side = |lines: &[String]| printable(lines.get(n).map_or("-", String::as_str)).into_owned();
        let differs = a.get(n) != b.get(n);
        let mark = if differs { '!' } else { ' ' };
        let note = if differs && !differed { "  <- first difference" } else { "" };
        writeln!(out, "  {mark} {:<width$}  {}{note}", side(a), side(b))?;
        differed |= differs;
    }
    Ok(())
}
