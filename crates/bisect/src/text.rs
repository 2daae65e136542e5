//! Logs and judgements as text for people, in 120 columns.

mod audit;
mod log;

use std::fmt::{Result, Write};

/// Columns of a line.
const WIDTH: usize = 120;

/// The first 12 digits of a hash, which is what kernel people write.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// Writes a text behind a head, and what does not fit on the line below it, indented.
fn paragraph(out: &mut String, head: &str, indent: &str, text: &str) -> Result {
    write!(out, "{head}")?;
    let mut column = head.chars().count();
    for (index, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > WIDTH {
            write!(out, "\n{indent}{word}")?;
            column = indent.chars().count() + length;
        } else {
            write!(out, "{}{word}", if index == 0 { "" } else { " " })?;
            column += length + usize::from(index > 0);
        }
    }
    writeln!(out)
}
