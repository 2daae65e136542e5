//! Other names of a crash of which only the title is known, as in a bisection's log.

use trace::{Format, Rules};

use crate::template::filled;

/// The names that the table gives a bug beside this title; none where no row makes such a title, or it has no other name.
///
/// ```
/// assert_eq!(signature::alternatives("KASAN: use-after-free Read in f"), ["bad-access in f"]);
/// ```
pub fn alternatives(title: &str) -> Vec<String> {
    let rows = Format::all().iter().map(|format| format.row).filter(|row| row.is_of(Rules::Syzbot));
    let fits = rows.filter_map(|row| Some((row, arguments(row.title, title)?)));
    // The most special one: it leaves the least to its arguments.
    let found = fits.min_by_key(|(_, arguments)| arguments.iter().map(|(_, text)| text.len()).sum::<usize>());
    let Some((row, arguments)) = found else { return Vec::new() };
    let value = |wanted: &str| arguments.iter().find(|(name, _)| *name == wanted).map(|(_, text)| *text);
    row.alternatives.iter().filter_map(|other| filled(other, value)).collect()
}

/// What a title has for each `{argument}` of its template: one word, or for the last one the rest.
fn arguments<'t>(template: &'static str, title: &'t str) -> Option<Vec<(&'static str, &'t str)>> {
    let (mut template, mut title, mut arguments) = (template, title, Vec::new());
    while let Some((before, after)) = template.split_once('{') {
        title = title.strip_prefix(before)?;
        let (name, rest) = after.split_once('}')?;
        let end = if rest.is_empty() { title.len() } else { title.find(' ').unwrap_or(title.len()) };
        if end == 0 {
            return None;
        }
        arguments.push((name, &title[..end]));
        (template, title) = (rest, &title[end..]);
    }
    (template == title).then_some(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_have_the_other_names_that_their_reports_have() {
        for (title, names) in [
            ("KASAN: use-after-free Read in f", &["bad-access in f"][..]),
            ("KASAN: invalid-free in f", &["invalid-free in f"]),
            ("general protection fault in f", &["bad-access in f"]),
            ("INFO: task hung in f", &["hang in f"]),
            ("INFO: rcu detected stall in f", &["stall in f"]),
            ("WARNING in f", &[]),
            ("KASAN: use-after-free Read in ", &[]),
            ("", &[]),
        ] {
            assert_eq!(alternatives(title), names, "{title}");
        }
    }
}
