//! The account of a report for a person: the title, then a decision a line.

use std::io::{self, Write};

use super::account::{Account, Made, Row};
use crate::output::printable;

/// Columns of the middle of a decision.
const WIDTH: usize = 40;

/// Writes the account of a report.
pub fn write(account: &Account, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", account.title)?;
    let mut fact = |name: &str, value: &str| writeln!(out, "  {name:<10} {}", printable(value));
    fact("where", &format!("{}, report {}", account.file, account.index))?;
    fact("trigger", &format!("`{}`", account.trigger))?;
    if !account.rows.iter().any(|row| row.fired) {
        fact("row", "none: the line that holds the trigger is the title")?;
    }
    if let Some(draft) = &account.draft {
        fact("scrubbed", &format!("from `{draft}`"))?;
    }
    fact("type", &format!("{}: {}", account.crash_type.unwrap_or("none"), account.type_reason))?;
    fact("corrupted", &format!("{}: {}", if account.corrupted { "yes" } else { "no" }, account.corrupted_reason))?;
    fact("signature", &account.signature)?;
    rows(&account.rows, out)?;
    made("blamed in the title", &account.walk, out)?;
    made("frames of the signature", &account.frames, out)?;
    writeln!(out, "  plaintext of the signature")?;
    for line in &account.plaintext {
        writeln!(out, "    {}", printable(line))?;
    }
    writeln!(out)
}

/// The rows whose shape stands in the report, the one that fired first.
fn rows(rows: &[Row], out: &mut impl Write) -> io::Result<()> {
    let (fired, lost): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.fired);
    for (head, rows) in [("row that fired", fired), ("rows that lost", lost)] {
        if !rows.is_empty() {
            writeln!(out, "  {head}")?;
        }
        for row in rows {
            writeln!(out, "    {}  {:?}", row.place, row.shape)?;
            if let Some(report) = row.report {
                writeln!(out, "      and besides {report:?}")?;
            }
            writeln!(out, "      titled {:?}: {}", row.title, row.fate)?;
        }
    }
    Ok(())
}

fn made(head: &str, decisions: &[Made], out: &mut impl Write) -> io::Result<()> {
    if !decisions.is_empty() {
        writeln!(out, "  {head}")?;
    }
    for Made { decision, what, why } in decisions {
        let what = printable(what);
        let line = format!("    {decision:<6} {what:<WIDTH$} {}", printable(why));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
